package firsthand

import (
	"fmt"
	"slices"
	"time"

	"firsthand/fault"
)

// A LogState is what has to be remembered of one log to judge its next entry.
type LogState struct {
	Head  Head
	At    time.Time   // when its entry was written, as the writer claims
	Seen  Head        // head of the other log that the last entry names
	Keys  []PublicKey // all keys that signed so far; the last is in force
	Next  KeyHash     // commits to the key after it
	Label Label       // from which the writer finds that key

	before int64 // how many entries lie before those in ids: of a state made from [Ends]

	ids   []ID      // ids[i] is the entry with Seq before+i+1
	since []int64   // since[i] is the Seq of the entry that brought Keys[i],
	nexts []KeyHash // and nexts[i] the hash of the next key that it brought
}

// Key returns the key in force; the zero key while the log is empty.
func (l *LogState) Key() PublicKey {
	if len(l.Keys) == 0 {
		return PublicKey{}
	}
	return l.Keys[len(l.Keys)-1]
}

// signers returns the keys that could sign e, of whatever branch, at its place
// in l: the one in force before it, the one that l has from there on, and the one
// that e brings if it is a rotate to the key committed to.
func (l *LogState) signers(e *Entry) []PublicKey {
	i, there := slices.BinarySearch(l.since, e.Seq) // Keys[i-1] was in force
	keys := l.Keys[max(i-1, 0):i:i]
	if there {
		keys = append(keys, l.Keys[i])
	}
	if r, err := decodeAs[*Rotate](e); err == nil && i > 0 && r.Key.Hash() == l.nexts[i-1] && r.Key.Check() == nil {
		keys = append(keys, r.Key)
	}
	return keys
}

// ID returns the entry with the given seq, zero if the log has none, or if it isn't
// known: see [Ends.State].
func (l *LogState) ID(seq int64) ID {
	if seq <= l.before || seq > l.before+int64(len(l.ids)) {
		return ID{}
	}
	return l.ids[seq-1-l.before]
}

// Log returns the state of side's log.
func (s *State) Log(side Side) *LogState { return &s.logs[side.index()] }

// Check judges whether e may follow in its log: its place, its signature and,
// if it has one, its body. It changes nothing. Entries from outside pass Check
// before [State.Take].
//
// Errors wrap [fault.Invalid], except that they wrap [fault.Conflict] where the
// writer may be right and the reader behind: rule log-gap (entries before e are
// missing), log-seen-unknown (e has seen an entry of the other log that is
// missing here), and log-fork (e is another entry at a place that is taken; see
// [State.CheckFork]).
func (s *State) Check(e Entry) error {
	if err := s.suffice(&e); err != nil {
		return err
	}
	if err := e.checkBody(); err != nil {
		return err
	}
	if err := s.checkPlace(&e); err != nil {
		return err
	}
	key, err := s.signer(&e)
	if err != nil {
		return err
	}
	if !e.signedBy(key) {
		return fault.Refuse(fault.Invalid, "entry-signature", "not signed by the key in force")
	}
	return s.checkErased(&e)
}

// checkPlace judges what e says of its place, without its signature.
func (s *State) checkPlace(e *Entry) error {
	mine, other := s.Log(e.Side), s.Log(e.Side.Other())
	switch {
	case !s.Rel.IsZero() && e.Relationship() != s.Rel:
		return fault.Refuse(fault.Invalid, "log-rel", "the entry belongs to another relationship")
	case e.Seq <= mine.Head.Seq && mine.ID(e.Seq) != e.ID:
		return fault.Refuse(fault.Conflict, "log-fork", "another entry has the place %d", e.Seq)
	case e.Seq <= mine.Head.Seq:
		return fault.Refuse(fault.Conflict, "log-known", "the entry %d is here already", e.Seq)
	case e.Seq > mine.Head.Seq+1:
		return fault.Refuse(fault.Conflict, "log-gap", "entry %d, but the log ends at %d", e.Seq, mine.Head.Seq)
	case e.Prev != mine.Head.ID:
		return fault.Refuse(fault.Invalid, "log-prev", "prev is not the entry before")
	}
	if e.Seq == 1 {
		return s.checkFirst(e)
	}
	switch {
	case e.Seen.Seq < mine.Seen.Seq:
		return fault.Refuse(fault.Invalid, "log-seen-back", "seen goes back from %d to %d", mine.Seen.Seq, e.Seen.Seq)
	case e.Seen.Seq > other.Head.Seq:
		return fault.Refuse(fault.Conflict, "log-seen-unknown", "has seen %d, the other log ends here at %d", e.Seen.Seq, other.Head.Seq)
	case e.Seen.ID != other.ID(e.Seen.Seq):
		return fault.Refuse(fault.Invalid, "log-seen", "names another entry as seen than the one with seq %d", e.Seen.Seq)
	}
	return nil
}

