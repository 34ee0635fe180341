package agent

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/fault"
)

// BookSize is how many next keys Refill leaves in the book: one is used for each
// relationship that is opened, and a change may open a log for each company of an
// import.
const BookSize = 2000

// Refill fills the book of next keys from the recovery kit, which is only read.
func (a *Agent) Refill(ctx context.Context, kit string) error {
	have, err := a.Store.Labels(ctx)
	if err != nil {
		return err
	}
	keys, err := a.nextKeys(kit, max(0, BookSize-have))
	if err != nil {
		return err
	}
	return a.Store.Commit(ctx, Commit{AddLabels: keys})
}

// nextKeys derives n next keys under fresh random labels. A label is never made
// twice, so a kit that is opened on two machines fills two different books.
func (a *Agent) nextKeys(kit string, n int) ([]NextKey, error) {
	keys := make([]NextKey, n)
	for i := range keys {
		if _, err := a.Rand.Read(keys[i].Label[:]); err != nil {
			return nil, err
		}
		keys[i].Hash = firsthand.NextKey(kit, keys[i].Label).Public().Hash()
	}
	return keys, nil
}

// Rotation says how to rotate.
type Rotation struct {
	Kit string // the recovery kit's text
	// Stolen says that somebody else has the present key. What he wrote, as far
	// as the company has it and her file doesn't, is taken back and disowned.
	Stolen bool
	// Since disowns from a seq on instead; entries of her file too. 0: what her
	// file doesn't know.
	Since int64
}

// Rotate replaces her key in one relationship by the next, which only the kit
// can derive.
//
// The new entry is appended at the head that the company holds, so nothing is
// displaced: where the company has entries that her file lacks, they are taken
// first. Thieves can write until it arrives, but none can write it; if one was
// quicker, the relationship is frozen, and she rotates once more.
//
// With the kit a file can be used again that is older than the last rotation.
// Such a file has no key that the company knows, but the kit has it. Unless Stolen
// says otherwise, what the company has of her log and her file doesn't is hers, as
// for Reconcile.
func (a *Agent) Rotate(ctx context.Context, rel firsthand.ID, o Rotation) (act Act, err error) {
	theirs, err := a.copyFor(ctx, rel, o)
	if err != nil {
		return act, err
	}
	err = a.with(ctx, rel, func(r *relationship) error {
		c := Commit{}
		if act, err = a.rotate(ctx, r, o, theirs, &c); err != nil {
			return err
		}
		if c.Moves, err = a.holding(ctx, rel); err != nil {
			return err
		}
		return a.commit(ctx, c, r)
	})
	if err == nil {
		err = a.rehold(ctx)
	}
	a.Wake()
	return act, err
}

