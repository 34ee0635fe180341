package firsthand

import (
	"iter"
	"slices"

	"firsthand/fault"
)

// Fold returns the state of the cut whose logs are given, in order and whole.
// Signatures are not checked: the entries come from a store that took them after
// [State.Check], or Verify is called instead. Anything else that is wrong with
// them is corruption, and an error with the rule's name.
//
// Effects are applied in one merged order: an entry is taken when its prev and
// seen were taken, and where both logs have one ready, first's goes first.
func Fold(first, second []Entry) (*State, error) {
	return fold(first, second, (*State).checkPlace)
}

// Verify is Fold over entries that nobody has checked yet: signatures and bodies
// too. It returns the state up to the first entry that is wrong, and the error.
func Verify(first, second []Entry) (*State, error) {
	return verify(first, second, func(s *State, e *Entry) error { return s.Check(*e) })
}

func verify(first, second []Entry, check func(*State, *Entry) error) (*State, error) {
	s, err := fold(first, second, check)
	if err != nil {
		// What a later entry says of earlier ones was heeded before it was found
		// wrong, if it was: fold what is good by itself.
		good, err := Fold(first[:s.Log(First).Head.Seq], second[:s.Log(Second).Head.Seq])
		if err == nil {
			s = good
		}
	}
	return s, err
}

func fold(first, second []Entry, check func(*State, *Entry) error) (*State, error) {
	s := &State{
		Outcomes: make(map[ID]*Outcome),
		known:    make(map[ID]*known, len(first)+len(second)),
		skipped:  make(map[ID]skip),
		duties:   make(map[owed]*Duty),
		held:     make(map[held]*Holding),
	}
	s.logs[0].ids = make([]ID, 0, len(first))
	s.logs[1].ids = make([]ID, 0, len(second))
	s.findSkipped(first, second)
	for e, side := range merged(s, first, second) {
		if e.Side != side {
			return s, fault.Refuse(fault.Invalid, "entry-side", "an entry of the other log")
		}
		if err := check(s, e); err != nil {
			return s, err
		}
		if err := s.take(e); err != nil {
			return s, err
		}
	}
	s.stale = false
	return s, nil
}

// NewState returns the state of an empty cut.
func NewState() *State {
	s, _ := Fold(nil, nil) // nothing can be wrong with nothing
	return s
}

// merged yields entries of both logs, each with the log that it stands in, in
// the order of the fold, where s is the state that the caller takes them into.
func merged(s *State, first, second []Entry) iter.Seq2[*Entry, Side] {
	return func(yield func(*Entry, Side) bool) {
		for len(first)+len(second) > 0 {
			log, side := &second, Second
			if len(first) > 0 && (len(second) == 0 || first[0].Seen.Seq <= s.Log(Second).Head.Seq) {
				log, side = &first, First
			}
			if !yield(&(*log)[0], side) {
				return
			}
			*log = (*log)[1:]
		}
	}
}

// Sort returns entries of one relationship in an order in which they can be
// taken one after the other, that of the fold, if they are whole logs or follow
// those of s, or stand beside some of them: what has seen a branch comes after it.
// It trusts nothing: [State.Check] judges the result.
func (s *State) Sort(entries []Entry) []Entry {
	var logs [2][]Entry
	for _, e := range entries {
		logs[e.Side.index()] = append(logs[e.Side.index()], e)
	}
	at := State{logs: s.logs} // only the heads are moved
	if second := logs[Second.index()]; len(second) > 0 {
		if log := at.Log(Second); second[0].Seq <= log.Head.Seq {
			log.Head.Seq = second[0].Seq - 1
		}
	}
	sorted := make([]Entry, 0, len(entries))
	for e := range merged(&at, logs[0], logs[1]) {
		at.Log(e.Side).Head = e.Head()
		sorted = append(sorted, *e)
	}
	return sorted
}

