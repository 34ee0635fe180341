package rt

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"firsthand/connector/remote"
	"firsthand/fault"
)

// A client calls REST2 as the gateway's user.
type client struct {
	base, token string
	remote      *remote.Client
}

// String keeps the token out of what is printed.
func (c *client) String() string { return "rt" }

// call sends in, if it isn't nil, and reads the answer into out, if that isn't nil. It
// returns the answer's ETag. [fault.NotExist] and [fault.Conflict] are RT's own word,
// and a [refusal] is what it says to a call that it understood.
func (c *client) call(ctx context.Context, method, path, match string, in, out any) (etag string, err error) {
	header := http.Header{"Authorization": {"token " + c.token}, "Accept": {"application/json"}}
	var body []byte
	if in != nil {
		if body, err = json.Marshal(in); err != nil {
			return "", fmt.Errorf("%w: %w", fault.Invalid, err)
		}
		header.Set("Content-Type", "application/json")
	}
	if match != "" {
		header.Set("If-Match", `"`+match+`"`)
	}
	a, err := c.remote.Call(ctx, method, c.base+path, header, body)
	if err != nil {
		return "", err
	}
	if a.Status < 200 || a.Status > 299 {
		var says struct{ Message string }
		ours := json.Unmarshal(a.Body, &says) == nil && says.Message != ""
		switch {
		case a.Status == http.StatusNotFound && ours:
			return "", fault.NotExist
		case a.Status == http.StatusBadRequest && ours:
			return "", &refusal{says.Message}
		}
		return "", c.remote.Check(a)
	}
	if out != nil {
		if err := json.Unmarshal(a.Body, out); err != nil {
			return "", fault.Tell(fault.Unavailable, "what answers at RT's address is not RT's REST2", "compare the url, and look at what stands between")
		}
	}
	return strings.Trim(a.Header.Get("ETag"), `"`), nil
}

// A refusal is RT's reason, in its own words, why it doesn't do what it understood.
type refusal struct{ says string }

func (r *refusal) Error() string {
	text := r.says
	if len(text) > 200 { // it may repeat what was sent
		text = text[:200]
	}
	return fmt.Sprintf("RT refuses: %q", text)
}

// Unwrap is the kind.
func (r *refusal) Unwrap() error { return fault.Invalid }

// A word is a value as RT writes it: a string, a number, or null. What else it may be
// is nothing.
type word string

// UnmarshalJSON implements [json.Unmarshaler].
func (w *word) UnmarshalJSON(text []byte) error {
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(text, &s) == nil:
		*w = word(s)
	case json.Unmarshal(text, &n) == nil:
		*w = word(n)
	default:
		*w = ""
	}
	return nil
}

// A list is a page of what RT found.
type list[T any] struct {
	Count *int // there in every list
	Items []T
}

// pageSize is the most that RT gives.
const pageSize = 100

// everyUser is a kind of thing to be found: users, with those that are disabled.
const everyUser = "users, with those that are disabled"

// found returns the first page of what fits.
func found[T any](ctx context.Context, c *client, what, fields string, in any, sql string) ([]T, error) {
	q := url.Values{"fields": {fields}, "per_page": {fmt.Sprint(pageSize)}, "orderby": {"id"}}
	if what == everyUser {
		what = "users"
		q.Set("find_disabled_rows", "1")
	}
	method := http.MethodPost
	if in == nil {
		method = http.MethodGet
		q.Set("query", sql)
	}
	var l list[T]
	if _, err := c.call(ctx, method, "/"+what+"?"+q.Encode(), "", in, &l); err != nil {
		return nil, err
	}
	if l.Count == nil || *l.Count != len(l.Items) {
		return nil, fault.Tell(fault.Unavailable, "what answers at RT's address is not RT's REST2", "compare the url, and look at what stands between")
	}
	return l.Items, nil
}

// A limit is a condition of a search.
type limit struct {
	Field    string `json:"field"`
	Value    string `json:"value"`
	Operator string `json:"operator,omitempty"`
}

// A customField is one with its values.
type customField struct {
	ID     word
	Name   string
	Values []word
}

// values returns those of the custom field of that name, and whether there is one.
func values(all []customField, name string) (vs []string, ok bool) {
	for _, f := range all {
		if f.Name == name {
			for _, v := range f.Values {
				vs = append(vs, string(v))
			}
			return vs, true
		}
	}
	return nil, false
}

// identifier returns the number of the custom field of that name, or the name: RT looks
// a number up twice as fast.
func identifier(all []customField, name string) string {
	for _, f := range all {
		if f.Name == name && isNumber(string(f.ID)) {
			return string(f.ID)
		}
	}
	return name
}

// value returns the first value.
func value(all []customField, name string) string {
	if vs, _ := values(all, name); len(vs) > 0 {
		return vs[0]
	}
	return ""
}
