package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// A Step is one call to be made: what Prepare found to send or to ask.
type Step struct {
	Open    bool // the first call of the relationship
	Gateway string
	Key     *firsthand.Signer
	Request wire.Request
}

// Prepare returns the next call of a relationship. It changes nothing but the
// note that these entries were sent, which is made before they are, so that a
// status never says less than may be known outside.
func (a *Agent) Prepare(ctx context.Context, rel firsthand.ID, wait time.Duration) (step Step, err error) {
	shed := func(r *relationship) (bool, error) { return a.prepareShed(ctx, r, &step) }
	err = a.withEnds(ctx, rel, shed, func(r *relationship) error {
		if r.row.Gateway == "" {
			return fault.Refuse(fault.Invalid, "open-unpaired", "an unpaired log is never sent")
		}
		step = Step{Gateway: r.row.Gateway, Request: wire.Request{Rel: rel, Wait: wait,
			First: r.state.Log(firsthand.First).Head, Second: r.state.Log(firsthand.Second).Head}}
		if r.refused > 0 {
			signers, err := a.signers(ctx, r)
			if err != nil {
				return err
			}
			if r.refused <= len(signers) {
				step.Key = signers[r.refused-1] // ask with this key, and bring nothing
				return nil
			}
		}
		return a.fill(ctx, r, &step, r.anew)
	})
	return step, err
}

// glance is Prepare for a relationship of which nothing is in memory, and in which all
// is said, received and well: as most are that are asked for news, again and again,
// while nothing comes. Its logs are not read for that. It reports whether it is such
// a one.
func (a *Agent) glance(ctx context.Context, rel firsthand.ID, wait time.Duration) (step Step, quiet bool, err error) {
	rs, unlock := a.lockAll([]firsthand.ID{rel})
	defer unlock()
	r := rs[0]
	if r.state != nil || r.ends != nil || r.refused > 0 || r.anew || r.lacks != everything {
		return step, false, nil
	}
	row, err := a.Store.Relationship(ctx, rel)
	if err != nil {
		return step, false, nil // Prepare says why
	}
	sum, err := row.Summarised()
	if err != nil || row.Gateway == "" || row.Restored || row.Frozen != "" || row.Tries > 0 || row.Failure != "" || row.Received.Seq == 0 ||
		sum.Asks > 0 || sum.Closed && !row.Kept {
		return step, false, nil // there is something to do, or may be
	}
	step = Step{Gateway: row.Gateway, Key: firsthand.SignerFromSeed(row.Seed), Request: wire.Request{Rel: rel, Wait: wait}}
	if step.Request.First, err = a.Store.Head(ctx, rel, firsthand.First); err == nil {
		step.Request.Second, err = a.Store.Head(ctx, rel, firsthand.Second)
	}
	return step, err == nil && row.Received == step.Request.First, err
}

// isQuiet reports whether an answer says no more than what was known when it was
// asked for: nothing is taken from it then.
func isQuiet(req *wire.Request, resp *wire.Response) bool {
	return len(resp.Entries) == 0 && !resp.More && resp.First == req.First && resp.Second == req.Second
}

// fill puts what the company lacks into step, and finds the key that signs it. If
// anew, the company seems not to know the relationship: then all is sent from its
// opening on.
func (a *Agent) fill(ctx context.Context, r *relationship, step *Step, anew bool) (err error) {
	req, received := &step.Request, r.row.Received.Seq
	if anew {
		received = 0
	}
	step.Open = received == 0
	silent := r.row.Restored || r.row.Frozen != "" // ask, and say nothing
	switch {
	case silent && step.Open:
		// Where the relationship was never opened, or is known no more, nothing
		// can be asked before it is. Its opening can't contradict anything.
		req.Entries, err = a.batch(ctx, r.row.ID, firsthand.First, 0, nil)
		req.Entries = req.Entries[:min(1, len(req.Entries))]
	case r.lacks != everything && !anew:
		// Its own log, which it has lost: what first wrote since has seen it.
		req.Entries, err = a.batch(ctx, r.row.ID, firsthand.Second, r.lacks, nil)
	}
	if n := len(req.Entries); err == nil && silent && n > 0 && req.Entries[0].Side == firsthand.Second {
		// What the company had when it wrote these, it may have lost as well: what was
		// sent before comes again, and what they have seen. The rest comes when they are
		// there.
		seen := req.Entries[n-1].Seen.Seq
		req.Entries, err = a.batch(ctx, r.row.ID, firsthand.First, received, req.Entries)
		req.Entries = slices.DeleteFunc(req.Entries, func(e firsthand.Entry) bool {
			return e.Side == firsthand.First && e.Seq > r.row.Sent && (e.Seq > seen || e.Seen.Seq > r.lacks)
		})
	}
	if err == nil && !silent && r.state.Log(firsthand.First).Head.Seq > received {
		if kept := r.after(received); kept != nil && len(req.Entries) == 0 {
			req.Entries = slices.Clone(kept)
		} else {
			req.Entries, err = a.batch(ctx, r.row.ID, firsthand.First, received, req.Entries)
		}
		if err == nil {
			err = a.unheld(ctx, r, req)
		}
	}
	if err != nil {
		return err
	}
	last := received
	if n := len(req.Entries); n > 0 {
		req.Wait = 0
		if e := &req.Entries[n-1]; e.Side == firsthand.First {
			last = e.Seq
		}
	}
	if step.Key, err = a.signerAfter(ctx, r, last); err != nil || last <= r.row.Sent {
		return err
	}
	r.row.Sent = last
	return a.commit(ctx, Commit{}, r)
}

