package memory_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/fault"
)

func randomID() (id firsthand.ID) {
	rand.Read(id[:])
	return id
}

type (
	request = connector.Request
	result  = connector.Result
	deliver = func(connector.Request) (connector.Result, error)
)

const decidedFirst = "what a person decided stands when the proof comes"

var deliverBugs = []bug{
	{"says written, writes nothing", "deliver makes one record", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		return result{State: connector.Written, Ref: connector.Ref{System: "CRM", ID: "1"}}, nil
	})},
	{"makes two records", "deliver makes one record", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		c.Add(memory.Record{Number: fmt.Sprint("twin of ", r.ID), Relationships: []firsthand.ID{r.Relationship}})
		return res, err
	})},
	{"doesn't say where", "deliver makes one record", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		res.Ref = connector.Ref{}
		return res, err
	})},
	{"has a state of its own", "deliver makes one record", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		res.State = "ok"
		return res, err
	})},
	{"delivers twice", "the same request again changes nothing", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		return do(fresh(r))
	})},
	{"a repeat is a conflict", "the same request again changes nothing", func(b *broken) {
		var mu sync.Mutex
		seen := map[firsthand.ID]bool{}
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			defer mu.Unlock()
			if seen[r.ID] {
				return result{}, fault.Conflict
			}
			seen[r.ID] = true
			return b.CRM.Deliver(ctx, r)
		}
	}},
	{"a proposal stays one", "a proposal is carried out once it is proved", func(b *broken) {
		var mu sync.Mutex
		proposed := map[firsthand.ID]result{}
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			defer mu.Unlock()
			if res, ok := proposed[r.ID]; ok {
				return res, nil
			}
			res, err := b.CRM.Deliver(ctx, r)
			if r.Proposal {
				proposed[r.ID] = res
			}
			return res, err
		}
	}},
	{"a decision is no answer to the proof", decidedFirst, func(b *broken) {
		var mu sync.Mutex
		proposed := map[firsthand.ID]result{}
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			defer mu.Unlock()
			waits := slices.ContainsFunc(b.CRM.Proposals(), func(p memory.Proposal) bool { return p.ID == r.ID })
			if res, ok := proposed[r.ID]; ok && !waits {
				return res, nil
			}
			res, err := b.CRM.Deliver(ctx, r)
			if r.Proposal {
				proposed[r.ID] = res
			}
			return res, err
		}
	}},
	{"with the proof, what was decided is done again", decidedFirst, func(b *broken) {
		var mu sync.Mutex
		proposed := map[firsthand.ID]bool{}
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			defer mu.Unlock()
			if proposed[r.ID] = proposed[r.ID] || r.Proposal; proposed[r.ID] && !r.Proposal {
				r.ID[0]++
			}
			return b.CRM.Deliver(ctx, r)
		}
	}},
	{"a repeat says proposed", "the same request again changes nothing", func(b *broken) {
		var mu sync.Mutex
		n := 0
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			defer mu.Unlock()
			res, err := b.CRM.Deliver(ctx, r)
			if n++; n > 1 {
				res.State = connector.Proposed
			}
			return res, err
		}
	}},
	{"looks first and then writes, without a lock", "eight at once make one record", func(b *broken) {
		var mu sync.Mutex
		met, n := make(chan struct{}), 0
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			n++
			if n == 2 {
				close(met)
			}
			first := n <= 2
			mu.Unlock()
			if first { // two have looked, and found nothing
				<-met
				return b.CRM.Deliver(ctx, fresh(r))
			}
			return b.CRM.Deliver(ctx, r)
		}
	}},
	{"forgets requests at a restart", "a request is not done again after a crash", func(b *broken) {
		var mu sync.Mutex
		names := map[firsthand.ID]firsthand.ID{}
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			if _, ok := names[r.ID]; !ok {
				names[r.ID] = randomID()
			}
			r.ID = names[r.ID]
			mu.Unlock()
			return b.CRM.Deliver(ctx, r)
		}
	}},
	{"a record for each request", "a relationship makes one record", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		if _, ok := recordOf(c, r.Relationship); !ok || !r.Record.IsZero() {
			return do(r)
		}
		number := fmt.Sprint("R", r.ID)
		c.Add(memory.Record{Number: number, Relationships: []firsthand.ID{r.Relationship}, Facts: map[string]firsthand.Value{r.Fact: r.Value}})
		return result{State: connector.Written, Ref: connector.Ref{System: "CRM", ID: number}}, nil
	})},
	{"one record for the same value", "relationships are kept apart", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		for _, rec := range c.Records() {
			if rec.Facts[r.Fact].Equal(r.Value) {
				r.Record = connector.Ref{System: "CRM", ID: rec.Number}
			}
		}
		return do(r)
	})},
	{"makes a record instead of changing one", "a change replaces one fact of a customer's record", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		r.Record = connector.Ref{}
		return do(r)
	})},
	{"replaces the whole record", "a change replaces one fact of a customer's record", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		for _, rec := range c.Records() {
			for fact := range rec.Facts {
				if rec.Number == r.Record.ID && fact != r.Fact {
					c.Edit(rec.Number, fact, firsthand.Value{})
				}
			}
		}
		r.Record.Version = ""
		return do(r)
	})},
	{"remembers the last request only", "requests take effect in order, and old ones never again", func(b *broken) {
		var mu sync.Mutex
		var last firsthand.ID
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			defer mu.Unlock()
			if r.ID != last {
				last = r.ID
				return b.CRM.Deliver(ctx, fresh(r))
			}
			return b.CRM.Deliver(ctx, r)
		}
	}},
	{"ignores versions", "a stale version writes nothing", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		r.Record.Version = ""
		return do(r)
	})},
	{"looks at the version before the id", "a stale version writes nothing", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		for _, rec := range c.Records() {
			if rec.Number == r.Record.ID && r.Record.Version != "" && r.Record.Version != fmt.Sprint(rec.Version) {
				return result{}, fault.Conflict
			}
		}
		return do(r)
	})},
	{"a stale version is tried again for ever", "a stale version writes nothing", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		if errors.Is(err, fault.Conflict) {
			err = fault.Unavailable
		}
		return res, err
	})},
	{"notes a withdrawal, removes nothing", "a withdrawal removes the fact", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		if r.Kind == "withdraw" {
			return result{State: connector.Written, Ref: r.Record}, nil
		}
		return do(r)
	})},
	{"a withdrawal empties the record", "a withdrawal removes the fact", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		if rec, ok := recordOf(c, r.Relationship); ok && r.Kind == "withdraw" {
			for fact := range rec.Facts {
				c.Edit(rec.Number, fact, firsthand.Value{})
			}
		}
		return do(r)
	})},
	{"declines without a reason", "what the system has no place for is declined", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		res.Reason = ""
		return res, err
	})},
	{"says written what it drops", "what the system has no place for is declined", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		if res.State == connector.Declined {
			res = result{State: connector.Written, Ref: connector.Ref{System: "CRM", ID: "1"}}
		}
		return res, err
	})},
	{"works on after a cancelled call", "a call that was cancelled does nothing", func(b *broken) {
		b.deliver = func(ctx context.Context, r request) (result, error) {
			return b.CRM.Deliver(context.WithoutCancel(ctx), r)
		}
	}},
	{"a cancelled call is done all the same", "a call that was cancelled does nothing", func(b *broken) {
		b.deliver = func(ctx context.Context, r request) (result, error) {
			res, err := b.CRM.Deliver(context.WithoutCancel(ctx), r)
			return res, errors.Join(err, ctx.Err())
		}
	}},
	{"down means invalid", "a system that is down is tried again", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		if err != nil {
			err = fault.Invalid
		}
		return res, err
	})},
	{"down means proposed", "a system that is down is tried again", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		if err != nil {
			return result{State: connector.Proposed}, nil
		}
		return res, err
	})},
	{"down means that the record is gone", "a system that is down is tried again", func(b *broken) {
		b.read = func(ctx context.Context, ref connector.Ref) (connector.Record, error) {
			rec, err := b.CRM.Read(ctx, ref)
			if err != nil {
				err = fault.NotExist
			}
			return rec, err
		}
	}},
	{"down means that nothing has changed", "a system that is down is tried again", func(b *broken) {
		b.changes = func(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
			return func(yield func(connector.Change, error) bool) {
				for c, err := range b.CRM.Changes(ctx, cursor) {
					if err != nil || !yield(c, nil) {
						return
					}
				}
			}
		}
	}},
	{"down means that nobody fits", "a system that is down is tried again", func(b *broken) {
		b.find = func(ctx context.Context, c connector.Claim) ([]connector.Ref, error) {
			refs, _ := b.CRM.Find(ctx, c)
			return refs, nil
		}
	}},
	{"a ticket for each delivery", "a message makes one ticket", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		return do(fresh(r))
	})},
	{"drops the ticket's text", "a message makes one ticket", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		r.Text = r.Subject
		return do(r)
	})},
	{"leaves messages to a person", "a message makes one ticket", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		res.State = connector.Proposed
		return res, err
	})},
	{"a ticket for each message", "a thread stays in its ticket", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		r.Thread = connector.Ref{}
		return do(r)
	})},
	{"one ticket for each customer", "a thread stays in its ticket", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		for _, t := range c.Tickets() {
			if t.Relationship == r.Relationship {
				r.Thread = connector.Ref{System: "CRM", ID: t.Number}
			}
		}
		return do(r)
	})},
}

