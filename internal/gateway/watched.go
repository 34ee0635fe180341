package gateway

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// A Meter is told what a Gateway does, as it does it, for those who watch its
// operation. It is told numbers and names that the program has, never anything of a
// customer or from a system. Its methods may be called from several goroutines, and
// must not block.
type Meter interface {
	// Committed: a commit took that long. Entry: it had an entry of that kind.
	Committed(took time.Duration, err error)
	Entry(side firsthand.Side, kind firsthand.Kind)
	// Called: a call of the system of a lane took that long. For changes, that is
	// until the last of those that there were.
	Called(lane Lane, call Call, took time.Duration, err error)
}

// A Call is a way to call a company's system.
type Call string

const (
	CallDeliver Call = "deliver"
	CallRead    Call = "read"
	CallChanges Call = "changes"
	CallFind    Call = "find"
	CallNotify  Call = "notify"
	CallRedact  Call = "redact"
	CallDecide  Call = "decide"
	CallCheck   Call = "check"
	CallClear   Call = "clear"
)

// Calls are all of them.
var Calls = []Call{CallDeliver, CallRead, CallChanges, CallFind, CallNotify, CallRedact, CallDecide, CallCheck, CallClear}

// commit is o.Store.Commit, measured.
func (g *Gateway) commit(ctx context.Context, c Commit) error {
	if g.o.Meter == nil {
		return g.o.Store.Commit(ctx, c)
	}
	start := time.Now() // what it took is of this machine, whatever the clock says that was handed in
	err := g.o.Store.Commit(ctx, c)
	g.o.Meter.Committed(time.Since(start), err)
	if err == nil {
		for i := range c.Entries {
			g.o.Meter.Entry(c.Entries[i].Side, c.Entries[i].Kind())
		}
	}
	return err
}

// watch returns c, measured, and with an error of our own kind in place of a panic:
// a connector is given what customers tell, and a program that dies of a panic
// prints what it was about. The connector can do what c can, and no more.
func (g *Gateway) watch(lane Lane, c connector.Connector) connector.Connector {
	m := meter{g, lane}
	w := &watched{c, m}
	binder, binds := c.(connector.Binder)
	redactor, redacts := c.(connector.Redactor)
	decider, decides := c.(connector.Decider)
	b, r, d := watchedBinder{binder, m}, watchedRedactor{redactor, m}, watchedDecider{decider, m}
	switch {
	case binds && redacts && decides:
		return struct {
			*watched
			watchedBinder
			watchedRedactor
			watchedDecider
		}{w, b, r, d}
	case binds && redacts:
		return struct {
			*watched
			watchedBinder
			watchedRedactor
		}{w, b, r}
	case binds && decides:
		return struct {
			*watched
			watchedBinder
			watchedDecider
		}{w, b, d}
	case redacts && decides:
		return struct {
			*watched
			watchedRedactor
			watchedDecider
		}{w, r, d}
	case binds:
		return struct {
			*watched
			watchedBinder
		}{w, b}
	case redacts:
		return struct {
			*watched
			watchedRedactor
		}{w, r}
	case decides:
		return struct {
			*watched
			watchedDecider
		}{w, d}
	}
	return w
}

type watched struct {
	c connector.Connector
	m meter
}

// String returns the connector's name; see [connector.Name].
func (w *watched) String() string { return connector.Name(w.c) }

// erases reports whether the system keeps what it was given beside the record.
func (l *lane) erases() bool {
	w, ok := l.connector.(interface{ erases() bool })
	return ok && w.erases()
}

func (w *watched) erases() bool {
	_, ok := w.c.(connector.Eraser)
	return ok
}

// Erase implements [connector.Eraser]: a connector that is none has nothing to erase.
func (w *watched) Erase(ctx context.Context, of ...firsthand.ID) (err error) {
	e, ok := w.c.(connector.Eraser)
	if !ok {
		return nil
	}
	defer w.m.ended(CallRedact, time.Now(), &err)
	return e.Erase(ctx, of...)
}

// A meter is what watches the calls of one lane.
type meter struct {
	g    *Gateway
	lane Lane
}

