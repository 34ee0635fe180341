package firsthand

import (
	"fmt"

	"firsthand/fault"
)

// Ends are where the two logs of a relationship end, and what has to be known to go on
// from there with words: a plain message, one that refers to nothing, is judged by
// nothing else. So who is asked for news, or is told something, needs no more of long
// logs. They follow from the logs, and mean nothing without them.
type Ends struct {
	First, Second Head
	Seen          int64     // seq of second's log up to which first's last entry has seen it
	Key           PublicKey // first's, in force
	Next          KeyHash   // commits to first's after it
	SecondKey     PublicKey // second's, in force
	Words         bool      // a plain message of first's that comes next has its effect
}

// Ends returns the ends of the logs of s.
func (s *State) Ends() Ends {
	first, second := s.Log(First), s.Log(Second)
	return Ends{First: first.Head, Second: second.Head, Seen: first.Seen.Seq, Key: first.Key(), Next: first.Next,
		SecondKey: second.Key(), Words: s.takesWords()}
}

// takesWords reports whether first's next plain message has its effect. Of a stale state
// that isn't known. An entry that was erased before it is there can't be told from others
// by the ends.
func (s *State) takesWords() bool {
	if s.ends != nil {
		return s.ends.Words
	}
	for id := range s.skipped {
		if s.known[id] == nil {
			return false
		}
	}
	return !s.stale && len(s.Closed) == 0 && !s.Unpaired()
}

// State returns a state of relationship rel that knows the ends of its logs, in each of
// which there is an entry, and nothing else. It takes what [Ends.Judge] and nothing else. It is stale, so that nothing is
// written from it, and tells of no effect.
func (e Ends) State(rel ID) *State {
	s := NewState()
	s.Rel, s.ends, s.stale = rel, &e, true
	s.logs[0] = LogState{Head: e.First, Seen: Head{Seq: e.Seen}, Keys: []PublicKey{e.Key}, Next: e.Next, before: e.First.Seq - 1, ids: []ID{e.First.ID}}
	s.logs[1] = LogState{Head: e.Second, Keys: []PublicKey{e.SecondKey}, before: e.Second.Seq - 1, ids: []ID{e.Second.ID}}
	return s
}

// Judge reports whether entries are such as the ends suffice for: plain messages of
// first's, each the next of its log, that have seen all of second's. Whether they are
// signed is asked of [State.Check], as ever.
func (e Ends) Judge(entries []Entry) bool {
	last := e.First
	for i := range entries {
		x := &entries[i]
		if !e.Words || x.Side != First || x.Seq != last.Seq+1 || x.Prev != last.ID || x.Seen != e.Second || !x.HasBody() {
			return false
		}
		if m, err := decodeAs[*Message](x); err != nil || !m.Thread.IsZero() {
			return false
		}
		last = x.Head()
	}
	return true
}

// suffice refuses what a state made from the ends of the logs can't judge.
func (s *State) suffice(e *Entry) error {
	if s.ends != nil && !s.Ends().Judge([]Entry{*e}) {
		return fmt.Errorf("%w: the ends of the logs don't suffice to judge %s entry %d", fault.Internal, e.Side, e.Seq)
	}
	return nil
}