// batch appends entries of one log after a seq, as many as half a call may carry,
// so that both logs find room.
func (a *Agent) batch(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64, batch []firsthand.Entry) ([]firsthand.Entry, error) {
	size, n := 0, 0
	for e, err := range a.Store.Entries(ctx, rel, side, after) {
		if err != nil {
			return nil, err
		}
		size += e.Size()
		if n == wire.MaxBatch/2 || size > wire.MaxBatchBytes/2 {
			break
		}
		batch, n = append(batch, e), n+1
	}
	return batch, nil
}

// Do makes one call and takes its answer. again says that there is more to do at
// once.
func (a *Agent) Do(ctx context.Context, rel firsthand.ID, wait time.Duration) (again bool, err error) {
	step, quiet, err := a.glance(ctx, rel, wait)
	if err == nil && !quiet {
		step, err = a.Prepare(ctx, rel, wait)
	}
	if err != nil {
		return false, err
	}
	call := a.Caller.Sync
	if step.Open {
		call = a.Caller.Open
	}
	resp, err := call(ctx, step.Gateway, step.Key, step.Request)
	if err == nil && !(quiet && isQuiet(&step.Request, &resp)) {
		again, err = a.Receive(ctx, rel, step.Request, resp)
	}
	switch {
	case err == nil:
		a.schedule.reached(a.Now(), rel)
		return again, nil
	case ctx.Err() != nil:
		return false, err // we stopped; it says nothing about the company
	case IsPuzzle(err):
		err = errors.Join(a.Diagnose(ctx, rel, err), err)
	}
	return false, errors.Join(err, a.Failed(ctx, rel, err))
}

// IsPuzzle reports whether err, of a call or of Receive, is one of which Diagnose
// has to find out what it means.
func IsPuzzle(err error) bool {
	switch fault.RuleOf(err) {
	case "call-signature":
		return true // her key, or the relationship, is not known there
	case "log-fork":
		return true // the two sides have different logs
	case "fork-evidence":
		return true // likewise; one has a rotate that the other knows nothing of
	case "body-missing":
		return true // what erased the body comes in a later answer
	}
	return false
}

// Receive takes the answer to a call. Everything in it is verified; nothing of a
// batch is kept if one entry of it is wrong. One transaction takes the entries,
// the receipt, and what she says to them by herself; after a crash before it the
// same call is made again and gets the same answer.
func (a *Agent) Receive(ctx context.Context, rel firsthand.ID, req wire.Request, resp wire.Response) (again bool, err error) {
	shed := func(r *relationship) (bool, error) { return a.receiveShed(ctx, r, &req, &resp) }
	err = a.withEnds(ctx, rel, shed, func(r *relationship) error {
		again, err = a.receive(ctx, r, &req, &resp)
		return err
	})
	return again, err
}

