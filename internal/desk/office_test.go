package desk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/fault"
	"firsthand/internal/desk"
	"firsthand/internal/desk/passkey"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/locale"
	"firsthand/internal/web/webtest"
	"firsthand/terms"
)

func TestMain(m *testing.M) { os.Exit(webtest.Main(m)) }

// An office is a company with a desk: a real gateway, with a small CRM in which a
// person decides, and customers who have said things.
type office struct {
	t      testing.TB
	store  *gatewaytest.Memory
	crm    *crm
	help   *crm // nil where customers are talked to in crm
	gw     *gateway.Gateway
	server *desk.Server
	url    string

	mu  sync.Mutex
	now time.Time

	mia, thief *gatewaytest.Customer
	entries    map[string]firsthand.ID // what waits, by a word for it
}

// A crm is the small CRM, which may be down.
type crm struct {
	*memory.CRM
	mu   sync.Mutex
	down string
}

func (c *crm) goDown(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = why
}

func (c *crm) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down == "" {
		return nil
	}
	return fault.Tell(fault.Unavailable, c.down, "")
}

func (c *crm) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	if err := c.err(); err != nil {
		return connector.Result{}, err
	}
	return c.CRM.Deliver(ctx, r)
}

func (c *crm) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	if err := c.err(); err != nil {
		return connector.Record{}, err
	}
	return c.CRM.Read(ctx, ref)
}

func (c *crm) Find(ctx context.Context, claim connector.Claim) ([]connector.Ref, error) {
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.CRM.Find(ctx, claim)
}

// A setting says how an office is to be.
type setting struct {
	say      string // what everybody says everywhere
	url      string // of the desk; default: http://localhost:8444
	langs    []*locale.Language
	empty    bool
	mode     string
	linked   bool // a made-up world without passkeys, in which a link is enough
	two      bool // it has a helpdesk beside its CRM
	provider func(now func() time.Time) *desk.Provider
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func ours(t testing.TB) firsthand.TermsRef {
	a, ok := terms.Default().Lookup("FIRSTHAND-SD-BASE")
	if !ok {
		t.Fatal("the roster lacks our own agreement")
	}
	return a.Ref()
}

// The staff of an office, by role.
func staff() []desk.Member {
	since := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	return []desk.Member{{ID: "r1", Name: "Rik", Role: desk.Reader, Since: since}, {ID: "a1", Name: "Els", Role: desk.Agent, Since: since}, {ID: "d1", Name: "Koen", Role: desk.Admin, Since: since}}
}

func newOffice(t testing.TB, set setting) *office {
	o := &office{t: t, store: gatewaytest.NewMemory(), now: time.Now().UTC().Truncate(time.Second), url: set.url, entries: map[string]firsthand.ID{}}
	if o.url == "" {
		o.url = "http://localhost:8444"
	}
	if set.mode == "" {
		set.mode = memory.Person
	}
	say := set.say
	if say == "" {
		say = "Kerkstraat 12"
	}
	facts := map[string]firsthand.Value{"name": firsthand.Text("Mia Peeters"), "email": firsthand.Text("mia@old.example"), "address.home": address("Oude Weg 1", "9000", "Gent")}
	if set.say != "" {
		facts["nickname"] = firsthand.Text(say)
	}
	m, err := memory.Open(memory.Config{File: filepath.Join(t.TempDir(), "crm"), Mode: set.mode, Now: o.clock,
		Seed: []memory.Record{{Number: "C-7", Contacts: []string{"mia@old.example"}, Facts: facts}}})
	o.must(err)
	o.crm = &crm{CRM: m}
	var tickets connector.Connector
	if set.two {
		m, err := memory.Open(memory.Config{File: filepath.Join(t.TempDir(), "helpdesk"), Name: "Helpdesk", Now: o.clock})
		o.must(err)
		o.help = &crm{CRM: m}
		tickets = o.help
	}
	key := gatewaytest.KeyOf("company")
	keys := &gateway.Keys{Signers: []*firsthand.Signer{key}, Chain: []firsthand.ChainKey{{Key: key.Public(), Next: gatewaytest.KeyOf("company 2").Public().Hash()}}}
	o.gw, err = gateway.New(gateway.Options{
		Company: firsthand.Company{Domain: "acme.example", Name: "Acme BV", Jurisdiction: "BE", Gateway: "https://gw.acme.example", Terms: []firsthand.TermsRef{ours(t)}},
		Keys:    keys, Store: o.store, Connector: o.crm, Tickets: tickets, Now: o.clock, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	o.must(err)
	o.must(desk.SetStaff(t.Context(), o.gw, staff()...))
	options := desk.Options{Gateway: o.gw, Company: "Acme BV", URL: o.url, Languages: set.langs, Now: o.clock, Zone: time.UTC, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Configured: []desk.Configured{{Lane: gateway.Records, Type: "memory", Config: "{\n  \"mode\": \"person\"\n}"}},
		Scratch: func(context.Context) (gateway.Store, func() error, error) {
			return gatewaytest.NewMemory(), func() error { return nil }, nil
		}}
	if set.linked {
		options.Demo = "/demo/"
	}
	if set.say != "" {
		options.Configured[0].Type, options.Configured[0].Config, options.Company = say, say, say
	}
	if !set.linked {
		options.Passkeys, err = passkey.New(o.url, options.Company)
		o.must(err)
	}
	if set.provider != nil {
		options.Provider = set.provider(o.clock)
	}
	o.server, err = desk.New(options)
	o.must(err)
	if !set.empty {
		o.fill(say)
	}
	return o
}

func address(street, code, city string) firsthand.Value {
	return firsthand.Value{Parts: map[string]string{"street": street, "postal_code": code, "city": city, "country": "BE"}}
}

// write signs an entry, without what the protocol has no place for.
func (o *office) write(c *gatewaytest.Customer, make func(text string) firsthand.Content, text string) firsthand.ID {
	o.t.Helper()
	c.Now = o.clock()
	if _, err := firsthand.EncodeBody(make(text)); err != nil {
		text = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r == unicode.ReplacementChar {
				return -1
			}
			return r
		}, text))
	}
	return c.Write(o.t, make(text))
}

