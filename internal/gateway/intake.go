package gateway

import (
	"context"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// An intake takes the entries of one call.
type intake struct {
	*turn
	call  *wire.Request
	flags int               // how many flags the state had before
	taken []firsthand.Entry // first's, in order
	lost  bool              // some of second's were taken back
	shown bool              // a branch of second's was shown that doesn't stand
	gap   bool              // first's entries begin after some that are not here
}

// take takes the entries that follow. It returns the first error that the caller
// has to know; what was taken before it stands.
func (in *intake) take(ctx context.Context) error {
	entries := in.call.Entries
	if len(entries) > 1 {
		entries = in.state().Sort(entries)
	}
	var ended [2]bool // what follows in this log follows something that isn't here
	for i := range entries {
		e := &entries[i]
		if ended[at(e.Side)] {
			continue
		}
		err := in.state().Check(*e)
		switch fault.RuleOf(err) {
		case "":
			if err == nil {
				err = in.admit(ctx, e, entries[i:])
			}
		case "log-known":
			err = nil
		case "log-gap", "log-seen-unknown":
			// The answer names our heads, and she sends from there.
			ended[at(e.Side)], err = true, nil
			in.gap = in.gap || e.Side == firsthand.First && e.Seq > in.state().Log(firsthand.First).Head.Seq+1
		case "log-fork":
			err = in.fork(ctx, e)
		case "log-prev", "log-seen":
			// She has another entry there than we do. Which, she has to show.
			err = fault.Refuse(fault.Conflict, "log-fork", "follows, or has seen, an entry that is not in the log here")
		}
		if err != nil {
			return fmt.Errorf("%s entry %d: %w", e.Side, e.Seq, err)
		}
	}
	if err := in.compare(in.call.First, firsthand.First); err != nil {
		return err
	}
	if in.shown {
		return nil // the other branch of ours; a reconcile says what became of it
	}
	return in.compare(in.call.Second, firsthand.Second)
}

// unaware reports whether the relationship is frozen and the agent, by the heads
// that it names, has just what is here: it may not know that there is evidence, of
// a copy that is gone. One that compares names other heads.
func (in *intake) unaware() bool {
	s := in.state()
	return in.row.Frozen == frozenFirst && in.call.First == s.Log(firsthand.First).Head && in.call.Second == s.Log(firsthand.Second).Head
}

func at(side firsthand.Side) int {
	if side == firsthand.First {
		return 0
	}
	return 1
}

// compare refuses a head that is not in the log here, where the log is that long.
func (in *intake) compare(head firsthand.Head, side firsthand.Side) error {
	if id := in.state().Log(side).ID(head.Seq); !id.IsZero() && id != head.ID {
		return fault.Refuse(fault.Conflict, "log-fork", "the log of %s has another entry at %d", side, head.Seq)
	}
	return nil
}

// admit takes an entry that has passed Check, unless something else stands in its
// way. rest is the batch from e on.
func (in *intake) admit(ctx context.Context, e *firsthand.Entry, rest []firsthand.Entry) error {
	if e.Side == firsthand.First {
		if err := in.allow(e, rest); err != nil {
			return err
		}
	}
	if !e.HasBody() {
		if !erasedIn(rest, e.ID) {
			return errNoBody
		}
		if err := in.takeErased(ctx, rest); err != nil {
			return err
		}
		return nil
	}
	if err := in.turn.take(*e); err != nil {
		return err
	}
	in.note(e)
	return nil
}

func (in *intake) note(e *firsthand.Entry) {
	if e.Side == firsthand.First {
		in.taken = append(in.taken, *e)
	} else {
		in.lost = true
	}
}

// allow refuses what first may not write now; rest is the batch from e on. A frozen
// log takes what can end the freeze, a reconcile and a rotate, and what comes with
// one and before it. A log that has grown too long takes what she has a right to.
func (in *intake) allow(e *firsthand.Entry, rest []firsthand.Entry) error {
	kind := e.Kind()
	if in.row.Frozen == frozenFirst && !slices.ContainsFunc(rest, thaws) {
		return fault.Refuse(fault.Conflict, "log-fork", "the log forked; %s can't follow, a reconcile or rotate can", kind)
	}
	limit := in.g.o.MaxLog
	switch kind {
	case "close", "withdraw", "terms.end", "request", "reconcile", "rotate", "erased":
		limit += limit / 10
	}
	if e.Seq > limit {
		return fault.Refuse(fault.Unavailable, "log-limit", "the log has %d entries, which is all that this gateway takes", e.Seq-1)
	}
	return nil
}

// thaws reports whether e can end the freeze of first's log.
func thaws(e firsthand.Entry) bool {
	return e.Side == firsthand.First && (e.Kind() == "reconcile" || e.Kind() == "rotate")
}

// erasedIn reports whether an entry of batch says that the body of id is gone.
func erasedIn(batch []firsthand.Entry, id firsthand.ID) bool {
	for i := range batch {
		for _, gone := range batch[i].Erases() {
			if gone == id {
				return true
			}
		}
	}
	return false
}

// takeErased takes a whole batch in which a body is missing because a later entry
// of it erased it. That can be judged only together, so everything is verified
// anew. It happens to a gateway that takes back what a backup lost.
func (in *intake) takeErased(ctx context.Context, batch []firsthand.Entry) error {
	first, second, err := in.logs(ctx)
	if err != nil {
		return err
	}
	known := len(first) + len(second)
	more := make([]firsthand.Entry, 0, len(batch))
	for _, e := range batch {
		log := &first
		if e.Side == firsthand.Second {
			log = &second
		}
		if e.Seq != int64(len(*log))+1 {
			continue
		}
		if e.Side == firsthand.First {
			if err := in.allow(&e, batch); err != nil {
				return err
			}
		}
		*log = append(*log, e)
		more = append(more, e)
	}
	if _, err := firsthand.Verify(first, second); err != nil {
		if fault.KindOf(err) == fault.Internal {
			err = errNoBody
		}
		return fmt.Errorf("with %d entries that are here: %w", known, err)
	}
	in.ahead = true
	if err := in.fold(first, second); err != nil {
		return err
	}
	in.c.Entries = append(in.c.Entries, more...)
	for i := range more {
		in.note(&more[i])
	}
	return nil
}

// drop leaves nothing of a call in which a log turned out to have forked but the
// evidence, and what was noticed. She brings the rest again when the fork is
// settled.
func (in *intake) drop() {
	if !in.ahead {
		return
	}
	row := in.r.row
	row.Frozen, row.Restored, row.Noticed = in.row.Frozen, in.row.Restored, in.row.Noticed
	in.c = Commit{Evidence: in.c.Evidence}
	in.row, in.r.state, in.taken = row, nil, nil
}

// follow says and queues what follows from the call.
func (in *intake) follow(ctx context.Context) error {
	whole, err := in.recover(ctx)
	if err != nil {
		return err
	}
	thawed, err := in.thaw(ctx)
	if err != nil || in.mute() != "" {
		return err
	}
	if whole || thawed {
		return in.attend(ctx)
	}
	for i := range in.taken {
		if in.taken[i].Kind() == "rotate" { // it may have disowned what came before
			if err := in.fresh(ctx); err != nil {
				return err
			}
			in.flags = 0
			break
		}
	}
	for i := range in.taken {
		if e := &in.taken[i]; !in.flagged(e.ID) {
			if err := in.cause(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// flagged reports whether an entry taken in this call has no effect.
func (in *intake) flagged(id firsthand.ID) bool {
	flags := in.state().Flags
	for _, f := range flags[min(in.flags, len(flags)):] {
		if f.Entry == id {
			return true
		}
	}
	return false
}
