package agent

import (
	"context"
	"slices"
	"time"

	"firsthand"
	"firsthand/wire"
)

// A change to a thousand companies folds each of their logs once, to sign what it says.
// Where that is more than is kept in memory, states are shed as soon as all is signed;
// what is left suffices to send what was signed and to take the receipt for it, so that
// no log is folded again for that. Anything else that happens folds it, as ever.

// An ends is what is left of a state.
type ends struct {
	heads [2]firsthand.Head
	keys  []firsthand.PublicKey // the company's, by which it signs receipts
}

// shed gives up r's state. r is locked, and has just written.
func (r *relationship) shed() {
	keep := r.row.Gateway != "" && !r.row.Restored && r.row.Frozen == "" && r.row.Received.Seq > 0 && r.lacks == everything &&
		r.refused == 0 && !r.anew && r.after(r.row.Received.Seq) != nil
	if keep {
		r.ends = &ends{r.heads(), slices.Clone(r.state.Log(firsthand.Second).Keys)}
	}
	r.state = nil
}

// prepareShed is Prepare for a relationship of which only the ends are left. It reports
// whether they suffice.
func (a *Agent) prepareShed(ctx context.Context, r *relationship, step *Step) (done bool, err error) {
	held, err := a.paused.of(ctx, a.Store, r.id)
	entries := r.after(r.row.Received.Seq)
	if err != nil || firstAfter(held, r.row.Received.Seq) > 0 || len(entries) == 0 {
		return false, err
	}
	*step = Step{Gateway: r.row.Gateway, Key: r.signer(),
		Request: wire.Request{Rel: r.id, First: r.ends.heads[0], Second: r.ends.heads[1], Entries: slices.Clone(entries)}}
	if r.row.Sent >= step.Request.First.Seq {
		return true, nil
	}
	r.row.Sent = step.Request.First.Seq
	return true, a.keep(ctx, Commit{Outbox: []Relationship{r.row}})
}

// receiveShed is Receive for an answer that says nothing but that all has come, to a
// call that prepareShed has prepared. It reports whether it was one.
func (a *Agent) receiveShed(ctx context.Context, r *relationship, req *wire.Request, resp *wire.Response) (done bool, err error) {
	if !isQuiet(req, resp) || [2]firsthand.Head{resp.First, resp.Second} != r.ends.heads || r.row.Received == resp.First {
		return false, nil
	}
	receipt, err := firsthand.ParseReceipt(resp.Receipt, r.ends.keys...)
	if err != nil || receipt.Rel != r.id || (firsthand.Head{Seq: receipt.Seq, ID: receipt.ID}) != resp.First {
		return false, nil // Receive says what is wrong with it
	}
	r.row.Received, r.row.Sent = resp.First, max(r.row.Sent, resp.First.Seq)
	r.row.Tries, r.row.NextTry, r.row.Failure = 0, time.Time{}, ""
	err = a.keep(ctx, Commit{Receipts: []Received{{Receipt: receipt, Signed: resp.Receipt}}, Outbox: []Relationship{r.row}})
	r.ends, r.tail = nil, nil // they have served
	return true, err
}