// exchange lets the gateway and a customer do all they have to do.
func (o *office) exchange(c *gatewaytest.Customer) {
	o.t.Helper()
	for range 2 {
		c.Sync(o.t, o.gw)
		for range 1000 {
			worked, _, err := o.gw.Step(o.t.Context())
			o.must(err)
			if !worked {
				break
			}
		}
	}
}

func (o *office) meet(name string) *gatewaytest.Customer {
	c := gatewaytest.NewCustomer(o.t, name, gatewaytest.Company{})
	o.exchange(c)
	return c
}

// fill has customers say everything that a desk shows.
func (o *office) fill(say string) {
	ctx := context.WithoutCancel(o.t.Context())
	o.mia, o.thief = o.meet("mia"), o.meet("thief")
	o.write(o.mia, func(string) firsthand.Content { return &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ours(o.t)}} }, "")
	o.exchange(o.mia)
	basis := firsthand.Basis{Agreement: o.mia.State.Agreements[0].Entry}
	tell := func(c *gatewaytest.Customer, fact string, v func(string) firsthand.Value, b firsthand.Basis) firsthand.ID {
		id := o.write(c, func(text string) firsthand.Content {
			return &firsthand.Disclose{Fact: fact, Value: v(text), Purpose: "dpv:RequestedServiceProvision", Basis: b}
		}, say)
		o.exchange(c)
		return id
	}
	o.write(o.mia, func(string) firsthand.Content { return &firsthand.Claim{Record: "C-7"} }, "")
	o.exchange(o.mia)
	sent := o.crm.Outbox()
	_, code, _ := strings.Cut(sent[len(sent)-1].Text, "The code is ")
	code, _, _ = strings.Cut(code, ".")
	o.write(o.mia, func(string) firsthand.Content {
		return &firsthand.Proof{Challenge: o.mia.State.Claims[0].Challenge.Entry, Code: code}
	}, "")
	o.exchange(o.mia)
	if o.mia.State.Binding == nil {
		o.t.Fatal("not bound")
	}
	o.entries["address"] = tell(o.mia, "address.home", func(s string) firsthand.Value { return address(s, "9000", "Gent") }, basis)
	o.entries["email"] = tell(o.mia, "email", firsthand.Text, basis)
	o.entries["nickname"] = tell(o.mia, "nickname", firsthand.Text, firsthand.Basis{Exception: "because I like you"})
	o.must(o.gw.Accept(ctx, "Els", o.mia.Rel(), o.entries["nickname"], ""))
	o.exchange(o.mia)
	o.entries["request"] = o.write(o.mia, func(s string) firsthand.Content {
		return &firsthand.Request{Right: "access", Law: "GDPR", Text: s, Due: firsthand.OneMonthAfter(o.clock())}
	}, say)
	o.entries["message"] = o.write(o.mia, func(s string) firsthand.Content { return &firsthand.Message{Text: s} }, say)
	o.exchange(o.mia)
	o.must(o.gw.Say(ctx, "Els", o.mia.Rel(), &firsthand.Ask{Fact: "phone.mobile", Purpose: "dpv:CustomerCare", Why: "the courier calls", Until: "2030-01-01"}))
	o.must(o.gw.Say(ctx, "Els", o.mia.Rel(), &firsthand.Message{From: "Els", Text: "Thank you."}))
	o.exchange(o.mia)
	// Who has proved nothing.
	o.entries["claim"] = o.write(o.thief, func(s string) firsthand.Content { return &firsthand.Claim{Record: s} }, say)
	o.exchange(o.thief)
	o.entries["unproved"] = o.write(o.thief, func(s string) firsthand.Content {
		return &firsthand.Change{Fact: "email", Value: firsthand.Text(s), Basis: firsthand.Basis{Right: "GDPR 16"}, Old: firsthand.Text("mia@old.example")}
	}, say)
	o.exchange(o.thief)
	o.must(o.gw.Note(ctx, "Koen", "note", say))
}

