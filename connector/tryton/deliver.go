package tryton

import (
	"context"
	"errors"
	"fmt"

	"firsthand/connector"
	"firsthand/fault"
)

// maxRaces is how often a write is tried against those of others.
const maxRaces = 3

// Deliver implements [connector.Connector].
func (t *Tryton) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if r.ID.IsZero() || r.Relationship.IsZero() {
		return connector.Result{}, fmt.Errorf("deliver: %w: no id or no relationship", fault.Invalid)
	}
	var do func(context.Context, connector.Request) (connector.Result, error)
	switch r.Kind {
	case "disclose", "change", "withdraw":
		p, ok := t.places[r.Fact]
		if !ok {
			return declined(r.Record, "our system has no place for "+r.Fact), nil
		}
		if r.Kind != "withdraw" {
			if why := p.unfit(r.Value); why != "" {
				return declined(r.Record, why), nil
			}
		}
		if r.Proposal {
			return connector.Result{State: connector.Proposed, Ref: r.Record}, nil
		}
		do = func(ctx context.Context, r connector.Request) (connector.Result, error) { return t.put(ctx, p, r) }
	case "wish":
		if t.cfg.Opportunities {
			do = t.lead
			break
		}
		fallthrough
	default:
		return connector.Result{}, fmt.Errorf("deliver: Tryton has no place for a %s: %w", r.Kind, errors.ErrUnsupported)
	}
	key := r.Record.ID
	if key == "" {
		key = r.Relationship.String()
	}
	unlock, err := t.locks.lock(ctx, key)
	if err != nil {
		return connector.Result{}, fmt.Errorf("deliver: %w: %w", fault.Unavailable, err)
	}
	defer unlock()
	for range maxRaces {
		res, err := do(ctx, r)
		if !errors.Is(err, errRaced) {
			if err != nil {
				err = fmt.Errorf("deliver: %w", err)
			}
			return res, err
		}
	}
	return connector.Result{}, fmt.Errorf("deliver: %w: others write the record all the time", fault.Unavailable)
}

func declined(ref connector.Ref, reason string) connector.Result {
	ref.Version = ""
	return connector.Result{State: connector.Declined, Ref: ref, Reason: reason}
}

// put does r, unless a note says that it was done. A result is the same again, but for
// a party that staff have put together with another since: then it names that one.
func (t *Tryton) put(ctx context.Context, p place, r connector.Request) (connector.Result, error) {
	id := partyID(r.Record)
	mine := r.Relationship.String()
	among, err := t.load(ctx, []any{"OR", []any{"id", "=", id}, []any{"contact_mechanisms.value", "in", []string{r.ID.String(), mine}}}, 0)
	if err != nil {
		return connector.Result{}, err
	}
	if rec, _, ok := noted(among, r.ID.String()); ok {
		return connector.Result{State: connector.Written, Ref: t.ref(party, rec.ID)}, nil
	}
	var rec *record
	if !r.Record.IsZero() {
		rec, err = t.party(ctx, id, among)
	} else if own, n, ok := noted(among, mine); ok && n.Did == made {
		rec, err = t.party(ctx, own.ID, among)
	}
	switch {
	case fault.KindOf(err) == fault.NotExist && err != nil && r.Kind == "withdraw":
		return connector.Result{State: connector.Written, Ref: t.bare(r.Record)}, nil // gone, as she wants
	case fault.KindOf(err) == fault.NotExist && err != nil && !r.Record.IsZero():
		return declined(r.Record, "our system has this record no more"), nil
	case err != nil && fault.KindOf(err) != fault.NotExist:
		return connector.Result{}, err
	case rec == nil && r.Kind == "withdraw":
		return connector.Result{State: connector.Written}, nil
	case rec != nil && r.Record.Version != "" && r.Record.Version != t.versioned(rec).Version:
		return connector.Result{}, fmt.Errorf("%w: the record has changed", fault.Conflict)
	}
	var values map[string]any
	if r.Kind != "withdraw" {
		var why string
		if values, why, err = t.fields(ctx, p, r.Value); err != nil || why != "" {
			return declined(r.Record, why), err
		}
	}
	n := note{ID: r.ID.String(), Relationship: r.Relationship, Did: string(r.Kind) + " of " + r.Fact, Fact: r.Fact}
	switch {
	case rec == nil:
		id, err = t.create(ctx, p, r, values, n)
	default:
		id, err = rec.ID, t.write(ctx, rec, p, r, values, n)
	}
	switch {
	case !errors.Is(err, errRefused):
	case p.spoken(): // the one thing that it checks
		return declined(r.Record, "our system takes this for no telephone number"), nil
	case rec == nil: // or an earlier try, whose answer was lost, has just made the party
		if now, e := t.load(ctx, []any{[]any{"contact_mechanisms.value", "=", mine}}, 0); e == nil && len(now) > 0 {
			err = errRaced
		}
	}
	if err != nil {
		return connector.Result{}, err
	}
	return connector.Result{State: connector.Written, Ref: t.ref(party, id)}, nil
}

