package webhook_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/webhook"
	"firsthand/connector/webhook/receiver"
	"firsthand/fault"
)

func randomID() (id firsthand.ID) {
	rand.Read(id[:])
	return id
}

// noon is the time of all tests that need one.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func disclosure() connector.Request {
	return connector.Request{ID: randomID(), Relationship: randomID(), Kind: "disclose", At: noon,
		Fact: "email", Value: firsthand.Text("mia@example.org"), Record: connector.Ref{System: "Flow", ID: "7"}}
}

// hook returns a connector to a server that answers with h.
func hook(t *testing.T, h http.HandlerFunc) *webhook.Hook {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return open(t, webhook.Config{Name: "Flow", URL: s.URL + "/hooks/s3cret", SecretFile: secretFile(t, secret), Now: func() time.Time { return noon }})
}

// An attempt is a request and what answers it.
type attempt struct {
	http.ResponseWriter
	req  *http.Request
	id   string
	body []byte
}

// report answers with text, signed as it should be but for what change does.
func (a *attempt) report(text string, change func(h http.Header)) {
	receiver.Sign(secret, a.Header(), "report_"+a.id, noon, []byte(text))
	if change != nil {
		change(a.Header())
	}
	io.WriteString(a, text)
}

const written = `{"state":"written","record":"7","version":"2","value":"mia@example.org"}`

