package carddav

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Deliver implements [connector.Connector].
//
// A change is one PUT of the card, which says that it was done too. If its answer is
// lost, the card still says so when the request comes again. A card that staff
// delete takes with it what was done: then a request that comes again makes another.
func (b *Book) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	res, err := b.deliver(ctx, r)
	if err != nil {
		return connector.Result{}, fmt.Errorf("deliver: %w", err)
	}
	return res, nil
}

func (b *Book) deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if r.ID.IsZero() || r.Relationship.IsZero() {
		return connector.Result{}, fmt.Errorf("%w: no id or no relationship", fault.Invalid)
	}
	switch r.Kind {
	case "disclose", "change", "withdraw":
	default:
		return connector.Result{}, fmt.Errorf("an address book has no place for a %s: %w", r.Kind, errors.ErrUnsupported)
	}
	f, ok := b.field(r.Fact)
	if !ok {
		return declined(r.Record, "we don't keep "+r.Fact), nil
	}
	if r.Kind == "withdraw" {
		r.Value = firsthand.Value{}
	} else if reason := fits(f, r.Value); reason != "" {
		return declined(r.Record, reason), nil
	}
	if r.Proposal { // the gateway's desk shows it
		return connector.Result{State: connector.Proposed, Ref: r.Record}, nil
	}
	if !r.Record.IsZero() {
		res, gone, err := b.into(ctx, r.Record.ID, r, f)
		if gone && err == nil {
			res = declined(r.Record, "there is no record "+r.Record.ID)
		}
		return res, err
	}
	// The card that the relationship made; when that was redacted, the next one.
	for n := 1; ; n++ {
		id := r.Relationship.String()
		if n > 1 {
			id = fmt.Sprintf("%s-%d", id, n)
		}
		if res, gone, err := b.into(ctx, id+".vcf", r, f); !gone || err != nil {
			return res, err
		}
	}
}

func declined(ref connector.Ref, reason string) connector.Result {
	return connector.Result{State: connector.Declined, Ref: ref, Reason: reason}
}

// into writes r into the card called id, or finds that it was. It returns gone if
// the card is, and if it never was but r names it.
func (b *Book) into(ctx context.Context, id string, r connector.Request, f Field) (res connector.Result, gone bool, err error) {
	absent := false
	err = b.customer.update(ctx, id, func(c *card) (*card, error) {
		res, gone, absent = connector.Result{State: connector.Written, Ref: b.ref(id, "")}, false, false
		var j *journal
		var err error
		if c == nil {
			if j, err = b.aside(ctx, id); err != nil || j.did(r.ID) {
				return nil, err
			}
			absent = r.Kind == "withdraw" && !j.Gone // it is not there, which is what she wants
			gone = j.Gone || !r.Record.IsZero() && !absent
			if gone || absent {
				return nil, nil
			}
			c = newCard(id, nameless(id))
		} else {
			if j, err = journalOf(id, c); err != nil || j != nil && j.did(r.ID) {
				return nil, err
			}
			if v := r.Record.Version; v != "" && v != c.etag {
				return nil, fmt.Errorf("%w: the card %s is not what it was", fault.Conflict, id)
			}
		}
		return c, b.write(id, c, j, r, f)
	})
	if err == nil && absent {
		err = b.note(ctx, id, func(j *journal) { j.done(r.ID) })
	}
	return res, gone, err
}

// write writes r into c and its journal, which is nil if it has none yet.
func (b *Book) write(id string, c *card, j *journal, r connector.Request, f Field) error {
	if j == nil {
		j = &journal{Record: id}
	}
	if j.Seen == nil {
		b.look(id, c, j, nil) // it begins now
	}
	b.setFact(id, c, f, r.Value)
	if r.Kind == "withdraw" {
		j.forget(f.Fact)
	}
	j.Seen[f.Fact] = hash(b.value(id, c, f))
	if j.Given == nil {
		j.Given = map[string]string{}
	}
	if r.Kind != "withdraw" {
		j.Given[f.Fact] = j.Seen[f.Fact]
	}
	j.done(r.ID)
	if !slices.Contains(j.Rels, r.Relationship) {
		j.Rels = append(j.Rels, r.Relationship)
	}
	return j.into(c)
}

// Read implements [connector.Connector].
func (b *Book) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	c, err := b.customer.get(ctx, ref.ID)
	if err == nil && c == nil {
		err = fault.NotExist
	}
	if err != nil {
		return connector.Record{}, fmt.Errorf("read %s: %w", ref.ID, err)
	}
	return connector.Record{Ref: b.ref(ref.ID, c.etag), Facts: b.facts(ref.ID, c)}, nil
}

// Redact implements [connector.Redactor]. Which requests were done stays, without
// their values, so that one that comes again brings nothing back.
func (b *Book) Redact(ctx context.Context, ref connector.Ref, fact string) error {
	var err error
	if fact == "" {
		err = b.remove(ctx, ref.ID)
	} else if f, ok := b.field(fact); ok {
		err = b.erase(ctx, ref.ID, f)
	}
	if err != nil {
		return fmt.Errorf("redact %s: %w", ref.ID, err)
	}
	return nil
}

// erase removes a fact from a card.
func (b *Book) erase(ctx context.Context, id string, f Field) error {
	return b.customer.update(ctx, id, func(c *card) (*card, error) {
		if c == nil {
			return nil, nil
		}
		j, err := journalOf(id, c)
		if err != nil {
			return nil, err
		}
		before := string(c.text())
		b.setFact(id, c, f, firsthand.Value{})
		if j != nil {
			j.forget(f.Fact)
			if err := j.into(c); err != nil {
				return nil, err
			}
		}
		if string(c.text()) == before {
			return nil, nil
		}
		return c, nil
	})
}

// remove deletes a card. First it notes aside what was done; a crash in between
// leaves the card, which Redact then removes.
func (b *Book) remove(ctx context.Context, id string) error {
	for range tries {
		c, err := b.customer.get(ctx, id)
		if c == nil || err != nil {
			return err
		}
		own, err := journalOf(id, c)
		if err != nil {
			return err
		}
		err = b.note(ctx, id, func(j *journal) {
			j.Gone = true
			if own != nil {
				j.Done = slices.Concat(j.Done, own.Done)
				slices.Sort(j.Done)
				j.Done = slices.Compact(j.Done)
			}
		})
		if err != nil {
			return err
		}
		if done, err := b.customer.remove(ctx, id, c); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: others keep changing card %s", fault.Unavailable, id)
}
