package webhook

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Deliver implements [connector.Connector].
func (h *Hook) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if r.ID.IsZero() {
		return connector.Result{}, fmt.Errorf("deliver: %w: no id", fault.Invalid)
	}
	body, proved, err := h.call(ctx, event{ID: r.ID.String(), Type: "firsthand." + string(r.Kind), Time: r.At, Subject: r.Relationship,
		Data: delivery{Record: r.Record.ID, Version: r.Record.Version, Proposal: r.Proposal, Fact: r.Fact, Value: r.Value, Old: r.Old,
			Purpose: r.Purpose, Subject: r.Subject, Text: r.Text, Thread: r.Thread.ID}})
	if err != nil {
		return connector.Result{}, fmt.Errorf("deliver: %w", err)
	}
	unproved := connector.Result{State: connector.Proposed, Ref: r.Record}
	if !proved {
		return unproved, nil
	}
	var rep report
	if err := decode(body, &rep); err != nil {
		return connector.Result{}, fmt.Errorf("deliver: %w", err)
	}
	if rep.State == connector.Written && r.Proposal {
		return connector.Result{}, tell(fault.Denied, "the webhook says that it wrote what was only a proposal",
			"have it look at the member proposal, and at what it has overwritten")
	}
	gives := r.Kind == "disclose" || r.Kind == "change"
	if rep.State == connector.Written && (gives && rep.Value.IsZero() || r.Kind != "withdraw" && rep.Record == "") {
		return unproved, nil // its word, but not for what it wrote, or not where
	}
	res := connector.Result{State: rep.State, Ref: h.ref(rep.Record, rep.Version), Reason: rep.Reason}
	if res.Ref.IsZero() {
		res.Ref = r.Record
	}
	if res.State == connector.Written {
		res.Reported, res.Value = true, rep.Value
	}
	return res, nil
}

// Read implements [connector.Connector].
func (h *Hook) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	var got reading
	if err := h.ask(ctx, "firsthand.read", map[string]string{"record": ref.ID}, &got); err != nil {
		return connector.Record{}, fmt.Errorf("read: %w", err)
	}
	if got.Gone {
		return connector.Record{}, fmt.Errorf("read %s: %w", ref.ID, fault.NotExist)
	}
	if got.Record != ref.ID {
		return connector.Record{}, tell(fault.Invalid, "the webhook reads another record than the one it was asked for", "")
	}
	rec := connector.Record{Ref: h.ref(got.Record, got.Version), Facts: map[string]firsthand.Value{}}
	for _, f := range got.Facts {
		rec.Facts[f.Fact] = f.Value
	}
	return rec, nil
}

// Changes implements [connector.Connector]. Where the system doesn't offer them,
// there are none.
func (h *Hook) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		for {
			var p page
			err := h.ask(ctx, "firsthand.changes", map[string]string{"cursor": cursor}, &p)
			if errors.Is(err, errors.ErrUnsupported) {
				return
			}
			if err == nil && len(p.Changes) > 0 && p.Changes[len(p.Changes)-1].Cursor == cursor {
				err = tell(fault.Invalid, "the webhook's changes don't go on from their cursor", "")
			}
			if err != nil {
				yield(connector.Change{}, fmt.Errorf("changes: %w", err))
				return
			}
			if len(p.Changes) == 0 {
				return
			}
			for _, c := range p.Changes {
				cursor = c.Cursor
				if !yield(connector.Change{Cursor: c.Cursor, ID: c.ID, Relationship: c.Relationship, Ref: h.ref(c.Record, c.Version), At: c.At, Of: c.Of,
					State: c.State, Reason: c.Reason, Author: c.Author, Text: c.Text, Resolved: c.Resolved, Fact: c.Fact, Value: c.Value}, nil) {
					return
				}
			}
		}
	}
}

// Redact implements [connector.Redactor]. A system that doesn't offer it, or
// doesn't sign that it did, leaves it to an operator.
func (h *Hook) Redact(ctx context.Context, ref connector.Ref, fact string) error {
	var rep report
	if err := h.ask(ctx, "firsthand.redact", map[string]string{"record": ref.ID, "fact": fact}, &rep); err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	if rep.State != connector.Written {
		return tell(fault.Invalid, fmt.Sprintf("the webhook doesn't say that it removed what it was asked to: %s %s", rep.State, rep.Reason), "")
	}
	return nil
}
