package agenttest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"testing"

	"firsthand/internal/agent"
)

// Masks implements [agent.Store].
func (m *Memory) Masks(ctx context.Context, key string) ([]agent.Mask, error) {
	return read(ctx, m, func(l *life) (all []agent.Mask) {
		for _, k := range l.masks {
			if key == "" || k.Domain == key {
				all = append(all, k)
			}
		}
		slices.SortFunc(all, func(x, y agent.Mask) int { return cmp.Or(y.Made.Compare(x.Made), cmp.Compare(x.Token, y.Token)) })
		return all
	})
}

// Leaks implements [agent.Store].
func (m *Memory) Leaks(ctx context.Context) ([]agent.Leak, error) {
	return read(ctx, m, func(l *life) []agent.Leak {
		return slices.SortedFunc(maps.Values(l.leaks), func(x, y agent.Leak) int {
			return cmp.Or(x.First.Compare(y.First), cmp.Compare(x.Token, y.Token), cmp.Compare(x.From, y.From))
		})
	})
}

// fullMask returns a mask in which no field is zero.
func fullMask(t testing.TB, token string, made int) agent.Mask {
	t.Helper()
	m := agent.Mask{Token: token, Domain: "acme.example", Kind: "domain", Address: "acme." + token + "@mia.example", ID: "17", State: agent.MaskActive,
		Made: noon.AddDate(0, 0, made).UTC()}
	noZero(t, m)
	return m
}

// fullLeak returns a leak in which no field is zero.
func fullLeak(t testing.TB, token, from string) agent.Leak {
	t.Helper()
	l := agent.Leak{Token: token, From: from, N: 3, First: noon.UTC(), Last: noon.AddDate(0, 0, 1).UTC(), Verdict: agent.LeakTheirs}
	noZero(t, l)
	return l
}

var maskChecks = []check{
	{"masks and leaks come back whole", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		a, b, c := fullMask(t, "a", 1), fullMask(t, "b", 2), fullMask(t, "c", 2)
		b.Domain = "other.example"
		x, y := fullLeak(t, "b", "x.example"), fullLeak(t, "a", "y.example")
		commit(t, s, agent.Commit{Masks: []agent.Mask{a, c, b}, Leaks: []agent.Leak{x, y}})
		wantEqual(t, "masks", must(s.Masks(ctx, ""))(t), []agent.Mask{b, c, a})
		wantEqual(t, "masks of one", must(s.Masks(ctx, "acme.example"))(t), []agent.Mask{c, a})
		wantEqual(t, "masks of none", len(must(s.Masks(ctx, "none.example"))(t)), 0)
		wantEqual(t, "leaks", must(s.Leaks(ctx))(t), []agent.Leak{y, x})
		a.State, a.Address, x.N, x.Verdict = agent.MaskRetired, "", 4, ""
		commit(t, s, agent.Commit{Masks: []agent.Mask{a}, Leaks: []agent.Leak{x}})
		wantEqual(t, "masks", must(s.Masks(ctx, ""))(t), []agent.Mask{b, c, a})
		wantEqual(t, "leaks", must(s.Leaks(ctx))(t), []agent.Leak{y, x})
	}},
}
