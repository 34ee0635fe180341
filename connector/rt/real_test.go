package rt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/rt"
	"firsthand/internal/needtest"
	"firsthand/internal/systems"
)

// The one RT of all tests, and the mailbox of the contacts.
var real struct {
	once sync.Once
	rt   *systems.RT
	mail *systems.Mailbox
	err  error
	dir  string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if real.rt != nil && real.err == nil {
		real.rt.Stop()
	}
	if real.dir != "" {
		os.RemoveAll(real.dir)
	}
	os.Exit(code)
}

// start returns the RT, which is started where nothing may be missing.
func start(t testing.TB) *systems.RT {
	t.Helper()
	if !needtest.Big() {
		t.Skip("a real RT takes its time: with FIRSTHAND_TEST_ALL=1")
	}
	real.once.Do(func() {
		if real.mail, real.err = systems.OpenMailbox(time.Now); real.err != nil {
			return
		}
		if real.dir, real.err = os.MkdirTemp("", "rt"); real.err == nil {
			real.rt, real.err = systems.StartRT(context.Background(), real.dir, real.mail.Port)
		}
	})
	if errors.Is(real.err, errors.ErrUnsupported) {
		needtest.Skip(t, real.err.Error())
	}
	must(t, real.err)
	return real.rt
}

func TestRealRT(t *testing.T) {
	start(t)
	t.Run(rt.Write, func(t *testing.T) { connectortest.Run(t, fixture(rt.Write, nil)) })
	f := fixture(rt.Propose, nil)
	f.Only = decided
	t.Run(rt.Propose, func(t *testing.T) { connectortest.Run(t, f) })
}

// decided are the tests to which it makes a difference that a person decides on each
// change.
var decided = []string{
	"deliver makes one record", "the same request again changes nothing", "eight at once make one record",
	"requests take effect in order, and old ones never again", "a stale version writes nothing", "a withdrawal removes the fact",
	"what was delivered is no change", "an answer that is lost is given again",
	"a proposal is carried out once it is proved", "what a person decided stands when the proof comes", "a person decides on a proposal",
}

var samples = []connectortest.Sample{
	{Fact: "address.home", One: address("Kerkstraat 1"), Other: address("Veldstraat 22")},
	// E-mail isn't one of them: RT has an address once, and the suite gives all the same.
	{Fact: "phone.mobile", One: firsthand.Text("+32 470 12 34 56"), Other: firsthand.Text("0470/65 43 21")},
}

func address(street string) firsthand.Value {
	return firsthand.Value{Parts: map[string]string{"street": street, "postal_code": "9000", "city": "Gent", "country": "BE"}}
}

func fixture(mode string, wrap func(connector.Connector) connector.Connector) connectortest.Fixture {
	return connectortest.Fixture{Samples: samples, Unwanted: "shoe_size", New: func(t testing.TB) connectortest.System {
		o := &office{RT: start(t), mode: mode}
		o.border = connectortest.NewBorder(t, o.URL)
		o.border.Writes = func(method, path string, _ []byte) bool { // searches are POSTed too
			return method != http.MethodGet && !strings.HasSuffix(path, "s")
		}
		o.begin = o.last(t)
		return o.system(wrap)
	}}
}

// An office is the company's side of RT: the agent Anna, by RT's API.
type office struct {
	*systems.RT
	border *connectortest.Border
	mode   string
	begin  string // where this test's changes begin: others have left theirs
}

// later is a connector whose changes begin where the test does.
type later struct {
	*rt.Tracker
	begin string
}

func (l later) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	if cursor == "" {
		cursor = l.begin
	}
	return l.Tracker.Changes(ctx, cursor)
}

func (o *office) config() rt.Config {
	return rt.Config{URL: o.border.URL, TokenFile: o.TokenFile, Queue: o.Queue, User: o.User, Mode: o.mode, Find: []string{"name", "CF:Customer Number"}}
}

// call is Anna asking RT for something.
func (o *office) call(t testing.TB, method, path string, in, out any) {
	t.Helper()
	if status, text := o.try(t, method, path, in); status < 200 || status > 299 {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	} else if out != nil {
		must(t, json.Unmarshal(text, out))
	}
}

