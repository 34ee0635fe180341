package gateway_test

import (
	"context"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/terms"
	"firsthand/wire"
)

// The walk of the architecture: agreement, disclosure, change, read back, applied.
func TestLife(t *testing.T) {
	both(t, func(t *testing.T, w *world) {
		c := w.meet("mia")
		basis := w.agree(c)
		told := tell(t, c, "email", "mia@example.org", basis)
		w.exchange(c)
		w.wantApplied(c, told, "N-1")
		change := c.Write(t, &firsthand.Change{Fact: "email", Value: firsthand.Text("new@example.org"), Of: told, Basis: basis})
		w.exchange(c)
		w.wantApplied(c, change, "N-1")
		if got := w.crm.records["N-1"]["email"]; got.Text != "new@example.org" {
			t.Errorf("the system has %v", got)
		}
		if r := w.crm.requests[1]; r.Old.Text != "mia@example.org" || r.Record.ID != "N-1" || r.Purpose != service {
			t.Errorf("request = %+v", r)
		}
		question := c.Say(t, "Where is my parcel?\nIt is late.")
		w.exchange(c)
		again := c.Write(t, &firsthand.Message{Thread: question, Text: "And now?"})
		w.exchange(c)
		w.wantApplied(c, question, "T-1")
		w.wantApplied(c, again, "T-1")
		if got := w.crm.requests[2].Subject; got != "Where is my parcel? It is late." {
			t.Errorf("subject = %q", got)
		}
		if v := c.State.At(w.now); len(v.Duties) != 0 || len(w.due()) != 0 {
			t.Errorf("duties = %v, due = %v", v.Duties, w.due())
		}
		w.wantSound(c)
		if len(c.Receipts) == 0 || c.Receipts[len(c.Receipts)-1].Seq != int64(len(c.First)) {
			t.Errorf("receipts = %v", c.Receipts)
		}
	})
}

func TestTermsNegotiation(t *testing.T) {
	other := ours(t)
	other.Version = "9" // not in the roster
	ai, _ := terms.Default().Lookup("PDC-AI")
	unpinned := ai.Ref()
	unpinned.Version, unpinned.Hash = "1", firsthand.ID{5}
	tests := []struct {
		name    string
		offer   firsthand.TermsOffer
		accepts []firsthand.TermsRef
		want    string
	}{
		{"accepts", firsthand.TermsOffer{Terms: []firsthand.TermsRef{other, ours(t)}}, []firsthand.TermsRef{ours(t)}, "accepted"},
		{"counters", firsthand.TermsOffer{Terms: []firsthand.TermsRef{unpinned}}, []firsthand.TermsRef{ours(t)}, "countered"},
		{"refuses", firsthand.TermsOffer{Terms: []firsthand.TermsRef{unpinned}}, nil, "refused"},
		{"ignores what has ended", firsthand.TermsOffer{Terms: []firsthand.TermsRef{ours(t)}, Until: "2026-11-20"}, []firsthand.TermsRef{ours(t)}, "open"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := memory(t)
			w.change = func(o *gateway.Options) { o.Company.Terms = tt.accepts }
			w.restart()
			c := w.meet("mia")
			c.Write(t, &tt.offer)
			c.Sync(t, w) // at once: no background work
			o := c.State.Offers[0]
			got := "open"
			switch {
			case !o.Taken.IsZero():
				got = "accepted"
			case o.Counter != nil:
				got = "countered"
			case o.Refused != "":
				got = "refused"
			}
			if got != tt.want {
				t.Errorf("the offer is %s, want %s", got, tt.want)
			}
			if got == "countered" {
				c.Write(t, &firsthand.TermsTake{Counter: o.Counted})
				w.exchange(c)
				if len(c.State.Agreements) != 1 {
					t.Error("the counter was taken, and there is no agreement")
				}
			}
			w.wantSound(c)
		})
	}
}

// A fact goes to the company's system only for what its basis covers.
func TestPurposeLimitation(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	basis := w.agree(c)
	right := firsthand.Basis{Right: "GDPR 16"}
	covered := tell(t, c, "name", "Mia", basis)
	sold := c.Write(t, &firsthand.Disclose{Fact: "birth_date", Value: firsthand.Text("1990-01-01"), Purpose: "dpv:SellDataToThirdParties", Basis: basis})
	unknown := c.Write(t, &firsthand.Disclose{Fact: "nickname", Value: firsthand.Text("M"), Purpose: "fun", Basis: basis})
	byRight := c.Write(t, &firsthand.Disclose{Fact: "pronoun", Value: firsthand.Text("she"), Purpose: "fun", Basis: right})
	once := c.Write(t, &firsthand.Disclose{Fact: "shoe_size", Value: firsthand.Text("38"), Purpose: "fun", Basis: firsthand.Basis{Exception: "this once"}})
	w.exchange(c)
	w.wantApplied(c, covered, "N-1")
	w.wantRefused(c, sold)
	w.wantRefused(c, unknown)
	w.wantApplied(c, byRight, "N-1")
	w.wantApplied(c, once, "N-1")
	if len(w.crm.records["N-1"]) != 3 {
		t.Errorf("the system has %v", w.crm.records["N-1"])
	}
	// Once the agreement has ended, nothing more goes out under it.
	late := tell(t, c, "phone", "0471", basis)
	c.Sync(t, w)
	c.Write(t, &firsthand.TermsEnd{Agreement: basis.Agreement, From: firsthand.DateOf(w.now)})
	w.exchange(c)
	if w.crm.records["N-1"]["phone"].Text != "" || c.State.Outcomes[late] != nil {
		t.Errorf("delivered under an agreement that has ended: %+v", c.State.Outcomes[late])
	}
	w.wantSound(c)
}

