package memory

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Read implements [connector.Connector]. A ticket reads as a record without
// facts: that it is there is all that there is to prove.
func (m *CRM) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	defer m.mu.Unlock()
	if err := m.begin(); err != nil {
		return connector.Record{}, err
	}
	if err := ctx.Err(); err != nil {
		return connector.Record{}, err
	}
	if t, ok := m.s.tickets[ref.ID]; ok {
		return connector.Record{Ref: m.ref(t.Number, 0), Facts: map[string]firsthand.Value{}}, nil
	}
	r, ok := m.s.records[ref.ID]
	if !ok {
		return connector.Record{}, fmt.Errorf("read %s: %w", ref.ID, fault.NotExist)
	}
	facts := maps.Clone(r.Facts)
	if facts == nil {
		facts = map[string]firsthand.Value{}
	}
	return connector.Record{Ref: m.ref(r.Number, r.Version), Facts: facts}, nil
}

// Changes implements [connector.Connector]. A cursor is the number of the last
// change seen; numbers only grow, so going on is looking for the next higher.
func (m *CRM) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		changes, err := m.since(ctx, cursor)
		if err != nil {
			yield(connector.Change{}, err)
			return
		}
		for _, c := range changes {
			if err := ctx.Err(); err != nil {
				yield(connector.Change{}, err)
				return
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// since returns the changes after cursor. The slice is never written to again.
func (m *CRM) since(ctx context.Context, cursor string) ([]connector.Change, error) {
	defer m.mu.Unlock()
	if err := m.begin(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	after := int64(0)
	if cursor != "" {
		var err error
		if after, err = parseCursor(cursor); err != nil {
			return nil, err
		}
	}
	i, _ := slices.BinarySearchFunc(m.s.changes, after+1, func(c connector.Change, n int64) int {
		at, _ := parseCursor(c.Cursor)
		return int(at - n)
	})
	return m.s.changes[i:], nil
}

func parseCursor(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 62)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%w: %q is no cursor of this system", fault.Invalid, s)
	}
	return n, nil
}

// change notes in l that c happened now.
func (m *CRM) change(l *line, c connector.Change) {
	n := m.s.number(l)
	c.Cursor = strconv.FormatInt(n, 10)
	c.ID = "change-" + c.Cursor
	c.At = m.cfg.Now().UTC()
	l.Changes = append(l.Changes, c)
}

// of returns the relationship that a record belongs to: zero if to none, and
// also if to several, since then its changes concern each of them.
func (r Record) of() firsthand.ID {
	if len(r.Relationships) == 1 {
		return r.Relationships[0]
	}
	return firsthand.ID{}
}