func (o *office) try(t testing.TB, method, path string, in any) (int, []byte) {
	t.Helper()
	body, err := json.Marshal(in)
	must(t, err)
	req, err := http.NewRequest(method, o.URL+"/REST/2.0"+path, bytes.NewReader(body))
	must(t, err)
	req.SetBasicAuth(o.Agent, o.Password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, text
}

// last returns the number of RT's last transaction.
func (o *office) last(t testing.TB) string {
	var l struct{ Items []struct{ ID string } }
	o.call(t, http.MethodPost, "/transactions?orderby=id&order=DESC&per_page=1", []any{map[string]string{"field": "id", "operator": ">", "value": "0"}}, &l)
	if len(l.Items) == 0 {
		return "0"
	}
	return l.Items[0].ID
}

type custom []struct {
	Name   string
	Values []string
}

func (c custom) is(name string) string {
	for _, f := range c {
		if f.Name == name && len(f.Values) > 0 {
			return f.Values[0]
		}
	}
	return ""
}

type staffTicket struct {
	ID           string
	CustomFields custom
}

func (o *office) search(t testing.TB, sql string) (all []staffTicket) {
	var l struct{ Items []staffTicket }
	o.call(t, http.MethodGet, "/tickets?"+url.Values{"query": {sql}, "orderby": {"id"}, "per_page": {"100"}, "fields": {"CustomFields"}}.Encode(), nil, &l)
	return l.Items
}

func (o *office) records(t testing.TB, rel firsthand.ID) (refs []connector.Ref) {
	var l struct{ Items []struct{ Name string } }
	o.call(t, http.MethodPost, "/users?fields=Name&per_page=100", []any{map[string]string{"field": "CustomField.{Firsthand Relationship}", "value": rel.String()}}, &l)
	for _, u := range l.Items {
		refs = append(refs, o.ref(t, u.Name))
	}
	return refs
}

func (o *office) ref(t testing.TB, name string) connector.Ref {
	var u struct{ ID int }
	o.call(t, http.MethodGet, "/user/"+url.PathEscape(name), nil, &u)
	return connector.Ref{System: "Request Tracker", ID: fmt.Sprintf("user/%d", u.ID)}
}

var columns = map[string]string{"street": "Address1", "postal_code": "Zip", "city": "City", "country": "Country", "region": "State"}

// fields returns what a person enters for v.
func fields(fact string, v firsthand.Value) map[string]any {
	if fact == "phone.mobile" {
		return map[string]any{"MobilePhone": v.Text}
	}
	all := map[string]any{}
	for part, column := range columns {
		all[column] = v.Parts[part]
	}
	return all
}

func (o *office) look(t testing.TB, ref connector.Ref) (map[string]firsthand.Value, bool) {
	status, text := o.try(t, http.MethodGet, "/"+ref.ID, nil)
	if status == http.StatusNotFound {
		return nil, false
	}
	var u map[string]any
	must(t, json.Unmarshal(text, &u))
	facts, home := map[string]firsthand.Value{}, map[string]string{}
	for part, column := range columns {
		if s, _ := u[column].(string); s != "" {
			home[part] = s
		}
	}
	if len(home) > 0 {
		facts["address.home"] = firsthand.Value{Parts: home}
	}
	if s, _ := u["MobilePhone"].(string); s != "" {
		facts["phone.mobile"] = firsthand.Text(s)
	}
	return facts, true
}

func (o *office) customer(t testing.TB, c connectortest.Customer) connector.Ref {
	in := map[string]any{"Name": "customer " + c.Number, "Privileged": 0, "Disabled": 0, "CustomFields": map[string]string{"Customer Number": c.Number}}
	for fact, v := range c.Facts {
		for column, text := range fields(fact, v) {
			in[column] = text
		}
	}
	if c.Contact != "" {
		in["EmailAddress"] = c.Contact
	}
	status, text := o.try(t, http.MethodPost, "/user", in)
	if status == http.StatusBadRequest { // two with one address there can't be in RT
		delete(in, "EmailAddress")
		status, text = o.try(t, http.MethodPost, "/user", in)
	}
	if status != http.StatusCreated {
		t.Fatalf("a customer: %d %s", status, text)
	}
	return o.ref(t, "customer "+c.Number)
}

func (o *office) texts(t testing.TB, ticket string) (texts []string) {
	var h struct {
		Items []struct {
			ID, Type string
			Is       string `json:"type"`
		}
	}
	o.call(t, http.MethodGet, "/ticket/"+ticket+"/history?fields=Type&per_page=100", nil, &h)
	for _, x := range h.Items {
		if x.Type != "Create" && x.Type != "Correspond" {
			continue
		}
		var a struct {
			Items []struct{ ID, ContentType, Filename string }
		}
		o.call(t, http.MethodGet, "/transaction/"+x.ID+"/attachments?fields=ContentType,Filename", nil, &a)
		last := ""
		for _, each := range a.Items { // the body, and where that can't be exact a file that is
			if !strings.HasPrefix(each.ContentType, "multipart/") {
				last = each.ID
			}
		}
		var said struct{ Content []byte }
		o.call(t, http.MethodGet, "/attachment/"+last, nil, &said)
		texts = append(texts, string(said.Content))
	}
	return texts
}

func (o *office) tickets(t testing.TB, rel firsthand.ID) (all []connectortest.Ticket) {
	for _, x := range o.search(t, "CF.{Firsthand Relationship} = '"+rel.String()+"'") {
		if kind := x.CustomFields.is("Firsthand Kind"); kind == "message" || kind == "request" {
			all = append(all, connectortest.Ticket{Ref: connector.Ref{System: "Request Tracker", ID: "ticket/" + x.ID}, Texts: o.texts(t, x.ID)})
		}
	}
	return all
}

// decide is Anna doing what the ticket of a change says, and nothing that it doesn't.
func (o *office) decide(t testing.TB, id firsthand.ID, record connector.Ref, reason string) {
	t.Helper()
	found := o.search(t, "CF.{Firsthand Message ID} = '"+id.String()+"'")
	if len(found) != 1 {
		t.Fatalf("%d tickets of a change, want 1", len(found))
	}
	x := found[0]
	if reason != "" {
		o.call(t, http.MethodPut, "/ticket/"+x.ID, map[string]any{"Status": "rejected", "CustomFields": map[string]string{"Firsthand Reason": reason}}, nil)
		return
	}
	text := o.texts(t, x.ID)[0]
	fact, v := asked(t, text)
	hers := x.CustomFields.is("Firsthand Kind") == "change"
	rel := x.CustomFields.is("Firsthand Relationship")
	if record.IsZero() && hers {
		if n := x.CustomFields.is("Firsthand Record"); n != "" {
			record.ID = "user/" + n
		}
	}
	in := fields(fact, v)
	if hers {
		in["CustomFields"] = map[string][]string{"Firsthand Relationship": {rel}}
	}
	if record.IsZero() {
		name := "made for " + id.String()
		in["Name"], in["Privileged"], in["Disabled"] = name, 0, 0
		o.call(t, http.MethodPost, "/user", in, nil)
		record = o.ref(t, name)
	} else {
		o.call(t, http.MethodPut, "/"+record.ID, in, nil)
	}
	o.call(t, http.MethodPut, "/ticket/"+x.ID, map[string]any{"Status": "resolved",
		"CustomFields": map[string]string{"Firsthand Record": strings.TrimPrefix(record.ID, "user/")}}, nil)
}

// asked reads the text of the ticket of a change.
func asked(t testing.TB, text string) (fact string, v firsthand.Value) {
	var unit string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		name, rest, _ := strings.Cut(line, ": ")
		switch {
		case slices.Contains([]string{"disclose", "change", "withdraw"}, name):
			fact = rest
		case strings.HasSuffix(line, ":"):
			unit = line
		case unit == "new:" && strings.HasPrefix(line, "> ") && fact == "address.home":
			if v.Parts == nil {
				v.Parts = map[string]string{}
			}
			v.Parts[strings.TrimPrefix(name, "> ")] = rest
		case unit == "new:" && strings.HasPrefix(line, "> "):
			v = firsthand.Text(strings.TrimPrefix(line, "> "))
		}
	}
	if fact == "" {
		t.Fatalf("the ticket of a change doesn't say which:\n%s", text)
	}
	return fact, v
}

