// Package split makes one connector of two: of the system that has a company's
// customers, and of the one in which it talks to them. Facts go to the first, words
// to the second, and neither learns what the other is for.
package split

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"firsthand/connector"
	"firsthand/fault"
)

// Join returns the connector to both systems. It binds and redacts where records
// does. The two must have names, and not the same; see [connector.Name].
func Join(records, tickets connector.Connector) (connector.Connector, error) {
	p := &pair{records: records, tickets: tickets, name: connector.Name(tickets)}
	if p.name == "" || p.name == connector.Name(records) {
		return nil, fault.Tell(fault.Invalid, fmt.Sprintf("tickets: both systems are called %q", p.name), "give one of them another name")
	}
	binder, binds := records.(connector.Binder)
	redactor, redacts := records.(connector.Redactor)
	switch {
	case binds && redacts:
		return struct {
			*pair
			find
			forget
		}{p, find{binder}, forget{redactor}}, nil
	case binds:
		return struct {
			*pair
			find
		}{p, find{binder}}, nil
	case redacts:
		return struct {
			*pair
			forget
		}{p, forget{redactor}}, nil
	}
	return p, nil
}

type pair struct {
	records, tickets connector.Connector
	name             string // of tickets
}

// find and forget are what records may offer beside the rest.
type (
	find   struct{ b connector.Binder }
	forget struct{ r connector.Redactor }
)

func (f find) Find(ctx context.Context, c connector.Claim) ([]connector.Ref, error) {
	return f.b.Find(ctx, c)
}

func (f find) Notify(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
	return f.b.Notify(ctx, ref, m)
}

func (f forget) Redact(ctx context.Context, ref connector.Ref, fact string) error {
	return f.r.Redact(ctx, ref, fact)
}

// Check implements [connector.Checker] for both, as far as they do.
func (p *pair) Check(ctx context.Context) (all []connector.Finding) {
	for _, c := range []connector.Connector{p.records, p.tickets} {
		if c, ok := c.(connector.Checker); ok {
			all = append(all, c.Check(ctx)...)
		}
	}
	return all
}

// Deliver implements [connector.Connector].
func (p *pair) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if r.Kind != "message" && r.Kind != "request" {
		return p.records.Deliver(ctx, r)
	}
	r.Record = connector.Ref{} // is the other system's
	return p.tickets.Deliver(ctx, r)
}

// Read implements [connector.Connector].
func (p *pair) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	if ref.System == p.name {
		return p.tickets.Read(ctx, ref)
	}
	return p.records.Read(ctx, ref)
}

// A cursor is where both lists of changes have been read to.
type cursor struct {
	Records string `json:"records"`
	Tickets string `json:"tickets"`
}

// Changes implements [connector.Connector]. What happened in both comes by its time.
// Where one can't be asked, what has happened in the other comes all the same, and
// the error last.
func (p *pair) Changes(ctx context.Context, text string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		var at cursor
		if json.Unmarshal([]byte(text), &at) != nil {
			at.Records = text // from when there was that system alone
		}
		records := listen(p.records.Changes(ctx, at.Records), &at.Records, "")
		defer records.stop()
		tickets := listen(p.tickets.Changes(ctx, at.Tickets), &at.Tickets, "tickets ")
		defer tickets.stop()
		for records.more || tickets.more {
			from := records
			if !records.more || tickets.more && tickets.head.At.Before(records.head.At) {
				from = tickets
			}
			c := from.take()
			whole, err := json.Marshal(at)
			if err != nil {
				yield(connector.Change{}, err)
				return
			}
			c.Cursor = string(whole)
			if !yield(c, nil) {
				return
			}
			from.advance()
		}
		if err := errors.Join(records.err, tickets.err); err != nil {
			yield(connector.Change{}, err)
		}
	}
}

// A listener has the next change of one system.
type listener struct {
	next   func() (connector.Change, error, bool)
	stop   func()
	cursor *string // of the last that was taken
	prefix string  // of ids: those of records are as they were when it was alone
	head   connector.Change
	more   bool
	err    error
}

func listen(changes iter.Seq2[connector.Change, error], cursor *string, prefix string) *listener {
	l := &listener{cursor: cursor, prefix: prefix}
	l.next, l.stop = iter.Pull2(changes)
	l.advance()
	return l
}

func (l *listener) advance() {
	l.head, l.err, l.more = l.next()
	l.more = l.more && l.err == nil
}

func (l *listener) take() connector.Change {
	c := l.head
	*l.cursor, c.ID = c.Cursor, l.prefix+c.ID
	return c
}

// Close closes what of the two can be closed.
func (p *pair) Close() (err error) {
	for _, c := range []connector.Connector{p.records, p.tickets} {
		if x, ok := c.(io.Closer); ok {
			err = errors.Join(err, x.Close())
		}
	}
	return err
}