// checkFirst judges the place of a log's first entry.
func (s *State) checkFirst(e *Entry) error {
	if e.Side == First {
		if !e.Rel.IsZero() || e.Seen != (Head{}) {
			return fault.Refuse(fault.Invalid, "open-first", "the first entry of all has an empty rel and has seen nothing")
		}
		return nil
	}
	switch {
	case s.Rel.IsZero():
		return fault.Refuse(fault.Conflict, "log-seen-unknown", "there is no first entry to answer")
	case e.Seen != (Head{Seq: 1, ID: s.Rel}):
		return fault.Refuse(fault.Invalid, "open-second", "second's first entry has seen the opening, and that alone")
	}
	return nil
}

// signer returns the key that must have signed e: the key in force, or for open
// and rotate the new one, once it has been found good.
func (s *State) signer(e *Entry) (PublicKey, error) {
	kind := e.Kind()
	if e.Seq == 1 {
		open, err := decodeAs[*Open](e)
		if err != nil {
			return PublicKey{}, fault.Refuse(fault.Invalid, "open-body", "a log begins with open: %v", err)
		}
		return open.Key, s.checkOpen(e.Side, open)
	}
	if kind == "open" {
		return PublicKey{}, fault.Refuse(fault.Invalid, "open-once", "open is the first entry and no other")
	}
	log := s.Log(e.Side)
	if kind != "rotate" {
		return log.Key(), nil
	}
	rotate, err := decodeAs[*Rotate](e)
	if err != nil {
		return PublicKey{}, fault.Refuse(fault.Invalid, "rotate-body", "%v", err)
	}
	if rotate.Key.Hash() != log.Next {
		return PublicKey{}, fault.Refuse(fault.Invalid, "rotate-next", "the new key is not the one committed to")
	}
	if rotate.Disown != 0 && (e.Side != First || rotate.Disown < 2 || rotate.Disown >= e.Seq) {
		return PublicKey{}, fault.Refuse(fault.Invalid, "rotate-disown", "disown names an own entry after open, and first alone may")
	}
	return rotate.Key, rotate.Key.Check()
}

// checkOpen judges keys and role of an open.
func (s *State) checkOpen(side Side, open *Open) error {
	switch {
	case side == First && (open.Role == "company" || CheckDomain(open.Domain) != nil):
		return fault.Refuse(fault.Invalid, "open-body", "first's open has her role and names the company's domain")
	case side == Second && (open.Role != "company" && open.Role != "person" || open.Domain != "" || !open.CompanyKey.IsZero()):
		return fault.Refuse(fault.Invalid, "open-body", "second's open has its role and names no company")
	case side == Second && s.Unpaired():
		return fault.Refuse(fault.Invalid, "open-unpaired", "an unpaired log has no other side")
	case side == Second && open.Key != s.Opened.CompanyKey:
		return fault.Refuse(fault.Invalid, "open-pinned", "the company's key is not the one that first pinned")
	}
	if !open.CompanyKey.IsZero() {
		if err := open.CompanyKey.Check(); err != nil {
			return err
		}
	}
	return open.Key.Check()
}

