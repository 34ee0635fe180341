package gateway

import (
	"context"

	"firsthand"
	"firsthand/wire"
)

// answer returns what the agent lacks by its own account, the heads, and the
// receipt. before is where second's log ended when the call came.
func (t *turn) answer(ctx context.Context, r *wire.Request, before int64) (resp wire.Response, err error) {
	s := t.state()
	first, second := s.Log(firsthand.First), s.Log(firsthand.Second)
	resp.First, resp.Second = first.Head, second.Head
	key := second.Key()
	if key.IsZero() {
		key = s.Opened.CompanyKey // our log is to be taken back
	}
	signer, err := t.g.keyring().signer(key)
	if err != nil {
		return resp, err
	}
	resp.Receipt = signer.Receipt(firsthand.Receipt{Rel: t.r.id, Seq: first.Head.Seq, ID: first.Head.ID, At: t.now})

	// Nearly always she lacks what was just said and nothing else.
	if r.First.Seq >= first.Head.Seq && r.Second.Seq >= before && before > 0 {
		for _, e := range t.said {
			if e.Seq > r.Second.Seq {
				resp.Entries = append(resp.Entries, e)
			}
		}
	} else if resp.Entries, err = t.lacking(ctx, r.First.Seq, r.Second.Seq); err != nil {
		return resp, err
	}
	if n := wire.Fit(resp.Entries); n < len(resp.Entries) {
		resp.Entries, resp.More = resp.Entries[:n], true
	} else if n > 0 {
		last := [2]int64{r.First.Seq, r.Second.Seq}
		for i := range resp.Entries {
			last[at(resp.Entries[i].Side)] = resp.Entries[i].Seq
		}
		resp.More = last[0] < first.Head.Seq || last[1] < second.Head.Seq
	}
	return resp, nil
}

// lacking reads both logs after these seqs, about as much as an answer holds, in
// the order of the fold: so that whatever the answer has room for can be taken.
func (t *turn) lacking(ctx context.Context, afterFirst, afterSecond int64) ([]firsthand.Entry, error) {
	firsts, err := t.some(ctx, firsthand.First, afterFirst)
	if err != nil {
		return nil, err
	}
	seconds, err := t.some(ctx, firsthand.Second, afterSecond)
	if err != nil {
		return nil, err
	}
	merged := make([]firsthand.Entry, 0, len(firsts)+len(seconds))
	for len(firsts)+len(seconds) > 0 {
		if len(firsts) > 0 && (len(seconds) == 0 || firsts[0].Seen.Seq <= afterSecond) {
			merged, firsts = append(merged, firsts[0]), firsts[1:]
		} else {
			afterSecond = seconds[0].Seq
			merged, seconds = append(merged, seconds[0]), seconds[1:]
		}
	}
	return merged, nil
}

func (t *turn) some(ctx context.Context, side firsthand.Side, after int64) (entries []firsthand.Entry, err error) {
	if after >= t.state().Log(side).Head.Seq {
		return nil, nil
	}
	size := 0
	for e, err := range t.g.o.Store.Entries(ctx, t.r.id, side, after) {
		if err != nil {
			return nil, err
		}
		if e.Seq > t.state().Log(side).Head.Seq {
			break // of another gateway, since the commit
		}
		entries = append(entries, e)
		if size += e.Size(); len(entries) > wire.MaxBatch || size > wire.MaxBatchBytes {
			break
		}
	}
	return entries, nil
}
