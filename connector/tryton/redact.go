package tryton

import (
	"context"
	"fmt"
	"slices"

	"firsthand/connector"
	"firsthand/fault"
)

var _ connector.Redactor = (*Tryton)(nil)

// Redact implements [connector.Redactor]. Of a whole record the party stays, blank and
// not active, for what else the company has may name it; and so do the notes, so that
// an old request which comes again brings nothing back.
func (t *Tryton) Redact(ctx context.Context, ref connector.Ref, fact string) error {
	unlock, err := t.locks.lock(ctx, ref.ID)
	if err != nil {
		return fmt.Errorf("redact: %w: %w", fault.Unavailable, err)
	}
	defer unlock()
	model, id := parseRef(ref)
	switch model {
	case party:
		err = t.redactParty(ctx, id, fact)
	case opportunity:
		if fact == "" {
			err = t.client.call(ctx, nil, "model.sale.opportunity.write", []int{id}, map[string]any{"description": nil, "comment": nil}, none)
		}
	}
	if err != nil {
		return fmt.Errorf("redact %s: %w", ref.ID, err)
	}
	return nil
}

func (t *Tryton) redactParty(ctx context.Context, id int, fact string) error {
	rec, err := t.party(ctx, id, nil)
	if err != nil {
		if fault.KindOf(err) == fault.NotExist {
			return nil // gone already
		}
		return err
	}
	if fact == "" {
		return t.redactWhole(ctx, rec)
	}
	p, ok := t.places[fact]
	row := 0
	if ok && p.kind != "name" {
		row = rec.row(p)
	}
	switch {
	case !ok:
		return nil
	case p.kind == "name":
		return t.client.call(ctx, nil, "model.party.party.write", []int{rec.ID}, map[string]any{"name": nil}, none)
	case row == 0:
		return nil
	case p.kind == "address":
		return t.client.call(ctx, nil, "model.party.address.write", []int{row}, blank, none)
	}
	return t.client.call(ctx, nil, "model.party.contact_mechanism.delete", []int{row}, none)
}

func (t *Tryton) redactWhole(ctx context.Context, rec *record) error {
	v := map[string]any{"name": nil, "active": false}
	var addresses, gone []int
	for _, a := range rec.Addresses {
		addresses = append(addresses, a.ID)
	}
	for _, m := range rec.Mechanisms {
		i := slices.IndexFunc(rec.notes, func(n note) bool { return n.row == m.ID })
		if i >= 0 && rec.notes[i].Did != made {
			continue
		}
		if i >= 0 && m.Value == rec.Code { // a relationship's party no more: it may make another
			v["code"] = fmt.Sprintf("redacted-%d", rec.ID)
		}
		gone = append(gone, m.ID)
	}
	if len(addresses) > 0 {
		v["addresses"] = []any{[]any{"write", addresses, blank}}
	}
	if len(gone) > 0 {
		v["contact_mechanisms"] = []any{[]any{"delete", gone}}
	}
	return t.client.call(ctx, nil, "model.party.party.write", []int{rec.ID}, v, none)
}
