package memory_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/memory"
)

// A broken connector is the CRM with some of its methods replaced.
type broken struct {
	*memory.CRM
	deliver func(context.Context, connector.Request) (connector.Result, error)
	read    func(context.Context, connector.Ref) (connector.Record, error)
	changes func(context.Context, string) iter.Seq2[connector.Change, error]
	find    func(context.Context, connector.Claim) ([]connector.Ref, error)
	notify  func(context.Context, connector.Ref, connector.Message) (string, error)
	redact  func(context.Context, connector.Ref, string) error
	accept  func(context.Context, firsthand.ID, string) error
}

func (b *broken) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if b.deliver != nil {
		return b.deliver(ctx, r)
	}
	return b.CRM.Deliver(ctx, r)
}

func (b *broken) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	if b.read != nil {
		return b.read(ctx, ref)
	}
	return b.CRM.Read(ctx, ref)
}

func (b *broken) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	if b.changes != nil {
		return b.changes(ctx, cursor)
	}
	return b.CRM.Changes(ctx, cursor)
}

func (b *broken) Find(ctx context.Context, c connector.Claim) ([]connector.Ref, error) {
	if b.find != nil {
		return b.find(ctx, c)
	}
	return b.CRM.Find(ctx, c)
}

func (b *broken) Notify(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
	if b.notify != nil {
		return b.notify(ctx, ref, m)
	}
	return b.CRM.Notify(ctx, ref, m)
}

func (b *broken) Accept(ctx context.Context, id firsthand.ID, record string) error {
	if b.accept != nil {
		return b.accept(ctx, id, record)
	}
	return b.CRM.Accept(ctx, id, record)
}

func (b *broken) Redact(ctx context.Context, ref connector.Ref, fact string) error {
	if b.redact != nil {
		return b.redact(ctx, ref, fact)
	}
	return b.CRM.Redact(ctx, ref, fact)
}

// A bug is a connector that the named test of the suite must catch.
type bug struct {
	name  string
	test  string
	plant func(*broken)
}

// TestSuiteCatches plants the bugs one by one: a suite that can't fail proves
// nothing. Each test of the suite has at least one.
func TestSuiteCatches(t *testing.T) {
	bugs := slices.Concat(deliverBugs, valueBugs, proposalBugs, changeBugs, binderBugs, redactorBugs)
	caught := map[string]bool{}
	for _, b := range bugs {
		f := fixture(memory.Auto, func(c *memory.CRM) connector.Connector {
			x := &broken{CRM: c}
			b.plant(x)
			return x
		})
		failures := connectortest.Check(t, f, b.test)
		if len(failures) == 0 {
			t.Errorf("planted bug not caught: %s (by %q)", b.name, b.test)
			continue
		}
		t.Logf("%s: %.150s", b.name, failures[0].Text)
		caught[b.test] = true
	}
	for _, name := range connectortest.Tests(t, fixture(memory.Auto, nil)) {
		if !caught[name] {
			t.Errorf("no planted bug shows that this test can fail: %q", name)
		}
	}
	t.Logf("%d planted bugs", len(bugs))
}

// fresh returns r under another id, so that it is done again.
func fresh(r connector.Request) connector.Request {
	r.ID = randomID()
	return r
}

// bare returns ref without a version.
func bare(ref connector.Ref) connector.Ref { return connector.Ref{System: ref.System, ID: ref.ID} }

// every is a plant for a bug in Deliver, which is given each request and what
// Deliver otherwise does.
func every(f func(c *memory.CRM, r connector.Request, deliver func(connector.Request) (connector.Result, error)) (connector.Result, error)) func(*broken) {
	return func(b *broken) {
		b.deliver = func(ctx context.Context, r connector.Request) (connector.Result, error) {
			return f(b.CRM, r, func(r connector.Request) (connector.Result, error) { return b.CRM.Deliver(ctx, r) })
		}
	}
}

// list is a plant for a bug in Changes, which is given all that should come.
func list(f func(b *broken, cursor string, changes []connector.Change) []connector.Change) func(*broken) {
	return func(b *broken) {
		b.changes = func(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
			return func(yield func(connector.Change, error) bool) {
				var all []connector.Change
				for c, err := range b.CRM.Changes(ctx, cursor) {
					if err != nil {
						yield(c, err)
						return
					}
					all = append(all, c)
				}
				for _, c := range f(b, cursor, all) {
					if !yield(c, nil) {
						return
					}
				}
			}
		}
	}
}

// recordOf returns the record that the relationship has.
func recordOf(c *memory.CRM, rel firsthand.ID) (memory.Record, bool) {
	for _, r := range c.Records() {
		if slices.Contains(r.Relationships, rel) {
			return r, true
		}
	}
	return memory.Record{}, false
}

func change(v firsthand.Value, f func(string) string) firsthand.Value {
	if len(v.Parts) == 0 {
		return firsthand.Text(f(v.Text))
	}
	parts := map[string]string{}
	for name, text := range v.Parts {
		parts[name] = f(text)
	}
	return firsthand.Value{Parts: parts}
}

// cut returns at most n bytes of s.
func cut(n int) func(string) string {
	return func(s string) string { return strings.ToValidUTF8(s[:min(n, len(s))], "") }
}
