package firsthand

import (
	"context"
	"iter"
)

// A Log keeps both logs of every relationship. Implementations must be safe for
// concurrent use and must pass package logtest.
type Log interface {
	// Head returns the end of one side's log, the zero Head if nothing is in it.
	Head(ctx context.Context, rel ID, side Side) (Head, error)

	// Append adds entries, of one or several relationships and sides, all or
	// none. Each must follow the head of its log, counting those before it in
	// the call. If another entry came first nothing is changed and the error
	// wraps [fault.Conflict]; the caller should read the log and decide anew.
	//
	// The bodies that an erased entry names are deleted in the same step, with
	// their salts, if it was written by the side that keeps this Log; see
	// [Entry.Erases]. When Append returns without error, everything is on stable
	// storage.
	Append(ctx context.Context, entries ...Entry) error

	// Entries returns the entries of one log after the first n, in order, with
	// their bodies except for those that were erased. It stops at the first
	// error.
	Entries(ctx context.Context, rel ID, side Side, after int64) iter.Seq2[Entry, error]
}

// Erases returns the entries whose bodies e says are gone, if e is an erased
// entry; else nothing. The store of e's writer deletes them in the transaction
// that appends e. The other side keeps its copies: else a company could erase
// what it promised out of her file.
func (e *Entry) Erases() []ID {
	if e.Kind() != "erased" {
		return nil
	}
	c, err := decodeAs[*Erased](e)
	if err != nil {
		return nil
	}
	ids := make([]ID, len(c.Entries))
	for i, x := range c.Entries {
		ids[i] = x.ID
	}
	return ids
}

// Collect reads a whole log, for Fold.
func Collect(seq iter.Seq2[Entry, error]) ([]Entry, error) {
	var entries []Entry
	for e, err := range seq {
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Load reads both logs of rel and folds them.
func Load(ctx context.Context, l Log, rel ID) (*State, error) {
	first, err := Collect(l.Entries(ctx, rel, First, 0))
	if err != nil {
		return nil, err
	}
	second, err := Collect(l.Entries(ctx, rel, Second, 0))
	if err != nil {
		return nil, err
	}
	return Fold(first, second)
}
