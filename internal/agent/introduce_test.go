package agent_test

import (
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/gateway/gatewaytest"
)

// Being introduced says nothing to the company; meeting meets whom she was shown.
func TestIntroduce(t *testing.T) {
	s := newSides(t)
	i, err := s.Introduce(t.Context(), "acme.example")
	s.must(err)
	if i.Company.Name != "Acme" || !i.Met.ID.IsZero() {
		t.Errorf("introduced: %+v", i)
	}
	if all, err := s.Relationships(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("being introduced opened %v, %v", all, err)
	}
	_, err = s.Meet(t.Context(), "acme.example", agent.MeetOptions{Key: gatewaytest.KeyOf("another").Public()})
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("with another key: %v", err)
	}
	if all, err := s.Relationships(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("another key opened %v, %v", all, err)
	}
	rel := s.meet(agent.MeetOptions{Key: i.Company.Key()})
	if i, err = s.Introduce(t.Context(), "acme.example"); err != nil || i.Met.ID != rel {
		t.Errorf("after meeting: %+v, %v", i, err)
	}
}

func TestDomainOf(t *testing.T) {
	for address, want := range map[string]string{
		"acme.example":                                           "acme.example",
		" ACME.example. ":                                        "acme.example",
		"firsthand:acme.example":                                 "acme.example",
		"web+firsthand:acme.example":                             "acme.example",
		"WEB+Firsthand://acme.example":                           "acme.example",
		"web+firsthand:acme.example/":                            "acme.example",
		"https://gw.acme.example/meet?company=acme.example":      "acme.example",
		"https://gw.acme.example/desk/meet?x=1&company=b.c.test": "b.c.test",
		"http://127.0.0.1:8440/meet?company=acme.example":        "acme.example",
		"https://www.acme.example/shop?company=other.example":    "acme.example",
		"https://acme.example@evil.example/":                     "evil.example",
		"localhost:8443":                                         "localhost:8443",
		"https://gw.acme.example/meet?company=https://x.test":    "",
		"":                        "",
		"acme":                    "",
		"firsthand:":              "",
		"javascript:alert(1)":     "",
		"data:text/html,x":        "",
		"acme.example evil":       "",
		"acm\u0435.example":       "", // a Cyrillic letter
		"acme\u202e.example":      "",
		"acme.example\r\nHost: x": "",
		"http://[::1/":            "",
		strings.Repeat("a", 300):  "",
	} {
		got, err := agent.DomainOf(address)
		if got != want || (want == "") != (err != nil) || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %q, %v; want %q", address, got, err, want)
		}
		if err != nil && address != "" && strings.Contains(err.Error(), address) {
			t.Errorf("%q: the error repeats it: %v", address, err)
		}
	}
}

func FuzzDomainOf(f *testing.F) {
	for _, s := range []string{"acme.example", "web+firsthand:acme.example", "https://a.b/meet?company=c.d", "//", "firsthand:\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		domain, err := agent.DomainOf(s)
		if err == nil {
			if again, err := agent.DomainOf(domain); err != nil || again != domain && !strings.HasPrefix(domain, "www.") {
				t.Errorf("%q: %q, and of that %q, %v", s, domain, again, err)
			}
		}
	})
}
