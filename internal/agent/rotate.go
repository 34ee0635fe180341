package agent

import (
	"context"
	"fmt"

	"firsthand"
	"firsthand/fault"
)

// BookSize is how many next keys Refill leaves in the book: one is used for each
// relationship that is opened, and one for each rotation.
const BookSize = 500

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
// first. Thieves can write until it arrives, but none can write it.
func (a *Agent) Rotate(ctx context.Context, rel firsthand.ID, o Rotation) (act Act, err error) {
	next, err := a.Store.Label(ctx)
	if err != nil {
		return act, err
	}
	var theirs []firsthand.Entry
	if o.Stolen {
		step, err := a.Prepare(ctx, rel, 0)
		if err != nil {
			return act, err
		}
		if theirs, err = a.fetchCopy(ctx, rel, step); err != nil {
			return act, fmt.Errorf("to disown a thief's entries the company has to show them: %w", err)
		}
	}
	err = a.with(ctx, rel, func(r *relationship) error {
		c := Commit{TakeLabels: []firsthand.Label{next.Label}}
		act, err = a.rotate(ctx, r, o, next, theirs, &c)
		if err != nil {
			r.state = nil
			return err
		}
		return a.commit(ctx, c, r)
	})
	a.Wake()
	return act, err
}

// rotate writes the rotation, and what has to come with it, into c.
func (a *Agent) rotate(ctx context.Context, r *relationship, o Rotation, next NextKey, theirs []firsthand.Entry, c *Commit) (act Act, err error) {
	if r.row.Restored && !o.Stolen {
		return act, fault.Tell(fault.Conflict, "this file was restored and has not compared itself with "+r.row.Domain+" yet", "wait until it has, or use --stolen")
	}
	disown := o.Since
	var lost *firsthand.Reconcile
	if o.Stolen {
		if disown, lost, err = a.takeStolen(ctx, r, theirs, disown, c); err != nil {
			return act, err
		}
	} else if r.row.Frozen != "" {
		return act, fault.Tell(fault.Conflict, r.row.Domain+" is frozen", r.row.FrozenText())
	}
	log := r.state.Log(firsthand.First)
	key := firsthand.NextKey(o.Kit, log.Label)
	if key.Public().Hash() != log.Next {
		return act, fault.Tell(fault.Denied, "this recovery kit is not the one from which the relationship with "+r.row.Domain+" was made", "use the kit that was in use on "+r.row.Opened.Format("2 January 2006"))
	}
	e, err := a.sign(r, key, &firsthand.Rotate{Key: key.Public(), Next: next.Hash, Label: next.Label, Disown: disown})
	if err != nil {
		return act, err
	}
	c.Entries = append(c.Entries, e)
	r.row.Seed, r.row.Frozen, r.row.Restored = key.Seed(), "", false
	if lost != nil {
		// After the rotation, since what stands before it is disowned.
		if err := a.say(ctx, r, lost, c); err != nil {
			return act, err
		}
	}
	return Act{Entry: e.ID}, nil
}

// takeStolen takes what the company has of her log in place of what her file has
// from where they part. It returns from which seq on the entries are not hers,
// and the reconcile that a fork needs. With since 0, all that her file doesn't
// know is disowned; for a restored file, which can't tell, she has to say.
func (a *Agent) takeStolen(ctx context.Context, r *relationship, theirs []firsthand.Entry, since int64, c *Commit) (disown int64, lost *firsthand.Reconcile, err error) {
	frozen, other, from := compare(r.state, theirs)
	switch {
	case frozen == frozenCompany:
		return 0, nil, fault.Tell(fault.Denied, r.row.Domain+" has forked its own log", "it has to reconcile that first")
	case frozen == "" && since == 0:
		return 0, nil, nil
	case r.row.Restored && since == 0 && frozen != "":
		return 0, nil, fault.Tell(fault.Invalid, fmt.Sprintf("a restored file can't tell your entries at %s from a thief's", r.row.Domain),
			"look at them (firsthand log "+r.row.Domain+") and say which was the first that was not yours: --since SEQ")
	}
	if frozen == frozenBranch {
		mine := r.state.Log(firsthand.First).ID(from)
		lost = &firsthand.Reconcile{Seq: from, Stands: other.ID, Lost: mine}
		if err := a.replace(ctx, r, from, c); err != nil {
			return 0, nil, err
		}
	}
	if err := takeEntries(r, theirs, c, true); err != nil {
		return 0, nil, err
	}
	if err := a.unstale(ctx, r, *c); err != nil {
		return 0, nil, err
	}
	if since == 0 {
		since = from
	}
	return since, lost, nil
}

// replace moves her entries from seq on out of the log and to the evidence.
func (a *Agent) replace(ctx context.Context, r *relationship, from int64, c *Commit) error {
	for e, err := range a.Store.Entries(ctx, r.row.ID, firsthand.First, from-1) {
		if err != nil {
			return err
		}
		c.Evidence = append(c.Evidence, Evidence{Entry: e, Why: "lost against the entry that the company received first"})
	}
	c.Replace = append(c.Replace, Place{r.row.ID, firsthand.First, from})
	first, second, err := a.logs(ctx, r.row.ID, *c)
	if err != nil {
		return err
	}
	r.state, err = firsthand.Fold(first, second)
	return err
}
