package memory_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/fault"
)

var changeBugs = []bug{
	{"what was delivered comes back", "what was delivered is no change", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		c.Edit(res.Ref.ID, r.Fact, r.Value)
		return res, err
	})},
	{"what she says comes back", "what was delivered is no change", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		c.Reply(res.Ref.ID, "customer", r.Text)
		return res, err
	})},
	{"edits don't show", "an edit by staff is a change", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		return slices.DeleteFunc(cs, func(c connector.Change) bool { return c.Fact != "" })
	})},
	{"an edit shows the value before", "an edit by staff is a change", each(func(c *connector.Change) { c.Value = firsthand.Text("mia@example.org") })},
	{"a stranger's record is the last caller's", "an edit by staff is a change", func(b *broken) {
		var mu sync.Mutex
		var last firsthand.ID
		each(func(c *connector.Change) {
			mu.Lock()
			defer mu.Unlock()
			if c.Relationship.IsZero() {
				c.Relationship = last
			}
		})(b)
		b.deliver = func(ctx context.Context, r request) (result, error) {
			mu.Lock()
			defer mu.Unlock()
			last = r.Relationship
			return b.CRM.Deliver(ctx, r)
		}
	}},
	{"of several edits the first is told", "of several edits the last is a change", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		return cs[:min(len(cs), 1)]
	})},
	{"a reply is by nobody", "a reply is a change", each(func(c *connector.Change) { c.Author = "" })},
	{"a reply is cut", "a reply is a change", each(func(c *connector.Change) { c.Text = cut(1000)(c.Text) })},
	{"a reply shows twice", "a reply is a change", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		for _, c := range slices.Clone(cs) {
			c.ID, c.Cursor = c.ID+"b", c.Cursor+"0"
			cs = append(cs, c)
		}
		return cs
	})},
	{"a reply applies the message", "a reply is a change", each(func(c *connector.Change) { c.State = connector.Written })},
	{"her thanks come back among the replies", "a reply comes once", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		res, err := do(r)
		c.Reply(res.Ref.ID, "customer", r.Text)
		return res, err
	})},
	{"a ticket that is done doesn't show", "a ticket that is done is a change", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		return slices.DeleteFunc(cs, func(c connector.Change) bool { return c.Resolved })
	})},
	{"what is done is nobody's", "a ticket that is done is a change", each(func(c *connector.Change) { c.Of = firsthand.ID{} })},
	{"newest first", "changes come oldest first and go on from each cursor", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		slices.Reverse(cs)
		return cs
	})},
	{"loses a change", "changes come oldest first and go on from each cursor", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		return slices.DeleteFunc(cs, func(c connector.Change) bool { return strings.HasSuffix(c.Text, " 3.") })
	})},
	{"loses the change after a cursor", "changes come oldest first and go on from each cursor", list(func(_ *broken, cursor string, cs []connector.Change) []connector.Change {
		if cursor != "" && len(cs) > 1 {
			return cs[1:]
		}
		return cs
	})},
	{"duplicates a change", "changes come oldest first and go on from each cursor", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		if len(cs) > 3 {
			return slices.Insert(cs, 3, cs[2])
		}
		return cs
	})},
	{"begins with the cursor's own change", "changes come oldest first and go on from each cursor", list(func(b *broken, cursor string, cs []connector.Change) []connector.Change {
		for c := range b.CRM.Changes(context.Background(), "") {
			if c.Cursor == cursor {
				return append([]connector.Change{c}, cs...)
			}
		}
		return cs
	})},
	{"pays no heed to the cursor", "changes come oldest first and go on from each cursor", func(b *broken) {
		b.changes = func(ctx context.Context, _ string) iter.Seq2[connector.Change, error] { return b.CRM.Changes(ctx, "") }
	}},
	{"one page and no more", "changes come oldest first and go on from each cursor", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		return cs[:min(len(cs), 5)]
	})},
	{"a cursor for a page", "changes come oldest first and go on from each cursor", list(func(_ *broken, _ string, cs []connector.Change) []connector.Change {
		for i := range cs {
			cs[i].Cursor = cs[len(cs)-1].Cursor
		}
		return cs
	})},
	{"cursors don't outlive a restart", "changes are the same after a restart", func(b *broken) {
		var mu sync.Mutex
		names := map[string]string{"": ""}
		b.changes = func(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
			return func(yield func(connector.Change, error) bool) {
				mu.Lock()
				defer mu.Unlock()
				from, ok := names[cursor]
				if !ok {
					yield(connector.Change{}, fault.Invalid)
					return
				}
				for c, err := range b.CRM.Changes(ctx, from) {
					name := randomID().String()
					names[name] = c.Cursor
					c.Cursor = name
					if !yield(c, err) {
						return
					}
				}
			}
		}
	}},
	{"changes get new ids", "changes are the same after a restart", func(b *broken) {
		id := randomID().String()
		each(func(c *connector.Change) { c.ID += id })(b)
	}},
	{"a queue: what was listed is gone", "changes may be left in the middle", func(b *broken) {
		at := ""
		b.changes = func(ctx context.Context, _ string) iter.Seq2[connector.Change, error] {
			return func(yield func(connector.Change, error) bool) {
				var all []connector.Change
				for c := range b.CRM.Changes(ctx, at) {
					all, at = append(all, c), c.Cursor
				}
				for _, c := range all {
					if !yield(c, nil) {
						return
					}
				}
			}
		}
	}},
}