// TestProof has a system answer a disclosure in all kinds of ways.
func TestProof(t *testing.T) {
	resign := func(id string, at time.Time, text string) func(http.Header) {
		return func(h http.Header) { receiver.Sign(secret, h, id, at, []byte(text)) }
	}
	proved := connector.Result{State: connector.Written, Ref: connector.Ref{System: "Flow", ID: "7", Version: "2"},
		Reported: true, Value: firsthand.Text("mia@example.org")}
	unproved := connector.Result{State: connector.Proposed, Ref: connector.Ref{System: "Flow", ID: "7"}}
	tests := []struct {
		name   string
		answer func(a *attempt)
		want   connector.Result
		kind   fault.Kind // if want is zero
	}{
		{"signed", func(a *attempt) { a.report(written, nil) }, proved, 0},
		{"signed, as 202", func(a *attempt) { a.report(written, func(http.Header) { a.WriteHeader(202) }) }, proved, 0},
		{"signed, among other signatures", func(a *attempt) {
			a.report(written, func(h http.Header) {
				h.Set("Webhook-Signature", "v2,abc v1a,!!! v1, , "+h.Get("Webhook-Signature")+" v1,AAAA")
			})
		}, proved, 0},
		{"almost too old", func(a *attempt) { a.report(written, resign("report_"+a.id, noon.Add(-5*time.Minute), written)) }, proved, 0},
		{"almost too early", func(a *attempt) { a.report(written, resign("report_"+a.id, noon.Add(5*time.Minute), written)) }, proved, 0},
		{"declined", func(a *attempt) { a.report(`{"state":"declined","reason":"no"}`, nil) },
			connector.Result{State: connector.Declined, Ref: unproved.Ref, Reason: "no"}, 0},
		{"proposed", func(a *attempt) { a.report(`{"state":"proposed"}`, nil) }, unproved, 0},
		{"another value", func(a *attempt) { a.report(strings.Replace(written, "mia@", "MIA@", 1), nil) },
			connector.Result{State: connector.Written, Ref: proved.Ref, Reported: true, Value: firsthand.Text("MIA@example.org")}, 0},

		{"unsigned", func(a *attempt) { io.WriteString(a, written) }, unproved, 0},
		{"empty", func(a *attempt) {}, unproved, 0},
		{"a page of a proxy", func(a *attempt) { io.WriteString(a, "<html>Welcome</html>") }, unproved, 0},
		{"without the value", func(a *attempt) { a.report(`{"state":"written","record":"7"}`, nil) }, unproved, 0},
		{"with an empty value", func(a *attempt) { a.report(`{"state":"written","record":"7","value":""}`, nil) }, unproved, 0},
		{"without the record", func(a *attempt) { a.report(`{"state":"written","value":"mia@example.org"}`, nil) }, unproved, 0},

		{"another secret", func(a *attempt) {
			a.report(written, func(h http.Header) {
				receiver.Sign([]byte("another secret of at least 24"), h, "report_"+a.id, noon, []byte(written))
			})
		}, connector.Result{}, fault.Denied},
		{"another body", func(a *attempt) {
			a.report(written, resign("report_"+a.id, noon, strings.Replace(written, "mia", "max", 1)))
		}, connector.Result{}, fault.Denied},
		{"our own words", func(a *attempt) { // the signature is right, for what we said
			for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
				a.Header().Set(name, a.req.Header.Get(name))
			}
			a.Write(a.body)
		}, connector.Result{}, fault.Denied},
		{"about another request", func(a *attempt) { a.report(written, resign("report_"+randomID().String(), noon, written)) }, connector.Result{}, fault.Denied},
		{"about the request, not a report", func(a *attempt) { a.report(written, resign(a.id, noon, written)) }, connector.Result{}, fault.Denied},
		{"too old", func(a *attempt) { a.report(written, resign("report_"+a.id, noon.Add(-301*time.Second), written)) }, connector.Result{}, fault.Denied},
		{"too early", func(a *attempt) { a.report(written, resign("report_"+a.id, noon.Add(301*time.Second), written)) }, connector.Result{}, fault.Denied},
		{"no time", func(a *attempt) { a.report(written, func(h http.Header) { h.Del("Webhook-Timestamp") }) }, connector.Result{}, fault.Denied},
		{"a time in another spelling", func(a *attempt) {
			a.report(written, func(h http.Header) {
				timestamp, m := fmt.Sprintf("+%d", noon.Unix()), hmac.New(sha256.New, secret)
				io.WriteString(m, "report_"+a.id+"."+timestamp+"."+written)
				h.Set("Webhook-Timestamp", timestamp)
				h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(m.Sum(nil)))
			})
		}, connector.Result{}, fault.Denied},
		{"no id", func(a *attempt) { a.report(written, func(h http.Header) { h.Del("Webhook-Id") }) }, connector.Result{}, fault.Denied},
		{"two ids", func(a *attempt) { a.report(written, func(h http.Header) { h.Add("Webhook-Id", "report_x") }) }, connector.Result{}, fault.Denied},
		{"two signatures", func(a *attempt) { a.report(written, func(h http.Header) { h.Add("Webhook-Signature", "v1,AAAA") }) }, connector.Result{}, fault.Denied},
		{"an empty signature", func(a *attempt) { a.report(written, func(h http.Header) { h.Set("Webhook-Signature", "") }) }, connector.Result{}, fault.Denied},
		{"a thousand signatures", func(a *attempt) {
			a.report(written, func(h http.Header) {
				h.Set("Webhook-Signature", strings.Repeat("v1,AAAA ", 1000)+h.Get("Webhook-Signature"))
			})
		}, connector.Result{}, fault.Denied},
		{"a signature without its version", func(a *attempt) {
			a.report(written, func(h http.Header) { h.Set("Webhook-Signature", strings.TrimPrefix(h.Get("Webhook-Signature"), "v1,")) })
		}, connector.Result{}, fault.Denied},
		{"a shorter signature", func(a *attempt) {
			a.report(written, func(h http.Header) { h.Set("Webhook-Signature", h.Get("Webhook-Signature")[:27]) })
		}, connector.Result{}, fault.Denied},

		{"no JSON", func(a *attempt) { a.report("ok", nil) }, connector.Result{}, fault.Invalid},
		{"an unknown state", func(a *attempt) { a.report(`{"state":"done"}`, nil) }, connector.Result{}, fault.Invalid},
		{"no state", func(a *attempt) { a.report(`{}`, nil) }, connector.Result{}, fault.Invalid},
		{"declined without a reason", func(a *attempt) { a.report(`{"state":"declined"}`, nil) }, connector.Result{}, fault.Invalid},
		{"an unknown member", func(a *attempt) { a.report(`{"state":"proposed","code":1}`, nil) }, connector.Result{}, fault.Invalid},
		{"two states", func(a *attempt) { a.report(`{"state":"declined","reason":"x","state":"written"}`, nil) }, connector.Result{}, fault.Invalid},
		{"null", func(a *attempt) { a.report(`{"state":"proposed","reason":null}`, nil) }, connector.Result{}, fault.Invalid},
		{"a long reason", func(a *attempt) { a.report(`{"state":"declined","reason":"`+strings.Repeat("x", 3000)+`"}`, nil) }, connector.Result{}, fault.Invalid},
		{"a long record", func(a *attempt) { a.report(`{"state":"proposed","record":"`+strings.Repeat("x", 300)+`"}`, nil) }, connector.Result{}, fault.Invalid},
		{"a body without end", func(a *attempt) { a.Write(make([]byte, 4<<20+1)) }, connector.Result{}, fault.Invalid},
		{"compressed", func(a *attempt) {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			io.WriteString(z, written)
			z.Close()
			a.report(b.String(), func(h http.Header) { h.Set("Content-Encoding", "gzip") })
		}, connector.Result{}, fault.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := hook(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				tt.answer(&attempt{w, r, r.Header.Get("Webhook-Id"), body})
			})
			got, err := h.Deliver(t.Context(), disclosure())
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("Deliver = %+v, want %+v", got, tt.want)
			}
			if refused := tt.want.State == ""; refused != (err != nil) || refused && fault.KindOf(err) != tt.kind {
				t.Errorf("Deliver: %v, want %v", err, tt.kind)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error repeats the address: %v", err)
			}
		})
	}
}