var valueBugs = []bug{
	{"reads back what was delivered", "what is read is what the system has", func(b *broken) {
		var mu sync.Mutex
		facts := map[string]firsthand.Value{}
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			defer mu.Unlock()
			facts[r.Fact] = r.Value
			return b.CRM.Deliver(ctx, r)
		}
		b.read = func(ctx context.Context, ref connector.Ref) (connector.Record, error) {
			mu.Lock()
			defer mu.Unlock()
			return connector.Record{Ref: ref, Facts: facts}, nil
		}
	}},
	{"what isn't there reads as empty", "what is read is what the system has", func(b *broken) {
		b.read = func(ctx context.Context, ref connector.Ref) (connector.Record, error) {
			rec, err := b.CRM.Read(ctx, ref)
			if errors.Is(err, fault.NotExist) {
				return connector.Record{Ref: ref}, nil
			}
			return rec, err
		}
	}},
	{"reads another record", "what is read is what the system has", func(b *broken) {
		b.read = func(ctx context.Context, ref connector.Ref) (connector.Record, error) {
			rec, err := b.CRM.Read(ctx, ref)
			rec.Ref.ID = "1"
			return rec, err
		}
	}},
	{"can't be read, and doesn't report", "what is read is what the system has", func(b *broken) {
		b.read = func(context.Context, connector.Ref) (connector.Record, error) {
			return connector.Record{}, errors.ErrUnsupported
		}
	}},
	{"cuts long values", "hostile values stay text", values(cut(255))},
	{"escapes HTML on the way in", "hostile values stay text", values(html.EscapeString)},
	{"drops control characters", "hostile values stay text", values(without(`[\x00-\x1f]`))},
	{"reads a number where there are digits", "hostile values stay text", values(func(s string) string {
		if strings.Trim(s, "0123456789") == "" {
			return strings.TrimLeft(s, "0")
		}
		return s
	})},
	{"takes a text for null", "hostile values stay text", values(func(s string) string { return strings.TrimPrefix(s, "null") })},
	{"composes letters", "hostile values stay text", values(func(s string) string { return strings.ReplaceAll(s, "e\u0301", "é") })},
	{"escapes on the way in and back on the way out", "hostile values stay text", func(b *broken) {
		values(html.EscapeString)(b)
		b.read = func(ctx context.Context, ref connector.Ref) (connector.Record, error) {
			rec, err := b.CRM.Read(ctx, ref)
			for fact, v := range rec.Facts {
				rec.Facts[fact] = change(v, html.UnescapeString)
			}
			return rec, err
		}
	}},
	{"strips tags of messages", "hostile messages stay text", texts(without(`<[^>]*>`))},
	{"cuts long messages", "hostile messages stay text", texts(cut(32 << 10))},
	{"a message ends at a dot", "hostile messages stay text", texts(func(s string) string { s, _, _ = strings.Cut(s, "\r\n.\r\n"); return s })},
	{"carries out placeholders", "hostile messages stay text", texts(func(s string) string { return strings.ReplaceAll(s, "{{.}}", "Mia") })},
	{"declines what looks odd", "hostile messages stay text", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		if strings.ContainsRune(r.Text, 0x1b) {
			return result{State: connector.Declined, Reason: "odd"}, nil
		}
		return do(r)
	})},
}