var binderBugs = []bug{
	{"finds by the beginning of a number", "find returns all that fit and nothing else", finds(func(r memory.Record, claim string) bool {
		return claim != "" && strings.HasPrefix(r.Number, claim)
	})},
	{"nothing fits everybody", "find returns all that fit and nothing else", finds(func(r memory.Record, claim string) bool {
		return r.Number == claim || slices.Contains(r.Contacts, claim) || claim == ""
	})},
	{"knows wildcards", "find returns all that fit and nothing else", finds(func(r memory.Record, claim string) bool {
		return r.Number == claim || claim == "%"
	})},
	{"trims the claim", "find returns all that fit and nothing else", finds(func(r memory.Record, claim string) bool {
		return r.Number == strings.TrimSpace(claim)
	})},
	{"takes the first of two", "find returns all that fit and nothing else", func(b *broken) {
		b.find = func(ctx context.Context, c connector.Claim) ([]connector.Ref, error) {
			refs, err := b.CRM.Find(ctx, c)
			return refs[:min(len(refs), 1)], err
		}
	}},
	{"finds what a stranger disclosed", "find returns all that fit and nothing else", finds(func(r memory.Record, claim string) bool {
		return r.Number == claim || claim != "" && (slices.Contains(r.Contacts, claim) || r.Facts["email"].Text == claim)
	})},
	{"finds nobody", "find returns all that fit and nothing else", finds(func(memory.Record, string) bool { return false })},

	{"notifies the claimant's contact", "a notice goes to the contact on record", notifies(func(c *memory.CRM, ref connector.Ref, m connector.Message) {
		for _, r := range c.Records() {
			if len(r.Relationships) > 0 {
				c.SetContacts(ref.ID, r.Facts["email"].Text)
			}
		}
	})},
	{"notifies the proposed contact", "a notice goes to the contact on record", notifies(func(c *memory.CRM, ref connector.Ref, m connector.Message) {
		for _, p := range c.Proposals() {
			if p.Record.ID == ref.ID {
				c.SetContacts(ref.ID, p.Value.Text)
			}
		}
	})},
	{"notifies both", "a notice goes to the contact on record", func(b *broken) {
		b.notify = func(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
			to, err := b.CRM.Notify(ctx, ref, m)
			b.Add(memory.Record{Number: m.ID, Contacts: []string{"thief@example.net"}})
			m.ID += "b"
			b.CRM.Notify(ctx, connector.Ref{ID: m.ID[:len(m.ID)-1]}, m)
			return to, err
		}
	}},
	{"no contact is no error", "a notice goes to the contact on record", func(b *broken) {
		b.notify = func(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
			to, _ := b.CRM.Notify(ctx, ref, m)
			return to, nil
		}
	}},
	{"notifies nobody", "a notice goes to the contact on record", func(b *broken) {
		b.notify = func(context.Context, connector.Ref, connector.Message) (string, error) {
			return "•••@example.org", nil
		}
	}},
	{"notifies each time", "a notice is sent once", func(b *broken) {
		b.notify = func(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
			m.ID = randomID().String()
			return b.CRM.Notify(ctx, ref, m)
		}
	}},
	{"notifies once and never again", "a notice is sent once", func(b *broken) {
		b.notify = func(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
			m.ID = "notice"
			return b.CRM.Notify(ctx, ref, m)
		}
	}},
	{"forgets notices at a restart", "a notice is sent once", func(b *broken) {
		since := randomID().String()
		b.notify = func(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
			m.ID += since
			return b.CRM.Notify(ctx, ref, m)
		}
	}},
	{"shows the contact", "a contact is shown masked", shows(func(contact string) string { return contact })},
	{"shows most of the contact", "a contact is shown masked", shows(func(contact string) string { return contact[:4] + "…" })},
	{"shows the contact's end", "a contact is shown masked", shows(func(contact string) string { return "…" + contact[8:] })},
	{"shows no contact", "a contact is shown masked", shows(func(string) string { return "" })},
}

