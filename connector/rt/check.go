package rt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// nobody is a user that every RT has, and that isn't the gateway's.
const nobody = "RT_System"

// Check implements [connector.Checker]. It leaves a ticket that says what it is.
func (t *Tracker) Check(ctx context.Context) []connector.Finding {
	all := []connector.Finding{
		t.finding(ctx, "the gateway's user and its token", t.checkUser),
		t.finding(ctx, "customers' records", t.checkRecords),
		t.finding(ctx, "the queue and its custom fields", t.ready),
	}
	if all[2].Err == nil {
		all = append(all, t.finding(ctx, "tickets", t.checkTicket))
	}
	for i := range all {
		if n, ok := errors.AsType[fact](all[i].Err); ok {
			all[i].Err, all[i].Note = nil, string(n)
		}
	}
	return append(all, connector.Finding{What: "forgetting", Note: "RT keeps in its history what a field was, and REST2 can't remove that: operators are asked to"},
		connector.Finding{What: "codes and warnings", Note: "go out by RT's own mail, which can't be tried from here: see that the queue has the scrip On Correspond Notify Requestors and Ccs"})
}

// A fact is what staff should know though it is no error.
type fact string

func (f fact) Error() string { return string(f) }

func (t *Tracker) finding(ctx context.Context, what string, try func(context.Context) error) connector.Finding {
	return connector.Finding{What: what, Err: try(ctx)}
}

// lacks says which right is missing, where.
func (t *Tracker) lacks(what, right, where string) error {
	return fault.Tell(fault.Denied, what+": the right "+right+" is missing", "grant "+t.cfg.User+" "+right+" "+where)
}

func (t *Tracker) checkUser(ctx context.Context) error {
	u, err := t.user(ctx, t.cfg.User)
	switch {
	case err != nil && fault.KindOf(err) == fault.NotExist:
		return fault.Tell(fault.Invalid, fmt.Sprintf("RT has no user %q", t.cfg.User), "name the user whose token the gateway has as user in the configuration")
	case err != nil:
		return err
	case u.bare: // everybody is shown what RT has of herself
		return fault.Tell(fault.Invalid, "the token is not that of "+t.cfg.User, "make a token of that user, or name its user in the configuration")
	}
	return nil
}

// checkRecords looks at a user who is no customer, and writes to the gateway's own.
func (t *Tracker) checkRecords(ctx context.Context) error {
	u, err := t.user(ctx, nobody)
	if err != nil {
		return err
	}
	if u.bare {
		if t.cfg.Mode == Propose {
			return fact("without the right AdminUsers RT shows the gateway no users: customers read that a change was made on your staff's word alone, and edits aren't told")
		}
		return t.lacks("RT doesn't let the gateway see and change users", "AdminUsers", "globally")
	}
	f := t.cfg.Fields
	for _, name := range []string{f.Relationship, f.Requests} {
		if _, there := values(u.custom, name); !there {
			return t.missing(name, "users")
		}
	}
	if t.cfg.Mode == Propose {
		return nil
	}
	// Of the gateway's own user these are of no use.
	mark := rand.Text()
	for _, name := range []string{f.Relationship, f.Requests} {
		var says []word
		both := []string{"check 1 " + mark, "check 2 " + mark}
		if _, err := t.client.call(ctx, http.MethodPut, "/user/"+url.PathEscape(t.cfg.User), "", map[string]any{"CustomFields": map[string][]string{name: both}}, &says); err != nil {
			return err
		}
		if me, err := t.user(ctx, t.cfg.User); err != nil {
			return err
		} else if vs, _ := values(me.custom, name); !slices.Contains(vs, both[0]) && !slices.Contains(vs, both[1]) {
			return t.lacks(fmt.Sprintf("RT doesn't let the gateway write the custom field %q of users", name), "ModifyCustomField", "for that field")
		} else if len(vs) < 2 {
			return fault.Tell(fault.Invalid, fmt.Sprintf("the custom field %q of users takes one value only", name), "make it one of the type Enter multiple values")
		}
		if _, err := t.client.call(ctx, http.MethodPut, "/user/"+url.PathEscape(t.cfg.User), "", map[string]any{"CustomFields": map[string][]string{name: {}}}, &says); err != nil {
			return err
		}
	}
	return nil
}

// checkTicket makes a ticket, looks at it as at any, and resolves it.
func (t *Tracker) checkTicket(ctx context.Context) error {
	id := "check-" + strings.ToLower(rand.Text())
	number, err := t.open(ctx, id, firsthand.ID{}, check, "A check of firsthand-gateway", "Made by the gateway to see whether it may. It can be deleted.", nil, nil)
	if _, refused := errors.AsType[*refusal](err); refused || fault.KindOf(err) == fault.Denied && err != nil {
		return t.lacks("RT doesn't let the gateway make tickets", "CreateTicket", "in the queue "+t.cfg.Queue)
	}
	if err != nil {
		return err
	}
	where := "in the queue " + t.cfg.Queue
	var x struct {
		ticket
		Creator    struct{ ID word }
		Hyperlinks []struct{ Ref, To string } `json:"_hyperlinks"`
	}
	if _, err := t.client.call(ctx, http.MethodGet, "/ticket/"+number, "", nil, &x); err != nil {
		return fmt.Errorf("%w: %w", t.lacks("RT doesn't show the gateway its ticket", "ShowTicket", where), err)
	}
	if string(x.Creator.ID) != t.cfg.User {
		return fault.Tell(fault.Invalid, "the token is not that of "+t.cfg.User, "make a token of that user, or name its user in the configuration")
	}
	if x.is(t.cfg.Fields.Message) != id || x.is(t.cfg.Fields.Kind) != check {
		return t.lacks("RT doesn't let the gateway write the custom fields of tickets", "ModifyCustomField", where+" or for those fields")
	}
	if found, err := t.of(ctx, id); err != nil {
		return err
	} else if found == nil {
		return fault.Tell(fault.Denied, "RT doesn't find a ticket by its custom fields", "grant "+t.cfg.User+" SeeQueue and SeeCustomField "+where)
	}
	links := func(ref string) bool {
		return slices.ContainsFunc(x.Hyperlinks, func(l struct{ Ref, To string }) bool { return l.Ref == ref })
	}
	if !links("correspond") {
		return t.lacks("RT doesn't let the gateway answer in tickets", "ReplyToTicket", where)
	}
	if !links("lifecycle") {
		return t.lacks("RT doesn't let the gateway close tickets", "ModifyTicket", where)
	}
	if err := t.set(ctx, &x.ticket, nil, t.cfg.Done[0]); err != nil {
		return err
	}
	done, err := t.ticket(ctx, number)
	if err == nil && done.Status != t.cfg.Done[0] {
		err = fault.Tell(fault.Invalid, fmt.Sprintf("a new ticket can't become %q", t.cfg.Done[0]), "name in done a status that the queue's lifecycle lets tickets have")
	}
	return err
}
