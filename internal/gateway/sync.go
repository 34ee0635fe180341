package gateway

import (
	"cmp"
	"context"
	"errors"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// Sync implements [wire.Server].
func (g *Gateway) Sync(ctx context.Context, r wire.Request) (wire.Response, error) {
	var until <-chan time.Time
	for {
		// Watched before it is looked, so that nothing is missed in between.
		var news <-chan struct{}
		if r.Wait > 0 {
			var stop func()
			news, stop = g.news.watch(r.Rel)
			defer stop()
		}
		resp, err := g.call(ctx, r)
		if err != nil || r.Wait <= 0 || !quiet(&r, &resp) {
			return resp, err
		}
		if until == nil {
			timer := time.NewTimer(min(r.Wait, wire.MaxWait))
			defer timer.Stop()
			until = timer.C
		}
		select {
		case <-news:
		case <-until:
			return resp, nil
		case <-ctx.Done():
			return resp, nil
		}
	}
}

// quiet reports whether there is nothing to say: the call brought nothing, and
// both sides have the same.
func quiet(r *wire.Request, resp *wire.Response) bool {
	return len(r.Entries) == 0 && len(resp.Entries) == 0 && r.First == resp.First && r.Second == resp.Second
}

// call is one call, without the waiting.
func (g *Gateway) call(ctx context.Context, r wire.Request) (resp wire.Response, err error) {
	err = g.turnsOf(ctx, r.Rel, &r, func(t *turn) (err error) {
		resp, err = t.serve(ctx, &r)
		if err == nil && t.short && !continues(&r, &resp) {
			err = errLogs
		}
		return err
	})
	return resp, err
}

// Open implements [wire.Server].
func (g *Gateway) Open(ctx context.Context, r wire.Request) (wire.Response, error) {
	if len(r.Entries) == 0 || r.Entries[0].ID != r.Rel {
		return wire.Response{}, fault.Refuse(fault.Invalid, "batch-open", "open begins with the entry that opens the relationship")
	}
	_, err := g.o.Store.Relationship(ctx, r.Rel)
	switch {
	case fault.KindOf(err) == fault.NotExist:
		// Where another gateway has met her meanwhile, Sync finds it.
		if err := g.meet(ctx, &r); err != nil && !errors.Is(err, errOvertaken) {
			return wire.Response{}, err
		}
	case err != nil:
		return wire.Response{}, err
	}
	return g.Sync(ctx, r)
}

// meet begins the relationship that r.Entries[0] opens: one commit of first's
// open, second's, and the row. If she says that she has second's log already, a
// backup lost the relationship: then it begins with hers alone, and ours is taken
// back from her.
func (g *Gateway) meet(ctx context.Context, r *wire.Request) error {
	rel, err := g.cache.take(ctx, r.Rel)
	if err != nil {
		return err
	}
	t := &turn{g: g, r: rel, now: g.o.Now()}
	defer t.end()
	if rel.state != nil {
		return nil // another call came first
	}
	rel.state, rel.cost = firsthand.NewState(), costEmpty
	rel.row = Relationship{ID: r.Rel}
	t.row = Relationship{ID: r.Rel, Opened: t.now}
	t.ahead = true

	e := r.Entries[0]
	if err := t.state().Check(e); err != nil {
		return err
	}
	if !e.HasBody() {
		return errNoBody
	}
	if err := t.take(e); err != nil {
		return err
	}
	keys := g.keyring()
	opened := &t.state().Opened
	n := keys.reached(opened.CompanyKey)
	switch {
	case opened.Domain != g.o.Company.Domain:
		return fault.Refuse(fault.Invalid, "open-domain", "the relationship is with %s, this is %s", opened.Domain, g.o.Company.Domain)
	case n == 0:
		return fault.Refuse(fault.Invalid, "open-pinned", "the pinned key never was the company's")
	}
	unheard, err := g.o.Store.Setting(ctx, settingUnheard+r.Rel.String())
	if err != nil {
		return err
	}
	t.row.Restored = r.Second.Seq > 0
	if t.row.Restored || unheard != "" {
		t.c.Settings = map[string]string{settingAgain: r.Rel.String() + t.now.Format(time.RFC3339Nano)}
	}
	if t.row.Restored {
		t.row.Noticed = t.now
		return t.commit(ctx)
	}
	if err := t.followChain(ctx); err != nil {
		return err
	}
	return t.commit(ctx)
}

var errNoBody = fault.Refuse(fault.Invalid, "body-missing", "the entry comes without its body, which nobody has erased")

// serve takes what r brings, says what follows from it, and answers.
func (t *turn) serve(ctx context.Context, r *wire.Request) (wire.Response, error) {
	before := t.state().Log(firsthand.Second).Head.Seq
	in := &intake{turn: t, call: r, flags: len(t.state().Flags)}
	refused := in.take(ctx)
	switch {
	case t.r.state == nil:
		return wire.Response{}, refused // corruption: nothing can be kept
	case fault.RuleOf(refused) == "log-fork":
		in.drop()
	default:
		if err := in.follow(ctx); err != nil {
			return wire.Response{}, err
		}
		if len(t.gone) > 0 {
			// Her branch is not all here, so nothing could be signed, and what would
			// be left couldn't be folded. It has to come in one call.
			return wire.Response{}, fault.Refuse(fault.Conflict, "log-fork", "the branches have to be shown whole")
		}
	}
	// What was good before the entry that is refused is kept, and so is evidence.
	if err := t.commit(ctx); err != nil || refused != nil {
		return wire.Response{}, cmp.Or(err, refused)
	}
	if in.unaware() {
		return wire.Response{}, errFork
	}
	return t.answer(ctx, r, before)
}
