package rt

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Kinds of tickets, as their custom field says. Words are those of messages and
// requests.
const (
	proposed = "proposal"    // not proved to be about her record: a person decides
	change   = "change"      // about her record: a person decides
	past     = "carried out" // a proposal that was proved before a person decided
	notice   = "notice"      // a message to the contact on record
	check    = "check"       // of the gateway's own
)

// A ticket is one of the queues.
type ticket struct {
	ID           word
	Status       string
	CustomFields []customField
	Cc           []struct{ ID word }
	EffectiveId  reference // where it was searched for
}

// ticket reads one ticket; if it was merged into another, that one.
func (t *Tracker) ticket(ctx context.Context, id string) (*ticket, error) {
	var x ticket
	if _, err := t.client.call(ctx, http.MethodGet, "/ticket/"+id, "", nil, &x); err != nil {
		return nil, err
	}
	if !isNumber(string(x.ID)) || x.Status == "" {
		return nil, fault.Tell(fault.Invalid, "what RT says of a ticket can't be read", "")
	}
	return &x, nil
}

// queues is the condition that field is one of the queues.
func (t *Tracker) queues(field string) string {
	sql := fmt.Sprintf("(%s = '%s'", field, t.cfg.Queue)
	for _, q := range t.cfg.Also {
		sql += fmt.Sprintf(" OR %s = '%s'", field, q)
	}
	return sql + ")"
}

// tickets returns those of the queues of which field is value. One that was merged into
// another has the status of that.
func (t *Tracker) tickets(ctx context.Context, field, value, more string) ([]ticket, error) {
	all, err := found[ticket](ctx, t.client, "tickets", ticketFields, nil,
		fmt.Sprintf("%s AND CF.{%s} = '%s'%s%s", t.queues("Queue"), field, value, more, merged))
	for i := range all {
		if err == nil && all[i].merged() {
			var one *ticket
			if one, err = t.ticket(ctx, all[i].into()); err == nil {
				all[i].Status = one.Status
			}
		}
	}
	return all, err
}

// of returns the ticket of a request or a message, nil if there is none.
func (t *Tracker) of(ctx context.Context, id string) (*ticket, error) {
	all, err := t.tickets(ctx, t.cfg.Fields.Message, id, "")
	if err != nil || len(all) == 0 {
		return nil, err
	}
	for i := range all {
		if !all[i].merged() {
			return &all[i], nil
		}
	}
	return &all[0], nil
}

// is returns the value of a custom field.
func (x *ticket) is(field string) string { return value(x.CustomFields, field) }

// open makes a ticket that is about id.
func (t *Tracker) open(ctx context.Context, id string, rel firsthand.ID, kind, subject, text string, u *user, fields map[string]string) (string, error) {
	if err := t.ready(ctx); err != nil {
		return "", err
	}
	f := t.cfg.Fields
	custom := map[string]string{f.Message: id, f.Kind: kind}
	if !rel.IsZero() {
		custom[f.Relationship] = rel.String()
	}
	for name, text := range fields {
		custom[name] = text
	}
	in := map[string]any{"Queue": t.cfg.Queue, "Subject": subject, "CustomFields": custom}
	if kind != notice {
		maps.Copy(in, said(text))
	}
	if u != nil {
		// As hers, and without mail to her: she gets it all from the gateway, signed.
		in["Requestor"] = u.id
		if address := u.fields["EmailAddress"]; address != "" {
			in["SquelchMailTo"] = []string{address}
		}
	}
	var made struct{ ID word }
	if _, err := t.client.call(ctx, http.MethodPost, "/ticket", "", in, &made); err != nil {
		return "", err
	}
	if !isNumber(string(made.ID)) {
		return "", fault.Tell(fault.Invalid, "RT doesn't say which ticket it has made", "")
	}
	return string(made.ID), nil
}

// post puts what she says into the ticket of its thread, or a new one.
func (t *Tracker) post(ctx context.Context, r connector.Request) (connector.Result, error) {
	if id, ok := number(r.Thread, "ticket"); ok {
		x, err := t.ticket(ctx, id)
		switch {
		case err != nil && fault.KindOf(err) != fault.NotExist:
			return connector.Result{}, err
		case err == nil:
			if done, err := t.follow(ctx, id, x, r); err != nil || done {
				return written(t.ticketRef(id)), err
			}
		}
	}
	x, err := t.of(ctx, r.ID.String())
	if err != nil {
		return connector.Result{}, err
	}
	if x != nil {
		return written(t.ticketRef(string(x.ID))), nil
	}
	u, err := t.author(ctx, r)
	if err != nil {
		return connector.Result{}, err
	}
	id, err := t.open(ctx, r.ID.String(), r.Relationship, string(r.Kind), subject(r.Subject), r.Text, u, nil)
	if err != nil {
		return connector.Result{}, err
	}
	return written(t.ticketRef(id)), nil
}

