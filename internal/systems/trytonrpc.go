package systems

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
)

// A TrytonSession is a user of a Tryton who has signed in: what an employee does in
// the client, done through the same interface.
type TrytonSession struct {
	url, auth string
	UID       int
}

// As signs a user in.
func (t *Tryton) As(ctx context.Context, user string) (*TrytonSession, error) {
	s := &TrytonSession{url: t.URL + "/" + TrytonDatabase + "/"}
	var got [2]any
	if err := s.Call(ctx, &got, "common.db.login", user, map[string]string{"password": TrytonPassword}, "en"); err != nil {
		return nil, err
	}
	uid, _ := got[0].(float64)
	s.UID = int(uid)
	s.auth = "Session " + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d:%v", user, s.UID, got[1]))
	return s, nil
}

// Call calls a method and puts what it answers into result, which may be nil.
func (s *TrytonSession) Call(ctx context.Context, result any, method string, params ...any) error {
	text, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.auth != "" {
		req.Header.Set("Authorization", s.auth)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", method, resp.Status)
	}
	var answer struct {
		Result, Error json.RawMessage
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if len(answer.Error) > 0 {
		return fmt.Errorf("%s: %s", method, answer.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// Create makes one record of a model and returns its id.
func (s *TrytonSession) Create(ctx context.Context, model string, values map[string]any) (int, error) {
	var ids []int
	if err := s.Call(ctx, &ids, "model."+model+".create", []any{values}, none); err != nil {
		return 0, err
	}
	if len(ids) != 1 {
		return 0, fmt.Errorf("create %s: %d records", model, len(ids))
	}
	return ids[0], nil
}

// Write changes one record of a model.
func (s *TrytonSession) Write(ctx context.Context, model string, id int, values map[string]any) error {
	return s.Call(ctx, nil, "model."+model+".write", []int{id}, values, none)
}

// none is an empty context, which the last parameter of each call is.
var none = map[string]any{}

// trytonSetup names what setUp makes; a change of that changes this.
const trytonSetup = "company 2"

// setUp makes the company.
func (s *TrytonSession) setUp(ctx context.Context) error {
	decimal := func(text string) map[string]string { return map[string]string{"__class__": "Decimal", "decimal": text} }
	made := map[string]int{}
	for _, each := range []struct {
		name, model string
		values      func() map[string]any
	}{
		{"euro", "currency.currency", func() map[string]any {
			return map[string]any{"name": "Euro", "symbol": "€", "code": "EUR", "rounding": decimal("0.01"), "digits": 2,
				"rates": []any{[]any{"create", []any{map[string]any{"rate": decimal("1")}}}}}
		}},
		{"vendor", "party.party", func() map[string]any { return map[string]any{"name": "Vendor", "addresses": []any{}} }},
		{"company", "company.company", func() map[string]any {
			return map[string]any{"party": made["vendor"], "currency": made["euro"]}
		}},
		{"anna", "party.party", func() map[string]any { return map[string]any{"name": "Anna Claes", "addresses": []any{}} }},
		{"employee", "company.employee", func() map[string]any {
			return map[string]any{"party": made["anna"], "company": made["company"]}
		}},
	} {
		id, err := s.Create(ctx, each.model, each.values())
		if err != nil {
			return err
		}
		made[each.name] = id
	}
	for code, name := range map[string]string{"BE": "Belgium", "NL": "Netherlands", "DE": "Germany", "FR": "France", "GB": "United Kingdom", "US": "United States"} {
		id, err := s.Create(ctx, "country.country", map[string]any{"name": name, "code": code})
		if err != nil {
			return err
		}
		if code != "US" {
			continue
		}
		if _, err := s.Create(ctx, "country.subdivision", map[string]any{"country": id, "code": "US-CA", "name": "California", "type": "state"}); err != nil {
			return err
		}
	}
	return s.setUpUsers(ctx, made["company"], made["employee"])
}

// setUpUsers makes the gateway's user and Anna's.
func (s *TrytonSession) setUpUsers(ctx context.Context, company, employee int) error {
	add := func(ids ...int) []any { return []any{[]any{"add", ids}} }
	group := func(name string) (int, error) {
		var ids []int
		err := s.Call(ctx, &ids, "model.res.group.search", []any{[]any{"name", "=", name}}, 0, 1, nil, none)
		if err != nil {
			return 0, err
		}
		if len(ids) != 1 {
			return 0, fmt.Errorf("there is no group %s", name)
		}
		return ids[0], nil
	}
	parties, err := group("Party Administration")
	if err != nil {
		return err
	}
	opportunities, err := group("Sale Opportunity")
	if err != nil {
		return err
	}
	for _, login := range []string{TrytonService, TrytonEmployee} {
		values := map[string]any{"name": login, "login": login, "password": TrytonPassword, "groups": add(parties, opportunities),
			"companies": add(company), "company": company}
		if login == TrytonEmployee {
			values["employees"], values["employee"] = add(employee), employee
		}
		if _, err := s.Create(ctx, "res.user", values); err != nil {
			return err
		}
	}
	return nil
}
