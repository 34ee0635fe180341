package rt

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// ready is whether [Tracker.ready] has found all.
type ready struct {
	mu   sync.Mutex
	done bool
}

func pathOf(name string) string { return url.PathEscape(name) }

// propose makes the ticket of a change that a person decides on.
func (t *Tracker) propose(ctx context.Context, r connector.Request) (connector.Result, error) {
	waits := connector.Result{State: connector.Proposed, Ref: bare(r.Record)}
	x, err := t.of(ctx, r.ID.String())
	if err != nil {
		return connector.Result{}, err
	}
	record, _ := number(r.Record, "user")
	if x != nil {
		if r.Proposal || x.is(t.cfg.Fields.Kind) != proposed {
			return waits, nil
		}
		if res, ok, err := t.decided(ctx, x); err != nil || ok {
			return res, err
		}
		return waits, t.set(ctx, x, map[string]string{t.cfg.Fields.Kind: change, t.cfg.Fields.Record: record}) // proved
	}
	kind := change
	var u *user
	if r.Proposal {
		kind = proposed
		t.quiet.set(r.Relationship, false)
	} else {
		if record == "" {
			if record, err = t.own(ctx, r.Relationship); err != nil {
				return connector.Result{}, err
			}
		}
		if u, err = t.author(ctx, r); err != nil {
			return connector.Result{}, err
		}
	}
	fields := map[string]string{}
	if record != "" {
		fields[t.cfg.Fields.Record] = record
	}
	_, err = t.open(ctx, r.ID.String(), r.Relationship, kind, subject("Change of "+r.Fact), t.explain(r, kind), u, fields)
	return waits, err
}

// own returns the number of the one user whose custom field names rel, or "".
func (t *Tracker) own(ctx context.Context, rel firsthand.ID) (string, error) {
	all, err := found[row](ctx, t.client, "users", "Name,_hyperlinks", []limit{{Field: "CustomField.{" + t.cfg.Fields.Relationship + "}", Value: rel.String(), Operator: "="}}, "")
	if err != nil || len(all) != 1 {
		return "", err
	}
	return all[0].id(), nil
}

// explain is what a person reads who decides.
func (t *Tracker) explain(r connector.Request, kind string) string {
	var b strings.Builder
	if kind == proposed {
		b.WriteString("Somebody who is NOT proved to be this customer asks for a change.\nAsk the customer by a way that you know before you make it.\n\n")
	} else {
		b.WriteString("A customer asks for a change.\n\n")
	}
	fmt.Fprintf(&b, "%s: %s\n", r.Kind, r.Fact)
	if !r.Old.IsZero() {
		fmt.Fprintf(&b, "\nbefore:\n%s", quote(r.Old))
	}
	if r.Kind != "withdraw" {
		fmt.Fprintf(&b, "\nnew:\n%s", quote(r.Value))
	} else {
		b.WriteString("\nnew: nothing, it is to be removed\n")
	}
	if r.Purpose != "" {
		fmt.Fprintf(&b, "\nfor: %s\n", oneLine(r.Purpose))
	}
	f := t.cfg.Fields
	fmt.Fprintf(&b, "\nIf you make it: change the user's record, put the user's number or name into %q, and set this ticket to %s.\n", f.Record, t.cfg.Done[0])
	fmt.Fprintf(&b, "If not: say why in %q, which the customer reads, and set this ticket to %s.\n", f.Reason, t.cfg.Refused[0])
	return b.String()
}

// quote returns v, each line behind a mark, so that none can be taken for ours.
func quote(v firsthand.Value) string {
	var b strings.Builder
	if len(v.Parts) == 0 {
		b.WriteString("> " + oneLine(v.Text) + "\n")
	}
	for _, part := range slices.Sorted(maps.Keys(v.Parts)) {
		fmt.Fprintf(&b, "> %s: %s\n", part, oneLine(v.Parts[part]))
	}
	return b.String()
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, unshown), " / ")
}

// proposal returns the ticket of r as it was proposed before it was proved, nil if it
// wasn't or is settled.
func (t *Tracker) proposal(ctx context.Context, r connector.Request) (*ticket, error) {
	if t.quiet.is(r.Relationship) {
		return nil, nil
	}
	all, err := t.tickets(ctx, t.cfg.Fields.Relationship, r.Relationship.String(), fmt.Sprintf(" AND CF.{%s} = '%s'", t.cfg.Fields.Kind, proposed))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		t.quiet.set(r.Relationship, true)
	}
	for i := range all {
		if all[i].is(t.cfg.Fields.Message) == r.ID.String() {
			return &all[i], nil
		}
	}
	if len(all) < pageSize {
		return nil, nil
	}
	x, err := t.of(ctx, r.ID.String())
	if err != nil || x == nil || x.is(t.cfg.Fields.Kind) != proposed {
		return nil, err
	}
	return x, nil
}

// settle closes the ticket of a proposal that was carried out.
func (t *Tracker) settle(ctx context.Context, x *ticket) error {
	return t.set(ctx, x, map[string]string{t.cfg.Fields.Kind: past}, t.cfg.Done[0])
}

// set changes custom fields of x, and its status if one is given. What was merged into
// another stays as it is: RT would write to the other.
func (t *Tracker) set(ctx context.Context, x *ticket, fields map[string]string, status ...string) error {
	if x.merged() {
		return nil
	}
	in := map[string]any{}
	if len(fields) > 0 {
		in["CustomFields"] = fields
	}
	if len(status) > 0 {
		in["Status"] = status[0]
	}
	var says []word
	_, err := t.client.call(ctx, http.MethodPut, "/ticket/"+string(x.ID), "", in, &says)
	return err
}

// decided returns what a person has decided on the proposal x, and whether she has.
func (t *Tracker) decided(ctx context.Context, x *ticket) (connector.Result, bool, error) {
	switch {
	case slices.Contains(t.cfg.Refused, x.Status):
		reason := x.is(t.cfg.Fields.Reason)
		if reason == "" {
			reason = "it was not accepted"
		}
		return connector.Result{State: connector.Declined, Reason: reason}, true, nil
	case slices.Contains(t.cfg.Done, x.Status):
		ref, err := t.into(ctx, x)
		return connector.Result{State: connector.Written, Ref: ref}, err == nil, err
	}
	return connector.Result{}, false, nil
}

// into returns the user that a person says to have changed, by number or name; zero if
// she doesn't say.
func (t *Tracker) into(ctx context.Context, x *ticket) (connector.Ref, error) {
	id := strings.TrimSpace(x.is(t.cfg.Fields.Record))
	if id == "" {
		var rel firsthand.ID
		if rel.UnmarshalText([]byte(x.is(t.cfg.Fields.Relationship))) != nil || x.is(t.cfg.Fields.Kind) != change {
			return connector.Ref{}, nil
		}
		own, err := t.own(ctx, rel)
		if err != nil || own == "" {
			return connector.Ref{}, err
		}
		return t.userRef(own), nil
	}
	u, err := t.user(ctx, id)
	if fault.KindOf(err) == fault.NotExist && err != nil || err == nil && u.staff {
		return connector.Ref{}, nil
	}
	if err != nil {
		return connector.Ref{}, err
	}
	return t.userRef(u.id), nil
}
