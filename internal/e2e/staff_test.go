package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"firsthand/internal/systems"
)

// A tracker is Request Tracker as its agent Anna uses it, by its own interface. None of
// this is our connector's.
type tracker struct {
	t  testing.TB
	rt *systems.RT
}

// call asks RT for something.
func (a tracker) call(method, path string, in, out any) {
	a.t.Helper()
	body, err := json.Marshal(in)
	must(a.t, err)
	req, err := http.NewRequest(method, a.rt.URL+"/REST/2.0"+path, bytes.NewReader(body))
	must(a.t, err)
	req.SetBasicAuth(a.rt.Agent, a.rt.Password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(a.t, err)
	defer resp.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(resp.Body)
	must(a.t, err)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		a.t.Fatalf("RT: %s %s: %s %s", method, path, resp.Status, &text)
	}
	if out != nil {
		must(a.t, json.Unmarshal(text.Bytes(), out))
	}
}

// customer makes a customer with a number, an e-mail address and a street, and returns
// the path of the user.
func (a tracker) customer(number, address, street string) string {
	a.t.Helper()
	var made struct {
		ID any `json:"id"`
	}
	a.call(http.MethodPost, "/user", map[string]any{"Name": number, "RealName": "Mia Peeters", "EmailAddress": address, "Privileged": 0, "Disabled": 0,
		"Address1": street, "Zip": "2000", "City": "Antwerpen", "Country": "BE", "CustomFields": map[string]string{"Customer Number": number}}, &made)
	return fmt.Sprintf("/user/%v", made.ID)
}

// user returns the fields of a user.
func (a tracker) user(path string) map[string]any {
	a.t.Helper()
	var u map[string]any
	a.call(http.MethodGet, path, nil, &u)
	return u
}

// at returns the paths of the users that live in a street. RT's own search knows no
// streets: all are looked at.
func (a tracker) at(street string) (paths []string) {
	a.t.Helper()
	for page := 1; ; page++ {
		var found struct {
			Pages int
			Items []struct {
				ID       any `json:"id"`
				Address1 string
			}
		}
		a.call(http.MethodPost, fmt.Sprintf("/users?fields=Address1&per_page=100&page=%d", page),
			[]any{map[string]any{"field": "id", "operator": ">", "value": 0}}, &found)
		for _, item := range found.Items {
			if item.Address1 == street {
				paths = append(paths, fmt.Sprintf("/user/%v", item.ID))
			}
		}
		if page >= found.Pages {
			return paths
		}
	}
}

// streets returns the streets that a user has had, in order, the present one last.
func (a tracker) streets(path string) (all []string) {
	a.t.Helper()
	var history struct {
		Items []struct{ Field, OldValue, NewValue string }
	}
	a.call(http.MethodGet, path+"/history?fields=Field,OldValue,NewValue&per_page=100", nil, &history)
	now, _ := a.user(path)["Address1"].(string)
	for _, x := range history.Items {
		if x.Field == "Address1" {
			all = append(all, x.OldValue)
		}
	}
	return append(all, now)
}

// tickets returns those of a relationship, as paths.
func (a tracker) tickets(rel string) (paths []string) {
	a.t.Helper()
	var found struct {
		Items []struct {
			ID any `json:"id"`
		}
	}
	a.call(http.MethodGet, "/tickets?query="+url.QueryEscape(fmt.Sprintf("Queue = '%s' AND CF.{Firsthand Relationship} = '%s'", a.rt.Queue, rel)), nil, &found)
	for _, item := range found.Items {
		paths = append(paths, fmt.Sprintf("/ticket/%v", item.ID))
	}
	return paths
}

// said returns what stands in a ticket: what it was created with and what was answered,
// in order.
func (a tracker) said(ticket string) (all []string) {
	a.t.Helper()
	var history struct {
		Items []struct {
			ID   any `json:"id"`
			Is   any `json:"type"` // without it, Go takes that for Type
			Type string
		}
	}
	a.call(http.MethodGet, ticket+"/history?fields=Type&per_page=100", nil, &history)
	for _, x := range history.Items {
		if x.Type != "Create" && x.Type != "Correspond" {
			continue
		}
		var attached struct {
			Items []struct {
				ID any `json:"id"`
			}
		}
		a.call(http.MethodGet, fmt.Sprintf("/transaction/%v/attachments", x.ID), nil, &attached)
		for _, item := range attached.Items {
			var part struct{ Content []byte }
			a.call(http.MethodGet, fmt.Sprintf("/attachment/%v", item.ID), nil, &part)
			all = append(all, strings.TrimSpace(string(part.Content)))
		}
	}
	return all
}

// An erp is Tryton as Anna uses it, by its own interface.
type erp struct {
	t testing.TB
	*systems.TrytonSession
}

func newERP(t testing.TB, server *systems.Tryton) erp {
	t.Helper()
	s, err := server.As(context.WithoutCancel(t.Context()), systems.TrytonEmployee)
	must(t, err)
	return erp{t, s}
}

var hidden = map[string]any{"active_test": false} // shows also what isn't active

// customer makes a party with a code, an e-mail address and a street, and returns its
// number.
func (e erp) customer(code, address, street string) int {
	e.t.Helper()
	id, err := e.Create(e.t.Context(), "party.party", map[string]any{"name": "Mia Peeters", "code": code,
		"addresses":          []any{[]any{"create", []any{map[string]any{"street": street, "postal_code": "2000", "city": "Antwerpen"}}}},
		"contact_mechanisms": []any{[]any{"create", []any{map[string]any{"type": "email", "value": address}}}}})
	must(e.t, err)
	return id
}

// A home is an address of a party.
type home struct {
	ID           int `json:"id"`
	Party        int `json:"party"`
	Street, City string
}

// addresses returns those that a condition chooses.
func (e erp) addresses(field, operator string, value any) (all []home) {
	e.t.Helper()
	must(e.t, e.Call(e.t.Context(), &all, "model.party.address.search_read", []any{[]any{field, operator, value}}, 0, 100, nil,
		[]string{"party", "street", "city"}, hidden))
	return all
}

// notes returns how often each value stands among the contact mechanisms of a party that
// nobody sees: the connector keeps there what it has done.
func (e erp) notes(party int) map[string]int {
	e.t.Helper()
	var all []struct{ Value string }
	must(e.t, e.Call(e.t.Context(), &all, "model.party.contact_mechanism.search_read", []any{[]any{"party", "=", party}, []any{"type", "=", "other"}}, 0, 1000, nil,
		[]string{"value"}, hidden))
	n := map[string]int{}
	for _, m := range all {
		n[m.Value]++
	}
	return n
}

// same reports whether two lists have the same in the same order.
func same(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}
