// Package gatewaytest has what tests of a gateway need: a [Memory], which is a
// Store without a disk, for simulations; the suite that every Store must pass; and
// a [Customer] who writes her side of a relationship.
package gatewaytest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A Memory is a [gateway.Store] in memory. It is safe for concurrent use.
type Memory struct {
	// Before, if it is set, is asked before each commit; an error is returned
	// from Commit, and nothing is kept. After is asked when the commit is kept; an
	// error is returned although it is. So a test can crash at each place.
	Before, After func(gateway.Commit) error

	mu    sync.Mutex
	data  *data
	holds map[string]*Process // what is held, and by whom
	all   []*Process
}

// data is all that a Memory holds. It is replaced whole by a commit, and never
// changed once others can see it, so that a snapshot costs nothing.
type data struct {
	order    []firsthand.ID // relationships, oldest first
	byID     map[firsthand.ID]*record
	changes  map[string]bool
	settings map[string]string
	draft    int64           // the last ID of a draft
	audit    int64           // the last N of an audit
	apart    []gateway.Audit // that are about no relationship
}

// record is what belongs to one relationship. It is copied before it is changed.
type record struct {
	row        gateway.Relationship
	version    int64  // for processes
	ends       []byte // beside it
	logs       [2][]firsthand.Entry
	deliveries []gateway.Delivery
	challenges []gateway.Challenge
	drafts     []gateway.Draft
	evidence   []gateway.Evidence
	audit      []gateway.Audit
}

var _ gateway.Store = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{data: &data{byID: map[firsthand.ID]*record{}, changes: map[string]bool{}, settings: map[string]string{}}}
}

// A Snapshot is what a Memory held at a moment: a backup.
type Snapshot struct{ data *data }

// Snapshot returns what m holds.
func (m *Memory) Snapshot() Snapshot { return Snapshot{m.now()} }

