package wire_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

var message = &firsthand.Message{Text: "Where is my parcel? It was due on Monday."}

// TestExchange plays a whole exchange, each step of it twice.
func TestExchange(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	c := newCustomer(t, "ann")
	first := w.open(t, c)
	if len(first.Entries) != 1 || first.Second.Seq != 1 {
		t.Fatalf("open: %+v", first)
	}
	again, err := w.client.Open(t.Context(), w.base, c.key, c.request(c.logs[0][0]))
	if err != nil || again.First != first.First || again.Second != first.Second || len(again.Entries) != 0 {
		t.Fatalf("open again: %+v, %v", again, err)
	}

	e := c.write(message)
	w.say(c.rel(), &firsthand.Message{Text: "It is on its way."})
	for range 2 {
		r := c.request(e)
		r.Second.Seq, r.Second.ID = 1, first.Second.ID
		resp, err := w.client.Sync(t.Context(), w.base, c.key, r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.First != e.Head() || resp.Second.Seq != 2 || len(resp.Entries) != 1 || resp.More {
			t.Errorf("sync: %+v", resp)
		}
	}

	// A restored agent has lost her entries, and gets them back.
	resp, err := w.client.Sync(t.Context(), w.base, c.key, wire.Request{Rel: c.rel()})
	if err != nil || len(resp.Entries) != 4 {
		t.Errorf("restored agent: %d entries, %v", len(resp.Entries), err)
	}
	for i, e := range resp.Entries {
		if i < 2 && string(e.Signed) != string(c.logs[0][i].Signed) {
			t.Errorf("entry %d is not the one sent", i)
		}
	}

	// A restored gateway has lost the relationship, and gets it back.
	w.mu.Lock()
	clear(w.rels)
	w.mu.Unlock()
	if _, err := w.client.Sync(t.Context(), w.base, c.key, c.request()); fault.RuleOf(err) != "call-signature" {
		t.Errorf("lost relationship: %v", err)
	}
	r := c.request(c.logs[0]...)
	r.Second = firsthand.Head{}
	if resp, err := w.client.Open(t.Context(), w.base, c.key, r); err != nil || resp.First.Seq != 2 {
		t.Errorf("brought back: %+v, %v", resp, err)
	}
}

// TestRotate: who has the next key can call, and who has the old one can't.
func TestRotate(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	c := newCustomer(t, "ann")
	w.open(t, c)
	opening, old := c.logs[0][0], c.key
	pending := c.write(message)
	first, second := c.rotate(), c.rotate()
	batch := c.request(pending, first, second)

	refused := func(what string, key *firsthand.Signer, r wire.Request) {
		t.Helper()
		if _, err := w.client.Sync(t.Context(), w.base, key, r); fault.RuleOf(err) != "call-signature" {
			t.Errorf("%s: %v, want call-signature", what, err)
		}
	}
	refused("old key brings the rotates", old, batch)
	refused("first new key brings both", signer("ann next"), batch)
	refused("new key without the rotates", c.key, c.request())
	for range 2 { // the second time, the rotates are known
		if resp, err := w.client.Sync(t.Context(), w.base, c.key, batch); err != nil || resp.First.Seq != 4 {
			t.Fatalf("rotate: %+v, %v", resp, err)
		}
	}
	refused("old key after it", old, c.request())
	refused("old key brings known rotates", old, batch)

	// The opening names the first key. It opens nothing any more.
	r := c.request(opening)
	if _, err := w.client.Open(t.Context(), w.base, old, r); fault.RuleOf(err) != "call-signature" {
		t.Errorf("old key opens again: %v", err)
	}
	if _, err := w.client.Open(t.Context(), w.base, c.key, r); err != nil {
		t.Errorf("new key opens again: %v", err)
	}

	// A gateway that has lost the relationship gets it with all its keys.
	w.mu.Lock()
	clear(w.rels)
	w.mu.Unlock()
	r = c.request(c.logs[0]...)
	if _, err := w.client.Open(t.Context(), w.base, old, r); fault.RuleOf(err) != "call-signature" {
		t.Errorf("old key brings the whole log: %v", err)
	}
	r.Second = firsthand.Head{}
	if _, err := w.client.Open(t.Context(), w.base, c.key, r); err != nil {
		t.Errorf("new key brings the whole log: %v", err)
	}
}

// TestForgedKeys: entries from outside may name keys, and nobody gets in by
// that.
func TestForgedKeys(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	ann, eve := newCustomer(t, "ann"), signer("eve")
	w.open(t, ann)
	opens := func(key firsthand.PublicKey) []byte {
		return encode(t, &firsthand.Open{Role: "customer", Key: key, Label: firsthand.Label{1}, Next: firsthand.ID{2},
			Domain: "acme.example", CompanyKey: signer("company").Public()})
	}
	rotates := encode(t, &firsthand.Rotate{Key: eve.Public(), Next: firsthand.ID{2}, Label: firsthand.Label{1}})
	next := firsthand.Entry{Rel: ann.rel(), Seq: 2, Prev: ann.rel()}
	weak := forge(t, eve, firsthand.Entry{Seq: 1}, opens(firsthand.PublicKey{1}))
	pause := forge(t, eve, firsthand.Entry{Seq: 1}, []byte(`{"kind":"pause","until":"2027-01-01"}`))
	late := forge(t, eve, firsthand.Entry{Seq: 5}, opens(eve.Public()))
	fresh := newCustomer(t, "fresh")
	inside := forge(t, eve, firsthand.Entry{Rel: fresh.rel(), Seq: 1}, opens(eve.Public()))
	for name, tt := range map[string]struct {
		path string
		r    wire.Request
		want string
	}{
		"rotate to a key that was not committed to": {path: "sync", r: ann.request(forge(t, eve, next, rotates)), want: "403 call-signature"},
		"the same with the opening before it":       {path: "open", r: ann.request(ann.logs[0][0], forge(t, eve, next, rotates)), want: "403 call-signature"},
		// With the identity as key, one signature would fit every call.
		"opening with a weak key":          {path: "open", r: wire.Request{Rel: weak.ID, Entries: []firsthand.Entry{weak}}, want: "400 key-small-order"},
		"opening that is no open":          {path: "open", r: wire.Request{Rel: pause.ID, Entries: []firsthand.Entry{pause}}, want: "400 batch-open"},
		"opening inside of a relationship": {path: "open", r: fresh.request(inside), want: "400 batch-open"},
		"opening at another place":         {path: "open", r: wire.Request{Rel: late.ID, Entries: []firsthand.Entry{late}}, want: "400 batch-open"},
		"opening by second":                {path: "open", r: ann.request(ann.logs[1][0]), want: "400 batch-open"},
		"opening with nothing":             {path: "open", r: ann.request(), want: "400 batch-open"},
		"opening by the middle":            {path: "open", r: ann.request(ann.write(message)), want: "400 batch-open"},
	} {
		before := w.calls()
		status, body := w.do(t, w.raw(t, "/desk/v1/"+tt.path, eve, tt.r))
		if got := answer(status, body); got != tt.want || w.calls() != before {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// TestErrors: what the Server says crosses the wire as kind and rule, and
// nothing else does.
func TestErrors(t *testing.T) {
	g := newGateway()
	w := newWorld(t, g, nil)
	c := newCustomer(t, "ann")
	w.open(t, c)
	secret := errors.New("secret of the house")
	tests := []struct {
		name     string
		fail     error
		boom     any
		kind     fault.Kind // as the client sees it
		rule     string
		retry    bool
		wantLogs bool
	}{
		{name: "invalid", fail: fault.Refuse(fault.Invalid, "entry-signature", "secret"), kind: fault.Invalid, rule: "entry-signature"},
		{name: "denied", fail: fault.Refuse(fault.Denied, "some-rule", "secret"), kind: fault.Denied, rule: "some-rule"},
		{name: "not exist", fail: fault.Refuse(fault.NotExist, "some-rule", "secret"), kind: fault.NotExist, rule: "some-rule"},
		{name: "conflict", fail: fault.Refuse(fault.Conflict, "log-fork", "secret"), kind: fault.Conflict, rule: "log-fork"},
		{name: "unavailable", fail: fault.Refuse(fault.Unavailable, "some-rule", "secret"), kind: fault.Unavailable, rule: "some-rule", retry: true},
		{name: "wrapped", fail: errors.Join(secret, fault.Refuse(fault.Conflict, "log-gap", "secret")), kind: fault.Conflict, rule: "log-gap"},
		{name: "kind alone", fail: fault.Conflict, kind: fault.Conflict, rule: "answer-status"},
		{name: "internal", fail: secret, kind: fault.Unavailable, rule: "answer-status", wantLogs: true},
		{name: "internal with rule", fail: fault.Refuse(fault.Internal, "body-missing", "secret"), kind: fault.Unavailable, rule: "body-missing", wantLogs: true},
		{name: "odd rule", fail: fault.Refuse(fault.Invalid, "Secret of <b>", "secret"), kind: fault.Invalid, rule: "answer-status"},
		{name: "panic", boom: "secret", kind: fault.Unavailable, rule: "answer-status", wantLogs: true},
		{name: "panic with error", boom: secret, kind: fault.Unavailable, rule: "answer-status", wantLogs: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.mu.Lock()
			g.fail, g.boom = tt.fail, tt.boom
			g.mu.Unlock()
			before := len(w.log.String())
			_, err := w.client.Sync(t.Context(), w.base, c.key, c.request())
			refusal, ok := errors.AsType[*wire.GatewayError](err)
			if !ok {
				t.Fatalf("err = %v, want a GatewayError", err)
			}
			if fault.KindOf(err) != tt.kind || fault.RuleOf(err) != tt.rule {
				t.Errorf("kind %v, rule %q; want %v, %q", fault.KindOf(err), fault.RuleOf(err), tt.kind, tt.rule)
			}
			if (refusal.RetryAfter > 0) != tt.retry {
				t.Errorf("retry after %v", refusal.RetryAfter)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("internal text crossed the wire: %v", err)
			}
			if _, body := w.do(t, w.raw(t, "/desk/v1/sync", c.key, c.request())); strings.Contains(strings.ToLower(body), "secret") {
				t.Errorf("internal text crossed the wire: %s", body)
			}
			if logged := strings.Contains(w.log.String()[before:], "level=ERROR"); logged != tt.wantLogs {
				t.Errorf("logged at Error: %v, want %v", logged, tt.wantLogs)
			}
			if tt.boom != nil && strings.Contains(w.log.String()[before:], `panic="secret`) {
				t.Error("the value of a panic was logged")
			}
		})
	}
}

// TestLogsNameNobody: the log has relationships and rules, but no addresses and
// nothing that was said.
func TestLogsNameNobody(t *testing.T) {
	g := newGateway()
	w := newWorld(t, g, nil)
	c := newCustomer(t, "ann")
	w.open(t, c)
	g.mu.Lock()
	g.fail = errors.New("disk is full")
	g.mu.Unlock()
	if _, err := w.client.Sync(t.Context(), w.base, c.key, c.request(c.write(message))); err == nil {
		t.Error("no error")
	}
	text := w.log.String()
	if !strings.Contains(text, "relationship="+c.rel().String()) || !strings.Contains(text, "disk is full") {
		t.Errorf("the operator can't see what failed: %s", text)
	}
	for _, secret := range []string{"127.0.0.1", "parcel", c.key.Public().String()} {
		if strings.Contains(text, secret) {
			t.Errorf("%q was logged: %s", secret, text)
		}
	}
}

// TestCrowd: many relationships at once, and several calls in each.
func TestCrowd(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	var crowd sync.WaitGroup
	for i := range 16 {
		c := newCustomer(t, fmt.Sprint("customer ", i))
		w.open(t, c)
		e := c.write(message)
		for range 4 {
			crowd.Go(func() {
				for range 5 {
					resp, err := w.client.Sync(t.Context(), w.base, c.key, c.request(e))
					if err != nil || resp.First != e.Head() || len(resp.Entries) != 0 {
						t.Errorf("%+v, %v", resp, err)
					}
				}
			})
		}
	}
	crowd.Wait()
}

// TestClock: who signs outside of the five minutes learns how far off she is.
func TestClock(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	c := newCustomer(t, "ann")
	w.open(t, c)
	for off, ok := range map[time.Duration]bool{
		-firsthand.CallTolerance:               true,
		firsthand.CallTolerance:                true,
		-firsthand.CallTolerance - time.Second: false,
		firsthand.CallTolerance + time.Second:  false,
		-24 * time.Hour:                        false,
	} {
		w.now = func() time.Time { return start.Add(off) }
		_, err := w.client.Sync(t.Context(), w.base, c.key, c.request())
		if ok {
			if err != nil {
				t.Errorf("%v off: %v", off, err)
			}
			continue
		}
		e, isGateway := errors.AsType[*wire.GatewayError](err)
		if !isGateway || fault.KindOf(err) != fault.Denied || fault.RuleOf(err) != "call-time" || e.Ahead != -off || !e.Time.Equal(start) {
			t.Errorf("%v off: %+v", off, err)
		}
	}
	w.now = func() time.Time { return start.Add(-time.Hour) }
	_, err := w.client.Sync(t.Context(), w.base, signer("eve"), c.request())
	if e, _ := errors.AsType[*wire.GatewayError](err); e == nil || !e.Time.IsZero() || fault.RuleOf(err) != "call-signature" {
		t.Errorf("a stranger with a wrong clock: %+v", err)
	}
}

func TestBatches(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	c := newCustomer(t, "ann")
	w.open(t, c)
	long := &firsthand.Message{Text: strings.Repeat("x", firsthand.MaxBody-100)}
	for range 40 {
		c.write(long)
	}
	for range 300 {
		c.write(message)
	}
	all := c.logs[0][1:]
	if _, err := w.client.Sync(t.Context(), w.base, c.key, c.request(all...)); fault.RuleOf(err) != "batch-size" {
		t.Errorf("all at once: %v", err)
	}
	calls := 0
	for rest := all; len(rest) > 0; calls++ {
		n := wire.Fit(rest)
		resp, err := w.client.Sync(t.Context(), w.base, c.key, c.request(rest[:n]...))
		if err != nil || resp.First != rest[n-1].Head() {
			t.Fatalf("%d entries: %+v, %v", n, resp.First, err)
		}
		rest = rest[n:]
	}
	if calls != 4 {
		t.Errorf("%d calls, want 4", calls)
	}

	// And back, to an agent that has nothing left.
	var heads [2]firsthand.Head
	got := 0
	for more := true; more; {
		resp, err := w.client.Sync(t.Context(), w.base, c.key, wire.Request{Rel: c.rel(), First: heads[0], Second: heads[1]})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range resp.Entries {
			if e.Side == firsthand.First {
				heads[0] = e.Head()
			} else {
				heads[1] = e.Head()
			}
		}
		got += len(resp.Entries)
		more = resp.More
	}
	if got != 342 {
		t.Errorf("got %d entries back, want 342", got)
	}
}

func TestHandlerOptions(t *testing.T) {
	for base, want := range map[string]string{
		"https://gateway.acme.example":        "",
		"https://gateway.acme.example:8443/a": "",
		"http://localhost:8080":               "",
		"http://acme.localhost:8080":          "",
		"http://127.0.0.1:8080/a/b":           "",
		"http://[::1]:8080":                   "",
		"":                                    "gateway-url",
		"gateway.acme.example":                "gateway-url",
		"ftp://gateway.acme.example":          "gateway-url",
		"http://gateway.acme.example":         "gateway-url",
		"http://10.0.0.1":                     "gateway-url",
		"http://localhost.acme.example":       "gateway-url",
		"https://Gateway.acme.example":        "gateway-url",
		"https://gateway.acme.example/":       "gateway-url",
		"https://gateway.acme.example:443":    "gateway-url",
		"https://gateway.acme.example:":       "gateway-url",
		"http://localhost:80":                 "gateway-url",
		"https://a@gateway.acme.example":      "gateway-url",
		"https://gateway.acme.example?a":      "gateway-url",
		"https://gateway.acme.example#a":      "gateway-url",
		"https://gateway.acme.example/a//b":   "gateway-url",
		"https://gateway.acme.example/a/../b": "gateway-url",
		"https://gateway.acme.example/a/":     "gateway-url",
		"https://gateway.acme.example/%61":    "gateway-url",
		"https://gateway.acme.example/{a}":    "gateway-url",
		"HTTPS://gateway.acme.example":        "gateway-url",
	} {
		_, err := wire.NewHandler(newGateway(), wire.Options{BaseURL: base})
		if fault.RuleOf(err) != want {
			t.Errorf("%q: %v, want %q", base, err, want)
		}
	}
}

func TestDiscoveryIsServed(t *testing.T) {
	g := newGateway()
	g.doc = []byte("a document")
	w := newWorld(t, g, nil)
	resp, err := http.Get(w.origin() + wire.DiscoveryPath)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/jose" || resp.Header.Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
}
