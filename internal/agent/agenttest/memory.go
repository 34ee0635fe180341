package agenttest

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// A Memory is an [agent.Store] in memory, for the simulation: quick, and able to
// go back in time.
type Memory struct {
	mu    sync.Mutex
	life  *life
	fault func(agent.Commit) Fault
	asked atomic.Int64 // how often Commits was asked
}

var _ agent.Store = (*Memory)(nil)

// NewMemory returns a Memory with nothing in it.
func NewMemory() *Memory { return &Memory{life: newLife()} }

// A Snapshot is what a Memory held at a moment: a backup.
type Snapshot struct{ life *life }

// Snapshot returns what m holds now.
func (m *Memory) Snapshot() *Snapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Snapshot{m.life.copy()}
}

// Restore puts back what m held, as the store for real use does when it finds
// that its file was restored from a backup: paired relationships are marked, and
// the book of next keys is emptied.
func (m *Memory) Restore(s *Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life = s.life.copy()
	for id, r := range m.life.relationships {
		r.Restored = r.Restored || r.Gateway != ""
		m.life.relationships[id] = r
	}
	m.life.emptyBook()
	m.life.doubtMails()
	m.life.endReading()
}

// PutBack puts back what m held and notices nothing: a file that was copied by
// hand past the check.
func (m *Memory) PutBack(s *Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.life = s.life.copy()
	m.life.endReading()
}

// A Fault is what becomes of a Commit when the power fails.
type Fault int

const (
	NoFault Fault = iota
	Lost          // nothing is kept, and the caller is told so
	Kept          // all is kept, but the caller isn't told
)

// SetFault has fn asked before each Commit. Where it isn't NoFault, Commit
// returns an error that wraps [fault.Unavailable]. Nil is never a Fault.
func (m *Memory) SetFault(fn func(agent.Commit) Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fn
}

// Commit implements [agent.Store].
func (m *Memory) Commit(ctx context.Context, c agent.Commit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	what := NoFault
	if m.fault != nil {
		what = m.fault(c)
	}
	if what == Lost {
		return fault.Unavailable
	}
	if err := m.life.check(c); err != nil {
		return err
	}
	if c.IsOfCompanies() {
		next := m.life.copy()
		next.apply(c)
		if err := next.applyCompanies(c); err != nil {
			return err
		}
		m.life = next
	} else {
		m.life.apply(c)
	}
	if what == Kept {
		return fault.Unavailable
	}
	return nil
}

// Commits implements [agent.Store]. It is never the same, so that nobody relies on it.
func (m *Memory) Commits() int64 { return m.asked.Add(1) }

// Append implements [firsthand.Log].
func (m *Memory) Append(ctx context.Context, entries ...firsthand.Entry) error {
	return m.Commit(ctx, agent.Commit{Entries: entries})
}

// read returns what fn finds in m's life.
func read[T any](ctx context.Context, m *Memory, fn func(*life) T) (found T, err error) {
	if err := ctx.Err(); err != nil {
		return found, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return fn(m.life), nil
}

// Head implements [firsthand.Log].
func (m *Memory) Head(ctx context.Context, rel firsthand.ID, side firsthand.Side) (firsthand.Head, error) {
	return read(ctx, m, func(l *life) firsthand.Head { return headOf(l.logs[log{rel, side}]) })
}

// Entries implements [firsthand.Log].
func (m *Memory) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	return each(ctx, m, func(l *life) []firsthand.Entry {
		entries := l.logs[log{rel, side}]
		return entries[min(after, int64(len(entries))):]
	})
}

// EntriesAt implements [agent.Store].
func (m *Memory) EntriesAt(ctx context.Context, rel firsthand.ID, side firsthand.Side, seqs ...int64) ([]firsthand.Entry, error) {
	return read(ctx, m, func(l *life) (found []firsthand.Entry) {
		for _, e := range l.logs[log{rel, side}] {
			if slices.Contains(seqs, e.Seq) {
				found = append(found, e)
			}
		}
		return found
	})
}