// Restore puts a backup back, and notices, as a store does by its instance mark:
// all relationships are restored, at the given time.
func (m *Memory) Restore(s Snapshot, at time.Time) {
	d := s.data.copy()
	for _, id := range d.order {
		row := &d.own(id).row
		row.Restored, row.Noticed = true, at
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = d
}

// PutBack puts a backup back unnoticed, as somebody does who copies files by hand.
func (m *Memory) PutBack(s Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = s.data
}

func (m *Memory) now() *data {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.data
}

// copy returns a copy that may be changed, by own and through its maps.
func (d *data) copy() *data {
	c := &data{order: slices.Clone(d.order), byID: make(map[firsthand.ID]*record, len(d.byID)),
		changes: make(map[string]bool, len(d.changes)), settings: make(map[string]string, len(d.settings)), draft: d.draft, audit: d.audit, apart: slices.Clone(d.apart)}
	for id, r := range d.byID {
		c.byID[id] = r
	}
	for k := range d.changes {
		c.changes[k] = true
	}
	for k, v := range d.settings {
		c.settings[k] = v
	}
	return c
}

// own returns the record of rel, copied so that it may be changed, or made.
func (d *data) own(rel firsthand.ID) *record {
	old := d.byID[rel]
	if old == nil {
		d.order = append(d.order, rel)
		old = &record{row: gateway.Relationship{ID: rel}}
	}
	r := *old
	r.logs = [2][]firsthand.Entry{slices.Clone(old.logs[0]), slices.Clone(old.logs[1])}
	r.deliveries, r.challenges = slices.Clone(old.deliveries), slices.Clone(old.challenges)
	r.drafts, r.evidence, r.audit = slices.Clone(old.drafts), slices.Clone(old.evidence), slices.Clone(old.audit)
	d.byID[rel] = &r
	return &r
}

func side(s firsthand.Side) int {
	if s == firsthand.First {
		return 0
	}
	return 1
}

func head(log []firsthand.Entry) firsthand.Head {
	if len(log) == 0 {
		return firsthand.Head{}
	}
	return log[len(log)-1].Head()
}

// Append implements [firsthand.Log].
func (m *Memory) Append(ctx context.Context, entries ...firsthand.Entry) error {
	return m.Commit(ctx, gateway.Commit{Entries: entries})
}

// Head implements [firsthand.Log].
func (m *Memory) Head(ctx context.Context, rel firsthand.ID, s firsthand.Side) (firsthand.Head, error) {
	return head(m.log(rel, s)), ctx.Err()
}

func (m *Memory) log(rel firsthand.ID, s firsthand.Side) []firsthand.Entry {
	if r := m.now().byID[rel]; r != nil {
		return r.logs[side(s)]
	}
	return nil
}

// Entries implements [firsthand.Log].
func (m *Memory) Entries(ctx context.Context, rel firsthand.ID, s firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	return func(yield func(firsthand.Entry, error) bool) {
		log := m.log(rel, s)
		for _, e := range log[min(int(after), len(log)):] {
			if err := ctx.Err(); err != nil {
				yield(firsthand.Entry{}, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(firsthand.Entry{}, err)
		}
	}
}

// Commit implements [gateway.Store].
func (m *Memory) Commit(ctx context.Context, c gateway.Commit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.Before != nil {
		if err := m.Before(c); err != nil {
			return err
		}
	}
	if err := m.commit(c); err != nil {
		return err
	}
	if m.After != nil {
		return m.After(c)
	}
	return nil
}

func (m *Memory) commit(c gateway.Commit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, want := range c.Expect {
		if m.data.settings[name] != want {
			return fmt.Errorf("setting %s: %w", name, fault.Conflict)
		}
	}
	d := m.data.copy()
	owned := map[firsthand.ID]*record{}
	own := func(rel firsthand.ID) *record {
		if owned[rel] == nil {
			owned[rel] = d.own(rel)
		}
		return owned[rel]
	}
	for _, at := range c.At {
		var version int64
		if r := d.byID[at.Rel]; r != nil {
			version = r.version
		}
		if version != at.Version {
			return fmt.Errorf("%w: the relationship has another version", fault.Conflict)
		}
		own(at.Rel)
	}
	for _, row := range c.Relationships {
		row.Version = 0
		own(row.ID).row = row
	}
	for _, p := range c.Replace {
		if log := &own(p.Rel).logs[1]; int(p.Seq) <= len(*log) {
			*log = (*log)[:p.Seq-1]
		}
	}
	for _, e := range c.Entries {
		if err := own(e.Relationship()).append(e); err != nil {
			return err
		}
	}
	for _, e := range c.Evidence {
		r := own(e.Entry.Relationship())
		if !slices.ContainsFunc(r.evidence, func(h gateway.Evidence) bool { return h.Entry.ID == e.Entry.ID }) {
			r.evidence = append(r.evidence, e)
		}
	}
	for _, n := range c.Deliveries {
		own(n.Rel).deliver(n)
	}
	for _, n := range c.Challenges {
		put(&own(n.Rel).challenges, n, func(o gateway.Challenge) bool { return o.Claim == n.Claim })
	}
	for _, n := range c.AddDrafts {
		d.draft++
		n.ID = d.draft
		own(n.Rel).drafts = append(own(n.Rel).drafts, n)
	}
	for _, r := range owned {
		r.version, r.ends = r.version+1, nil
	}
	for _, at := range c.At {
		own(at.Rel).ends = at.Ends
	}
	if len(c.DropDrafts) > 0 {
		for _, rel := range d.order {
			r := own(rel)
			r.drafts = slices.DeleteFunc(r.drafts, func(o gateway.Draft) bool { return slices.Contains(c.DropDrafts, o.ID) })
		}
	}
	for _, a := range c.Audit {
		d.audit++
		if a.N = d.audit; a.Rel.IsZero() {
			d.apart = append(d.apart, a)
		} else {
			own(a.Rel).audit = append(own(a.Rel).audit, a)
		}
	}
	for _, id := range c.Changes {
		d.changes[id] = true
	}
	for name, value := range c.Settings {
		if d.settings[name] = value; value == "" {
			delete(d.settings, name)
		}
	}
	m.data = d
	return nil
}

// deliver adds n, or replaces the one that stands in its place, which keeps when it
// was made and by when it was owed.
func (r *record) deliver(n gateway.Delivery) {
	same := func(o gateway.Delivery) bool { return o.Seq == n.Seq && o.Task == n.Task }
	if i := slices.IndexFunc(r.deliveries, same); i >= 0 {
		n.Made = r.deliveries[i].Made
		n.Owed = cmp.Or(n.Owed, r.deliveries[i].Owed)
	}
	put(&r.deliveries, n, same)
}

// put replaces the element of all that same finds, or appends e.
func put[T any](all *[]T, e T, same func(T) bool) {
	if i := slices.IndexFunc(*all, same); i >= 0 {
		(*all)[i] = e
	} else {
		*all = append(*all, e)
	}
}

// append adds e to its log, and erases what it says is gone.
func (r *record) append(e firsthand.Entry) error {
	log := &r.logs[side(e.Side)]
	if h := head(*log); e.Seq != h.Seq+1 || e.Prev != h.ID {
		return fmt.Errorf("append %s entry %d: %w: the log ends at %d", e.Side, e.Seq, fault.Conflict, h.Seq)
	}
	e.Signed, e.Salt, e.Body = bytes.Clone(e.Signed), bytes.Clone(e.Salt), bytes.Clone(e.Body)
	*log = append(*log, e)
	if e.Side != firsthand.Second {
		return nil
	}
	for _, id := range e.Erases() {
		for s := range r.logs {
			for i := range r.logs[s] {
				if o := &r.logs[s][i]; o.ID == id {
					*o = o.WithoutBody()
				}
			}
		}
	}
	return nil
}