func (a *Agent) receive(ctx context.Context, r *relationship, req *wire.Request, resp *wire.Response) (again bool, err error) {
	c := Commit{}
	before, lacked := r.row, r.lacks
	if err := a.takeEntries(ctx, r, resp.Entries, &c, r.row.Restored); err != nil {
		return false, fmt.Errorf("answer of %s: %w", r.row.ID, err)
	}
	if err := a.settle(ctx, r, resp, &c); err != nil {
		return false, err
	}
	ahead := resp.First.Seq > r.state.Log(firsthand.First).Head.Seq || resp.Second.Seq > r.state.Log(firsthand.Second).Head.Seq
	again = resp.More || ahead
	moved := len(c.Entries) > 0 || r.row.Received != before.Received || r.lacks != lacked
	if !moved && (again || brings(req, before.Received.Seq, lacked)) {
		// Calling again at once would go on for ever.
		return false, fault.Refuse(fault.Unavailable, "answer-stuck", "the company neither takes what it lacks nor gives what it says that it has")
	}
	if r.row.Restored && !ahead {
		if err := a.recovered(ctx, r, &c); err != nil {
			return false, err
		}
	}
	if !r.row.Restored && r.row.Frozen == "" && !again {
		if err := a.answer(ctx, r, &c); err != nil {
			return false, err
		}
	}
	if err := a.thaw(ctx, r); err != nil {
		return false, err
	}
	r.row.Tries, r.row.NextTry, r.row.Failure = 0, time.Time{}, ""
	r.refused, r.anew = 0, false
	again = again || r.lacks != everything
	if len(c.Entries)+len(c.Receipts)+len(c.Forget)+len(c.DropDrafts) == 0 && sameOutbox(before, r.row) {
		return again, nil // nothing new: no write
	}
	if err := a.commit(ctx, c, r); err != nil || len(c.Forget) > 0 {
		return false, err
	}
	if len(c.LegEntries) > 0 {
		if err := a.rehold(ctx); err != nil { // a draft of a paused move is an entry now
			return false, err
		}
	}
	held, err := a.paused.of(ctx, a.Store, r.row.ID)
	out := r.row.Outgoing()
	return again || !r.row.Restored && out.pending(held), err
}

// brings reports whether a call brought something that the company lacked, as far
// as was known.
func brings(req *wire.Request, received, lacked int64) bool {
	for _, e := range req.Entries {
		if e.Side == firsthand.First && e.Seq > received || e.Side == firsthand.Second && e.Seq > lacked {
			return true
		}
	}
	return false
}

// takeEntries verifies what the company sent and takes it, into c: entries of its
// own log, and where own allows it those of hers that her file doesn't have.
func (a *Agent) takeEntries(ctx context.Context, r *relationship, entries []firsthand.Entry, c *Commit, own bool) error {
	sorted := r.state.Sort(entries)
	for i, e := range sorted {
		err := r.state.Check(e)
		if fault.RuleOf(err) == "log-known" {
			continue // a repeated answer
		}
		if rule := fault.RuleOf(err); rule == "log-prev" || rule == "log-seen" {
			// The company has another entry there than she has. Which, is asked.
			return fault.Refuse(fault.Conflict, "log-fork", "%s entry %d follows, or has seen, an entry that is not in her file", e.Side, e.Seq)
		}
		if err != nil {
			return err
		}
		if e.Side == firsthand.First && !own {
			return errOther
		}
		err = r.state.Take(e)
		if fault.RuleOf(err) == "body-missing" {
			return a.takeWhole(ctx, r, sorted[i:], c, own)
		}
		if err != nil {
			return err
		}
		c.Entries = append(c.Entries, e)
	}
	return nil
}

// errOther says that another copy of her file writes, or a thief.
var errOther = fault.Refuse(fault.Conflict, "log-fork", "an entry of hers that is not in her file")

// takeWhole takes entries of which one has no body, because a later one says that
// it was erased. That can only be judged together.
func (a *Agent) takeWhole(ctx context.Context, r *relationship, entries []firsthand.Entry, c *Commit, own bool) error {
	first, second, err := a.logs(ctx, r.row.ID, *c)
	if err != nil {
		return err
	}
	for _, e := range entries {
		log := &second
		if e.Side == firsthand.First {
			log = &first
		}
		if e.Seq <= int64(len(*log)) {
			continue
		}
		if e.Side == firsthand.First && !own {
			return errOther
		}
		*log = append(*log, e)
		c.Entries = append(c.Entries, e)
	}
	s, err := firsthand.Verify(first, second)
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			err = fault.Refuse(fault.Conflict, "body-missing", "an entry without its body, and without the one that erased it")
		}
		return err
	}
	r.state = s
	return nil
}