// each yields what fn finds, without holding m meanwhile.
func each[T any](ctx context.Context, m *Memory, fn func(*life) []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		found, err := read(ctx, m, fn)
		if err != nil {
			var none T
			yield(none, err)
		}
		for _, t := range found {
			if !yield(t, nil) {
				return
			}
		}
	}
}

// Relationships implements [agent.Store].
func (m *Memory) Relationships(ctx context.Context) ([]agent.Relationship, error) {
	return read(ctx, m, func(l *life) []agent.Relationship {
		var all []agent.Relationship
		for _, id := range l.order {
			all = append(all, l.relationships[id])
		}
		slices.SortStableFunc(all, func(a, b agent.Relationship) int { return a.Opened.Compare(b.Opened) })
		return all
	})
}

// RelationshipsAt implements [agent.Store].
func (m *Memory) RelationshipsAt(ctx context.Context, ids ...firsthand.ID) ([]agent.Relationship, error) {
	all, err := m.Relationships(ctx)
	return slices.DeleteFunc(all, func(r agent.Relationship) bool { return !slices.Contains(ids, r.ID) }), err
}

// Relationship implements [agent.Store].
func (m *Memory) Relationship(ctx context.Context, id firsthand.ID) (agent.Relationship, error) {
	r, err := read(ctx, m, func(l *life) agent.Relationship { return l.relationships[id] })
	if err == nil && r.ID.IsZero() {
		err = fault.NotExist
	}
	return r, err
}

// Holders implements [agent.Store].
func (m *Memory) Holders(ctx context.Context, fact string) iter.Seq2[agent.Holder, error] {
	return each(ctx, m, func(l *life) (rows []agent.Holder) {
		for _, held := range l.holdings {
			for _, h := range held {
				if fact == "" || h.Fact == fact {
					rows = append(rows, h)
				}
			}
		}
		slices.SortStableFunc(rows, func(a, b agent.Holder) int {
			return cmp.Or(cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Domain, b.Domain), slices.Compare(a.Rel[:], b.Rel[:]))
		})
		return rows
	})
}

// Facts implements [agent.Store].
func (m *Memory) Facts(ctx context.Context) ([]agent.Fact, error) {
	return read(ctx, m, func(l *life) (facts []agent.Fact) {
		for _, f := range l.facts {
			facts = append(facts, f)
		}
		slices.SortFunc(facts, func(a, b agent.Fact) int { return cmp.Compare(a.Name, b.Name) })
		return facts
	})
}

// Drafts implements [agent.Store].
func (m *Memory) Drafts(ctx context.Context, rel firsthand.ID) ([]agent.Draft, error) {
	return read(ctx, m, func(l *life) (drafts []agent.Draft) {
		for _, d := range l.drafts {
			if d.Rel == rel {
				drafts = append(drafts, d)
			}
		}
		return drafts
	})
}

// Receipts implements [agent.Store].
func (m *Memory) Receipts(ctx context.Context, rel firsthand.ID) ([][]byte, error) {
	return read(ctx, m, func(l *life) (signed [][]byte) {
		for _, r := range l.receipts[rel] {
			signed = append(signed, r.Signed)
		}
		return signed
	})
}

// Evidence implements [agent.Store].
func (m *Memory) Evidence(ctx context.Context, rel firsthand.ID) ([]agent.Evidence, error) {
	return read(ctx, m, func(l *life) []agent.Evidence { return slices.Clone(l.evidence[rel]) })
}

// Label implements [agent.Store].
func (m *Memory) Label(ctx context.Context) (k agent.NextKey, err error) {
	free, err := m.NextKeys(ctx, 1)
	if err == nil && len(free) == 0 {
		err = fault.Tell(fault.NotExist, "the book of next keys is empty", "fill it: firsthand kit refill --kit FILE")
	}
	if err != nil {
		return k, err
	}
	return free[0], nil
}

// NextKeys implements [agent.Store].
func (m *Memory) NextKeys(ctx context.Context, n int) ([]agent.NextKey, error) {
	return read(ctx, m, func(l *life) (free []agent.NextKey) {
		for _, k := range l.book {
			if len(free) < n && !l.used[k.Label] {
				free = append(free, k)
			}
		}
		return free
	})
}

