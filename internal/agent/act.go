package agent

import (
	"context"

	"firsthand"
	"firsthand/fault"
)

// An Act is what became of something she did: an entry, or, in a relationship
// whose file was restored and not yet compared with the company's, a draft.
type Act struct {
	Entry firsthand.ID // zero for a draft
	Draft bool
}

// act writes one entry in rel and makes it durable. The entry is on its way when
// act returns: the outbox carries it.
func (a *Agent) act(ctx context.Context, rel firsthand.ID, say func(*relationship) (firsthand.Content, error)) (act Act, err error) {
	err = a.with(ctx, rel, func(r *relationship) error {
		c, err := say(r)
		if err != nil {
			return err
		}
		act, err = a.write(ctx, r, c, Commit{})
		return err
	})
	a.Wake()
	return act, err
}

// write signs c as r's next entry and commits it with the rest of with. r is
// locked.
func (a *Agent) write(ctx context.Context, r *relationship, c firsthand.Content, with Commit) (Act, error) {
	act, err := a.add(r, c, &with)
	if err != nil {
		return act, err
	}
	return act, a.commit(ctx, with, r)
}

// add adds c to the commit: signed as r's next entry, or, while r's file is
// restored and not yet compared with the company's, as a draft.
func (a *Agent) add(r *relationship, c firsthand.Content, with *Commit) (Act, error) {
	switch {
	case r.row.Frozen != "":
		return Act{}, fault.Tell(fault.Conflict, r.row.Domain+" is frozen", r.row.FrozenText())
	case r.row.Restored:
		body, err := firsthand.EncodeBody(c)
		with.AddDrafts = append(with.AddDrafts, Draft{Rel: r.row.ID, Body: body, Made: a.Now()})
		return Act{Draft: true}, err
	}
	e, err := a.sign(r, r.signer(), c)
	with.Entries = append(with.Entries, e)
	return Act{Entry: e.ID}, err
}

// sign signs c as r's next entry and takes it into r's state. Until it is
// committed it must not leave: a crash in between would let another entry take
// its place.
func (a *Agent) sign(r *relationship, key *firsthand.Signer, c firsthand.Content) (firsthand.Entry, error) {
	salt, err := firsthand.NewSalt(a.Rand)
	if err != nil {
		return firsthand.Entry{}, err
	}
	e, err := r.state.Write(key, firsthand.First, a.Now(), salt, c)
	if err != nil {
		return e, err
	}
	return e, r.state.Take(e)
}

// Wake makes Run look at its clock, and at what there is to do by it.
func (a *Agent) Wake() {
	a.schedule.signal()
	select {
	case a.moves <- struct{}{}:
	default: // it will look
	}
}