// settle takes heads and receipt of an answer.
func (a *Agent) settle(ctx context.Context, r *relationship, resp *wire.Response, c *Commit) error {
	first := r.state.Log(firsthand.First)
	for side, head := range map[firsthand.Side]firsthand.Head{firsthand.First: resp.First, firsthand.Second: resp.Second} {
		if id := r.state.Log(side).ID(head.Seq); !id.IsZero() && id != head.ID {
			return fault.Refuse(fault.Conflict, "log-fork", "the company has another entry of %s at %d", side, head.Seq)
		}
	}
	if len(resp.Receipt) > 0 {
		receipt, err := firsthand.ParseReceipt(resp.Receipt, r.state.Log(firsthand.Second).Keys...)
		if err != nil {
			return err
		}
		if receipt.Rel != r.row.ID || (firsthand.Head{Seq: receipt.Seq, ID: receipt.ID}) != resp.First {
			return fault.Refuse(fault.Invalid, "receipt-form", "a receipt for something else")
		}
		if !first.ID(receipt.Seq).IsZero() && resp.First != r.row.Received {
			c.Receipts = append(c.Receipts, Received{Receipt: receipt, Signed: resp.Receipt})
			r.row.Received = resp.First
			r.row.Sent = max(r.row.Sent, resp.First.Seq)
		}
	}
	// A company that was restored has lost entries that it had signed for, or of
	// its own. The receipts stay proof; the entries are sent again.
	if resp.First.Seq < r.row.Received.Seq {
		r.row.Received = resp.First
	}
	r.lacks = everything
	if resp.Second.Seq < r.state.Log(firsthand.Second).Head.Seq {
		r.lacks = resp.Second.Seq
	}
	return nil
}

// thaw ends the freeze of a company's fork once the company has said that the
// branch she has stands, and the other, which is kept as evidence, is lost.
func (a *Agent) thaw(ctx context.Context, r *relationship) error {
	if r.row.Frozen != frozenCompany {
		return nil
	}
	evidence, err := a.Store.Evidence(ctx, r.row.ID)
	if err != nil {
		return err
	}
	for _, ev := range evidence {
		for _, s := range r.state.Reconciled {
			if s.Side == firsthand.Second && s.Say.Lost == ev.Entry.ID {
				r.row.Frozen = ""
			}
		}
	}
	return nil
}

// sameOutbox reports whether an answer left what the outbox knows as it was.
func sameOutbox(a, b Relationship) bool {
	return a.Received == b.Received && a.Sent == b.Sent && a.Tries == b.Tries && a.Restored == b.Restored && a.Frozen == b.Frozen && a.Failure == b.Failure
}

// recovered ends a restore: the file has what the company has, so drafts become
// entries.
func (a *Agent) recovered(ctx context.Context, r *relationship, c *Commit) error {
	r.row.Restored = false
	drafts, err := a.Store.Drafts(ctx, r.row.ID)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		c.DropDrafts = append(c.DropDrafts, d.ID)
		say, err := firsthand.DecodeBody(d.Body)
		if err == nil {
			err = a.permitted(ctx, r, say)
		}
		if err == nil {
			err = a.say(ctx, r, say, c)
		}
		if d.Move != 0 {
			leg := LegEntry{Move: d.Move, N: d.Leg, Reason: "when the company had been asked, it could not be said any more: " + reason(err)}
			if err == nil {
				leg = LegEntry{Move: d.Move, N: d.Leg, Entry: c.Entries[len(c.Entries)-1].ID}
			}
			c.LegEntries = append(c.LegEntries, leg)
		}
		if err != nil {
			// It no longer makes sense, for example because what she withdraws
			// was withdrawn already in the entries taken back.
			a.Log.Warn("draft dropped", "relationship", r.row.ID, "rule", fault.RuleOf(err))
		}
	}
	return nil
}

// permitted asks policy again about a draft: what the company said meanwhile, an
// end of the terms for example, may forbid what was allowed when it was written.
func (a *Agent) permitted(ctx context.Context, r *relationship, say firsthand.Content) (err error) {
	switch say := say.(type) {
	case *firsthand.Disclose:
		_, err = a.allow(ctx, r, say.Fact, say.Purpose, say.Basis)
	case *firsthand.Change:
		purpose := ""
		if h := r.state.Holding(say.Of); h != nil {
			purpose = h.Purpose
		}
		_, err = a.allow(ctx, r, say.Fact, purpose, say.Basis)
	}
	return err
}

