package world

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/connector/rt"
	"firsthand/internal/systems"
)

// startTracker starts the Request Tracker of a company.
func startTracker(ctx context.Context, dir, domain string, o *systems.Mailbox) (*system, error) {
	r, err := systems.StartRTOf(ctx, dir, o.Port, domain)
	if err != nil {
		return nil, err
	}
	return &system{Page: r.URL, Login: r.Agent, Password: r.Password, halt: r.Stop,
		pageOf: func(ref string) string {
			return r.URL + "/Admin/Users/Modify.html?id=" + strings.TrimPrefix(ref, "user/")
		},
		open: func() (connector.Connector, error) {
			return rt.Open(rt.Config{URL: r.URL, TokenFile: r.TokenFile, Queue: r.Queue, User: r.User,
				Find: []string{"name"}, Mapping: mapping("RealName", "address", "EmailAddress", "MobilePhone")})
		},
		adopt: func(ctx context.Context, c memory.Record) (connector.Ref, error) { return adoptUser(ctx, r, c) },
	}, nil
}

// adoptUser makes the user of a customer, unless there is one of that number.
func adoptUser(ctx context.Context, r *systems.RT, c memory.Record) (connector.Ref, error) {
	look := func() (connector.Ref, int, error) {
		var user struct {
			ID any `json:"id"` // a number, as text or not
		}
		status, err := r.Call(ctx, http.MethodGet, "/user/"+url.PathEscape(c.Number), nil, &user)
		return connector.Ref{System: "Request Tracker", ID: fmt.Sprintf("user/%v", user.ID)}, status, err
	}
	ref, status, err := look()
	if err != nil || status == http.StatusOK {
		return ref, err
	}
	name, email, phone, home := factsOf(c)
	status, err = r.Call(ctx, http.MethodPost, "/user", map[string]any{"Name": c.Number, "RealName": name, "EmailAddress": email, "MobilePhone": phone, "Privileged": 0, "Disabled": 0,
		"Address1": home["street"], "Zip": home["postal_code"], "City": home["city"], "Country": home["country"]}, nil)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("make user: status %d", status)
	}
	if err != nil {
		return connector.Ref{}, err
	}
	ref, status, err = look()
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("read user: status %d", status)
	}
	return ref, err
}
