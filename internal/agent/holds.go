package agent

import (
	"context"
	"slices"
	"sync"

	"firsthand"
	"firsthand/wire"
)

// holds are the entries that paused moves hold. That a move is paused stands in its
// row, and which entries it has in its legs; so nothing is kept here that could
// disagree with them.
type holds struct {
	mu  sync.Mutex               // held for a few instructions, or while the store is asked
	all map[firsthand.ID][]int64 // places in her log, in order; nil until it is needed
}

// read asks the store.
func (h *holds) read(ctx context.Context, s Store) (map[firsthand.ID][]int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.readLocked(ctx, s)
}

func (h *holds) readLocked(ctx context.Context, s Store) (map[firsthand.ID][]int64, error) {
	all, err := s.Held(ctx)
	if err == nil {
		h.all = all
		if all == nil {
			h.all = make(map[firsthand.ID][]int64)
		}
	}
	return all, err
}

// of returns the entries that are held in rel.
func (h *holds) of(ctx context.Context, s Store, rel firsthand.ID) ([]int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		if _, err := h.readLocked(ctx, s); err != nil {
			return nil, err
		}
	}
	return h.all[rel], nil
}

// firstAfter returns the first of places after seq, 0 if there is none.
func firstAfter(places []int64, seq int64) int64 {
	for _, p := range places {
		if p > seq {
			return p
		}
	}
	return 0
}

// unheld cuts what a call brings before the first entry of hers that a paused move
// holds: what comes after it waits too, since a log has an order. The call names no
// head that the company can't know of yet either.
func (a *Agent) unheld(ctx context.Context, r *relationship, req *wire.Request) error {
	held, err := a.paused.of(ctx, a.Store, r.row.ID)
	hold := firstAfter(held, r.row.Received.Seq)
	if err != nil || hold == 0 {
		return err
	}
	if hold > r.row.Sent {
		req.First = firsthand.Head{Seq: hold - 1, ID: r.state.Log(firsthand.First).ID(hold - 1)}
	}
	if i := slices.IndexFunc(req.Entries, func(e firsthand.Entry) bool { return e.Side == firsthand.First && e.Seq >= hold }); i >= 0 {
		req.Entries = req.Entries[:i]
	}
	return nil
}
