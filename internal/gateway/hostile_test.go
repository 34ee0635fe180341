package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/logtest"
	"firsthand/wire"
)

func TestOpenRefused(t *testing.T) {
	w := memory(t)
	open := func(c *gatewaytest.Customer, change func(*wire.Request)) error {
		r := c.Request()
		if change != nil {
			change(&r)
		}
		_, err := w.Open(w.ctx(), r)
		return err
	}
	elsewhere := gatewaytest.NewCustomer(t, "elsewhere", gatewaytest.Company{Domain: "other.example"})
	wantRule(t, open(elsewhere, nil), fault.Invalid, "open-domain")
	other := gatewaytest.NewCustomer(t, "other", gatewaytest.Company{Key: gatewaytest.KeyOf("nobody").Public()})
	wantRule(t, open(other, nil), fault.Invalid, "open-pinned")
	c := gatewaytest.NewCustomer(t, "mia", gatewaytest.Company{})
	wantRule(t, open(c, func(r *wire.Request) { r.Entries = nil }), fault.Invalid, "batch-open")
	wantRule(t, open(c, func(r *wire.Request) { r.Entries[0] = r.Entries[0].WithoutBody() }), fault.Invalid, "open-body")
	wantRule(t, open(c, func(r *wire.Request) {
		r.Entries[0].Signed = slices.Clone(r.Entries[0].Signed)
		r.Entries[0].Signed[len(r.Entries[0].Signed)-20] ^= 1
	}), fault.Invalid, "entry-signature")
	for r, err := range w.store.Relationships(w.ctx()) {
		t.Errorf("kept %v, %v", r.ID, err)
	}
	if _, _, err := w.Keys(w.ctx(), c.Rel()); fault.KindOf(err) != fault.NotExist {
		t.Errorf("keys of nothing: %v", err)
	}
	// Opening twice is opening once.
	for range 2 {
		if err := open(c, nil); err != nil {
			t.Fatal(err)
		}
	}
	key, next, err := w.Keys(w.ctx(), c.Rel())
	if err != nil || key != c.Key.Public() || next != gatewaytest.KeyOf("mia next").Public().Hash() {
		t.Errorf("keys = %v, %v, %v", key, next, err)
	}
	if head, _ := w.store.Head(w.ctx(), c.Rel(), firsthand.Second); head.Seq != 1 {
		t.Errorf("second has %d entries", head.Seq)
	}
}