// values is a plant for a bug in how values are kept, texts in messages.
func values(f func(string) string) func(*broken) {
	return every(func(c *memory.CRM, r request, do deliver) (result, error) {
		r.Value = change(r.Value, f)
		return do(r)
	})
}

func texts(f func(string) string) func(*broken) {
	return every(func(c *memory.CRM, r request, do deliver) (result, error) {
		r.Text = f(r.Text)
		return do(r)
	})
}

var proposalBugs = []bug{
	{"accepts and writes nothing", "a proposal can be decided from away", func(b *broken) {
		b.accept = func(ctx context.Context, id firsthand.ID, _ string) error { return b.CRM.Reject(ctx, id, "no") }
	}},
	{"accepts what is not there", "a proposal can be decided from away", func(b *broken) {
		b.accept = func(ctx context.Context, id firsthand.ID, record string) error {
			_ = b.CRM.Accept(ctx, id, record)
			return nil
		}
	}},
	{"writes proposals", "a proposal never writes over anything", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		r.Proposal = false
		return do(r)
	})},
	{"writes proposals and says proposed", "a proposal never writes over anything", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		p := r.Proposal
		r.Proposal = false
		res, err := do(r)
		if p {
			res.State = connector.Proposed
		}
		return res, err
	})},
	{"finds the record by the old value", "a proposal never writes over anything", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		for _, rec := range c.Records() {
			if r.Proposal && !r.Old.IsZero() && rec.Facts[r.Fact].Equal(r.Old) {
				c.Edit(rec.Number, r.Fact, r.Value)
			}
		}
		return do(r)
	})},
	{"fills what is empty, withdraws what is proposed", "a proposal never writes over anything", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		r.Proposal = r.Proposal && r.Kind != "withdraw"
		return do(r)
	})},
	{"a proposal that was applied binds", "a person decides on a proposal", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		for ch := range c.Changes(context.Background(), "") {
			if ch.Relationship == r.Relationship && ch.State == connector.Written && r.Record.IsZero() {
				r.Record = bare(ch.Ref)
			}
		}
		return do(r)
	})},
	{"a repeat says what was decided since", "a person decides on a proposal", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		for ch := range c.Changes(context.Background(), "") {
			if ch.Of == r.ID {
				return result{State: ch.State, Ref: ch.Ref, Reason: ch.Reason}, nil
			}
		}
		return do(r)
	})},
	{"decisions don't show", "a person decides on a proposal", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		return slices.DeleteFunc(cs, func(c connector.Change) bool { return c.State != "" })
	})},
	{"refusals show without a reason", "a person decides on a proposal", each(func(c *connector.Change) { c.Reason = "" })},
	{"a refusal shows as written", "a person decides on a proposal", each(func(c *connector.Change) {
		if c.State != "" {
			c.State = connector.Written
		}
	})},
}

// each is a plant for a bug in every change.
func each(f func(*connector.Change)) func(*broken) {
	return list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		for i := range cs {
			f(&cs[i])
		}
		return cs
	})
}

// without removes what matches the expression.
func without(expr string) func(string) string {
	re := regexp.MustCompile(expr)
	return func(s string) string { return re.ReplaceAllLiteralString(s, "") }
}