// pages returns the addresses of pages with something to see.
func (o *office) pages() []string {
	all := []string{"/due", "/relationships", "/numbers", "/numbers?days=7", "/connect", "/staff", "/audit", "/there-is-nothing"}
	if o.mia == nil {
		return all
	}
	for _, c := range []*gatewaytest.Customer{o.mia, o.thief} {
		all = append(all, "/relationships/"+c.Rel().String())
	}
	for _, word := range []string{"address", "email", "nickname", "request", "message"} {
		all = append(all, o.request(o.mia, word))
	}
	return append(all, o.request(o.thief, "claim"), o.request(o.thief, "unproved"))
}

func (o *office) request(c *gatewaytest.Customer, word string) string {
	return fmt.Sprintf("/requests/%s/%s", c.Rel(), o.entries[word])
}

// A client is a browser without a screen.
type client struct {
	o       *office
	cookies map[string]*http.Cookie
	header  map[string]string
}

func (o *office) client() *client {
	return &client{o: o, cookies: map[string]*http.Cookie{}, header: map[string]string{}}
}

// as is a client of a member, who signed in just now.
func (o *office) as(member string) *client {
	c := o.client()
	name, value := o.server.Enter(member, o.clock())
	c.cookies[name] = &http.Cookie{Name: name, Value: value}
	return c
}

func (c *client) get(path string) *httptest.ResponseRecorder {
	return c.do(httptest.NewRequest("GET", path, nil))
}

// post sends a form: names and values by turns. The word that makes it count once is
// added if it isn't there.
func (c *client) post(path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	if !form.Has("once") {
		form.Set("once", fmt.Sprintf("once-%020d", len(path)+time.Now().Nanosecond()))
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return c.do(r)
}

func (c *client) do(r *http.Request) *httptest.ResponseRecorder {
	u, err := url.Parse(c.o.url)
	c.o.must(err)
	if r.Host == "example.com" {
		r.Host = u.Host
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	for _, cookie := range c.cookies {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	c.o.server.ServeHTTP(w, r)
	for _, cookie := range w.Result().Cookies() {
		if c.cookies[cookie.Name] = cookie; cookie.MaxAge < 0 {
			delete(c.cookies, cookie.Name)
		}
	}
	return w
}

// acts returns what the audit says was done, the latest first, without looks.
func (o *office) acts() (all []string) {
	rows, err := o.gw.Audits(context.WithoutCancel(o.t.Context()), 0, 1000)
	o.must(err)
	for _, a := range rows {
		all = append(all, a.By+" "+a.Act)
	}
	return all
}

var errFull = errors.New("the disk is full")

func failAudits(c gateway.Commit) error {
	if len(c.Audit) > 0 {
		return errFull
	}
	return nil
}
