package gateway_test

import (
	"bytes"
	"context"
	"iter"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

// A reader counts how often logs are read from the store, and may give other ends of them
// than there are.
type reader struct {
	*gatewaytest.Process
	loads, pages int
	ends         func([]byte) []byte
}

func (r *reader) Load(ctx context.Context, rel firsthand.ID) (gateway.Relationship, []firsthand.Entry, []firsthand.Entry, error) {
	r.loads++
	return r.Process.Load(ctx, rel)
}

func (r *reader) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	r.pages++
	return r.Process.Entries(ctx, rel, side, after)
}

func (r *reader) Glance(ctx context.Context, rel firsthand.ID) (gateway.Relationship, []byte, error) {
	row, ends, err := r.Process.Glance(ctx, rel)
	if r.ends != nil {
		ends = r.ends(bytes.Clone(ends))
	}
	return row, ends, err
}

// cold returns a house in which mia has a relationship, and a second gateway that has
// nothing in memory.
func cold(t *testing.T) (*house, *gatewaytest.Customer, *reader) {
	h := newHouse(t, 1, nil)
	c := h.meet("mia")
	c.Say(t, "one")
	c.Sync(t, h.gateways[0])
	r := &reader{Process: h.memory.Process()}
	h.store = r
	h.restart()
	return h, c, r
}

// A gateway that has nothing in memory of a relationship reads no log to say that there
// is no news, or to take a plain message, and of news that alone.
func TestEnds(t *testing.T) {
	h, c, r := cold(t)
	for range 3 {
		c.Say(t, "more")
		c.Say(t, "and more")
		c.Sync(t, h)
		c.Sync(t, h)
	}
	if r.loads != 0 || r.pages != 0 {
		t.Errorf("both logs were read %d times, and one %d times", r.loads, r.pages)
	}
	if err := h.gateways[0].Say(h.ctx(), "ann", c.Rel(), &firsthand.Message{Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	before := c.Request()
	c.Sync(t, h)
	if r.loads != 0 || r.pages != 1 || len(c.Second) < 2 {
		t.Errorf("for news both logs were read %d times, and one %d times", r.loads, r.pages)
	}
	before.Second.ID[0] ^= 1 // she says that she has another entry
	if _, err := h.Sync(h.ctx(), before); fault.RuleOf(err) != "log-fork" {
		t.Errorf("another head: %v", err)
	}
	if r.loads == 0 {
		t.Error("it was found without the logs")
	}
	whole, err := firsthand.Load(h.ctx(), h.memory, c.Rel())
	if err != nil || whole.Log(firsthand.First).Head != c.State.Log(firsthand.First).Head || whole.Log(firsthand.Second).Head != c.State.Log(firsthand.Second).Head {
		t.Errorf("the logs end elsewhere: %v", err)
	}
	if all, err := h.memory.Deliveries(h.ctx(), c.Rel()); err != nil || len(all) != 7 {
		t.Errorf("%d of her messages are to be delivered, %v, want 7", len(all), err)
	}
}

// What needs more than the ends of the logs gets the logs.
func TestEndsDoNotSuffice(t *testing.T) {
	for name, write := range map[string]func(*gatewaytest.Customer){
		"a reference": func(c *gatewaytest.Customer) { c.Write(t, &firsthand.Message{Thread: c.First[1].ID, Text: "x"}) },
		"another kind": func(c *gatewaytest.Customer) {
			c.Write(t, &firsthand.Change{Fact: "phone", Value: firsthand.Text("1"), Basis: firsthand.Basis{Exception: "once"}})
		},
		"one that is known":  func(c *gatewaytest.Customer) { c.Sent-- },
		"both, and a change": func(c *gatewaytest.Customer) { c.Say(t, "x"); c.Write(t, &firsthand.Claim{Record: "4711"}) },
	} {
		h, c, r := cold(t)
		write(c)
		c.Sync(t, h)
		if r.loads == 0 {
			t.Errorf("%s: no logs were read", name)
		}
		whole, err := firsthand.Load(h.ctx(), h.memory, c.Rel())
		if err != nil || whole.Log(firsthand.First).Head != c.State.Log(firsthand.First).Head || len(whole.Flags) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	h, c, r := cold(t)
	c.Write(t, &firsthand.Close{})
	c.Sync(t, h)
	h.restart()
	before := r.loads
	c.Sync(t, h)
	if r.loads != before {
		t.Error("there is no news, and logs were read")
	}
}

// Ends that are of another version, of another relationship, or damaged are never
// believed: the answer is that of the logs.
func TestWrongEnds(t *testing.T) {
	h, c, r := cold(t)
	_, older, err := r.Process.Glance(h.ctx(), c.Rel())
	if err != nil || len(older) == 0 {
		t.Fatalf("%q, %v", older, err)
	}
	other := h.meet("other")
	_, others, err := r.Process.Glance(h.ctx(), other.Rel())
	if err != nil {
		t.Fatal(err)
	}
	request := c.Request() // made before there is news
	if err := h.gateways[0].Say(h.ctx(), "ann", c.Rel(), &firsthand.Message{Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	head, err := h.memory.Head(h.ctx(), c.Rel(), firsthand.Second)
	if err != nil || head.Seq <= request.Second.Seq {
		t.Fatalf("%v, %v", head, err)
	}
	wrong := map[string]func([]byte) []byte{
		"stale":            func([]byte) []byte { return older },
		"another's":        func([]byte) []byte { return others },
		"none":             func([]byte) []byte { return nil },
		"cut off":          func(b []byte) []byte { return b[:len(b)-1] },
		"longer":           func(b []byte) []byte { return append(b, 0) },
		"of another form":  func(b []byte) []byte { b[0]++; return b },
		"its second log":   func(b []byte) []byte { b[60] ^= 1; return b },
		"takes what comes": func(b []byte) []byte { b[1] ^= 1; return b },
		"its sum":          func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
	}
	for name, ends := range wrong {
		h.restart()
		r.loads, r.ends = 0, ends
		resp, err := h.Sync(h.ctx(), request)
		if err != nil || resp.Second != head || int64(len(resp.Entries)) != head.Seq-request.Second.Seq || r.loads != 1 {
			t.Errorf("%s: %d entries up to %v, %v; logs were read %d times", name, len(resp.Entries), resp.Second, err, r.loads)
		}
	}
}

// What was read to authenticate a call may be of before news came that the call waits for.
func TestNewsBeforeTheWait(t *testing.T) {
	h, c, _ := cold(t)
	r := c.Request()
	r.Wait = 100 * time.Millisecond
	if _, _, err := h.Keys(h.ctx(), c.Rel()); err != nil {
		t.Fatal(err)
	}
	if err := h.gateways[0].Say(h.ctx(), "ann", c.Rel(), &firsthand.Message{Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	resp, err := h.Sync(h.ctx(), r)
	if err != nil || len(resp.Entries) != 1 {
		t.Errorf("%d entries, %v", len(resp.Entries), err)
	}
}