// decodeAs decodes e's body, which must be of the kind that T is.
func decodeAs[T Content](e *Entry) (T, error) {
	var none T
	c, err := DecodeBody(e.Body)
	if err != nil {
		return none, err
	}
	t, ok := c.(T)
	if !ok {
		return none, fault.Refuse(fault.Invalid, "body-form", "%s is of another kind", c.Kind())
	}
	return t, nil
}

// advance takes e, which passed Check, into its log.
func (s *State) advance(e *Entry, c Content) {
	log := s.Log(e.Side)
	log.Head, log.At, log.Seen = e.Head(), e.At, e.Seen
	log.ids = append(log.ids, e.ID)
	switch c := c.(type) {
	case *Open:
		log.Keys, log.Next, log.Label = []PublicKey{c.Key}, c.Next, c.Label
		log.since, log.nexts = []int64{e.Seq}, []KeyHash{c.Next}
		if e.Side == First {
			s.Rel, s.Opened = e.ID, *c
		}
	case *Rotate:
		log.Keys, log.Next, log.Label = append(log.Keys, c.Key), c.Next, c.Label
		log.since, log.nexts = append(log.since, e.Seq), append(log.nexts, c.Next)
	}
}

// CheckFork judges whether e proves that its writer forked its log: that e stands
// at a place where the log has another entry, and is signed by a key that was good
// there. Then both are evidence that anyone can check. A key that was replaced
// before, and may have been stolen since, proves nothing. Errors are
// [fault.Invalid], rule fork-evidence or that of a wrong body.
func (s *State) CheckFork(e Entry) error {
	log := s.Log(e.Side)
	if e.Relationship() != s.Rel || log.ID(e.Seq).IsZero() || log.ID(e.Seq) == e.ID {
		return fault.Refuse(fault.Invalid, "fork-evidence", "the log has no other entry at %d", e.Seq)
	}
	if err := e.checkBody(); err != nil {
		return err
	}
	for _, key := range log.signers(&e) {
		if e.signedBy(key) {
			return nil
		}
	}
	return fault.Refuse(fault.Invalid, "fork-evidence", "not signed by a key that was good at %d", e.Seq)
}

// Write signs the next entry of side's log, which says c, having seen all of the
// other log that is in s, and at, cut to the minute. It does not take the entry.
// A rotate is signed by its own new key. The error is [fault.Invalid] with the
// rule that the entry would break, or that would leave it without effect: what
// the other side would refuse or flag is never signed. In a State that is Stale
// that can't be judged, and the error is [fault.Internal].
func (s *State) Write(key *Signer, side Side, at time.Time, salt []byte, c Content) (Entry, error) {
	if s.stale {
		return Entry{}, fmt.Errorf("write %s in a stale state: %w", c.Kind(), fault.Internal)
	}
	if y := at.UTC().Year(); y < 0 || y > 9999 {
		return Entry{}, fault.Refuse(fault.Invalid, "entry-time", "the year %d doesn't have four digits", y)
	}
	body, err := EncodeBody(c)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Rel: s.Rel, Side: side, Seq: s.Log(side).Head.Seq + 1, Prev: s.Log(side).Head.ID,
		Seen: s.Log(side.Other()).Head, At: at, Commitment: commit(salt, body), Salt: salt, Body: body}
	if side == Second && e.Seq == 1 {
		e.Seen = Head{Seq: 1, ID: s.Rel}
	}
	if err := e.checkBody(); err != nil {
		return Entry{}, err
	}
	if err := s.checkPlace(&e); err != nil {
		return Entry{}, err
	}
	if err := s.checkErased(&e); err != nil {
		return Entry{}, err
	}
	want, err := s.signer(&e)
	if err != nil {
		return Entry{}, err
	}
	if want != key.Public() {
		return Entry{}, fault.Refuse(fault.Invalid, "entry-signature", "this is not the key in force")
	}
	if err := s.judge(&e, c); err != nil {
		return Entry{}, err
	}
	key.signEntry(&e)
	return e, nil
}