func TestProposalThatWasWritten(t *testing.T) {
	h := hook(t, func(w http.ResponseWriter, r *http.Request) {
		(&attempt{w, r, r.Header.Get("Webhook-Id"), nil}).report(written, nil)
	})
	r := disclosure()
	r.Proposal = true
	if res, err := h.Deliver(t.Context(), r); fault.KindOf(err) != fault.Denied || fault.HintOf(err) == "" {
		t.Errorf("the system wrote a proposal: %+v, %v; want that an operator is told", res, err)
	}
}

func TestStatus(t *testing.T) {
	tests := []struct {
		status      int
		after       string // Retry-After
		kind        fault.Kind
		wait        time.Duration
		unsupported bool
	}{
		{status: 301, kind: fault.Invalid},
		{status: 302, kind: fault.Invalid},
		{status: 307, kind: fault.Invalid},
		{status: 308, kind: fault.Invalid},
		{status: 400, kind: fault.Invalid},
		{status: 401, kind: fault.Denied},
		{status: 403, kind: fault.Denied},
		{status: 404, kind: fault.Invalid, unsupported: true},
		{status: 405, kind: fault.Invalid},
		{status: 409, kind: fault.Conflict},
		{status: 410, kind: fault.Denied},
		{status: 412, kind: fault.Conflict},
		{status: 413, kind: fault.Invalid},
		{status: 415, kind: fault.Invalid},
		{status: 429, kind: fault.Unavailable},
		{status: 429, after: "120", kind: fault.Unavailable, wait: 2 * time.Minute},
		{status: 429, after: noon.Add(time.Hour).Format(http.TimeFormat), kind: fault.Unavailable, wait: time.Hour},
		{status: 429, after: noon.Add(-time.Hour).Format(http.TimeFormat), kind: fault.Unavailable},
		{status: 429, after: noon.Add(48 * time.Hour).Format(http.TimeFormat), kind: fault.Unavailable, wait: 24 * time.Hour},
		{status: 429, after: "999999999", kind: fault.Unavailable, wait: 24 * time.Hour},
		{status: 429, after: "-5", kind: fault.Unavailable},
		{status: 429, after: "soon", kind: fault.Unavailable},
		{status: 500, kind: fault.Unavailable},
		{status: 501, kind: fault.Invalid, unsupported: true},
		{status: 502, kind: fault.Unavailable},
		{status: 503, after: "1", kind: fault.Unavailable, wait: time.Second},
		{status: 504, kind: fault.Unavailable},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, " ", tt.after), func(t *testing.T) {
			calls := 0
			h := hook(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				if tt.after != "" {
					w.Header().Set("Retry-After", tt.after)
				}
				w.Header().Set("Location", "/elsewhere")
				// A signature on a failure proves nothing.
				receiver.Sign(secret, w.Header(), "report_"+r.Header.Get("Webhook-Id"), noon, []byte(written))
				w.WriteHeader(tt.status)
				io.WriteString(w, written)
			})
			res, err := h.Deliver(t.Context(), disclosure())
			if err == nil || fault.KindOf(err) != tt.kind || connector.WaitOf(err) != tt.wait || errors.Is(err, errors.ErrUnsupported) != tt.unsupported {
				t.Errorf("Deliver = %+v, %v (%v, wait %v), want %v, wait %v", res, err, fault.KindOf(err), connector.WaitOf(err), tt.kind, tt.wait)
			}
			if calls != 1 {
				t.Errorf("%d calls, want 1: nothing is followed or tried again here", calls)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	h := open(t, webhook.Config{URL: s.URL + "/hooks/s3cret", SecretFile: secretFile(t, secret)})
	s.Close()
	_, err := h.Deliver(t.Context(), disclosure())
	if fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("nobody listens: %v, want unavailable, without the address", err)
	}
}