// What is wrong is refused with its rule; what was good before it in the call stays.
func TestHostileEntries(t *testing.T) {
	w := memory(t)
	p := logtest.NewPair(t, "mallory")
	w.keys.Signers[0], w.keys.Chain[0] = p.Key(firsthand.Second), firsthand.ChainKey{Key: p.Key(firsthand.Second).Public(), Next: p.State().Log(firsthand.Second).Next}
	w.restart()
	rel := p.Rel()
	send := func(second firsthand.Head, entries ...firsthand.Entry) (wire.Response, error) {
		r := wire.Request{Rel: rel, First: p.State().Log(firsthand.First).Head, Second: second, Entries: entries}
		return w.Sync(w.ctx(), r)
	}
	if _, err := w.Open(w.ctx(), wire.Request{Rel: rel, Entries: p.Log(firsthand.First)}); err != nil {
		t.Fatal(err)
	}
	ours, err := firsthand.Collect(w.store.Entries(w.ctx(), rel, firsthand.Second, 0))
	if err != nil {
		t.Fatal(err)
	}
	// The pair's own second log is another than the gateway's: signed by our key, so
	// it would be our fork. What first wrote here has seen only ours.
	next := func() firsthand.Entry {
		e := p.Next(firsthand.First)
		e.Seen = ours[0].Head()
		return e
	}
	long := strings.Repeat("x", 100)
	tests := []struct {
		name string
		e    func() firsthand.Entry
		kind fault.Kind
		rule string
	}{
		{"gap", func() firsthand.Entry { e := next(); e.Seq += 5; return e }, fault.Internal, ""},
		{"wrong prev", func() firsthand.Entry { e := next(); e.Prev = firsthand.ID{1}; return e }, fault.Conflict, "log-fork"},
		{"has seen what is not", func() firsthand.Entry { e := next(); e.Seen.Seq = 9; return e }, fault.Internal, ""},
		{"has seen another", func() firsthand.Entry { e := next(); e.Seen.ID = firsthand.ID{2}; return e }, fault.Conflict, "log-fork"},
		{"of another relationship", func() firsthand.Entry { e := next(); e.Rel = firsthand.ID{3}; return e }, fault.Invalid, "log-rel"},
		{"second's, signed by her", func() firsthand.Entry {
			e := next()
			e.Side, e.Seq, e.Prev, e.Seen = firsthand.Second, 2, ours[0].ID, firsthand.Head{Seq: 1, ID: rel}
			return e
		}, fault.Invalid, "entry-signature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := tt.e()
			forged := p.Forge(t, e, `{"kind":"message","text":"`+long+`"}`)
			if tt.name == "second's, signed by her" {
				forged.Signed = slices.Clone(forged.Signed)
				forged.Signed[len(forged.Signed)-1] = 'A'
			}
			before, _ := w.store.Head(w.ctx(), rel, firsthand.First)
			resp, err := send(ours[0].Head(), forged)
			if tt.rule != "" {
				wantRule(t, err, tt.kind, tt.rule)
			} else if err != nil || resp.First != before {
				t.Errorf("answer = %+v, %v", resp.First, err)
			}
			if after, _ := w.store.Head(w.ctx(), rel, firsthand.First); after != before {
				t.Errorf("kept: %v", after)
			}
		})
	}
	// Good, then bad: the good one stays.
	good := p.Forge(t, next(), `{"kind":"message","text":"good"}`)
	after := next()
	after.Seq, after.Prev, after.Rel = good.Seq+1, good.ID, firsthand.ID{3}
	_, err = send(ours[0].Head(), good, p.Forge(t, after, `{"kind":"message","text":"bad"}`))
	wantRule(t, err, fault.Invalid, "log-rel")
	if head, _ := w.store.Head(w.ctx(), rel, firsthand.First); head != good.Head() {
		t.Errorf("head = %v", head)
	}
	back := next()
	back.Seq, back.Prev, back.Seen = good.Seq+1, good.ID, firsthand.Head{}
	_, err = send(ours[0].Head(), p.Forge(t, back, `{"kind":"message","text":"bad"}`))
	wantRule(t, err, fault.Invalid, "log-seen-back")
	// Unreadable and unknown bodies, and acts that are not hers, are kept and do nothing.
	prev := good
	for i, body := range []string{"no JSON", `{"kind":"of.the_future"}`, `{"kind":"bound","proof":"` + rel.String() + `","system":"CRM","record":"C-1"}`,
		`{"kind":"terms.accept","offer":"` + rel.String() + `"}`, `{"kind":"disclose","fact":"a b"}`} {
		e := next()
		e.Seq, e.Prev = prev.Seq+1, prev.ID
		prev = p.Forge(t, e, body)
		if _, err := send(ours[0].Head(), prev); err != nil {
			t.Errorf("body %d: %v", i, err)
		}
	}
	w.idle()
	if len(w.crm.requests) != 1 { // "good"
		t.Errorf("%d requests", len(w.crm.requests))
	}
	// A body that nobody erased can't be left out.
	e := next()
	e.Seq, e.Prev = prev.Seq+1, prev.ID
	_, err = send(ours[0].Head(), p.Forge(t, e, `{"kind":"message","text":"x"}`).WithoutBody())
	wantRule(t, err, fault.Invalid, "body-missing")
}

