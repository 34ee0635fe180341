package agenttest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"testing"

	"firsthand"
	"firsthand/internal/agent"
)

// waitingIn returns what waits in a relationship.
func (l *life) waitingIn(rel firsthand.ID) []agent.Waiting {
	r, ok := l.relationships[rel]
	if !ok {
		return nil
	}
	rows := slices.Clone(l.waiting[rel])
	for i := range rows {
		rows[i].Domain = r.Domain
	}
	return rows
}

// waits returns what waits for her today.
func (l *life) waits(today firsthand.Date) (rows []agent.Waiting) {
	for rel := range l.waiting {
		for _, w := range l.waitingIn(rel) {
			if (w.Until == "" || w.Until >= today) && l.later[w.Key] <= today {
				rows = append(rows, w)
			}
		}
	}
	place := func(w agent.Waiting) firsthand.Date { return cmp.Or(w.Until, firsthand.DateOf(w.Since)) }
	slices.SortFunc(rows, func(a, b agent.Waiting) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), a.Since.Compare(b.Since), cmp.Compare(a.Key, b.Key))
	})
	return rows
}

// WaitingIn implements [agent.Store].
func (m *Memory) WaitingIn(ctx context.Context, rel firsthand.ID) ([]agent.Waiting, error) {
	return read(ctx, m, func(l *life) []agent.Waiting { return l.waitingIn(rel) })
}

// Waits implements [agent.Store].
func (m *Memory) Waits(ctx context.Context, today firsthand.Date, limit int) ([]agent.Waiting, int, error) {
	all, err := read(ctx, m, func(l *life) []agent.Waiting { return l.waits(today) })
	return all[:min(limit, len(all))], len(all), err
}

// Later implements [agent.Store].
func (m *Memory) Later(ctx context.Context) (map[string]firsthand.Date, error) {
	return read(ctx, m, func(l *life) map[string]firsthand.Date { return maps.Clone(l.later) })
}

// fullWaiting returns a row in which no field is zero.
func fullWaiting(t testing.TB, rel firsthand.ID, domain, key string, since int) agent.Waiting {
	t.Helper()
	w := agent.Waiting{Key: key, What: agent.WaitAsk, Rel: rel, Domain: domain, Entry: firsthand.ID{7}, Fact: "phone", Until: "2026-12-31",
		Since: noon.AddDate(0, 0, since).UTC()}
	noZero(t, w)
	return w
}

func waitingKeys(rows []agent.Waiting) (keys []string) {
	for _, w := range rows {
		keys = append(keys, w.Key)
	}
	return keys
}

var waitingChecks = []check{
	{"what waits comes back, the oldest first", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		one, two := full(t, firsthand.ID{1}), full(t, firsthand.ID{2})
		two.Domain, two.Opened = "b.example", two.Opened.Add(1)
		old, late := fullWaiting(t, one.ID, one.Domain, "old", -3), fullWaiting(t, one.ID, one.Domain, "late", -1)
		old.Until, late.Until = "", ""
		soon := fullWaiting(t, two.ID, two.Domain, "soon", -9)
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{one, two},
			Waiting: map[firsthand.ID][]agent.Waiting{one.ID: {late, old}, two.ID: {soon}}})
		wantEqual(t, "in one", must(s.WaitingIn(ctx, one.ID))(t), []agent.Waiting{late, old})
		wantEqual(t, "in two", must(s.WaitingIn(ctx, two.ID))(t), []agent.Waiting{soon})
		wantEqual(t, "in none", len(must(s.WaitingIn(ctx, firsthand.ID{9}))(t)), 0)
		on := func(day firsthand.Date, limit, total int, want ...string) {
			t.Helper()
			rows, n, err := s.Waits(ctx, day, limit)
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "on "+string(day), normal(waitingKeys(rows)), normal(want))
			wantEqual(t, "total on "+string(day), n, total)
		}
		on("2026-12-31", 9, 3, "old", "late", "soon") // by the day that it is due, or since when it waits
		on("2026-12-31", 2, 3, "old", "late")
		on("2027-01-01", 9, 2, "old", "late") // soon is of no use any more

		commit(t, s, agent.Commit{Later: map[string]firsthand.Date{"old": "2026-12-02", "late": agent.Never, "other": "2026-12-02"}})
		on("2026-12-01", 9, 1, "soon")
		on("2026-12-02", 9, 2, "old", "soon")
		commit(t, s, agent.Commit{Later: map[string]firsthand.Date{"late": "", "other": ""}})
		on("2026-12-02", 9, 3, "old", "late", "soon")
		wantEqual(t, "later", must(s.Later(ctx))(t), map[string]firsthand.Date{"old": "2026-12-02"})

		commit(t, s, agent.Commit{Waiting: map[firsthand.ID][]agent.Waiting{one.ID: {late}}})
		on("2026-12-02", 9, 2, "late", "soon")
		commit(t, s, agent.Commit{Waiting: map[firsthand.ID][]agent.Waiting{one.ID: nil}})
		on("2026-12-02", 9, 1, "soon")
	}},
	{"a relationship is forgotten with what waits, and with what was put off", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		one := full(t, firsthand.ID{1})
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{one}, Later: map[string]firsthand.Date{"a": agent.Never, "b": agent.Never},
			Waiting: map[firsthand.ID][]agent.Waiting{one.ID: {fullWaiting(t, one.ID, one.Domain, "a", 0)}}})
		commit(t, s, agent.Commit{Forget: []firsthand.ID{one.ID}})
		wantEqual(t, "later", must(s.Later(ctx))(t), map[string]firsthand.Date{"b": agent.Never})
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{one}})
		wantEqual(t, "in one", len(must(s.WaitingIn(ctx, one.ID))(t)), 0)
	}},
}
