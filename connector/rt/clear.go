package rt

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"firsthand/connector"
	"firsthand/fault"
)

// Clear implements [connector.Clearer]. A user that the connector made is emptied and
// disabled, a ticket deleted or, without the right DeleteTicket, resolved.
func (t *Tracker) Clear(ctx context.Context, ref connector.Ref) (stays string, err error) {
	if id, ok := number(ref, "user"); ok {
		stays, err = t.clearUser(ctx, id)
	} else if id, ok := number(ref, "ticket"); ok {
		stays, err = t.clearTicket(ctx, id)
	}
	if err != nil {
		return "", fmt.Errorf("clear %s: %w", ref.ID, err)
	}
	return stays, nil
}

func (t *Tracker) clearUser(ctx context.Context, id string) (string, error) {
	t.seen.take(id)
	u, err := t.customer(ctx, t.userRef(id))
	if err != nil && fault.KindOf(err) == fault.NotExist {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(u.name, ours) {
		return "", fault.Tell(fault.Denied, "user "+id+" was not made by the gateway", "")
	}
	in := map[string]any{"Disabled": 1}
	for _, to := range t.cfg.Mapping {
		for _, c := range columns[to] {
			if u.fields[c.name] != "" {
				in[c.name] = ""
			}
		}
	}
	var says []word
	if _, err := t.client.call(ctx, http.MethodPut, "/user/"+u.id, u.version, in, &says); err != nil {
		return "", err
	}
	if u, err = t.user(ctx, id); err != nil {
		return "", err
	}
	if u.fields["Disabled"] != "1" {
		return "", fault.Tell(fault.Denied, "RT doesn't let the gateway disable a user", "grant "+t.cfg.User+" the global right AdminUsers")
	}
	return "user " + id + " is emptied and disabled, and its history stays: rt-shredder --plugin 'Users=name," + u.name + "' removes it", nil
}

func (t *Tracker) clearTicket(ctx context.Context, id string) (string, error) {
	for _, status := range []string{"deleted", t.cfg.Done[0]} {
		x, err := t.ticket(ctx, id)
		if err != nil && fault.KindOf(err) == fault.NotExist || err == nil && string(x.ID) != id {
			return "", nil // gone, or staff have merged it into one of theirs
		}
		if err != nil {
			return "", err
		}
		if x.Status == status {
			break
		}
		if err := t.set(ctx, x, nil, status); err != nil {
			return "", err
		}
	}
	x, err := t.ticket(ctx, id)
	if err != nil {
		return "", err
	}
	if x.Status != "deleted" && x.Status != t.cfg.Done[0] {
		return "", t.lacks("RT doesn't let the gateway close tickets", "ModifyTicket", "in the queue "+t.cfg.Queue)
	}
	return "ticket " + id + " is " + x.Status + ", and stays: rt-shredder --plugin 'Tickets=query,id=" + id + "' removes it", nil
}