// Check implements [connector.Checker]: of a connector that is none there is nothing to
// say.
func (w *watched) Check(ctx context.Context) (all []connector.Finding) {
	c, ok := w.c.(connector.Checker)
	if !ok {
		return nil
	}
	var err error
	defer func() {
		if err != nil {
			all = []connector.Finding{{What: "the connector", Err: err}}
		}
	}()
	defer w.m.ended(CallCheck, time.Now(), &err)
	return c.Check(ctx)
}

// Clear implements [connector.Clearer]: of a connector that is none it is unsupported.
func (w *watched) Clear(ctx context.Context, ref connector.Ref) (stays string, err error) {
	defer w.m.ended(CallClear, time.Now(), &err)
	c, ok := w.c.(connector.Clearer)
	if !ok {
		return "", fmt.Errorf("clear: %w", errors.ErrUnsupported)
	}
	return c.Clear(ctx, ref)
}

// ended is deferred by each call: it ends a panic and tells the meter.
func (m meter) ended(call Call, start time.Time, err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("the connector panicked: %w", fault.Internal)
		// Of what it panicked with only the type: the rest may be a customer's.
		m.g.o.Log.Error("connector panicked", "system", m.lane.Member(), "call", call, "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
	}
	if m.g.o.Meter != nil {
		m.g.o.Meter.Called(m.lane, call, time.Since(start), *err)
	}
}

func (w *watched) Deliver(ctx context.Context, r connector.Request) (res connector.Result, err error) {
	defer w.m.ended(CallDeliver, time.Now(), &err)
	return w.c.Deliver(ctx, r)
}

func (w *watched) Read(ctx context.Context, ref connector.Ref) (rec connector.Record, err error) {
	defer w.m.ended(CallRead, time.Now(), &err)
	return w.c.Read(ctx, ref)
}

func (w *watched) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		var failed error
		var within, stopped bool // the gateway's own panics are not the connector's
		var took time.Duration
		start := time.Now()
		err := func() (err error) {
			defer func() {
				if v := recover(); v != nil {
					if within {
						panic(v)
					}
					err = fmt.Errorf("the connector panicked: %w", fault.Internal)
					w.m.g.o.Log.Error("connector panicked", "system", w.m.lane.Member(), "call", CallChanges, "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
				}
			}()
			for c, err := range w.c.Changes(ctx, cursor) {
				took += time.Since(start)
				failed, within = err, true
				more := yield(c, err)
				start, within = time.Now(), false
				if !more {
					stopped = true
					break
				}
			}
			return nil
		}()
		if err != nil {
			failed = err
		}
		if w.m.g.o.Meter != nil {
			w.m.g.o.Meter.Called(w.m.lane, CallChanges, took+time.Since(start), failed)
		}
		if err != nil && !stopped {
			yield(connector.Change{}, err)
		}
	}
}

// watchedBinder, watchedRedactor and watchedDecider are what a connector may offer beside the rest.
type (
	watchedBinder struct {
		b connector.Binder
		m meter
	}
	watchedRedactor struct {
		r connector.Redactor
		m meter
	}
	watchedDecider struct {
		d connector.Decider
		m meter
	}
)

func (w watchedBinder) Find(ctx context.Context, c connector.Claim) (refs []connector.Ref, err error) {
	defer w.m.ended(CallFind, time.Now(), &err)
	return w.b.Find(ctx, c)
}

func (w watchedBinder) Notify(ctx context.Context, ref connector.Ref, m connector.Message) (to string, err error) {
	defer w.m.ended(CallNotify, time.Now(), &err)
	return w.b.Notify(ctx, ref, m)
}

func (w watchedRedactor) Redact(ctx context.Context, ref connector.Ref, fact string) (err error) {
	defer w.m.ended(CallRedact, time.Now(), &err)
	return w.r.Redact(ctx, ref, fact)
}

func (w watchedDecider) Accept(ctx context.Context, id firsthand.ID, record string) (err error) {
	defer w.m.ended(CallDecide, time.Now(), &err)
	return w.d.Accept(ctx, id, record)
}

func (w watchedDecider) Reject(ctx context.Context, id firsthand.ID, reason string) (err error) {
	defer w.m.ended(CallDecide, time.Now(), &err)
	return w.d.Reject(ctx, id, reason)
}