// Labels implements [agent.Store].
func (m *Memory) Labels(ctx context.Context) (int, error) {
	return read(ctx, m, func(l *life) int { return len(l.book) - len(l.used) })
}

// Setting implements [agent.Store].
func (m *Memory) Setting(ctx context.Context, name string) (string, error) {
	return read(ctx, m, func(l *life) string { return l.settings[name] })
}

// Outbox implements [agent.Store].
func (m *Memory) Outbox(ctx context.Context) ([]agent.Outgoing, error) {
	return read(ctx, m, func(l *life) (all []agent.Outgoing) {
		for _, id := range l.order {
			if r := l.relationships[id]; r.Gateway != "" {
				all = append(all, r.Outgoing())
			}
		}
		return all
	})
}

// Carried implements [agent.Store].
func (m *Memory) Carried(ctx context.Context, rel firsthand.ID) ([]agent.Carried, error) {
	return read(ctx, m, func(l *life) []agent.Carried { return slices.Clone(l.carried[rel]) })
}

// Held implements [agent.Store].
func (m *Memory) Held(ctx context.Context) (map[firsthand.ID][]int64, error) {
	return read(ctx, m, (*life).heldByMoves)
}

// Moves implements [agent.Store].
func (m *Memory) Moves(ctx context.Context) ([]agent.MoveRow, error) {
	return read(ctx, m, func(l *life) (all []agent.MoveRow) {
		for _, row := range l.moves {
			all = append(all, row)
		}
		slices.SortFunc(all, func(a, b agent.MoveRow) int { return cmp.Compare(b.ID, a.ID) })
		return all
	})
}

// Move implements [agent.Store].
func (m *Memory) Move(ctx context.Context, id int64) (agent.MoveRow, error) {
	return m.find(ctx, func(row agent.MoveRow) bool { return row.ID == id })
}

// MoveOf implements [agent.Store].
func (m *Memory) MoveOf(ctx context.Context, key string) (agent.MoveRow, error) {
	return m.find(ctx, func(row agent.MoveRow) bool { return row.Key == key && key != "" })
}

func (m *Memory) find(ctx context.Context, is func(agent.MoveRow) bool) (row agent.MoveRow, err error) {
	all, err := m.Moves(ctx)
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], err
	} else if err == nil {
		err = fault.NotExist
	}
	return row, err
}

// Legs implements [agent.Store].
func (m *Memory) Legs(ctx context.Context, move int64, n ...int) ([]agent.LegState, error) {
	return read(ctx, m, func(l *life) []agent.LegState {
		return slices.DeleteFunc(l.legStates(move), func(s agent.LegState) bool { return len(n) > 0 && !slices.Contains(n, s.N) })
	})
}

// LegSteps implements [agent.Store].
func (m *Memory) LegSteps(ctx context.Context, move int64) (steps []agent.LegStep, err error) {
	states, err := m.Legs(ctx, move)
	for i := range states {
		steps = append(steps, states[i].LegStep())
	}
	return steps, err
}

// Tasks implements [agent.Store].
func (m *Memory) Tasks(ctx context.Context, q agent.TaskQuery, today firsthand.Date) (tasks []agent.Task, total int, err error) {
	tasks, err = read(ctx, m, func(l *life) []agent.Task { return l.tasks(q, today) })
	total = len(tasks)
	tasks = tasks[min(q.Offset, total):]
	if q.Limit > 0 {
		tasks = tasks[:min(q.Limit, len(tasks))]
	}
	return tasks, total, err
}

// Task implements [agent.Store].
func (m *Memory) Task(ctx context.Context, entry firsthand.ID) (agent.Task, error) {
	all, err := read(ctx, m, func(l *life) []agent.Task { return l.tasks(agent.TaskQuery{Show: "all"}, "") })
	for _, t := range all {
		if t.Entry == entry {
			return t, err
		}
	}
	if err == nil {
		err = fault.NotExist
	}
	return agent.Task{}, err
}
