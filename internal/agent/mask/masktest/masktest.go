// Package masktest is the suite that every provider of masks must pass, and a service
// with SimpleLogin's interface to try one with.
package masktest

import (
	"strings"
	"testing"

	"firsthand/internal/agent/mask"
)

// Test runs the suite on a provider. delivered returns the header of a mail that came
// to a mask, as her mailbox gets it.
func Test(t *testing.T, p mask.Provider, delivered func(to, from string) map[string][]string) {
	t.Run("the same order is one mask", func(t *testing.T) {
		ctx := t.Context()
		one, err := p.Create(ctx, mask.Order{Token: "x7k2q9ab", Company: "acme.example"})
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.Create(ctx, mask.Order{Token: "x7k2q9ab", Company: "acme.example"})
		if err != nil || again != one {
			t.Errorf("again: %+v, %v, want %+v", again, err, one)
		}
		other, err := p.Create(ctx, mask.Order{Token: "zzzzzzzz", Company: "acme.example"})
		if err != nil || other.Value == one.Value {
			t.Errorf("another order: %+v, %v", other, err)
		}
		if local, domain, ok := strings.Cut(one.Value, "@"); !ok || local == "" || !strings.Contains(domain, ".") || one.Value != strings.ToLower(one.Value) {
			t.Errorf("a mask is %q", one.Value)
		}
	})
	t.Run("whatever the company is called", func(t *testing.T) {
		for _, company := range []string{"xn--mller-kva.example", "127.0.0.1:8080", strings.Repeat("a", 63) + ".example", "..."} {
			a, err := p.Create(t.Context(), mask.Order{Token: "x7k2q9ab", Company: company})
			if err != nil {
				t.Fatal(err)
			}
			if local, _, _ := strings.Cut(a.Value, "@"); len(local) > 64 || strings.Trim(local, "abcdefghijklmnopqrstuvwxyz0123456789.+-_") != "" {
				t.Errorf("%s: %q", company, a.Value)
			}
		}
	})
	t.Run("paused, started and retired, each twice", func(t *testing.T) {
		ctx := t.Context()
		a, err := p.Create(ctx, mask.Order{Token: "paused99", Company: "acme.example"})
		if err != nil {
			t.Fatal(err)
		}
		for _, paused := range []bool{true, true, false, false, true} {
			if _, err := p.Pause(ctx, a, paused); err != nil {
				t.Errorf("pause %t: %v", paused, err)
			}
		}
		for range 2 {
			if err := p.Retire(ctx, a); err != nil {
				t.Errorf("retire: %v", err)
			}
		}
	})
	t.Run("mail to a mask is known", func(t *testing.T) {
		a, err := p.Create(t.Context(), mask.Order{Token: "incoming", Company: "acme.example"})
		if err != nil {
			t.Fatal(err)
		}
		h := delivered(strings.ToUpper(a.Value[:1])+a.Value[1:], "News@acme.example")
		to, from, ok := p.Incoming(func(name string) []string { return h[name] })
		if !ok || to != a.Value || from != "news@acme.example" {
			t.Errorf("incoming = %q, %q, %t", to, from, ok)
		}
		for _, h := range []map[string][]string{nil, {"To": {"mia@elsewhere.example"}}, {"To": {"\x00", "a, b, <", ""}, "From": {"<>"}}} {
			if to, from, ok := p.Incoming(func(name string) []string { return h[name] }); ok {
				t.Errorf("mail to no mask: %q, %q", to, from)
			}
		}
	})
}
