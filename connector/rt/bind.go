package rt

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// maxClaim is how long RT's names and addresses may be.
const maxClaim = 200

// Find implements [connector.Binder]. Neither staff are found nor the users that the
// connector made, whatever these say of themselves.
func (t *Tracker) Find(ctx context.Context, c connector.Claim) ([]connector.Ref, error) {
	if c.Record == "" || len(c.Record) > maxClaim || strings.TrimSpace(c.Record) != c.Record || strings.ContainsFunc(c.Record, unshown) {
		return nil, nil
	}
	var refs []connector.Ref
	seen := map[string]bool{}
	for _, way := range t.cfg.Find {
		by := limit{Field: "Name", Value: c.Record, Operator: "="}
		if way == "email" {
			if by.Field = "EmailAddress"; !strings.Contains(c.Record, "@") {
				continue
			}
		} else if way != "name" {
			by.Field = "CustomField.{" + strings.TrimPrefix(way, "CF:") + "}"
		}
		all, err := found[row](ctx, t.client, "users", "Name,_hyperlinks", []limit{by}, "")
		if err != nil {
			return nil, fmt.Errorf("find: %w", err)
		}
		for _, r := range all {
			id := r.id()
			if seen[id] || strings.HasPrefix(string(r.Name), ours) {
				continue
			}
			seen[id] = true
			u, err := t.customer(ctx, t.userRef(id))
			if err != nil && fault.KindOf(err) == fault.NotExist {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("find: %w", err)
			}
			if u.fits(way, c.Record) {
				ref := t.userRef(u.id)
				ref.Version = u.version
				refs = append(refs, ref)
			}
		}
	}
	return refs, nil
}

// fits reports whether u is really called so: databases differ in what they take for
// the same.
func (u *user) fits(way, claim string) bool {
	switch way {
	case "name":
		return u.name == claim
	case "email":
		return strings.EqualFold(u.fields["EmailAddress"], claim)
	}
	vs, _ := values(u.custom, strings.TrimPrefix(way, "CF:"))
	for _, v := range vs {
		if v == claim {
			return true
		}
	}
	return false
}

// Notify implements [connector.Binder]: RT itself mails a ticket's reply to the
// address on record. That the ticket has a reply is that it was sent.
func (t *Tracker) Notify(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
	id := fmt.Sprintf("notice-%x", sha256.Sum256([]byte(m.ID)))[:40]
	unlock, err := t.locks.lock(ctx, id)
	if err != nil {
		return "", fmt.Errorf("notify: %w", err)
	}
	defer unlock()
	to, err := t.notify(ctx, ref, m, id)
	if err != nil {
		return "", fmt.Errorf("notify %s: %w", ref.ID, err)
	}
	return to, nil
}

func (t *Tracker) notify(ctx context.Context, ref connector.Ref, m connector.Message, id string) (string, error) {
	x, err := t.of(ctx, id)
	if err != nil {
		return "", err
	}
	if x != nil && x.merged() {
		// Into which everybody may read: RT would put the text there.
		if sent, err := t.sent(ctx, x); err != nil || sent {
			return x.is(t.cfg.Fields.Reason), err
		}
		x = nil
	}
	if x == nil {
		u, err := t.customer(ctx, ref)
		if err != nil {
			return "", err
		}
		address := u.fields["EmailAddress"]
		if address == "" || strings.HasPrefix(u.name, ours) {
			return "", fmt.Errorf("no contact on record: %w", fault.NotExist)
		}
		to := connector.Mask(address)
		// Without anybody on it, so that nothing is mailed yet.
		number, err := t.open(ctx, id, firsthand.ID{}, notice, subject(m.Subject), "", nil, map[string]string{t.cfg.Fields.Record: u.id, t.cfg.Fields.Reason: to})
		if err != nil {
			return "", err
		}
		x = &ticket{ID: word(number), CustomFields: []customField{{Name: t.cfg.Fields.Record, Values: []word{word(u.id)}}, {Name: t.cfg.Fields.Reason, Values: []word{word(to)}}}}
	}
	to := x.is(t.cfg.Fields.Reason)
	if len(x.Cc) == 0 {
		var says []word
		if _, err := t.client.call(ctx, http.MethodPut, "/ticket/"+string(x.ID), "", map[string]any{"Cc": x.is(t.cfg.Fields.Record)}, &says); err != nil {
			return "", err
		}
	}
	if sent, err := t.sent(ctx, x); err != nil || sent {
		return to, err
	}
	in := said(m.Text)
	in["Subject"], in["Status"] = subject(m.Subject), t.cfg.Done[0]
	return to, t.correspond(ctx, string(x.ID), in)
}

// sent reports whether the ticket of a notice has its reply.
func (t *Tracker) sent(ctx context.Context, x *ticket) (bool, error) {
	posts, err := found[transaction](ctx, t.client, "transactions", "Data", []limit{{Field: "ObjectType", Value: "RT::Ticket"}, {Field: "ObjectId", Value: string(x.ID)}, {Field: "Type", Value: "Correspond"}}, "")
	return len(posts) > 0, err
}
