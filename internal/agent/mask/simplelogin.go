package mask

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"firsthand/fault"
	"firsthand/fetch"
)

// service is SimpleLogin, or a service with its interface
// (github.com/simple-login/app, docs/api.md).
type service struct {
	base, key string
	client    *fetch.Client
}

// An alias is what the service says of a mask.
type alias struct {
	ID      int64  `json:"id"`
	Email   string `json:"email"`
	Enabled bool   `json:"enabled"`
	Note    string `json:"note"`
}

// note names an order at the service, for her and for us.
func note(o Order) string { return o.Company + " (Firsthand " + o.Token + ")" }

// Create implements [Provider]. An order that was carried out and whose answer was
// lost is found by its note.
func (s *service) Create(ctx context.Context, o Order) (Address, error) {
	if a, found, err := s.find(ctx, o); err != nil || found {
		return a, err
	}
	var made alias
	err := s.call(ctx, http.MethodPost, "/api/alias/random/new?mode=word&hostname="+url.QueryEscape(o.Company), map[string]string{"note": note(o)}, &made, http.StatusCreated)
	return addressOf(made), err
}

// find looks for the mask of an order.
func (s *service) find(ctx context.Context, o Order) (a Address, found bool, err error) {
	var page struct {
		Aliases []alias `json:"aliases"`
	}
	if err := s.call(ctx, http.MethodPost, "/api/v2/aliases?page_id=0", map[string]string{"query": o.Token}, &page, http.StatusOK); err != nil {
		return a, false, err
	}
	for _, x := range page.Aliases {
		if x.Note == note(o) {
			return addressOf(x), true, nil
		}
	}
	return a, false, nil
}

func addressOf(x alias) Address {
	return Address{Value: strings.ToLower(x.Email), ID: fmt.Sprint(x.ID)}
}

// Pause implements [Provider]. The service can only turn round what is: so that is
// asked first.
func (s *service) Pause(ctx context.Context, a Address, paused bool) (bool, error) {
	var is alias
	if err := s.call(ctx, http.MethodGet, "/api/aliases/"+url.PathEscape(a.ID), nil, &is, http.StatusOK); err != nil {
		return true, err
	}
	if is.Enabled == !paused {
		return true, nil
	}
	var now struct {
		Enabled bool `json:"enabled"`
	}
	err := s.call(ctx, http.MethodPost, "/api/aliases/"+url.PathEscape(a.ID)+"/toggle", nil, &now, http.StatusOK)
	if err == nil && now.Enabled == paused {
		err = fault.Tell(fault.Conflict, "the service did not take it over", "look there, and try again")
	}
	return true, err
}

// Retire implements [Provider].
func (s *service) Retire(ctx context.Context, a Address) error {
	var gone struct {
		Deleted bool `json:"deleted"`
	}
	err := s.call(ctx, http.MethodDelete, "/api/aliases/"+url.PathEscape(a.ID), nil, &gone, http.StatusOK)
	if fault.KindOf(err) == fault.NotExist {
		return nil
	}
	return err
}

// Incoming implements [Provider]: the service says in headers of its own whose mail it
// passed on. Anybody can write them in a mail to her own address, and make us ask her a
// question that she can answer with no.
func (s *service) Incoming(header func(string) []string) (to, from string, ok bool) {
	for _, value := range header("X-SimpleLogin-Envelope-To") {
		to = addressIn(value)
	}
	for _, value := range header("X-SimpleLogin-Envelope-From") {
		from = addressIn(value)
	}
	if from == "" {
		from = sender(header)
	}
	return to, from, to != ""
}

// call asks the service, and decodes its answer into into.
func (s *service) call(ctx context.Context, method, path string, body, into any, want int) error {
	r := &fetch.Request{Method: method, URL: s.base + path, Header: http.Header{"Authentication": {s.key}}}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r.Body = text
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.client.Do(ctx, r)
	if err != nil {
		return err
	}
	if resp.Status != want {
		return refusal(resp)
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return fault.Tell(fault.Unavailable, "the service of your addresses answers with something else", "is its address right?")
	}
	return nil
}

// refusal returns what the service's error means. Its own words are not shown: they
// are somebody else's.
func refusal(resp *fetch.Response) error {
	switch {
	case resp.Status == http.StatusUnauthorized:
		return fault.Tell(fault.Denied, "the service of your addresses does not take your key", "make a new key there, and give it: firsthand mask provider simplelogin")
	case resp.Status == http.StatusNotFound:
		return fault.Tell(fault.NotExist, "the service of your addresses does not know that one", "look there")
	case resp.Status == http.StatusTooManyRequests || resp.Status >= 500:
		return fault.Tell(fault.Unavailable, "the service of your addresses can't do it now", "try again later")
	}
	return fault.Tell(fault.Denied, fmt.Sprintf("the service of your addresses refuses, with status %d", resp.Status), "it may allow no more addresses: look there")
}