func (o *office) system(wrap func(connector.Connector) connector.Connector) connectortest.System {
	return connectortest.System{
		Connect: func(t testing.TB) connector.Connector {
			c, err := rt.Open(o.config())
			must(t, err)
			if wrap != nil {
				return wrap(later{c, o.begin})
			}
			return later{c, o.begin}
		},
		Records: o.records, Look: o.look, Customer: o.customer, Tickets: o.tickets, Decide: o.decide,
		Edit: func(t testing.TB, ref connector.Ref, fact string, v firsthand.Value) {
			o.call(t, http.MethodPut, "/"+ref.ID, fields(fact, v), nil)
		},
		Reply: func(t testing.TB, ticket connector.Ref, _, text string) {
			o.call(t, http.MethodPost, "/"+ticket.ID+"/correspond", map[string]string{"Content": text, "ContentType": "text/plain"}, nil)
		},
		Keeps: keeps,
		Resolve: func(t testing.TB, ticket connector.Ref) {
			o.call(t, http.MethodPut, "/"+ticket.ID, map[string]string{"Status": "resolved"}, nil)
		},
		Sent: func(testing.TB) (all []connectortest.Sent) {
			for _, m := range real.mail.Mails() {
				all = append(all, connectortest.Sent{To: m.To, Text: m.Text})
			}
			return all
		},
		Down: o.border.Down, Lose: o.border.Lose, Busy: o.border.Busy, Break: o.border.Break,
		Restart: func(t testing.TB) {
			o.Stop()
			must(t, o.Start(t.Context()))
		},
		Shuffle: func(t testing.TB, on bool) {
			if !on {
				o.border.Rewrite(nil)
				return
			}
			o.border.Rewrite(turnRound)
		},
	}
}

// keeps replaces what Unicode keeps for a program's own use, as RT does.
func keeps(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe {
			return '\ufffd'
		}
		return r
	}, text)
}

// turnRound turns lists round.
func turnRound(_, _ string, body []byte) []byte {
	var l map[string]any
	if json.Unmarshal(body, &l) != nil || l["items"] == nil {
		return body
	}
	slices.Reverse(l["items"].([]any))
	turned, _ := json.Marshal(l)
	return turned
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
