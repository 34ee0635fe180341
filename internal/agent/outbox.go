package agent

import (
	"context"
	"errors"
	"fmt"
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
	err = a.with(ctx, rel, func(r *relationship) error {
		if r.row.Gateway == "" {
			return fault.Refuse(fault.Invalid, "open-unpaired", "an unpaired log is never sent")
		}
		first, second := r.state.Log(firsthand.First).Head, r.state.Log(firsthand.Second).Head
		step = Step{Open: r.row.Received.Seq == 0, Gateway: r.row.Gateway, Key: firsthand.SignerFromSeed(r.row.Seed),
			Request: wire.Request{Rel: rel, First: first, Second: second, Wait: wait}}
		if r.lacks != everything {
			// Its own log, which it has lost: what first wrote since has seen it.
			if step.Request.Entries, err = a.batch(ctx, rel, firsthand.Second, r.lacks, nil); err != nil {
				return err
			}
		}
		if r.row.Restored || r.row.Frozen != "" {
			if step.Open {
				// The company may never have heard of the relationship. Its first
				// entry can't be another: the relationship is named by it.
				step.Request.Entries, err = a.batch(ctx, rel, firsthand.First, 0, nil)
				step.Request.Entries = step.Request.Entries[:min(1, len(step.Request.Entries))]
			}
			return err // ask, and say nothing
		}
		if step.Request.Entries, err = a.batch(ctx, rel, firsthand.First, r.row.Received.Seq, step.Request.Entries); err != nil {
			return err
		}
		if len(step.Request.Entries) > 0 {
			step.Request.Wait = 0
			if last := step.Request.Entries[len(step.Request.Entries)-1]; last.Side == firsthand.First && last.Seq > r.row.Sent {
				r.row.Sent = last.Seq
				return a.commit(ctx, Commit{}, r)
			}
		}
		return nil
	})
	return step, err
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
	step, err := a.Prepare(ctx, rel, wait)
	if err != nil {
		return false, err
	}
	call := a.Caller.Sync
	if step.Open {
		call = a.Caller.Open
	}
	resp, err := call(ctx, step.Gateway, step.Key, step.Request)
	if err == nil {
		again, err = a.Receive(ctx, rel, step.Request, resp)
	}
	switch {
	case err == nil:
		return again, nil
	case ctx.Err() != nil:
		return false, err // we stopped; it says nothing about the company
	case fault.RuleOf(err) == "log-fork":
		err = errors.Join(a.Diagnose(ctx, rel, step), err)
	}
	return false, errors.Join(err, a.Failed(ctx, rel, err))
}

// Receive takes the answer to a call. Everything in it is verified; nothing of a
// batch is kept if one entry of it is wrong. One transaction takes the entries,
// the receipt, and what she says to them by herself; after a crash before it the
// same call is made again and gets the same answer.
func (a *Agent) Receive(ctx context.Context, rel firsthand.ID, req wire.Request, resp wire.Response) (again bool, err error) {
	err = a.with(ctx, rel, func(r *relationship) error {
		c := Commit{}
		before := r.row
		if err := takeEntries(r, resp.Entries, &c, r.row.Restored); err != nil {
			r.state = nil
			return fmt.Errorf("answer of %s: %w", rel, err)
		}
		if err := a.settle(ctx, r, resp, &c); err != nil {
			r.state = nil
			return err
		}
		ahead := resp.First.Seq > r.state.Log(firsthand.First).Head.Seq || resp.Second.Seq > r.state.Log(firsthand.Second).Head.Seq
		again = resp.More || ahead
		if r.row.Restored && !ahead {
			if err := a.recovered(ctx, r, &c); err != nil {
				return err
			}
		}
		if !r.row.Restored && r.row.Frozen == "" && !again {
			if err := a.answer(ctx, r, &c); err != nil {
				return err
			}
		}
		if err := a.thaw(ctx, r); err != nil {
			return err
		}
		r.row.Tries, r.row.NextTry, r.row.Failure = 0, time.Time{}, ""
		again = again || r.lacks != everything
		if len(c.Entries)+len(c.Receipts)+len(c.Forget)+len(c.DropDrafts) == 0 && sameOutbox(before, r.row) {
			return nil // nothing new: no write
		}
		if err := a.commit(ctx, c, r); err != nil {
			return err
		}
		again = again || r.state.Log(firsthand.First).Head.Seq > r.row.Received.Seq && r.row.Frozen == "" && !r.row.Restored
		return nil
	})
	return again, err
}

