package firsthand

import (
	"fmt"
	"slices"

	"firsthand/fault"
)

// Telling are the entries of two logs that tell more than words: by the sides' order,
// the seqs of all but messages, and what became of messages. Long logs consist of
// little else, so a page that shows the state and the last entries reads these and
// no more.
type Telling [2][]int64

// Telling returns the entries of s that tell more than words. It is false where only
// the whole logs can be folded: something was erased or disowned, or a branch was lost.
// Then, too, if s is stale.
func (s *State) Telling() (t Telling, ok bool) {
	if s.stale || len(s.skipped) > 0 || len(s.Reconciled) > 0 || len(s.lost) > 0 {
		return t, false
	}
	for _, f := range s.Flags {
		switch f.Rule {
		case "ref-kind", "applied-value", "reconcile-branch":
			return t, false
		}
	}
	for i := range s.logs {
		for n, id := range s.logs[i].ids {
			if !s.words(s.known[id]) {
				t[i] = append(t[i], int64(n)+1)
			}
		}
	}
	return t, true
}

// words reports whether k is a message, or what became of one, that has its effect.
// Nothing that is none of these refers to it, but a note: of those it can't be said.
func (s *State) words(k *known) bool {
	if k.flag || k.void || len(s.Notes) > 0 {
		return false
	}
	switch k.kind {
	case "message":
		return true
	case "applied", "refused":
		of := s.known[k.of]
		return of != nil && of.kind == "message" && !of.flag && !of.void
	}
	return false
}

// FoldTelling returns the state of the cut of two logs that end with heads, as far as
// it can be told from some of their entries: those that tell, and any others, as the
// last ones, in order. Of its messages, and what became of them, there are those that
// were given. It is to be looked at: it is stale, so that nothing is written from it.
//
// What it is given comes from a store that has checked it. Where that doesn't fit heads
// and t, the error is [fault.Conflict], and the caller folds the whole logs.
func FoldTelling(t Telling, heads [2]Head, first, second []Entry) (*State, error) {
	s := NewState()
	for i, log := range [2][]Entry{first, second} {
		if err := fits(t[i], heads[i], log); err != nil {
			return nil, err
		}
	}
	for e := range mergedParts(first, second) {
		if e.Side == First && e.Seq > 1 && e.Rel != s.Rel || e.Side == Second && e.Relationship() != s.Rel {
			return nil, fmt.Errorf("%w: an entry of another relationship", fault.Conflict)
		}
		if _, tells := slices.BinarySearch(t[e.Side.index()], e.Seq); !tells {
			if err := s.hear(e); err != nil {
				return nil, err
			}
		} else if err := s.take(e); err != nil {
			return nil, err
		}
	}
	s.stale = true
	return s, nil
}

// fits refuses entries that are not those of a log that ends with head, among them all
// that tell.
func fits(tell []int64, head Head, log []Entry) error {
	wrong := func(why string) error { return fmt.Errorf("%w: %s", fault.Conflict, why) }
	if len(log) == 0 && head == (Head{}) && len(tell) == 0 {
		return nil
	}
	if len(log) == 0 || log[len(log)-1].Head() != head {
		return wrong("the log doesn't end there")
	}
	last, found := Head{}, 0
	for i := range log {
		e := &log[i]
		if e.Seq <= last.Seq || e.Seq == last.Seq+1 && e.Prev != last.ID {
			return wrong("entries that don't follow each other")
		}
		if found < len(tell) && tell[found] == e.Seq {
			found++
		}
		last = e.Head()
	}
	if found < len(tell) {
		return wrong("an entry that tells is missing")
	}
	return nil
}

// mergedParts is merged for logs that lack entries: an entry of first's stands before
// the first of second's that it has not seen.
func mergedParts(first, second []Entry) func(yield func(*Entry) bool) {
	return func(yield func(*Entry) bool) {
		for len(first)+len(second) > 0 {
			log := &second
			if len(first) > 0 && (len(second) == 0 || first[0].Seen.Seq < second[0].Seq) {
				log = &first
			}
			if !yield(&(*log)[0]) {
				return
			}
			*log = (*log)[1:]
		}
	}
}

// hear takes an entry of words, which was judged when the whole logs were folded: what
// it refers to need not be there.
func (s *State) hear(e *Entry) error {
	c, _ := DecodeBody(e.Body)
	k := &known{pos: Pos{e.Side, e.Seq}, at: e.At, kind: e.Kind(), of: settles(c), salt: e.Salt}
	s.advance(e, c)
	s.known[e.ID] = k
	switch c := c.(type) {
	case *Message:
		m := said(e, c)
		s.Messages, k.effect = append(s.Messages, m), m
	case *Applied, *Refused:
		s.apply(e, c, k)
	default:
		return fmt.Errorf("%w: an entry that tells, and t doesn't say so", fault.Conflict)
	}
	return nil
}
