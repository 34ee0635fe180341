package directory_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"firsthand/internal/agent/directory"
	"firsthand/internal/needtest"
)

// The real sets, in one of their versions. They are no part of the project.
var realSets = []struct {
	file, name, version string
	records             int
	skipped             []string
}{
	{"directory/datenanfragen-data.tar.gz", directory.Datenanfragen, "0a29c3d6feee53b02e73204a3dbd312eafe56629", 3070, []string{
		`asos-shop: web: no web address: "httsp://www.asos.com"`,
		`kirchengemeinde-st-marien-harlingerode-in-bad-harzburg: web: no host on the internet: "http://www.st.-marien-harlingerode.de/"`,
	}},
	{"directory/justdeleteme-sites.json.gz", directory.JustDeleteMe, "", 2591, []string{
		`France Identité: url: no web address: "https.//idp.france-identite.gouv.fr/usager"`,
		`Holland and Barrett: url: no web address: "hollandandbarrett.com/my-account/security-settings"`,
		`Matrix: domains: no host on the internet: "dewrito,net"`,
		`SoftCreatR Media: url_zh-CN: no web address: "ا如果您未提前取消操作，您的使用者帳戶將在 7 天后刪除。創建的內容（如論壇帖子）不會被刪除，但您的使用者名是匿名的，並"`,
	}},
	{"directory/apple-change-password-urls.json", directory.ApplePasswords, "", 651, nil},
	{"directory/apple-shared-credentials.json", directory.AppleSharedAccounts, "", 102, nil},
}

// An index stands for the store.
type index map[string][]directory.Record

func (x index) join(host string) directory.Company {
	var found []directory.Record
	for _, h := range directory.Hosts(host) {
		found = append(found, x[h]...)
	}
	return directory.Join(host, found)
}

