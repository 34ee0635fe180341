package agent_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector/memory"
	"firsthand/fetch"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/agent/policy"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/terms"
	"firsthand/wire"
)

// A company is a gateway on loopback that notes every byte that reaches it.
type company struct {
	domain string
	crm    *memory.CRM
	gw     *gateway.Gateway
	server *http.Server

	mu    sync.Mutex
	bytes []byte
	from  map[string]bool // source addresses of connections
}

// tap notes what is read from its connection.
type tap struct {
	net.Conn
	c *company
}

func (t tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.c.bytes = append(t.c.bytes, b[:n]...)
	return n, err
}

type tapped struct {
	net.Listener
	c *company
}

func (l tapped) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.c.mu.Lock()
	l.c.from[conn.RemoteAddr().String()] = true
	l.c.mu.Unlock()
	return tap{conn, l.c}, nil
}

func newCompany(t *testing.T, name string) *company {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &company{domain: fmt.Sprintf("localhost:%d", l.Addr().(*net.TCPAddr).Port), from: make(map[string]bool)}
	c.crm, err = memory.Open(memory.Config{File: t.TempDir() + "/crm", Seed: []memory.Record{
		{Number: "4711", Contacts: []string{"old@" + name + ".example"}, Facts: map[string]firsthand.Value{"email": firsthand.Text("old@" + name + ".example")}}}})
	if err != nil {
		t.Fatal(err)
	}
	key, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	next, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ours, _ := terms.Default().Lookup(agent.DefaultTerms)
	c.gw, err = gateway.New(gateway.Options{
		Company: firsthand.Company{Domain: c.domain, Name: name, Jurisdiction: "BE", Gateway: "http://" + c.domain, Terms: []firsthand.TermsRef{ours.Ref()}},
		Keys:    &gateway.Keys{Signers: []*firsthand.Signer{key}, Chain: []firsthand.ChainKey{{Key: key.Public(), Next: next.Public().Hash()}}},
		Store:   gatewaytest.NewMemory(), Connector: c.crm,
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := wire.NewHandler(c.gw, wire.Options{BaseURL: "http://" + c.domain})
	if err != nil {
		t.Fatal(err)
	}
	c.server = h.NewServer()
	go c.server.Serve(tapped{l, c})
	t.Cleanup(func() { c.server.Close() })
	return c
}

// work does what the company's background would.
func (c *company) work(t testing.TB) {
	t.Helper()
	for {
		worked, _, err := c.gw.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			return
		}
	}
}

const testKit = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0JQGFZYVJZ"

func newAgent(t *testing.T, store agent.Store) *agent.Agent {
	t.Helper()
	a := agent.New(agent.Options{
		Store: store, Caller: wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), nil),
		Roster: terms.Default(), Now: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err := a.Refill(t.Context(), testKit); err != nil {
		t.Fatal(err)
	}
	return a
}

// live leads one life with c: every act there is. what is told differs from
// company to company, as she would have it who wants to stay apart.
func live(t *testing.T, a *agent.Agent, c *company, told string) {
	t.Helper()
	ctx := t.Context()
	r, err := a.Meet(ctx, c.domain, agent.MeetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if err := a.Flush(ctx, r.ID, 0); err != nil {
			t.Fatalf("after %s: %v", what, err)
		}
		c.work(t)
		if err := a.Flush(ctx, r.ID, 0); err != nil {
			t.Fatalf("after %s: %v", what, err)
		}
	}
	act := func(what string) func(agent.Act, error) {
		return func(_ agent.Act, err error) { t.Helper(); do(what, err) }
	}
	do("meet", nil)
	act("offer")(a.Offer(ctx, r.ID))
	act("disclose")(a.Disclose(ctx, r.ID, agent.Telling{Fact: "phone", Value: firsthand.Text(told), Purpose: "ServiceDelivery"}))
	_, err = a.Begin(ctx, agent.Move{Facts: []agent.NewFact{{Fact: "phone", Value: firsthand.Text(told + "9")}}, Only: []string{r.ID.String()}}, "")
	do("change", err)
	act("message")(a.Message(ctx, r.ID, firsthand.ID{}, "about "+told))
	act("request")(a.Request(ctx, r.ID, firsthand.Request{Right: "access", Law: "GDPR"}))
	act("claim")(a.Claim(ctx, r.ID, "4711"))
	code := ""
	for _, s := range c.crm.Outbox() {
		if _, after, ok := strings.Cut(s.Text, "The code is "); ok {
			code, _, _ = strings.Cut(after, ".")
		}
	}
	act("prove")(a.Prove(ctx, r.ID, code))
	act("rotate")(a.Rotate(ctx, r.ID, agent.Rotation{Kit: testKit}))
	_, err = a.Withdraw(ctx, r.ID, "phone")
	do("withdraw", err)
	act("leave")(a.Leave(ctx, r.ID, ""))

	d, err := a.Show(ctx, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d.State.Binding == nil || d.Received != d.State.Log(firsthand.First).Head || !d.View.Closed {
		t.Fatalf("the life did not come to its end: bound %v, received %v of %v", d.State.Binding, d.Received, d.State.Log(firsthand.First).Head)
	}
	if len(d.State.Flags) > 0 {
		t.Errorf("flags: %v", d.State.Flags)
	}
}

// window is how long a string has to be to tell people apart: eight characters
// of base64url are 48 bits.
const window = 8

var (
	token = regexp.MustCompile(`[A-Za-z0-9_@.+-]+`)
	times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

// tokens returns the words of what a company received; signed texts are opened,
// so that their words are found wherever they stand. Domain and time of day, which
// strangers share, are left out.
func (c *company) tokens() map[string]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := make(map[string]bool)
	var add func(text []byte)
	add = func(text []byte) {
		text = times.ReplaceAll(bytes.ReplaceAll(text, []byte(c.domain), nil), nil)
		for _, t := range token.FindAll(text, -1) {
			parts := strings.Split(string(t), ".")
			if len(parts) != 3 || !strings.HasPrefix(parts[0], "eyJ") {
				found[string(t)] = true
				continue
			}
			for _, part := range parts[:2] {
				open, err := base64.RawURLEncoding.DecodeString(part)
				if err == nil {
					add(open)
				}
			}
			found[parts[2]] = true
		}
	}
	add(c.bytes)
	return found
}

// shared returns the strings of at least window characters that a word of a and
// one of b have in common, leaving out words that innocent has too.
func shared(a, b, innocent map[string]bool) (found []string) {
	where := make(map[string]bool)
	for t := range b {
		for i := 0; i+window <= len(t) && !innocent[t]; i++ {
			where[t[i:i+window]] = true
		}
	}
	for t := range a {
		for i := 0; i+window <= len(t) && !innocent[t]; i++ {
			if where[t[i:i+window]] {
				found = append(found, t)
				break
			}
		}
	}
	slices.Sort(found)
	return found
}

// TestNothingLinks compares all bytes that two companies receive from one life.
// What they have in common may occur too in what a third company receives from a
// stranger: the words of the protocol, the time of day, the number 4711. Of the
// stranger nothing else is the same.
func TestNothingLinks(t *testing.T) {
	a := newAgent(t, agenttest.NewMemory())
	acme, bolt := newCompany(t, "acme"), newCompany(t, "bolt")
	live(t, a, acme, "+3291111111")
	live(t, a, bolt, "+4930222222")

	// A stranger of the same minutes, with the same words.
	other := newCompany(t, "other")
	live(t, newAgent(t, agenttest.NewMemory()), other, "+3165550001")
	innocent := other.tokens()
	if found := shared(acme.tokens(), bolt.tokens(), innocent); len(found) > 0 {
		t.Errorf("both companies received %q", found)
	}
	t.Logf("%d and %d words compared", len(acme.tokens()), len(bolt.tokens()))
	for from := range acme.from {
		if bolt.from[from] {
			t.Errorf("one connection, from %s, served both", from)
		}
	}

	t.Run("planted", func(t *testing.T) {
		// The oracle must notice one string in a header, in a body, in what is
		// signed, and within another word.
		signed := "eyJhbGciOiJFZDI1NTE5In0." + base64.RawURLEncoding.EncodeToString([]byte(`{"device":"kV7cQ2xZ_-"}`)) + ".AAAA"
		for _, link := range []string{"X-Device: 5f2c9a7be1", `{"text":"mia.peeters@home.example"}`, signed, "x5f2c9a7be1y"} {
			for _, c := range []*company{acme, bolt} {
				c.bytes = append(c.bytes, "\r\n"+link+"\r\n"...)
			}
			if len(shared(acme.tokens(), bolt.tokens(), innocent)) == 0 {
				t.Errorf("%q in both is not noticed", link)
			}
			for _, c := range []*company{acme, bolt} {
				c.bytes = c.bytes[:len(c.bytes)-len(link)-4]
			}
		}
	})
}

// TestPolicyStandsBetween holds that what policy denies leaves no trace in the
// log.
func TestPolicyStandsBetween(t *testing.T) {
	a, acme := newAgent(t, agenttest.NewMemory()), newCompany(t, "acme")
	r, err := a.Meet(t.Context(), acme.domain, agent.MeetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tell := agent.Telling{Fact: "phone", Value: firsthand.Text("+3291111111"), Purpose: "ServiceDelivery"}
	if _, err := a.Disclose(t.Context(), r.ID, tell); err == nil {
		t.Error("disclosed without terms")
	}
	if _, err := a.Offer(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := a.Flush(t.Context(), r.ID, 0); err != nil {
		t.Fatal(err)
	}
	for _, purpose := range []string{"Marketing", "dpv:Advertising", "SellDataToThirdParties", ""} {
		tell.Purpose = purpose
		if _, err := a.Disclose(t.Context(), r.ID, tell); err == nil {
			t.Errorf("disclosed for %q", purpose)
		}
	}
	tell.Purpose = "ServiceDelivery"
	if err := a.SetRule(t.Context(), policy.Rule{Fact: "pho*", Never: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Disclose(t.Context(), r.ID, tell); err == nil {
		t.Error("disclosed against her rule")
	}
	d, err := a.Show(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if n := d.State.Log(firsthand.First).Head.Seq; n != 2 {
		t.Errorf("her log has %d entries, want open and offer", n)
	}
	tell.Basis = firsthand.Basis{Exception: "the courier waits"}
	if _, err := a.Disclose(t.Context(), r.ID, tell); err != nil {
		t.Errorf("her own exception: %v", err)
	}
}