// Take extends s by e, which must have passed [State.Check]. Where that can't be
// done at the end of the merged order, or where e changes what earlier entries
// mean (erased, a rotate that disowns), s.Stale reports true from then on: the
// heads and keys of s are right, its effects are not, and the caller folds the
// logs anew when it needs them.
//
// An entry without its body is not taken, and the error is [fault.Conflict], rule
// body-missing: the erased entry that names it, if there is one, comes later.
// Who has that too verifies the logs as a whole; who stored the one without the
// other could be left with logs that can't be folded.
func (s *State) Take(e Entry) error {
	if err := s.suffice(&e); err != nil {
		return err
	}
	if s.lacksBody(&e) {
		return fault.Refuse(fault.Conflict, "body-missing", "%s entry %d has no body, and nothing here erased it", e.Side, e.Seq)
	}
	return s.take(&e)
}

// lacksBody reports whether e has no body, and no entry of the cut erased it. That
// e was disowned is no excuse: what refers to it is judged by its kind.
func (s *State) lacksBody(e *Entry) bool {
	return !e.HasBody() && s.skipped[e.ID].erased == [2]bool{}
}

// Stale reports whether s has to be folded anew; see Take.
func (s *State) Stale() bool { return s.stale }

// findSkipped finds the entries that have no effect because a later one of the
// same cut says so: those that a thief wrote, and those whose bodies were erased.
func (s *State) findSkipped(first, second []Entry) {
	disowned := int64(maxInteger) // the least seq that a later rotate disowns
	for i := len(first) - 1; i >= 0; i-- {
		e := &first[i]
		// A rotate was hers: no thief has the next key.
		if kind := e.Kind(); kind != "rotate" && e.Seq >= disowned {
			s.skipped[e.ID] = skip{kind: kind, disowned: true}
		} else if kind == "rotate" {
			if r, err := decodeAs[*Rotate](e); err == nil && r.Disown > 0 {
				disowned = min(disowned, r.Disown)
			}
		}
	}
	s.findErased(first)
	s.findErased(second)
}

// sees reports whether the entry at p belongs to e's own cut: its log before it
// and the other log up to its seen. Whether e is valid is judged there, so that
// both sides judge alike whatever crossed on the way.
func sees(e *Entry, p Pos) bool {
	switch {
	case p.Seq == 0:
		return false
	case p.Side == e.Side:
		return p.Seq < e.Seq
	}
	return p.Seq <= e.Seen.Seq
}

// take applies e, the next of its log. Crash and concurrency are the caller's.
func (s *State) take(e *Entry) error {
	// Second's entry always comes last: all of first's that are here were ready
	// before it. First's doesn't if second wrote something that it had not seen.
	if e.Side == First && e.Seen.Seq < s.Log(Second).Head.Seq {
		s.stale = true
	}
	skip, skipped := s.skipped[e.ID]
	if s.lacksBody(e) {
		return fault.Refuse(fault.Internal, "body-missing", "the body of %s entry %d is missing and was not erased", e.Side, e.Seq)
	}
	k := &known{pos: Pos{e.Side, e.Seq}, at: e.At, kind: skip.kind, of: skip.of, void: skipped}
	var c Content
	if e.HasBody() {
		c, _ = DecodeBody(e.Body)
		k.kind, k.of, k.salt = e.Kind(), settles(c), e.Salt
	}
	s.advance(e, c)
	s.known[e.ID] = k
	if skipped {
		s.applySkipped(e, k, skip)
		return nil
	}
	if err := s.judge(e, c); err != nil {
		k.flag = true
		s.Flags = append(s.Flags, Flag{Entry: e.ID, Pos: k.pos, Rule: fault.RuleOf(err)})
		return nil
	}
	s.apply(e, c, k)
	return nil
}

// flag returns the error of an entry that is kept and has no effect.
func flag(rule, format string, args ...any) error {
	return fault.Refuse(fault.Invalid, rule, format, args...)
}

// refer returns the effect of entry id if it lies in e's own cut, is of one of
// the kinds, and has one. ok is false with a nil error where it has none because
// it, or what it refers to, was erased or disowned: the reference is valid and
// comes to nothing.
func refer[T any](s *State, e *Entry, id ID, kinds ...Kind) (t T, ok bool, err error) {
	k := s.known[id]
	if k == nil || !sees(e, k.pos) || k.flag {
		return t, false, flag("ref-unknown", "refers to %s, which is not there or without effect", id)
	}
	if !slices.Contains(kinds, k.kind) {
		return t, false, flag("ref-kind", "refers to an entry of kind %s", k.kind)
	}
	t, ok = k.effect.(T)
	return t, ok, nil
}