// finds is a plant for a Find that takes what fit says.
func finds(fit func(r memory.Record, claim string) bool) func(*broken) {
	return func(b *broken) {
		b.find = func(_ context.Context, c connector.Claim) (refs []connector.Ref, _ error) {
			for _, r := range b.Records() {
				if fit(r, c.Record) {
					refs = append(refs, connector.Ref{System: "CRM", ID: r.Number})
				}
			}
			return refs, nil
		}
	}
}

// notifies is a plant for a Notify that does something first.
func notifies(first func(*memory.CRM, connector.Ref, connector.Message)) func(*broken) {
	return func(b *broken) {
		b.notify = func(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
			first(b.CRM, ref, m)
			return b.CRM.Notify(ctx, ref, m)
		}
	}
}

// shows is a plant for a Notify that returns what show makes of the contact.
func shows(show func(contact string) string) func(*broken) {
	return func(b *broken) {
		b.notify = func(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
			_, err := b.CRM.Notify(ctx, ref, m)
			sent := b.Outbox()
			return show(sent[len(sent)-1].To), err
		}
	}
}

var redactorBugs = []bug{
	{"forgets nothing", "redact removes a fact", redacts(func(func(connector.Ref, string) error, connector.Ref, string) error { return nil })},
	{"forgets everything", "redact removes a fact", redacts(func(do func(connector.Ref, string) error, ref connector.Ref, _ string) error { return do(ref, "") })},
	{"blanks with a mark", "redact removes a fact", func(b *broken) {
		b.redact = func(_ context.Context, ref connector.Ref, fact string) error {
			return b.Edit(ref.ID, fact, firsthand.Text("[redacted]"))
		}
	}},
	{"what is gone is an error", "redact removes a fact", func(b *broken) {
		b.redact = func(ctx context.Context, ref connector.Ref, fact string) error {
			rec, err := b.CRM.Read(ctx, ref)
			if _, ok := rec.Facts[fact]; err != nil || !ok && fact != "" {
				return fault.NotExist
			}
			return b.CRM.Redact(ctx, ref, fact)
		}
	}},
	{"an empty record stays", "redact removes a record", func(b *broken) {
		b.redact = func(ctx context.Context, ref connector.Ref, fact string) error {
			rec, err := b.CRM.Read(ctx, ref)
			for fact := range rec.Facts {
				b.CRM.Redact(ctx, ref, fact)
			}
			return err
		}
	}},
	{"forgets everybody", "redact removes a record", func(b *broken) {
		b.redact = func(ctx context.Context, _ connector.Ref, fact string) error {
			for _, r := range b.Records() {
				b.CRM.Redact(ctx, connector.Ref{ID: r.Number}, fact)
			}
			return nil
		}
	}},
	{"gives numbers again", "redact removes a record", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		for _, rec := range c.Records() {
			if rec.Number == "100001" {
				return do(r)
			}
		}
		err := c.Add(memory.Record{Number: "100001", Relationships: []firsthand.ID{r.Relationship}, Facts: map[string]firsthand.Value{r.Fact: r.Value}})
		return result{State: connector.Written, Ref: connector.Ref{System: "CRM", ID: "100001"}}, err
	})},
	{"forgets the requests too", "what was redacted does not come back", every(func(c *memory.CRM, r request, do deliver) (result, error) {
		if rec, ok := recordOf(c, r.Relationship); !ok || rec.Facts[r.Fact].IsZero() {
			return do(fresh(r))
		}
		return do(r)
	})},
}

// redacts is a plant for a bug in Redact, which is given what Redact does.
func redacts(f func(do func(connector.Ref, string) error, ref connector.Ref, fact string) error) func(*broken) {
	return func(b *broken) {
		b.redact = func(ctx context.Context, ref connector.Ref, fact string) error {
			return f(func(ref connector.Ref, fact string) error { return b.CRM.Redact(ctx, ref, fact) }, ref, fact)
		}
	}
}