// follow puts r into x, which RT shows for the ticket id, if that is hers and of another
// message.
func (t *Tracker) follow(ctx context.Context, id string, x *ticket, r connector.Request) (done bool, err error) {
	all := []ticket{*x}
	if string(x.ID) != id {
		if all, err = t.gathered(ctx, string(x.ID)); err != nil {
			return false, err
		}
	}
	for i := range all {
		own := &all[i]
		if string(own.ID) == id && own.is(t.cfg.Fields.Relationship) == r.Relationship.String() && own.is(t.cfg.Fields.Message) != r.ID.String() {
			return true, t.add(ctx, string(x.ID), all, r)
		}
	}
	return false, nil
}

// author returns the user whose ticket r is, nil if none is proved to be hers.
func (t *Tracker) author(ctx context.Context, r connector.Request) (*user, error) {
	if r.Proposal || r.Record.IsZero() {
		return nil, nil
	}
	id, _ := number(r.Record, "user")
	u := t.seen.take(id)
	if u == nil {
		var err error
		if u, err = t.customer(ctx, r.Record); err != nil {
			if fault.KindOf(err) == fault.NotExist {
				err = nil // her words count without it
			}
			return nil, err
		}
	}
	t.seen.put(u)
	return u, nil
}

// add puts r into a ticket that is there, once: its id ends the subject, which RT keeps
// with the transaction. It may be in any of those that have become one.
func (t *Tracker) add(ctx context.Context, ticket string, all []ticket, r connector.Request) error {
	mark := "[" + r.ID.String() + "]"
	for _, x := range all {
		posts, err := found[transaction](ctx, t.client, "transactions", "Data", []limit{{Field: "ObjectType", Value: "RT::Ticket"}, {Field: "ObjectId", Value: string(x.ID)},
			{Field: "Type", Value: "Correspond"}, {Field: "Data", Value: mark, Operator: "LIKE"}}, "")
		if err != nil {
			return err
		}
		if slices.ContainsFunc(posts, func(p transaction) bool { return strings.Contains(string(p.Data), mark) }) {
			return nil
		}
	}
	in := said(r.Text)
	in["Subject"] = subject(r.Subject) + " " + mark
	return t.correspond(ctx, ticket, in)
}

// correspond replies in a ticket.
func (t *Tracker) correspond(ctx context.Context, ticket string, in map[string]any) error {
	var says json.RawMessage
	_, err := t.client.call(ctx, http.MethodPost, "/ticket/"+ticket+"/correspond", "", in, &says)
	return err
}

// subject returns s as one line in which a mark has room beside it: RT keeps 255 bytes.
func subject(s string) string {
	s = strings.Map(func(r rune) rune {
		if unshown(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > 150 {
		s = strings.ToValidUTF8(s[:150], "")
	}
	if s = strings.TrimSpace(s); s == "" {
		return "Message"
	}
	return s
}

// ready checks once that the queue has what tickets need: RT drops silently what it
// has no field for.
func (t *Tracker) ready(ctx context.Context) error {
	t.found.mu.Lock()
	defer t.found.mu.Unlock()
	if t.found.done {
		return nil
	}
	all, err := found[struct{ Name string }](ctx, t.client, "queues", "Name", []limit{{Field: "Name", Value: t.cfg.Queue, Operator: "="}}, "")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(q struct{ Name string }) bool { return q.Name == t.cfg.Queue }) {
		return fault.Tell(fault.Invalid, fmt.Sprintf("RT shows no queue %q", t.cfg.Queue), "make it, or let "+t.cfg.User+" see it: the right SeeQueue")
	}
	var q struct{ TicketCustomFields []struct{ Name string } }
	if _, err := t.client.call(ctx, http.MethodGet, "/queue/"+pathOf(t.cfg.Queue), "", nil, &q); err != nil {
		return err
	}
	f := t.cfg.Fields
	for _, name := range []string{f.Message, f.Kind, f.Record, f.Reason, f.Relationship} {
		if !slices.ContainsFunc(q.TicketCustomFields, func(c struct{ Name string }) bool { return c.Name == name }) {
			return t.missing(name, "tickets in "+t.cfg.Queue)
		}
	}
	t.found.done = true
	return nil
}