// takeEntries verifies what the company sent and takes it: entries of its own
// log, and where own allows it those of hers that her file doesn't have.
func takeEntries(r *relationship, entries []firsthand.Entry, c *Commit, own bool) error {
	for _, e := range r.state.Sort(entries) {
		err := r.state.Check(e)
		if fault.RuleOf(err) == "log-known" {
			continue // a repeated answer
		}
		if err != nil {
			return err
		}
		if e.Side == firsthand.First && !own {
			// Another copy of her file writes, or a thief.
			return fault.Refuse(fault.Conflict, "log-fork", "an entry of hers that is not in her file")
		}
		if err := r.state.Take(e); err != nil {
			return err
		}
		c.Entries = append(c.Entries, e)
	}
	return nil
}

// settle takes heads and receipt of an answer.
func (a *Agent) settle(ctx context.Context, r *relationship, resp wire.Response, c *Commit) error {
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
// relationship that has ended.
func (a *Agent) answer(ctx context.Context, r *relationship, c *Commit) error {
	closed := false
	for _, s := range r.state.Closed {
		closed = closed || s.Side == firsthand.First && r.state.Pos(s.Entry).Seq <= r.row.Received.Seq
	}
	if closed && !r.row.Kept {
		c.Forget = append(c.Forget, r.row.ID)
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
	e, err := a.sign(r, firsthand.SignerFromSeed(r.row.Seed), s)
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

// maxPause is the longest pause after a failed call, before chance adds up to
// half of it.
const maxPause = time.Hour

// RetryAt returns the time before which r is not called after a call failed; one
// that has passed if r may be called. A clock that was wrong and has been put
// right doesn't silence r for as long as it was wrong.
func (r *Relationship) RetryAt(now time.Time) time.Time {
	if r.NextTry.After(now.Add(maxPause + maxPause/2)) {
		return now
	}
	return r.NextTry
}

// Failed notes that a call failed, and when to try again: after 2 s, 4 s, … up
// to an hour, each plus up to half as much again, so that a company that comes
// back isn't called by everyone at once.
func (a *Agent) Failed(ctx context.Context, rel firsthand.ID, cause error) error {
	return a.with(ctx, rel, func(r *relationship) error {
		r.row.Tries++
		pause := min(maxPause, time.Second<<min(r.row.Tries, 12))
		r.row.NextTry = a.Now().Add(pause + a.jitter(pause/2))
		r.row.Failure = reason(cause)
		if fault.RuleOf(cause) == "call-signature" {
			if err := a.introduce(ctx, r); err != nil {
				return err
			}
		}
		return a.commit(ctx, Commit{}, r)
	})
}

// introduce lets the next call bring what a company needs to know her key: it
// doesn't, perhaps because it was restored from before her last rotation, or from
// before the relationship. First that rotation is sent again, and what follows;
// if that doesn't help, everything.
func (a *Agent) introduce(ctx context.Context, r *relationship) error {
	before := firsthand.Head{}
	for e, err := range a.Store.Entries(ctx, r.row.ID, firsthand.First, 0) {
		if err != nil {
			return err
		}
		if e.Kind() == "rotate" {
			before = firsthand.Head{Seq: e.Seq - 1, ID: e.Prev}
		}
	}
	if r.row.Received.Seq <= before.Seq {
		before = firsthand.Head{}
	}
	r.row.Received = before
	return nil
}

// reason returns what a person may know of why a call failed.
func reason(err error) string {
	if rule := fault.RuleOf(err); rule != "" {
		return rule
	}
	return fault.KindOf(err).Error()
}

// jitter returns a random duration below most.
func (a *Agent) jitter(most time.Duration) time.Duration {
	var b [4]byte
	if most <= 0 {
		return 0
	}
	if _, err := a.Rand.Read(b[:]); err != nil {
		return 0 // without it calls only come closer together
	}
	n := int64(b[0])<<16 | int64(b[1])<<8 | int64(b[2])
	return time.Duration(n * int64(most) >> 24)
}