// answer adds what she says by herself to what is new, and forgets a nameless
// relationship that has ended, once the company has signed for all that she said.
func (a *Agent) answer(ctx context.Context, r *relationship, c *Commit) error {
	closed := false
	for _, s := range r.state.Closed {
		closed = closed || s.Side == firsthand.First
	}
	if closed && !r.row.Kept && r.row.Received == r.state.Log(firsthand.First).Head {
		c.Forget = append(c.Forget, r.row.ID)
		c.setFormer(r.row.ID, nil)
		return nil
	}
	if err := a.unstale(ctx, r, *c); err != nil {
		return err
	}
	say, err := a.answers(ctx, r)
	if err != nil {
		return err
	}
	for _, s := range say {
		if err := a.say(ctx, r, s, c); err != nil {
			return err
		}
	}
	return nil
}

// say signs one more entry into c.
func (a *Agent) say(ctx context.Context, r *relationship, s firsthand.Content, c *Commit) error {
	if err := a.unstale(ctx, r, *c); err != nil {
		return err
	}
	e, err := a.sign(r, r.signer(), s)
	if err != nil {
		return err
	}
	c.Entries = append(c.Entries, e)
	return nil
}

// unstale folds r anew if needed, with what is in c and not yet in the store.
func (a *Agent) unstale(ctx context.Context, r *relationship, c Commit) error {
	if !r.state.Stale() {
		return nil
	}
	first, second, err := a.logs(ctx, r.row.ID, c)
	if err != nil {
		return err
	}
	r.state, err = firsthand.Fold(first, second)
	return err
}

// maxPause is the longest that a company is left alone because it asks for that, before
// chance adds up to half of it.
const maxPause = time.Hour

// RetryAt returns the time before which r is not called after a call failed; one
// that has passed if r may be called. A clock that was wrong and has been put
// right doesn't silence r for as long as it was wrong.
func (r *Relationship) RetryAt(now time.Time) time.Time { return retryAt(r.NextTry, now) }

func retryAt(next, now time.Time) time.Time {
	if next.After(now.Add(maxPause + maxPause/2)) {
		return now
	}
	return next
}

// Failed notes that a call failed, and when to try again: after a pause as pauseAfter
// says, plus up to half as much again, so that a company that comes back isn't called by
// everyone at once. Where the company says how long it wants to be left alone, not
// before that, though an hour is the most that it gets.
func (a *Agent) Failed(ctx context.Context, rel firsthand.ID, cause error) error {
	return a.with(ctx, rel, func(r *relationship) error {
		r.row.Tries++
		asked := time.Duration(0)
		if refusal, ok := errors.AsType[*wire.GatewayError](cause); ok {
			asked = min(maxPause, refusal.RetryAfter)
		}
		n, down := a.schedule.failed(a.Now(), rel, isMissed(cause), asked)
		if n == 0 {
			n = r.row.Tries
		}
		pause := pauseAfter(n, down)
		if fault.RuleOf(cause) == "call-signature" {
			signers, err := a.signers(ctx, r)
			if err != nil {
				return err
			}
			// Each way of asking once, soon; then all of them again, later.
			r.refused++
			if r.refused <= len(signers) || r.refused == len(signers)+1 && r.anew {
				pause = min(pause, 2*time.Second)
			} else {
				r.refused, r.anew = 0, false
			}
		}
		pause = max(pause, asked)
		r.row.NextTry = a.Now().Add(pause + a.jitter(pause/2))
		r.row.Failure = reason(cause)
		return a.commit(ctx, Commit{}, r)
	})
}

// reason returns what a person may know of why a call failed.
func reason(err error) string {
	if rule := fault.RuleOf(err); rule != "" {
		return rule
	}
	return fault.KindOf(err).Error()
}

// IsRefusal reports whether a Failure says that something answered the call.
func IsRefusal(failure string) bool { return failure != "" && failure != fault.Unavailable.Error() }

// jitter returns a random duration below most, in steps of its 65,536th part.
func (a *Agent) jitter(most time.Duration) time.Duration {
	var b [2]byte
	if most <= 0 {
		return 0
	}
	if _, err := a.Rand.Read(b[:]); err != nil {
		return 0 // without it calls only come closer together
	}
	return most / (1 << 16) * time.Duration(binary.BigEndian.Uint16(b[:]))
}
