package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/metrics"
	"firsthand/internal/gateway/store"
	"firsthand/terms"
	"firsthand/wire"
)

// canary stands in everything that a customer, her agent or a system can choose.
const canary = "canary7f3a"

// A parrot is a system that repeats what it is given wherever it can: in errors, in
// names, in what it panics with.
type parrot struct {
	mu   sync.Mutex
	mood string // "", "down", "wrong" or "panic", and a word more
	seen map[firsthand.ID]connector.Request
}

func (p *parrot) now() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mood
}

func (p *parrot) be(mood string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mood = mood
}

// squawk is what a call comes to that was given what.
func (p *parrot) squawk(what any) error {
	switch mood, _, _ := strings.Cut(p.now(), " "); mood {
	case "down":
		return fmt.Errorf("no place for %+v %s: %w", what, canary, fault.Unavailable)
	case "wrong":
		return fault.Tell(fault.Invalid, fmt.Sprintf("it doesn't like %+v %s", what, canary), canary)
	case "panic":
		panic(fmt.Sprintf("%+v %s", what, canary))
	}
	return nil
}

func (p *parrot) Deliver(_ context.Context, r connector.Request) (connector.Result, error) {
	if err := p.squawk(r); err != nil {
		return connector.Result{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[r.ID] = r
	return connector.Result{State: connector.Written, Ref: connector.Ref{System: canary, ID: canary}, Reported: true, Value: r.Value}, nil
}

func (p *parrot) Read(_ context.Context, ref connector.Ref) (connector.Record, error) {
	return connector.Record{Ref: ref, Facts: map[string]firsthand.Value{}}, p.squawk(ref)
}

func (p *parrot) Changes(_ context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		if err := p.squawk(cursor); err != nil {
			yield(connector.Change{}, err)
		}
	}
}

func (p *parrot) Find(_ context.Context, c connector.Claim) ([]connector.Ref, error) {
	return []connector.Ref{{System: canary, ID: canary}}, p.squawk(c)
}

func (p *parrot) Notify(_ context.Context, ref connector.Ref, m connector.Message) (string, error) {
	return canary + "@example.org", p.squawk(m)
}

func (p *parrot) Redact(_ context.Context, ref connector.Ref, fact string) error {
	return p.squawk(fact)
}

// A lifetime is a gateway with metrics and a log of everything.
type lifetime struct {
	t       *testing.T
	gateway *gateway.Gateway
	parrot  *parrot
	metrics *metrics.Metrics
	logs    *bytes.Buffer
	base    string
	client  *wire.Client
	sync    string // its path
	ready   bool
	now     time.Time
}

func newLifetime(t *testing.T) *lifetime {
	l := &lifetime{t: t, parrot: &parrot{seen: make(map[firsthand.ID]connector.Request)}, metrics: metrics.New("v1"), logs: new(bytes.Buffer), ready: true,
		now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)} // long ago, for those who look at the metrics
	log := slog.New(slog.NewJSONHandler(l.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := store.Create(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	agreement, _ := terms.Default().Lookup("FIRSTHAND-SD-BASE")
	server := httptest.NewUnstartedServer(nil)
	l.base = "http://" + server.Listener.Addr().String()
	key := gatewaytest.KeyOf("company")
	l.gateway, err = gateway.New(gateway.Options{
		Company: firsthand.Company{Domain: "acme.example", Name: "Acme BV", Jurisdiction: "BE", Gateway: "https://gw.acme.example", Terms: []firsthand.TermsRef{agreement.Ref()}},
		Keys: &gateway.Keys{Signers: []*firsthand.Signer{key},
			Chain: []firsthand.ChainKey{{Key: key.Public(), Next: gatewaytest.KeyOf("company 2").Public().Hash()}}},
		Store: s, Connector: l.parrot, Log: log, Meter: l.metrics, Now: func() time.Time { return l.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := wire.NewHandler(metrics.Waits(l.gateway), wire.Options{BaseURL: l.base, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l.sync = h.Routes()[2].Path
	l.metrics.Watch(l.gateway, s, func() bool { return l.ready }, log)
	server.Config = h.NewServer()
	server.Config.Handler = l.metrics.Calls(func(r *http.Request) string {
		if r.URL.Path == wire.DiscoveryPath {
			return "discovery"
		}
		if r.URL.Path == l.sync {
			return "sync"
		}
		return "other"
	}, h)
	server.Start()
	t.Cleanup(server.Close)
	l.client = wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), nil)
	return l
}

// remote is the gateway over HTTP.
type remote struct {
	wire.Server
	l   *lifetime
	key *firsthand.Signer
}

func (r remote) Open(ctx context.Context, q wire.Request) (wire.Response, error) {
	return r.l.client.Open(ctx, r.l.base, r.key, q)
}

func (r remote) Sync(ctx context.Context, q wire.Request) (wire.Response, error) {
	return r.l.client.Sync(ctx, r.l.base, r.key, q)
}

// idle does what is due, and passes over what fails of it.
func (l *lifetime) idle() {
	for range 200 {
		if worked, _, err := l.gateway.Step(l.t.Context()); err == nil && !worked {
			return
		} else if err != nil {
			l.now = l.now.Add(2 * time.Hour)
		}
	}
}

// live is the whole life of a customer with the company, in each mood of its system,
// with the canary in everything that is hers.
func (l *lifetime) live() {
	t := l.t
	agreement, _ := terms.Default().Lookup("FIRSTHAND-SD-BASE")
	for i, mood := range []string{"", "down", "wrong", "panic", "panic early"} {
		her := gatewaytest.NewCustomer(t, canary+mood, gatewaytest.Company{})
		gw := remote{l: l, key: her.Key}
		exchange := func() {
			her.Now = l.now
			her.Sync(t, gw)
			l.idle()
			her.Sync(t, gw)
		}
		l.parrot.be("")
		exchange()
		her.Write(t, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{agreement.Ref()}})
		exchange()
		basis := firsthand.Basis{Agreement: her.State.Agreements[0].Entry}
		l.parrot.be(mood)
		fact := fmt.Sprintf("%s%d", canary, i)
		if mood != "panic early" {
			her.Write(t, &firsthand.Disclose{Fact: fact, Value: firsthand.Text(canary), Purpose: "dpv:" + canary, Basis: basis})
			her.Write(t, &firsthand.Message{From: canary, Text: canary})
		}
		her.Write(t, &firsthand.Claim{Record: canary})
		exchange()
		if mood == "panic early" {
			her.Write(t, &firsthand.Disclose{Fact: fact, Value: firsthand.Text(canary), Purpose: "dpv:" + canary, Basis: basis})
		}
		told := her.First[len(her.First)-1].ID
		for _, h := range her.State.Holdings {
			told = h.Entry
		}
		her.Write(t, &firsthand.Change{Fact: fact, Value: firsthand.Text(canary + " again"), Basis: basis, Of: told})
		her.Write(t, &firsthand.Request{Right: "access", Law: "GDPR", Due: firsthand.DateOf(l.now.AddDate(0, 1, 0)), Text: canary})
		exchange()
		her.Write(t, &firsthand.Withdraw{Disclosure: told})
		exchange()
		l.now = l.now.Add(3 * time.Hour)
		l.idle()
		l.now = l.now.AddDate(0, 2, 0)
	}

	// Strangers, who choose paths, methods, headers and bodies.
	for _, target := range []string{"/" + canary, l.sync + "?" + canary, l.sync, wire.DiscoveryPath + "/" + canary} {
		for _, method := range []string{http.MethodGet, http.MethodPost, "CANARY7F3A"} {
			req, err := http.NewRequest(method, l.base+target, strings.NewReader(canary))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Firsthand "+canary)
			req.Header.Set("User-Agent", canary)
			req.Header.Set("Content-Type", wire.ContentType)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
	}
}

// scrape returns the metrics as text.
func (l *lifetime) scrape() string {
	w := httptest.NewRecorder()
	l.metrics.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// Neither logs, at debug level, nor metrics have anything that a customer or a system
// chose. The labels and their values are those that are listed, so that nothing that
// is chosen elsewhere makes another series.
func TestNothingOfHers(t *testing.T) {
	l := newLifetime(t)
	l.live()
	text := l.scrape()
	for what, text := range map[string]string{"the metrics": text, "the log": l.logs.String()} {
		for line := range strings.Lines(text) {
			if strings.Contains(strings.ToLower(line), canary) {
				t.Errorf("%s: %s", what, line)
			}
		}
	}
	for _, want := range []string{"connector panicked", "call refused", "delivery stopped"} {
		if !strings.Contains(l.logs.String(), want) {
			t.Errorf("the life has no %q, so its log proves little", want)
		}
	}
	for line := range strings.Lines(l.logs.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	if err := checkLabels(l.metrics); err != nil {
		t.Error(err)
	}
}

// checkLabels holds the series against the list.
func checkLabels(m *metrics.Metrics) error {
	families, err := m.Gatherer().Gather()
	if err != nil {
		return err
	}
	labels := metrics.Labels()
	var errs []error
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "firsthand_") || f.GetName() == "firsthand_build_info" {
			continue // of the runtime and the process
		}
		for _, one := range f.Metric {
			for _, label := range one.Label {
				if !slices.Contains(labels[label.GetName()], label.GetValue()) {
					errs = append(errs, fmt.Errorf("%s has the label %s=%q", f.GetName(), label.GetName(), label.GetValue()))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// What an operator is told is what is the case.
func TestMetrics(t *testing.T) {
	l := newLifetime(t)
	l.live()
	text := l.scrape()
	for _, want := range []string{
		`firsthand_ready 1`,
		`firsthand_store_counted 1`,
		`firsthand_relationships 5`,
		`firsthand_entries_total{kind="claim",side="first"} 5`,
		`firsthand_entries_total{kind="message",side="first"} 4`,
		`firsthand_entries_total{kind="open",side="second"} 5`,
		`firsthand_entries_total{kind="challenge",side="second"}`,
		`firsthand_calls_total{route="sync",status="2xx"}`,
		`firsthand_calls_total{route="other",status="4xx"}`,
		`firsthand_connector_calls_total{call="deliver",outcome="ok",system="connector"}`,
		`firsthand_connector_calls_total{call="changes",outcome="unavailable",system="connector"}`,
		`firsthand_connector_calls_total{call="deliver",outcome="internal",system="connector"} 1`,
		`firsthand_connector_calls_total{call="find",outcome="internal",system="connector"} 1`,
		`firsthand_outbox{status="stopped",system="connector"}`,
		`firsthand_duties{when="overdue"}`,
		`firsthand_store_commit_seconds_count{outcome="ok"}`,
		`firsthand_build_info{version="v1"} 1`,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	for _, not := range []string{"firsthand_connector_polls_failed{system=\"connector\"} 0\n", `firsthand_duties{when="overdue"} 0`, `firsthand_outbox_oldest_seconds{status="stopped",system="connector"} 0` + "\n"} {
		if strings.Contains(text, not) {
			t.Errorf("the metrics have %s", not)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	l.ready = false
	if !strings.Contains(l.scrape(), "\nfirsthand_ready 0\n") {
		t.Error("a gateway that stops is ready")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