// load reads all of the real sets.
func load(t testing.TB) (all []directory.Record, byHost index) {
	t.Helper()
	byHost = index{}
	for _, want := range realSets {
		f, err := directory.Open(t.Context(), nil, needtest.Data(t, want.file))
		if err != nil {
			t.Fatal(err)
		}
		set, records, err := directory.Read(f, f.Date)
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range records {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
			for _, h := range r.Hosts {
				byHost[h] = append(byHost[h], r)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if set.Name != want.name || set.Version != want.version || set.Records != want.records || !slices.Equal(set.Skipped, want.skipped) || set.More != 0 {
			t.Errorf("%s: %+v", want.file, set)
		}
	}
	return all, byHost
}

// What stands here was looked up in the files by hand.
func TestRealData(t *testing.T) {
	all, byHost := load(t)
	for _, r := range all {
		checkRecord(t, r)
	}
	counts := map[string]int{}
	deletionHosts := map[string]bool{}
	byKey := map[string]*directory.Legal{}
	for _, r := range all {
		if l := r.Legal; l != nil {
			byKey[r.Key] = l
			counts["quality "+l.Quality]++
			counts["way "+l.Way()]++
			for name, has := range map[string]bool{"email": l.Email != "", "webform": l.Webform != "", "web": l.Web != "", "phone": l.Phone != "", "fax": l.Fax != "",
				"runs": len(l.Runs) > 0, "required": len(l.Required) > 0, "ID": l.NeedsID, "facet": l.Facet != "", "adult": l.Adult, "comments": len(l.Comments) > 0, "language": l.Language != ""} {
				if has {
					counts[name]++
				}
			}
		}
		if d := r.Deletion; d != nil {
			counts["difficulty "+d.Difficulty]++
			for _, h := range r.Hosts {
				deletionHosts[h] = true
			}
			if d.NotesIn["de"] != "" {
				counts["notes de"]++
			}
		}
		if s := r.Shares; s != nil {
			counts[fmt.Sprintf("shares %t %t", len(s.Hosts) > 0, s.Obsolete)]++
		}
	}
	for name, want := range map[string]int{
		"quality verified": 2665, "quality scraped": 310, "quality tested": 95, "email": 2961, "webform": 213, "web": 2786 - 2, "phone": 2212, "fax": 1307,
		"runs": 951, "required": 434, "ID": 33, "facet": 389, "adult": 14, "comments": 121, "language": 790,
		"difficulty easy": 1315, "difficulty hard": 839, "difficulty medium": 264, "difficulty impossible": 159, "difficulty limited": 14, "notes de": 110,
		"shares true false": 52, "shares false true": 31, "shares false false": 19,
	} {
		if counts[name] != want {
			t.Errorf("%s: %d, want %d", name, counts[name], want)
		}
	}
	if byKey["mdm-de"] == nil { // in a file without suffix
		t.Error("mdm-de is missing")
	}
	if got := byKey["vrbank-muenchen-land"].Email; got != "datenschutz@vrbml.de" { // has soft hyphens
		t.Errorf("address is %q", got)
	}

	tests := []struct{ host, country, domain, name, legal, email, account, deletion string }{
		{"netflix.com", "de", "netflix.com", "Netflix", "Netflix International B.V.", "privacy@netflix.com", "https://www.netflix.com/password", "https://www.netflix.com/account/security"},
		{"help.netflix.com", "fr", "netflix.com", "Netflix", "Netflix International B.V.", "privacy@netflix.com", "https://www.netflix.com/password", "https://www.netflix.com/account/security"},
		{"open.spotify.com", "", "spotify.com", "Spotify", "Spotify AB", "privacy@spotify.com", "https://www.spotify.com/in-en/account/change-password/", "https://support.spotify.com/close-account"},
		{"www.amazon.de", "de", "amazon.de", "Amazon / Audible", "Amazon Europe Core SARL", "eu-privacy@amazon.de", "https://www.amazon.de/ax/account/manage", "https://www.amazon.com/privacy/data-deletion"},
		{"amazon.at", "at", "amazon.at", "Amazon Europe Core SARL", "Amazon Europe Core SARL", "eu-privacy@amazon.de", "", ""},
		{"dropbox.com", "", "dropbox.com", "Dropbox", "Dropbox International Unlimited Company", "privacy@dropbox.com", "https://www.dropbox.com/account/security", "https://www.dropbox.com/account/delete"},
		{"paypal.com", "de", "paypal.com", "PayPal", "PayPal (Europe) S.à r.l. et Cie, S.C.A.", "impressum@paypal.com", "https://www.paypal.com/myaccount/security/password/change", "https://www.paypal.com/myaccount/privacy/data/deletion"},
		{"paypal.com", "us", "paypal.com", "PayPal", "", "", "https://www.paypal.com/myaccount/security/password/change", "https://www.paypal.com/myaccount/privacy/data/deletion"},
		{"www.xn--gnstiger-reisen-zvb.de", "de", "xn--gnstiger-reisen-zvb.de", "", "", "", "", ""},
		{"asos.com", "", "asos.com", "Asos", "", "", "", ""},
		{"no-such-company.example", "", "no-such-company.example", "no-such-company.example", "", "", "", ""},
	}
	for _, tt := range tests {
		c := byHost.join(tt.host)
		if c.Domain != tt.domain || tt.name != "" && c.Name != tt.name {
			t.Errorf("%s is %q, %q", tt.host, c.Domain, c.Name)
		}
		l, ok := c.LegalIn(tt.country)
		if tt.legal != "" && (!ok || l.Value.Name != tt.legal || l.Value.Email != tt.email || l.Date != "2026-07-21" || l.Quality == "") {
			t.Errorf("%s in %s: %+v %t", tt.host, tt.country, l, ok)
		}
		if tt.account != "" && (len(c.Account) != 1 || c.Account[0].Value != tt.account) {
			t.Errorf("%s: account is %v", tt.host, c.Account)
		}
		if tt.deletion != "" && (len(c.Deletion) != 1 || c.Deletion[0].Value.Link != tt.deletion) {
			t.Errorf("%s: deletion is %+v", tt.host, c.Deletion)
		}
	}

	// Eight schools share this host, and have nothing else in common.
	if c := byHost.join("wordpress.nibis.de"); len(c.Legal) != 8 || c.Name != "nibis.de" {
		t.Errorf("nibis.de has %d entities, named %q", len(c.Legal), c.Name)
	} else if _, ok := c.LegalIn("de"); ok {
		t.Error("one of eight schools was chosen")
	}
	// Its own record goes before that of the publisher who runs it.
	if l, ok := byHost.join("computerbild.de").LegalIn("de"); !ok || l.Key != "computerbild" {
		t.Errorf("computerbild.de is %+v", l)
	}
}

func TestRealSiblings(t *testing.T) {
	all, byHost := load(t)
	s := directory.NewSiblings(slices.Values(all))
	for g := range s.All() {
		checkGroup(t, s, g)
	}
	for _, tt := range []struct{ hosts, domain string }{
		{"www.amazon.at amazon.de amazon.pl", "amazon.de"},
		{"twitter.com mobile.twitter.com x.com", "x.com"},
		{"themeforest.net envato.com", "envato.com"},
		{"vinted.cz vinted.co.uk vinted.de", "vinted.fr"}, // same name and address
		{"datarequests.org datenanfragen.de", "datarequests.org"},
		{"profile.callofduty.com s.activision.com activision.com", "activision.com"}, // no group has the domain itself
		{"behance.net", "behance.net"},                                               // an account works at adobe.com; that doesn't make them one
		{"computerbild.de", "computerbild.de"},
		{"wordpress.nibis.de", "nibis.de"},
	} {
		for h := range strings.FieldsSeq(tt.hosts) {
			if got := s.Domain(h); got != tt.domain {
				t.Errorf("Domain(%q) = %q, want %q", h, got, tt.domain)
			}
		}
	}
	// Nobody is merged with a host of whom several entities are known.
	for h, records := range byHost {
		names := map[string]bool{}
		shared := false
		for _, r := range records {
			if r.Legal != nil {
				names[strings.ToLower(r.Legal.Name)] = true
			}
			shared = shared || r.Shares != nil
		}
		if len(names) > 1 && !shared && slices.Contains(s.Of(h), h) {
			t.Errorf("%s is of %d entities, and one with %q", h, len(names), s.Of(h))
		}
	}
}

// BenchmarkDirectory reads all of the real sets and joins what they say of 10,000
// hosts: those that they know, and as many as are missing that they don't.
func BenchmarkDirectory(b *testing.B) {
	var before, after runtime.MemStats
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		all, byHost := load(b)
		s := directory.NewSiblings(slices.Values(all))
		hosts := make([]string, 0, 10_000)
		for h := range byHost {
			if len(hosts) < cap(hosts) {
				hosts = append(hosts, "www."+h)
			}
		}
		for len(hosts) < cap(hosts) {
			hosts = append(hosts, fmt.Sprintf("https://www.unknown-%d.example/login", len(hosts)))
		}
		known := 0
		for _, h := range hosts {
			c := byHost.join(directory.ParseSite(h).Host)
			if s.Domain(c.Domain); !c.IsZero() {
				known++
			}
		}
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
		b.ReportMetric(float64(known), "known")
		runtime.KeepAlive(byHost)
		b.StartTimer()
	}
}

// BenchmarkLookup joins what is known of one host.
func BenchmarkLookup(b *testing.B) {
	_, byHost := load(b)
	for b.Loop() {
		byHost.join(directory.ParseSite("https://help.netflix.com/login").Host)
	}
}