// TestHanging calls a system that takes the call and never answers.
func TestHanging(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	h := hook(t, func(w http.ResponseWriter, r *http.Request) { close(arrived); <-release })
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := h.Deliver(ctx, disclosure()); fault.KindOf(err) != fault.Unavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("the call was cancelled: %v, want unavailable", err)
	}
}

// TestRequest looks at what is sent, twice: what must be the same and what not.
func TestRequest(t *testing.T) {
	var got []*attempt
	h := hook(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, &attempt{w, r, r.Header.Get("Webhook-Id"), body})
		http.Error(w, "later", http.StatusServiceUnavailable)
	})
	r := disclosure()
	r.Old, r.Purpose, r.Proposal = firsthand.Value{Parts: map[string]string{"city": "Gent"}}, "ServiceProvision", true
	r.Text = `<b>"é"` + "\r\n"
	for range 2 {
		h.Deliver(t.Context(), r)
	}
	if len(got) != 2 || !bytes.Equal(got[0].body, got[1].body) || got[0].id != got[1].id || got[0].id != r.ID.String() {
		t.Fatalf("two attempts differ, or are not called %s", r.ID)
	}
	a := got[0]
	if id, err := receiver.Verify(secret, a.req.Header, a.body, noon); err != nil || id != r.ID.String() {
		t.Errorf("the signature isn't one: %q, %v", id, err)
	}
	if a.req.Method != "POST" || a.req.URL.Path != "/hooks/s3cret" || a.req.Header.Get("Content-Type") != "application/cloudevents+json" {
		t.Errorf("%s %s, %s", a.req.Method, a.req.URL, a.req.Header.Get("Content-Type"))
	}
	want := fmt.Sprintf(`{"specversion":"1.0","id":"%s","source":"firsthand-gateway","type":"firsthand.disclose","time":"2026-11-21T12:00:00Z",`+
		`"subject":"%s","datacontenttype":"application/json","data":{"record":"7","proposal":true,"fact":"email","value":"mia@example.org",`+
		`"old":{"city":"Gent"},"purpose":"ServiceProvision","text":"<b>\"é\"\r\n"}}`, r.ID, r.Relationship)
	if string(a.body) != want {
		t.Errorf("body:\n%s\nwant:\n%s", a.body, want)
	}
}