// bare returns ref without its version.
func (t *Tryton) bare(ref connector.Ref) connector.Ref {
	ref.Version = ""
	return ref
}

// create makes the party of r's relationship, whose code is taken if it has one.
func (t *Tryton) create(ctx context.Context, p place, r connector.Request, values map[string]any, n note) (int, error) {
	mine := note{ID: r.Relationship.String(), Relationship: r.Relationship, Did: made}
	notes := []any{mine.values(), n.values()}
	v := map[string]any{"code": r.Relationship.String(), "addresses": []any{}}
	switch p.kind {
	case "name":
		v["name"] = r.Value.Text
	case "address":
		v["addresses"] = []any{[]any{"create", []any{values}}}
	default:
		notes = append(notes, p.mechanism(values))
	}
	v["contact_mechanisms"] = []any{[]any{"create", notes}}
	var ids []int
	if err := t.client.call(ctx, &ids, "model.party.party.create", []any{v}, none); err != nil {
		return 0, err
	}
	if len(ids) != 1 {
		return 0, fmt.Errorf("%w: Tryton made %d parties of one", fault.Unavailable, len(ids))
	}
	return ids[0], nil
}

// mechanism returns the values of a new contact mechanism at p.
func (p place) mechanism(values map[string]any) map[string]any {
	v := map[string]any{"type": p.kind, "value": values["value"]}
	if p.label != "" {
		v["name"] = p.label
	}
	if p.spoken() {
		v["comment"] = values["value"] // as she spells it
	}
	return v
}

// write changes rec, with the note, in one call, if nobody has since it was read.
func (t *Tryton) write(ctx context.Context, rec *record, p place, r connector.Request, values map[string]any, n note) error {
	seen := map[string]string{fmt.Sprintf("%s,%d", party, rec.ID): rec.Timestamp}
	v := map[string]any{}
	row := 0
	if p.kind != "name" {
		row = rec.rowWith(p, r.Old)
	}
	var rows, mechanisms []any
	switch {
	case p.kind == "name":
		v["name"] = r.Value.Text
	case row == 0 && r.Kind == "withdraw":
	case p.kind == "address" && row == 0:
		rows = []any{"create", []any{values}}
	case p.kind == "address":
		if r.Kind == "withdraw" {
			values = blank
		}
		seen[fmt.Sprintf("party.address,%d", row)] = rec.addressOf(row).Timestamp
		rows = []any{"write", []int{row}, values}
	case row == 0:
		mechanisms = []any{"create", []any{p.mechanism(values)}}
	default:
		m := rec.mechanismOf(row)
		seen[fmt.Sprintf("party.contact_mechanism,%d", row)] = m.Timestamp
		if r.Kind == "withdraw" {
			mechanisms = []any{"delete", []int{row}}
			break
		}
		if p.spoken() && (m.Comment == "" || sameNumber(m.Value, m.Comment)) { // no note of staff's
			values["comment"] = values["value"]
		}
		mechanisms = []any{"write", []int{row}, values}
	}
	if r.Kind != "withdraw" {
		n.Row = row
	}
	if s, err := t.client.signedIn(ctx); err == nil && rec.by() != s.uid {
		n.Staff = rec.at()
	}
	if rows != nil {
		v["addresses"] = []any{rows}
	}
	v["contact_mechanisms"] = []any{[]any{"create", []any{n.values()}}}
	if mechanisms != nil {
		v["contact_mechanisms"] = append(v["contact_mechanisms"].([]any), mechanisms)
	}
	return t.client.call(ctx, nil, "model.party.party.write", []int{rec.ID}, v, map[string]any{"_timestamp": seen})
}

// blank is an address of which nothing is left. It isn't deleted, since orders and
// invoices may name it.
var blank = map[string]any{"active": false, "name": nil, "street": nil, "postal_code": nil, "city": nil, "country": nil, "subdivision": nil}