// holding returns the paused moves that hold something of rel, as moves that go on:
// a rotation stands behind what they hold, and nothing may keep it back.
func (a *Agent) holding(ctx context.Context, rel firsthand.ID) (going []MoveRow, err error) {
	held, err := a.paused.of(ctx, a.Store, rel)
	if err != nil || len(held) == 0 {
		return nil, err
	}
	all, err := a.Store.Moves(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if !m.Paused {
			continue
		}
		legs, err := a.Store.Legs(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(legs, func(l LegState) bool { return l.Rel == rel }) {
			m.Paused = false
			going = append(going, m)
		}
	}
	return going, nil
}

// following returns the next key that comes after the one of a label. Its label is
// derived, by HKDF-SHA256 with the kit as secret, so that the kit and a file of any
// age lead from key to key up to the one in force. To anybody who doesn't have the
// kit it looks as random as the labels of the book.
func following(kit string, label firsthand.Label) (next NextKey) {
	raw, err := hkdf.Key(sha256.New, []byte(kit), nil, "firsthand-next-label-v1"+string(label[:]), len(label))
	if err != nil {
		panic(err) // 16 bytes are within HKDF's limit
	}
	copy(next.Label[:], raw)
	next.Hash = firsthand.NextKey(kit, next.Label).Public().Hash()
	return next
}

// maxBehind is by how many rotations a file may be behind, to be used again.
const maxBehind = 16

// after returns the key that the next rotation commits to. If the book is of
// another kit than o's, she is changing kits, and the key is the new one's.
func (a *Agent) after(ctx context.Context, o Rotation, label firsthand.Label, c *Commit) (NextKey, error) {
	book, err := a.Store.Label(ctx)
	if fault.KindOf(err) == fault.NotExist {
		return following(o.Kit, label), nil
	}
	if err != nil || firsthand.NextKey(o.Kit, book.Label).Public().Hash() == book.Hash {
		return following(o.Kit, label), err
	}
	c.TakeLabels = append(c.TakeLabels, book.Label)
	return book, nil
}

// copyFor returns the company's copy of the logs where a rotation needs it.
func (a *Agent) copyFor(ctx context.Context, rel firsthand.ID, o Rotation) ([]firsthand.Entry, error) {
	var fromKit []*firsthand.Signer
	err := a.with(ctx, rel, func(r *relationship) error {
		if !o.Stolen && !r.row.Restored && r.row.Frozen == "" && r.row.Failure != "call-signature" {
			return nil
		}
		label := r.state.Log(firsthand.First).Label
		for range maxBehind {
			fromKit = append(fromKit, firsthand.NextKey(o.Kit, label))
			label = following(o.Kit, label).Label
		}
		return nil
	})
	if err != nil || fromKit == nil {
		return nil, err
	}
	theirs, err := a.fetchCopy(ctx, rel, fromKit...)
	if err != nil {
		return nil, fmt.Errorf("before this rotation the company has to show what it has: %w", err)
	}
	return theirs, nil
}

// rotate writes the rotation, and what has to come with it, into c.
func (a *Agent) rotate(ctx context.Context, r *relationship, o Rotation, theirs []firsthand.Entry, c *Commit) (act Act, err error) {
	disown, lost, err := a.takeTheirs(ctx, r, o, theirs, c)
	if err != nil {
		return act, err
	}
	log := r.state.Log(firsthand.First)
	key := firsthand.NextKey(o.Kit, log.Label)
	if key.Public().Hash() != log.Next {
		return act, fault.Tell(fault.Denied, "this recovery kit is not the one from which the relationship with "+r.row.Domain+" was made", "use the kit that was in use on "+r.row.Opened.Format("2 January 2006"))
	}
	next, err := a.after(ctx, o, log.Label, c)
	if err != nil {
		return act, err
	}
	if err := a.unstale(ctx, r, *c); err != nil {
		return act, err
	}
	e, err := a.sign(r, key, &firsthand.Rotate{Key: key.Public(), Next: next.Hash, Label: next.Label, Disown: disown})
	if err != nil {
		return act, err
	}
	c.Entries = append(c.Entries, e)
	before, err := a.derived(ctx, r, o.Kit, c)
	if err != nil {
		return act, err
	}
	if err := a.replaceKey(ctx, r, key.Seed(), c, before...); err != nil {
		return act, err
	}
	restored := r.row.Restored
	r.row.Frozen, r.row.Restored, r.refused, r.anew = "", false, 0, false
	if lost != nil {
		// After the rotation, since what stands before it is disowned.
		if err := a.say(ctx, r, lost, c); err != nil {
			return act, err
		}
	}
	if restored {
		return Act{Entry: e.ID}, a.recovered(ctx, r, c)
	}
	return Act{Entry: e.ID}, nil
}

// takeTheirs takes what the company has of her log in place of what her file has
// from where they part; theirs is nil where it needn't be asked. It returns the
// reconcile that a fork needs, and from which seq on the entries are not hers, 0 if
// all are. If the key was stolen, that is all that her file doesn't know; for a
// restored file, which can't tell, she has to say.
func (a *Agent) takeTheirs(ctx context.Context, r *relationship, o Rotation, theirs []firsthand.Entry, c *Commit) (disown int64, lost *firsthand.Reconcile, err error) {
	apart := compare(r.state, theirs)
	switch {
	case apart.why == frozenCompany:
		return 0, nil, fault.Tell(fault.Denied, r.row.Domain+" has forked its own log", "it has to reconcile that first")
	case o.Stolen && r.row.Restored && o.Since == 0 && apart.why != "":
		return 0, nil, fault.Tell(fault.Invalid, fmt.Sprintf("a restored file can't tell your entries at %s from a thief's", r.row.Domain),
			"look at them (firsthand log "+r.row.Domain+") and say which was the first that was not yours: --since SEQ; if all are yours, leave out --stolen")
	}
	if lost, err = a.giveUp(ctx, r, apart, c); err != nil {
		return 0, nil, err
	}
	if err := a.takeEntries(ctx, r, theirs, c, true); err != nil {
		return 0, nil, err
	}
	if disown = o.Since; o.Stolen && disown == 0 {
		disown = apart.first
	}
	return disown, lost, nil
}