// A log that grows without end is stopped, but rights can be claimed beyond it.
func TestLogLimit(t *testing.T) {
	w := memory(t)
	w.change = func(o *gateway.Options) { o.MaxLog = 20 }
	w.restart()
	mallory, mia := w.meet("mallory"), w.meet("mia")
	for i := range 19 {
		mallory.Say(t, fmt.Sprint(i))
	}
	mallory.Sync(t, w)
	mallory.Write(t, &firsthand.Close{})
	mallory.Sync(t, w)
	flood := mallory.Copy(t, len(mallory.First), len(mallory.Second))
	flood.Write(t, &firsthand.Request{Right: "erase", Law: "GDPR", Due: "2026-12-21"})
	flood.Sync(t, w)
	flood.Write(t, &firsthand.Request{Right: "erase", Law: "GDPR", Due: "2026-12-21"})
	_, err := flood.Try(t, w)
	wantRule(t, err, fault.Unavailable, "log-limit")
	mia.Say(t, "I am fine")
	w.exchange(mia)
}

// Hostile text reaches the company's system as text, on one line where it must be.
func TestHostileText(t *testing.T) {
	w := memory(t)
	c := w.meet("mia")
	for _, text := range []string{"a\r\nSubject: b", "<script>alert(1)</script>", "=1+1", "\u202egnp.exe", "x\u0000y"[:1] + "\u2028z"} {
		c.Say(t, text)
	}
	w.exchange(c)
	for _, r := range w.crm.requests {
		if strings.ContainsAny(r.Subject, "\r\n\u2028") {
			t.Errorf("subject %q", r.Subject)
		}
	}
	// The code goes to the contact on record without a word of the claimant's.
	from(w)
	w.claim(c, "C-1")
	for _, m := range w.crm.sent {
		if strings.Contains(m.Text, "script") {
			t.Errorf("message %q", m.Text)
		}
	}
}

// Callers at once, in one relationship and in several: everything is kept once, and
// workers deliver it meanwhile.
func TestTogether(t *testing.T) {
	w := onDisk(t, func(o *gateway.Options) {
		o.Now, o.Poll = time.Now, time.Hour
		o.Rand = nil
	})
	run, stop := contextWithStop(t)
	ended := make(chan error, 1)
	go func() { ended <- w.Run(run) }()
	var callers sync.WaitGroup
	customers := make([]*gatewaytest.Customer, 8)
	for i := range customers {
		c := gatewaytest.NewCustomer(t, fmt.Sprint("caller ", i), gatewaytest.Company{})
		customers[i] = c
		callers.Go(func() {
			for n := range 10 {
				c.Now = time.Now()
				c.Say(t, fmt.Sprint(n))
				r := c.Request()
				var twins sync.WaitGroup
				for range 2 { // the same call twice at once
					twins.Go(func() {
						if c.Sent == 0 {
							w.Open(w.ctx(), r)
						} else {
							w.Sync(w.ctx(), r)
						}
					})
				}
				twins.Wait()
				c.Sync(t, w)
			}
		})
	}
	callers.Wait()
	for _, c := range customers {
		for deadline := time.Now().Add(20 * time.Second); len(c.State.Outcomes) < 10; {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d of 10 applied", c.Name, len(c.State.Outcomes))
			}
			c.Sync(t, w)
			time.Sleep(time.Millisecond)
		}
		w.wantSound(c)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(w.crm.requests) != 80 {
		t.Errorf("%d requests, want 80", len(w.crm.requests))
	}
}

// A small cache forgets, and nothing else changes.
func TestSmallCache(t *testing.T) {
	w := memory(t)
	w.change = func(o *gateway.Options) { o.CacheBytes = 1 }
	w.restart()
	a, b := w.meet("a"), w.meet("b")
	for range 3 {
		a.Say(t, "hello")
		w.exchange(a)
		b.Say(t, "hello")
		w.exchange(b)
	}
	w.wantSound(a)
	w.wantSound(b)
}