// TestKeys lets both sides sign with keys of their own.
func TestKeys(t *testing.T) {
	ours, theirs := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	b64 := base64.StdEncoding.EncodeToString
	public := func(k ed25519.PrivateKey) []byte { return k.Public().(ed25519.PublicKey) }
	sign := func(h http.Header, id, version string, sig func([]byte) []byte) {
		timestamp := fmt.Sprint(noon.Unix())
		h.Set("Webhook-Id", id)
		h.Set("Webhook-Timestamp", timestamp)
		h.Set("Webhook-Signature", version+","+b64(sig([]byte(id+"."+timestamp+"."+written))))
	}
	tests := []struct {
		name string
		sign func(h http.Header, id string)
		ok   bool
	}{
		{"theirs", func(h http.Header, id string) {
			sign(h, id, "v1a", func(text []byte) []byte { return ed25519.Sign(theirs, text) })
		}, true},
		{"ours", func(h http.Header, id string) {
			sign(h, id, "v1a", func(text []byte) []byte { return ed25519.Sign(ours, text) })
		}, false},
		{"theirs, under the mark of a secret", func(h http.Header, id string) {
			sign(h, id, "v1", func(text []byte) []byte { return ed25519.Sign(theirs, text) })
		}, false},
		{"their public key taken for a secret", func(h http.Header, id string) {
			receiver.Sign(public(theirs), h, id, noon, []byte(written))
		}, false},
	}
	for _, seed := range []string{b64(ours.Seed()), b64(ours)} {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					id, timestamp := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
					encoded, ok := strings.CutPrefix(r.Header.Get("Webhook-Signature"), "v1a,")
					sig, _ := base64.StdEncoding.DecodeString(encoded)
					if !ok || !ed25519.Verify(public(ours), []byte(id+"."+timestamp+"."+string(body)), sig) {
						t.Errorf("the request isn't signed with our key: %q", r.Header)
					}
					tt.sign(w.Header(), "report_"+id)
					io.WriteString(w, written)
				}))
				defer s.Close()
				h := open(t, webhook.Config{URL: s.URL, KeyFile: keyFile(t, "whsk_"+seed), PeerKeys: []string{"whpk_" + b64(public(theirs))}, Now: func() time.Time { return noon }})
				res, err := h.Deliver(t.Context(), disclosure())
				if (err == nil) != tt.ok || tt.ok && res.State != connector.Written {
					t.Errorf("Deliver = %+v, %v, want success: %t", res, err, tt.ok)
				}
			})
		}
	}
}

// TestRotation has two secrets: a system that has either one understands.
func TestRotation(t *testing.T) {
	other := []byte("fedcba9876543210fedcba9876543210")
	for _, theirs := range [][]byte{secret, other} {
		rc := &receiver.Receiver{Secret: theirs, CRM: receiver.NewCRM("email"), Now: time.Now}
		s := httptest.NewServer(rc)
		defer s.Close()
		h := open(t, webhook.Config{URL: s.URL, SecretFile: secretFile(t, secret, other)})
		r := disclosure()
		r.Record = connector.Ref{}
		if res, err := h.Deliver(t.Context(), r); err != nil || res.State != connector.Written {
			t.Errorf("Deliver = %+v, %v, want it written", res, err)
		}
	}
}

