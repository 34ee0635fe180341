package gateway

import (
	"context"
	"errors"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// A Shared is a Store that several gateways use at once, each in a process of its
// own, all with the same configuration and keys.
//
// A relationship is worked on by whoever is asked, and its Version keeps them apart:
// a turn says from which version it was made ([Commit].At), and is made again if
// there is another by now. Calls of the company's system can't be made again, so
// they are held: by one process at a time, until it gives them back or is gone.
type Shared interface {
	Store

	// Load returns the row and both logs of a relationship, [fault.NotExist] if there
	// is none. The logs may be newer than the row, and never older.
	Load(ctx context.Context, rel firsthand.ID) (row Relationship, first, second []firsthand.Entry, err error)
	// Glance returns the row of a relationship, [fault.NotExist] if there is none, and
	// the Ends of the At by which it was last committed: nil if that commit had none.
	Glance(ctx context.Context, rel firsthand.ID) (row Relationship, ends []byte, err error)
	// Version returns the Version of a relationship's row; 0 if there is none.
	Version(ctx context.Context, rel firsthand.ID) (int64, error)

	// Hold gives something to this process alone, and reports whether it has it. It
	// keeps it until Release, or until the process has been gone or cut off from the
	// store for some time. To hold what one holds already is no error.
	Hold(ctx context.Context, what string) (bool, error)
	// Release gives back what Hold gave; what isn't held is no error.
	Release(ctx context.Context, what string) error

	// News calls heard with each relationship in which another process has written
	// second's log, until ctx ends; with the zero ID after a time in which it could
	// not hear. What it misses, nobody misses for long: an agent that waits asks again.
	News(ctx context.Context, heard func(rel firsthand.ID))
}

// What is held but for a line, which has the name of its relationship's ID and lane.
const (
	choreListen = "listen" // to a system; see lane.key
	choreRotate = "rotate" // the company's key
)

var (
	// errOvertaken says that another gateway has changed the relationship.
	errOvertaken = errors.New("another gateway was quicker")
	// errElsewhere says that another gateway is at the line.
	errElsewhere = errors.New("another gateway is at it")
)

// maxAgain bounds how often a turn is made anew. Each time another one has got on.
const maxAgain = 100

// turns runs fn in a turn of rel: once, or, where another gateway was quicker, again.
func (g *Gateway) turns(ctx context.Context, rel firsthand.ID, fn func(*turn) error) error {
	return g.turnsOf(ctx, rel, nil, fn)
}

// turnsOf is turns for a call, which may not need the logs; nil is anything else.
func (g *Gateway) turnsOf(ctx context.Context, rel firsthand.ID, call *wire.Request, fn func(*turn) error) error {
	for n := 0; ; n++ {
		t, err := g.begin(ctx, rel, call)
		if err != nil {
			return err
		}
		err = fn(t)
		again := err != nil && g.shared != nil && (t.short || t.overtaken(ctx, err))
		call = nil
		t.end()
		switch {
		case !again:
			return err
		case n == maxAgain:
			return fmt.Errorf("relationship %s: %w: %w", rel, fault.Unavailable, err)
		}
	}
}

// overtaken reports whether err may have come from what is no longer so.
func (t *turn) overtaken(ctx context.Context, err error) bool {
	again := errors.Is(err, errOvertaken)
	if !again {
		version, err := t.g.shared.Version(ctx, t.r.id)
		again = err == nil && version != t.r.row.Version
	}
	t.ahead = t.ahead || again
	return again
}

// current refuses a turn that has nothing to commit, and so wasn't compared, if
// what it has seen is no longer so.
func (t *turn) current(ctx context.Context) error {
	if t.g.shared == nil || t.glanced > 0 && t.glanced == t.r.row.Version {
		return nil
	}
	version, err := t.g.shared.Version(ctx, t.r.id)
	if err != nil {
		return err
	}
	if version != t.r.row.Version {
		return errOvertaken
	}
	return nil
}

// loadShared is load from a shared store. While it reads, others write: then the
// version, which is older, tells that it was overtaken, or the logs don't fit.
func (t *turn) loadShared(ctx context.Context) error {
	for n := 0; ; n++ {
		row, first, second, err := t.g.shared.Load(ctx, t.r.id)
		if err != nil {
			return err
		}
		t.r.row = row
		err = t.fold(first, second)
		if err == nil || n == maxAgain {
			return err
		}
		if version, verr := t.g.shared.Version(ctx, t.r.id); verr != nil || version == row.Version {
			return errors.Join(err, verr)
		}
	}
}

// hold reports whether this gateway may do what only one may.
func (g *Gateway) hold(ctx context.Context, what string) (bool, error) {
	if g.shared == nil {
		return true, nil
	}
	return g.shared.Hold(ctx, what)
}

// doAlone does one delivery that no other gateway is at, if it is still to be done.
func (g *Gateway) doAlone(ctx context.Context, d Delivery) (err error) {
	what := g.lane(d.Lane).key(d.Rel.String())
	held, err := g.hold(ctx, what)
	if err != nil {
		return err
	}
	if !held {
		return errElsewhere
	}
	defer func() {
		err = errors.Join(err, g.shared.Release(context.WithoutCancel(ctx), what))
	}()
	now, err := g.shared.Delivery(ctx, d.Rel, d.Seq, d.Task)
	switch {
	case fault.KindOf(err) == fault.NotExist:
		return nil
	case err != nil:
		return err
	case now != d:
		return nil // somebody has been at it since; what is to be done now will be found
	}
	return g.doNow(ctx, d)
}

// heard wakes those who wait for what another gateway has written.
func (g *Gateway) heard(rel firsthand.ID) {
	if rel.IsZero() {
		g.news.wakeAll()
	} else {
		g.news.wake(rel)
	}
}

// tookChange reports whether another gateway has taken a change meanwhile.
func (t *turn) tookChange(ctx context.Context, key string) (bool, error) {
	if t.g.shared == nil {
		return false, nil
	}
	return t.g.o.Store.Known(ctx, key)
}
