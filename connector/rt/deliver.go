package rt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"firsthand/connector"
	"firsthand/fault"
)

// maxRaces is how often a write is tried against those of others.
const maxRaces = 4

// Deliver implements [connector.Connector].
func (t *Tracker) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if r.ID.IsZero() || r.Relationship.IsZero() {
		return connector.Result{}, fmt.Errorf("deliver: %w: no id or no relationship", fault.Invalid)
	}
	do := t.fact
	switch r.Kind {
	case "message", "request":
		do = t.post
	case "disclose", "change", "withdraw":
		to, ok := t.cfg.Mapping[r.Fact]
		if !ok {
			return declined(r.Record, "our system has no place for "+r.Fact), nil
		}
		if r.Kind == "withdraw" {
			break
		}
		if _, unfit := spread(to, r.Value); unfit != "" {
			return declined(r.Record, unfit), nil
		}
	default:
		return connector.Result{}, fmt.Errorf("deliver: RT has no place for a %s: %w", r.Kind, errors.ErrUnsupported)
	}
	unlock, err := t.locks.lock(ctx, r.Relationship.String())
	if err != nil {
		return connector.Result{}, fmt.Errorf("deliver: %w", err)
	}
	defer unlock()
	res, err := do(ctx, r)
	if err != nil {
		return connector.Result{}, fmt.Errorf("deliver: %w", err)
	}
	return res, nil
}

func declined(ref connector.Ref, reason string) connector.Result {
	return connector.Result{State: connector.Declined, Ref: bare(ref), Reason: reason}
}

func written(ref connector.Ref) connector.Result {
	return connector.Result{State: connector.Written, Ref: bare(ref)}
}

// bare returns ref without its version.
func bare(ref connector.Ref) connector.Ref {
	ref.Version = ""
	return ref
}

// fact carries out r, or leaves it to a person.
func (t *Tracker) fact(ctx context.Context, r connector.Request) (connector.Result, error) {
	if r.Proposal || t.cfg.Mode == Propose {
		return t.propose(ctx, r)
	}
	p, err := t.proposal(ctx, r)
	if err != nil {
		return connector.Result{}, err
	}
	if p != nil {
		if res, ok, err := t.decided(ctx, p); err != nil || ok {
			return res, err
		}
	}
	res, err := t.write(ctx, r)
	if err == nil && p != nil {
		err = t.settle(ctx, p)
	}
	return res, err
}

// write puts r into the user it belongs to: the one it names, else the one of its
// relationship, which it makes if it isn't there.
func (t *Tracker) write(ctx context.Context, r connector.Request) (connector.Result, error) {
	for range maxRaces {
		u, err := t.load(ctx, r)
		switch {
		case err == nil:
		case fault.KindOf(err) != fault.NotExist:
			return connector.Result{}, err
		case r.Kind == "withdraw": // it is not there, which is what she wants
			return written(r.Record), nil
		case !r.Record.IsZero():
			return declined(r.Record, "our system has this record no more"), nil
		default:
			if err := t.create(ctx, r); err != nil {
				return connector.Result{}, err
			}
			continue // and look at what RT has made of it
		}
		if u.bare {
			return connector.Result{}, fault.Tell(fault.Denied, "RT doesn't let the gateway's user see and change users", "grant "+t.cfg.User+" the global right AdminUsers")
		}
		notes, there := values(u.custom, t.cfg.Fields.Requests)
		if !there {
			return connector.Result{}, t.missing(t.cfg.Fields.Requests, "users")
		}
		if why, done := noteOf(notes, r.ID); done && why != "" {
			return declined(r.Record, why), nil
		} else if done {
			t.seen.put(u)
			return written(t.userRef(u.id)), nil
		}
		if r.Record.Version != "" && r.Record.Version != u.version {
			return connector.Result{}, fmt.Errorf("%w: the record has changed", fault.Conflict)
		}
		why, err := t.free(ctx, r, u)
		if err != nil {
			return connector.Result{}, err
		}
		if err = t.put(ctx, r, u, notes, why); err == nil {
			if why != "" {
				return declined(r.Record, why), nil
			}
			return written(t.userRef(u.id)), nil
		}
		if fault.KindOf(err) != fault.Conflict {
			return connector.Result{}, err
		}
	}
	return connector.Result{}, fmt.Errorf("%w: others write the record all the time", fault.Unavailable)
}

