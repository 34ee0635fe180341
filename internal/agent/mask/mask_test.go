package mask_test

import (
	"net/http"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/internal/agent/mask"
	"firsthand/internal/agent/mask/masktest"
)

func provider(t *testing.T, c mask.Config) mask.Provider {
	t.Helper()
	p, err := mask.New(c, fetch.New(fetch.Options{AllowLoopback: true}))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func plain(to, from string) map[string][]string {
	return map[string][]string{"To": {"Somebody <x@y.example>, Mia <" + to + ">"}, "From": {`"Acme, Inc." <` + from + `>`}}
}

func TestProviders(t *testing.T) {
	t.Parallel()
	t.Run("subaddress", func(t *testing.T) {
		masktest.Test(t, provider(t, mask.Config{Kind: mask.Subaddress, Base: "mia@post.example"}), plain)
	})
	t.Run("domain", func(t *testing.T) {
		masktest.Test(t, provider(t, mask.Config{Kind: mask.Domain, Base: "mia.example"}), func(to, from string) map[string][]string {
			return map[string][]string{"Delivered-To": {to}, "To": {"undisclosed-recipients:;"}, "From": {from}}
		})
	})
	t.Run("simplelogin", func(t *testing.T) {
		s := masktest.NewService(t)
		masktest.Test(t, provider(t, mask.Config{Kind: mask.SimpleLogin, URL: s.URL + "/", Key: s.Key}), func(to, from string) map[string][]string {
			return map[string][]string{"To": {"mia@post.example"}, "From": {"reverse@sl.example"}, "X-SimpleLogin-Envelope-To": {to}, "X-SimpleLogin-Envelope-From": {from}}
		})
	})
}

// An answer that was lost makes no second mask; what the service says of pausing is
// what counts.
func TestServiceFails(t *testing.T) {
	t.Parallel()
	s := masktest.NewService(t)
	p := provider(t, mask.Config{Kind: mask.SimpleLogin, URL: s.URL, Key: s.Key})
	order := mask.Order{Token: "x7k2q9ab", Company: "acme.example"}
	lost := true
	s.Fail = func(w http.ResponseWriter, r *http.Request, after bool) bool {
		if lost && after && strings.HasSuffix(r.URL.Path, "/new") {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	}
	if _, err := p.Create(t.Context(), order); fault.KindOf(err) != fault.Unavailable || fault.HintOf(err) == "" {
		t.Errorf("a lost answer = %v", err)
	}
	lost = false
	a, err := p.Create(t.Context(), order)
	if err != nil || len(s.Enabled()) != 1 || !strings.EqualFold(s.Enabled()[0], a.Value) {
		t.Errorf("after a lost answer: %+v, %v, there are %v", a, err, s.Enabled())
	}
	if held, err := p.Pause(t.Context(), a, true); !held || err != nil || len(s.Enabled()) != 0 {
		t.Errorf("pause = %t, %v, there are %v", held, err, s.Enabled())
	}

	for status, want := range map[int]fault.Kind{401: fault.Denied, 400: fault.Denied, 403: fault.Denied, 404: fault.NotExist, 429: fault.Unavailable, 500: fault.Unavailable} {
		s.Fail = func(w http.ResponseWriter, _ *http.Request, _ bool) bool {
			w.WriteHeader(status)
			w.Write([]byte(`{"error":"<b>their words</b>"}`))
			return true
		}
		_, err := p.Create(t.Context(), order)
		if fault.KindOf(err) != want || fault.HintOf(err) == "" || strings.Contains(err.Error(), "their words") || strings.Contains(err.Error(), s.Key) {
			t.Errorf("status %d = %v", status, err)
		}
	}
	s.Fail = func(w http.ResponseWriter, _ *http.Request, _ bool) bool {
		w.Write([]byte("<html>"))
		return true
	}
	if _, err := p.Create(t.Context(), order); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("not what it should be = %v", err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []mask.Config{
		{Kind: "magic"}, {Kind: mask.Subaddress}, {Kind: mask.Subaddress, Base: "mia+x@post.example"}, {Kind: mask.Subaddress, Base: "Mia <mia@post.example>"},
		{Kind: mask.Subaddress, Base: "mia@localhost"}, {Kind: mask.Domain, Base: "mia"}, {Kind: mask.Domain, Base: "@mia.example"}, {Kind: mask.Domain, Base: "mia..example"},
		{Kind: mask.SimpleLogin, URL: "app.simplelogin.io", Key: "k"}, {Kind: mask.SimpleLogin, URL: "https://u:p@sl.example", Key: "k"},
		{Kind: mask.SimpleLogin, URL: "https://sl.example", Key: "a b"}, {Kind: mask.SimpleLogin, URL: "https://sl.example/?x=1", Key: "k"}, {Kind: mask.SimpleLogin, URL: "https://sl.example"},
	} {
		if _, err := mask.New(c, nil); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
			t.Errorf("%+v = %v", c, err)
		}
	}
	if _, err := mask.New(mask.Config{}, nil); fault.KindOf(err) != fault.NotExist {
		t.Errorf("no provider = %v", err)
	}
}
