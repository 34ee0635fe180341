package tryton

import (
	"context"
	"fmt"

	"firsthand/connector"
	"firsthand/fault"
)

// lead makes an opportunity of a wish. Its reference is the wish's id, which is looked
// for first: Tryton doesn't keep it unique.
func (t *Tryton) lead(ctx context.Context, r connector.Request) (connector.Result, error) {
	s, err := t.client.signedIn(ctx)
	if err != nil {
		return connector.Result{}, err
	}
	company := map[string]any{"company": s.company}
	var ids []int
	err = t.client.call(ctx, &ids, "model.sale.opportunity.search", []any{[]any{"reference", "=", r.ID.String()}}, 0, 1, nil, company)
	if err != nil || len(ids) > 0 {
		return t.led(ids, err)
	}
	v := map[string]any{"company": s.company, "reference": r.ID.String(), "description": firstLine(r.Subject), "comment": r.Text, "party": nil}
	if !r.Proposal { // it would show as that customer's
		rec, err := t.of(ctx, r)
		if err != nil {
			return connector.Result{}, err
		}
		if rec != nil {
			v["party"] = rec.ID
		}
	}
	err = t.client.call(ctx, &ids, "model.sale.opportunity.create", []any{v}, company)
	return t.led(ids, err)
}

func (t *Tryton) led(ids []int, err error) (connector.Result, error) {
	if err == nil && len(ids) != 1 {
		err = fmt.Errorf("%w: Tryton made %d leads of one wish", fault.Unavailable, len(ids))
	}
	if err != nil {
		return connector.Result{}, err
	}
	return connector.Result{State: connector.Written, Ref: t.ref(opportunity, ids[0])}, nil
}

// of returns the record that r is about, nil if there is none.
func (t *Tryton) of(ctx context.Context, r connector.Request) (*record, error) {
	id := partyID(r.Record)
	among, err := t.load(ctx, []any{"OR", []any{"id", "=", id}, []any{"contact_mechanisms.value", "=", r.Relationship.String()}}, 0)
	if err != nil {
		return nil, err
	}
	own, n, ok := noted(among, r.Relationship.String())
	if r.Record.IsZero() && ok && n.Did == made {
		id = own.ID
	}
	if id == 0 {
		return nil, nil
	}
	rec, err := t.party(ctx, id, among)
	if err != nil && fault.KindOf(err) == fault.NotExist {
		return nil, nil
	}
	return rec, err
}

// firstLine returns s as a line, without what can't be seen.
func firstLine(s string) string {
	line := []rune{}
	for _, c := range s {
		if c == '\n' || len(line) == 200 {
			break
		}
		if shown(string(c)) {
			line = append(line, c)
		}
	}
	return string(line)
}