// load returns the user r belongs to, as it was seen last.
func (t *Tracker) load(ctx context.Context, r connector.Request) (*user, error) {
	if r.Record.IsZero() {
		return t.user(ctx, ours+r.Relationship.String())
	}
	id, _ := number(r.Record, "user")
	if u := t.seen.take(id); u != nil {
		return u, nil
	}
	return t.customer(ctx, r.Record)
}

// create makes the user of r's relationship, with r in it, or if RT doesn't want that
// with the note that it doesn't. That there is one by now is no error.
func (t *Tracker) create(ctx context.Context, r connector.Request) error {
	name := ours + r.Relationship.String()
	for {
		why, err := t.free(ctx, r, nil)
		if err != nil {
			return err
		}
		f := t.cfg.Fields
		in := map[string]any{"Name": name, "Privileged": 0, "Disabled": 0, "Comments": "made by firsthand-gateway",
			"CustomFields": map[string][]string{f.Relationship: {r.Relationship.String()}, f.Requests: {noted(r.ID, why)}}}
		if why == "" {
			fields, _ := spread(t.cfg.Mapping[r.Fact], r.Value)
			for name, text := range fields {
				in[name] = text
			}
		}
		_, err = t.client.call(ctx, http.MethodPost, "/user", "", in, nil)
		if _, refused := errors.AsType[*refusal](err); !refused {
			return err
		}
		if _, none := t.user(ctx, name); none == nil {
			return nil
		}
		if why != "" {
			return err
		}
		// Somebody may have got the address meanwhile.
		if why, _ := t.free(ctx, r, nil); why == "" {
			return err
		}
	}
}

// free returns why r can't be written into u, nil for a new user: RT has an e-mail
// address once.
func (t *Tracker) free(ctx context.Context, r connector.Request, u *user) (why string, err error) {
	address := r.Value.Text
	if t.cfg.Mapping[r.Fact] != "EmailAddress" || r.Kind == "withdraw" || u != nil && strings.EqualFold(u.fields["EmailAddress"], address) {
		return "", nil
	}
	others, err := found[row](ctx, t.client, everyUser, "Name,_hyperlinks", []limit{{Field: "EmailAddress", Value: address, Operator: "="}}, "")
	if err != nil || !slices.ContainsFunc(others, func(o row) bool { return u == nil || o.id() != u.id }) {
		return "", err
	}
	return "our system has that address for somebody else already, and takes it once", nil
}

// put writes r into u, with the note that it is done or declined, unless somebody has
// written to u since it was read.
func (t *Tracker) put(ctx context.Context, r connector.Request, u *user, notes []string, why string) error {
	f := t.cfg.Fields
	in := map[string]any{}
	if why == "" {
		fields, _ := spread(t.cfg.Mapping[r.Fact], r.Value)
		for _, c := range columns[t.cfg.Mapping[r.Fact]] {
			in[c.name] = fields[c.name] // nothing, of what is withdrawn
		}
	}
	custom := map[string][]string{identifier(u.custom, f.Requests): pack(notes, noted(r.ID, why))}
	if rels, _ := values(u.custom, f.Relationship); !slices.Contains(rels, r.Relationship.String()) {
		custom[f.Relationship] = append(rels, r.Relationship.String())
	}
	in["CustomFields"] = custom
	var says []word
	if _, err := t.client.call(ctx, http.MethodPut, "/user/"+u.id, u.version, in, &says); err != nil {
		return err
	}
	// Of each thing RT says for itself what became of it, in its user's language.
	if !slices.ContainsFunc(says, func(w word) bool { return strings.Contains(string(w), r.ID.String()) }) {
		return fault.Tell(fault.Denied, "RT doesn't note what the gateway has done",
			"grant "+t.cfg.User+" SeeCustomField and ModifyCustomField for users' "+f.Requests+", and let it have many values")
	}
	return nil
}

// missing says that a custom field isn't there.
func (t *Tracker) missing(name, of string) error {
	return fault.Tell(fault.Invalid, fmt.Sprintf("RT shows no custom field %q of %s", name, of),
		"make it, apply it, and let "+t.cfg.User+" see and change it: docs/connecting-request-tracker.md")
}

// A row is a user that was found.
type row struct {
	Name       word
	Hyperlinks []struct {
		Ref  string
		Type string
		ID   word
	} `json:"_hyperlinks"`
}

// id is the number of the user.
func (r row) id() string {
	for _, l := range r.Hyperlinks {
		if l.Ref == "self" && l.Type == "user" && isNumber(string(l.ID)) {
			return string(l.ID)
		}
	}
	return ""
}
