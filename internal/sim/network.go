package sim

import (
	"context"
	"fmt"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/wire"
)

// callTimeout is when an agent gives a call up, as wire.Client does.
const callTimeout = 30 * time.Second

// A call is one that an agent waits for. Only the process that made it gets the
// answer, and only while it waits: so it is with a connection.
type call struct {
	device *device
	life   int    // the process of the device
	files  [2]int // which backups device and company had then
	rel    firsthand.ID
	step   agent.Step
	at     time.Time // as the caller's clock said
}

// start makes a call: what of it arrives, when and how often is the network's.
func (r *run) start(c *call) {
	c.device.busy[c.rel] = c
	company := r.companyAt(c.step.Gateway)
	c.files = [2]int{c.device.file, company.file}
	r.after(callTimeout, c.device.name+" waits no longer", func() { c.device.answered(c, wire.Response{}, errTimeout) })
	copies := 1
	if !r.healed && r.chance(r.plan.dup) {
		copies++
		r.count("call repeated")
	}
	for i := range copies {
		if r.drops() {
			continue
		}
		delay := r.delay()
		if i > 0 {
			delay = r.between(0, maxDelay)
		}
		r.after(delay, fmt.Sprintf("%s calls %s", c.device.name, c.step.Gateway), func() {
			// A call is good for five minutes only; putting back a backup takes longer.
			if r.parted(c.device, company) || c.files != [2]int{c.device.file, company.file} {
				return
			}
			resp, err := r.serve(company, c.step.Open, c.step.Key.Public(), c.at, c.step.Request)
			if r.drops() || fault.KindOf(err) == fault.Unavailable && company.gateway == nil {
				return
			}
			r.after(r.delay(), company.name+" answers "+c.device.name, func() { c.device.answered(c, resp, err) })
		})
	}
}

var errTimeout = fmt.Errorf("%w: no answer", fault.Unavailable)

func (r *run) drops() bool {
	if r.healed || !r.chance(r.plan.loss) {
		return false
	}
	r.count("message lost")
	return true
}

func (r *run) delay() time.Duration {
	switch {
	case r.healed:
		return r.between(0, time.Second)
	case r.chance(r.plan.slow):
		return r.between(0, maxDelay/4)
	}
	return r.between(0, r.plan.latency)
}

// parted reports whether a partition is between the two.
func (r *run) parted(d *device, c *company) bool {
	return !r.healed && (d.parted.After(r.now) || c.parted.After(r.now))
}

// serve brings a request to a company's gateway as package wire does: the bytes
// of the entries, and only if the right key has signed the call.
func (r *run) serve(c *company, open bool, key firsthand.PublicKey, at time.Time, req wire.Request) (resp wire.Response, err error) {
	if c.gateway == nil {
		return resp, fmt.Errorf("%w: %s is down", fault.Unavailable, c.name)
	}
	if d := at.Sub(c.clock()); r.plan.strict && (d > firsthand.CallTolerance || d < -firsthand.CallTolerance) {
		return resp, fault.Refuse(fault.Denied, "call-time", "%v off", d)
	}
	if req.Entries, err = reread(req.Entries); err != nil {
		return resp, err
	}
	firsts, seconds := split(req.Entries)
	r.say("%s is told of heads %d and %d, and gets %d and %d entries", c.name, req.First.Seq, req.Second.Seq, len(firsts), len(seconds))
	if r.onCall != nil {
		r.onCall(c, req.Entries)
	}
	g := c.gateway
	if err := admits(r.ctx, g, open, key, &req); err != nil {
		return resp, err
	}
	serve := g.Sync
	if open {
		serve = g.Open
	}
	resp, err = serve(r.ctx, req)
	if c.gateway != g {
		return resp, fmt.Errorf("%w: %s crashed", fault.Unavailable, c.name)
	}
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			r.fail("%s: call: %v", c.name, err)
		}
		r.say("%s refuses: %v", c.name, err)
		return wire.Response{}, fault.Refuse(fault.KindOf(err), fault.RuleOf(err), "the gateway refused")
	}
	if resp.Entries, err = reread(resp.Entries); err != nil {
		r.fail("%s: answer: %v", c.name, err)
	}
	r.mustFollow(c, &req, &resp)
	return resp, nil
}

// reread returns entries as they arrive.
func reread(entries []firsthand.Entry) ([]firsthand.Entry, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var text []byte
	for i := range entries {
		text = entries[i].AppendLine(text)
	}
	return firsthand.ParseLines(text)
}

// admits is what package wire asks of a call's signature: the key in force, after
// the rotations that the call brings.
func admits(ctx context.Context, s wire.Server, open bool, key firsthand.PublicKey, req *wire.Request) error {
	denied := fault.Refuse(fault.Denied, "call-signature", "not signed by the key of a relationship")
	if open && (len(req.Entries) == 0 || req.Entries[0].ID != req.Rel) {
		return fault.Refuse(fault.Invalid, "batch-open", "opens nothing")
	}
	now, next, err := s.Keys(ctx, req.Rel)
	if fault.KindOf(err) == fault.NotExist && open {
		c, err := firsthand.DecodeBody(req.Entries[0].Body)
		first, ok := c.(*firsthand.Open)
		if err != nil || !ok {
			return denied
		}
		now, next = first.Key, first.Next
	} else if fault.KindOf(err) == fault.NotExist {
		return denied
	} else if err != nil {
		return err
	}
	for _, e := range req.Entries {
		if e.Side != firsthand.First || e.Kind() != "rotate" {
			continue
		}
		if c, err := firsthand.DecodeBody(e.Body); err == nil && c.(*firsthand.Rotate).Key.Hash() == next {
			now, next = c.(*firsthand.Rotate).Key, c.(*firsthand.Rotate).Next
		}
	}
	if now != key {
		return denied
	}
	return nil
}

// mustFollow holds that an answer is one that wire.Client would take.
func (r *run) mustFollow(c *company, req *wire.Request, resp *wire.Response) {
	last := map[firsthand.Side]int64{firsthand.First: req.First.Seq, firsthand.Second: req.Second.Seq}
	for _, e := range resp.Entries {
		if e.Relationship() != req.Rel || e.Seq != last[e.Side]+1 {
			r.fail("%s answers with %s entry %d after %d", c.name, e.Side, e.Seq, last[e.Side])
		}
		last[e.Side] = e.Seq
	}
}