// A system gets what serves the purposes that it is declared for, and nothing else.
func TestDeclaredPurposes(t *testing.T) {
	w := from(memory(t))
	w.change = func(o *gateway.Options) {
		o.Purposes = []string{"https://w3id.org/dpv#DeliveryOfGoods", "dpv:AccountManagement"}
	}
	w.restart()
	c := w.meet("mia")
	basis := w.agree(c)
	disclose := func(fact, purpose string) firsthand.ID {
		return c.Write(t, &firsthand.Disclose{Fact: fact, Value: firsthand.Text("x"), Purpose: purpose, Basis: basis})
	}
	delivery := disclose("name", "DeliveryOfGoods")
	payment := disclose("iban", "dpv:PaymentManagement")
	once := c.Write(t, &firsthand.Disclose{Fact: "shoe_size", Value: firsthand.Text("38"), Purpose: "fun", Basis: firsthand.Basis{Exception: "this once"}})
	w.exchange(c)
	w.wantApplied(c, delivery, "N-2")
	w.wantRefused(c, payment)
	w.wantRefused(c, once)
	if len(w.crm.records["N-2"]) != 1 {
		t.Errorf("the system has %v", w.crm.records["N-2"])
	}
	w.bind(c, "C-1")
	change := stated(t, c, "address", "New Road 2")
	w.exchange(c)
	w.wantApplied(c, change, "C-1")
	w.wantSound(c)
}

func TestRequestForARight(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	req := c.Write(t, &firsthand.Request{Right: "access", Law: "GDPR", Due: "2026-12-21", Text: "Please."})
	w.exchange(c)
	w.wantApplied(c, req, "T-1") // the ticket; the answer is still owed
	due := w.due()
	if len(due) != 1 || due[0].Due != "2026-12-21" || due[0].Overdue {
		t.Fatalf("due = %+v", due)
	}
	if err := w.Say(w.ctx(), "ann", c.Rel(), &firsthand.Answer{Request: req, Outcome: "extended", Due: "2027-02-21"}); err != nil {
		t.Fatal(err)
	}
	if due = w.due(); len(due) != 1 || due[0].Due != "2027-02-21" {
		t.Errorf("due = %+v", due)
	}
	w.now = w.now.AddDate(0, 4, 0)
	if due = w.due(); !due[0].Overdue {
		t.Error("not overdue")
	}
	if err := w.Say(w.ctx(), "ann", c.Rel(), &firsthand.Answer{Request: req, Outcome: "done"}); err != nil {
		t.Fatal(err)
	}
	w.exchange(c)
	if len(w.due()) != 0 || c.State.Requests[0].Answer.Say.Outcome != "done" {
		t.Errorf("due = %v", w.due())
	}
	w.wantSound(c)
}

// Who waits for news gets it when there is some, and nothing when there is none.
func TestLongPoll(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	c.Say(t, "hello")
	c.Sync(t, w)
	r := c.Request()
	r.Wait = time.Minute
	wait := func(ctx context.Context) <-chan wire.Response {
		done := make(chan wire.Response, 1)
		go func() {
			resp, err := w.Sync(ctx, r)
			if err != nil {
				t.Error(err)
			}
			done <- resp
		}()
		for !w.Waits(c.Rel()) {
			time.Sleep(time.Millisecond)
		}
		return done
	}
	done := wait(w.ctx())
	w.idle()
	select {
	case resp := <-done:
		if len(resp.Entries) != 1 {
			t.Errorf("%d entries, want 1", len(resp.Entries))
		}
		c.Take(t, resp)
	case <-time.After(30 * time.Second):
		t.Fatal("not woken")
	}
	r = c.Request()
	r.Wait = time.Minute
	ctx, stop := contextWithStop(t)
	done = wait(ctx)
	stop() // what is here is answered for
	if resp := <-done; len(resp.Entries) != 0 || resp.First != r.First || len(resp.Receipt) == 0 {
		t.Errorf("answer = %+v", resp)
	}
}