// TestAsk has a system answer what it is asked besides.
func TestAsk(t *testing.T) {
	const change = `{"cursor":"1","id":"c1","at":"2026-11-21T12:00:00Z","fact":"email","value":"x"}`
	tests := []struct {
		name    string
		status  int
		signed  bool
		text    string
		read    error // that Read wraps
		changes error
		redact  error
	}{
		{"not found", 404, false, "", errors.ErrUnsupported, nil, errors.ErrUnsupported},
		{"not implemented", 501, false, "", errors.ErrUnsupported, nil, errors.ErrUnsupported},
		{"unavailable", 503, true, "", fault.Unavailable, fault.Unavailable, fault.Unavailable},
		{"unsigned reading", 200, false, `{"record":"7"}`, fault.Denied, fault.Denied, fault.Denied},
		{"unsigned page", 200, false, `{"changes":[]}`, fault.Denied, fault.Denied, fault.Denied},
		{"reading", 200, true, `{"record":"7","facts":[{"fact":"email","value":"x"}]}`, nil, fault.Invalid, fault.Invalid},
		{"another record", 200, true, `{"record":"8"}`, fault.Invalid, fault.Invalid, fault.Invalid},
		{"gone", 200, true, `{"gone":true}`, fault.NotExist, fault.Invalid, fault.Invalid},
		{"gone and there", 200, true, `{"record":"7","gone":true}`, fault.Invalid, fault.Invalid, fault.Invalid},
		{"a fact twice", 200, true, `{"record":"7","facts":[{"fact":"email","value":"x"},{"fact":"email","value":"y"}]}`, fault.Invalid, fault.Invalid, fault.Invalid},
		{"no changes", 200, true, `{"changes":[]}`, fault.Invalid, nil, fault.Invalid},
		{"a change", 200, true, `{"changes":[` + change + `]}`, fault.Invalid, nil, fault.Invalid},
		{"changes for ever", 200, true, `{"changes":[` + change + `]}`, fault.Invalid, fault.Invalid, fault.Invalid},
		{"a change without cursor", 200, true, `{"changes":[` + strings.Replace(change, `"cursor":"1",`, "", 1) + `]}`, fault.Invalid, fault.Invalid, fault.Invalid},
		{"a change without time", 200, true, `{"changes":[` + strings.Replace(change, `"at":"2026-11-21T12:00:00Z",`, "", 1) + `]}`, fault.Invalid, fault.Invalid, fault.Invalid},
		{"a decision about nothing", 200, true, `{"changes":[` + strings.Replace(change, `"fact"`, `"state":"written","fact"`, 1) + `]}`, fault.Invalid, fault.Invalid, fault.Invalid},
		{"a decision", 200, true, `{"changes":[` + strings.Replace(change, `"fact"`, `"state":"written","of":"`+firsthand.ID{1}.String()+`","fact"`, 1) + `]}`, fault.Invalid, nil, fault.Invalid},
		{"a refusal without a reason", 200, true, `{"changes":[` + strings.Replace(change, `"fact"`, `"state":"declined","of":"`+firsthand.ID{1}.String()+`","fact"`, 1) + `]}`, fault.Invalid, fault.Invalid, fault.Invalid},
		{"done", 200, true, `{"state":"written"}`, fault.Invalid, fault.Invalid, nil},
		{"not done", 200, true, `{"state":"declined","reason":"kept by law"}`, fault.Invalid, fault.Invalid, fault.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ids := map[string]bool{}
			h := hook(t, func(w http.ResponseWriter, r *http.Request) {
				id := r.Header.Get("Webhook-Id")
				if ids[id] || strings.Contains(id, ".") {
					t.Errorf("id %q was used before, or has a full stop", id)
				}
				ids[id] = true
				text := tt.text
				if body, _ := io.ReadAll(r.Body); bytes.Contains(body, []byte(`"cursor":"1"`)) && tt.name != "changes for ever" {
					text = `{"changes":[]}`
				}
				if tt.signed {
					receiver.Sign(secret, w.Header(), "report_"+id, noon, []byte(text))
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, text)
			})
			ref := connector.Ref{ID: "7"}
			rec, err := h.Read(t.Context(), ref)
			if (err == nil) != (tt.read == nil) || !errors.Is(err, tt.read) {
				t.Errorf("Read = %+v, %v, want %v", rec, err, tt.read)
			}
			var failed error
			for c, err := range h.Changes(t.Context(), "") {
				if failed != nil {
					t.Errorf("goes on after an error: %+v, %v", c, err)
				}
				failed = err
			}
			if (failed == nil) != (tt.changes == nil) || !errors.Is(failed, tt.changes) {
				t.Errorf("Changes: %v, want %v", failed, tt.changes)
			}
			if err := h.Redact(t.Context(), ref, "email"); (err == nil) != (tt.redact == nil) || !errors.Is(err, tt.redact) {
				t.Errorf("Redact: %v, want %v", err, tt.redact)
			}
		})
	}
}

// TestPages reads more changes than there are on one page.
func TestPages(t *testing.T) {
	s := newStand(t, plant{})
	h := open(t, webhook.Config{URL: s.URL, SecretFile: secretFile(t, secret)})
	s.crm.Add("7", nil)
	for i := range 250 {
		s.crm.Edit("7", "email", json.RawMessage(fmt.Sprintf(`"%d"`, i)), noon)
	}
	n := 0
	for c, err := range h.Changes(t.Context(), "") {
		if must(t, err); c.Value.Text != fmt.Sprint(n) {
			t.Fatalf("change %d is %q", n, c.Value)
		}
		n++
	}
	if n != 250 {
		t.Errorf("%d changes, want 250", n)
	}
}
