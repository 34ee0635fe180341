package directory_test

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"firsthand"
	"firsthand/internal/agent/directory"
)

func web(host string) directory.Site   { return directory.Site{Kind: directory.Web, Host: host} }
func local(host string) directory.Site { return directory.Site{Kind: directory.Local, Host: host} }
func address(ip string) directory.Site { return directory.Site{Kind: directory.Address, Host: ip} }
func app(name string) directory.Site   { return directory.Site{Kind: directory.App, Text: name} }
func odd(scheme string) directory.Site { return directory.Site{Kind: directory.Odd, Text: scheme} }

var sites = []struct {
	s    string
	want directory.Site
}{
	// The web.
	{"https://www.Shop.example:443/x", web("www.shop.example")},
	{"shop.example", web("shop.example")},
	{"  SHOP.example. ", web("shop.example")},
	{"shop.example:8443/login?x=1", web("shop.example")},
	{"shop.example/a:b@c", web("shop.example")},
	{"//shop.example/x", web("shop.example")},
	{"https:shop.example", web("shop.example")},
	{"HTTPS:///shop.example", web("shop.example")},
	{"https://shop.example?next=https://b.example", web("shop.example")},
	{"https://shop.example#@b.example", web("shop.example")},
	{"https://shop.example:/", web("shop.example")},
	{"http://my_shop.shop.example", web("my_shop.shop.example")},
	{"http://-x-.github.io", odd("http")}, // github.io is a suffix, so -x- would be a company's domain
	{"http://-x-.a.shop.example", web("-x-.a.shop.example")},
	{"ftp://files.shop.example/x", web("files.shop.example")},
	{"shop.example:", web("shop.example")},
	{"shop.example:/x", web("shop.example")},
	{"https://1.2.3.example", web("1.2.3.example")},
	{"https://abcdefghijklmnop.onion", web("abcdefghijklmnop.onion")},
	{"https://shop.example/" + strings.Repeat("x", 1<<20), web("shop.example")},

	// Users, passwords and tricks with them.
	{"https://mia:secret@shop.example/", web("shop.example")},
	{"https://shop.example@evil.example/", web("evil.example")},
	{"https://a@b@evil.example/", web("evil.example")},
	{`https://evil.example\@shop.example/`, web("evil.example")},
	{`https:\\evil.example\x`, web("evil.example")},
	{"https://shop.example/@evil.example", web("shop.example")},
	{"mia@shop.example", web("shop.example")},
	{"mia:secret@shop.example", odd("")},
	{"mia:1234@shop.example", odd("")},

	// IDN.
	{"https://www.günstiger-reisen.de", web("www.xn--gnstiger-reisen-zvb.de")},
	{"https://STRASSE.de", web("strasse.de")},
	{"https://straße.de", web("xn--strae-oqa.de")},
	{"https://例え。テスト", web("xn--r8jz45g.xn--zckzah")},
	{"https://ｓｈｏｐ．example", web("shop.example")},
	{"https://XN--BCHER-KVA.example", web("xn--bcher-kva.example")},
	{"https://gооgle.com", web("xn--ggle-55da.com")}, // Cyrillic o: another host, and it shows
	{"https://a\u202eb.example", odd("https")},
	{"https://\u200d.example", odd("https")},
	{"https://shop.example\xff", odd("https")},

	// Apps.
	{"android://vSzQ1Yy4-_a==@com.shop.app/", app("com.shop.app")},
	{"android://com.shop.app", app("com.shop.app")},
	{"androidapp://com.shop.app", app("com.shop.app")},
	{"iosapp://com.Shop.App", app("com.Shop.App")},
	{"ios-app://544007664/vnd.youtube/x", app("544007664")},
	{"android://hash@", odd("android")},
	{"android://x@com.shop.app<script>", odd("android")},
	{"android://x@" + strings.Repeat("a", 300), odd("android")},

	// Addresses.
	{"10.0.0.1", address("10.0.0.1")},
	{"http://192.168.1.1:8080/cgi", address("192.168.1.1")},
	{"https://8.8.8.8./", address("8.8.8.8")},
	{"http://[2001:DB8::1]:443/", address("2001:db8::1")},
	{"[fe80::1%25eth0]", address("fe80::1")},
	{"http://[::ffff:10.0.0.1]/", address("10.0.0.1")},
	{"http://0x7f.1/", odd("http")},
	{"http://2130706433/", odd("http")},
	{"http://127.1/", odd("http")},
	{"http://010.0.0.1/", odd("http")},
	{"http://1.2.3.4.5/", odd("http")},
	{"http://[::1", odd("http")},
	{"http://[10.0.0.1]/", odd("http")},
	{"http://[::1]x/", odd("http")},

	// This machine and this house.
	{"localhost:3000", local("localhost:3000")},
	{"http://LocalHost:80/x", local("localhost")},
	{"http://a.localhost:1/", local("a.localhost:1")},
	{"http://127.0.0.1:8080", local("127.0.0.1:8080")},
	{"http://[::1]:8080/x", local("[::1]:8080")},
	{"http://[::1]/x", local("::1")},
	{"http://[::ffff:127.0.0.1]:1/", local("127.0.0.1:1")},
	{"http://router/", local("router")},
	{"nas:5000", local("nas")},
	{"https://nas.lan:5001", local("nas.lan")},
	{"printer.local", local("printer.local")},
	{"http://a.b.home.arpa", local("a.b.home.arpa")},

	// Nothing.
	{"", directory.Site{}},
	{" \t\n", directory.Site{}},
	{"http://sn", directory.Site{}}, // LastPass, for a note
	{"http://", directory.Site{}},
	{"https://", directory.Site{}},

	// Anything else.
	{"javascript:alert(1)", odd("javascript")},
	{"JavaScript://shop.example/%0aalert(1)", odd("javascript")},
	{"data:text/html;base64,PHA+", odd("data")},
	{"file:///etc/passwd", odd("file")},
	{"chrome-extension://abcdefgh/index.html", odd("chrome-extension")},
	{"moz-extension://x", odd("moz-extension")},
	{"about:blank", odd("about")},
	{"mailto:mia@shop.example", odd("mailto")},
	{"tel:112", odd("tel")},
	{"httsp://shop.example", odd("httsp")},
	{"https.//shop.example", odd("")},
	{"otpauth://totp/x?secret=JBSWY3DP", odd("otpauth")},
	{`C:\passwords.kdbx`, odd("")},
	{"Netflix", odd("")},
	{"My bank", odd("")},
	{"shop,example", odd("")},
	{"a.example,b.example", odd("")},
	{"a..b.example", odd("")},
	{".shop.example", odd("")},
	{"shop.example..", odd("")},
	{"https://shop.example:99999", odd("https")},
	{"https://shop.example:-1", odd("https")},
	{"https://sh%6fp.example", odd("https")},
	{"https://shop.exa\tmple", odd("https")},
	{"https://shop.example\x00.evil.example", odd("https")},
	{"<script>alert(1)</script>", odd("")},
	{"=HYPERLINK(1)", odd("")},
	{"https://" + strings.Repeat("a", 64) + ".example", odd("https")},
	{"https://" + strings.Repeat("a.", 126) + "example", odd("https")},
	{"https://" + strings.Repeat("a", 1<<20), odd("https")},
	{"https://" + strings.Repeat("ü", 1<<16), odd("https")},
	{strings.Repeat("x", 1<<20) + ":1", odd("")},
}

func TestParseSite(t *testing.T) {
	for _, tt := range sites {
		if got := directory.ParseSite(tt.s); got != tt.want {
			t.Errorf("ParseSite(%.80q) = %v, want %v", tt.s, got, tt.want)
		}
	}
}

func TestRegistrable(t *testing.T) {
	tests := []struct{ host, want, hosts string }{
		{"shop.example", "shop.example", "shop.example"},
		{"a.www.shop.example", "shop.example", "a.www.shop.example www.shop.example shop.example"},
		{"www.amazon.co.uk", "amazon.co.uk", "www.amazon.co.uk amazon.co.uk"},
		{"www.gov.uk", "www.gov.uk", "www.gov.uk"},
		{"user.github.io", "user.github.io", "user.github.io"},
		{"a.user.github.io", "user.github.io", "a.user.github.io user.github.io"},
		{"shop.myshopify.com", "shop.myshopify.com", "shop.myshopify.com"},
		{"github.io", "github.io", "github.io"},
		{"co.uk", "co.uk", "co.uk"},
		{"com", "com", "com"},
		{"www.ck", "www.ck", "www.ck"}, // an exception to *.ck
		{"a.b.c.kobe.jp", "b.c.kobe.jp", "a.b.c.kobe.jp b.c.kobe.jp"},
		{"a.city.kobe.jp", "city.kobe.jp", "a.city.kobe.jp city.kobe.jp"},
		{"www.xn--gnstiger-reisen-zvb.de", "xn--gnstiger-reisen-zvb.de", "www.xn--gnstiger-reisen-zvb.de xn--gnstiger-reisen-zvb.de"},
		{"10.0.0.1", "10.0.0.1", "10.0.0.1"},
		{"2001:db8::1", "2001:db8::1", "2001:db8::1"},
		{"[::1]:8080", "[::1]:8080", "[::1]:8080"},
		{"localhost", "localhost", "localhost"},
		{"localhost:3000", "localhost:3000", "localhost:3000"},
		{"a.localhost:3000", "a.localhost:3000", "a.localhost:3000"},
		{"router", "router", "router"},
		{"a.nas.lan", "nas.lan", "a.nas.lan nas.lan"},
		{"", "", ""},
		{"..", "..", ".."},
	}
	for _, tt := range tests {
		if got := directory.Registrable(tt.host); got != tt.want {
			t.Errorf("Registrable(%q) = %q, want %q", tt.host, got, tt.want)
		}
		if got := strings.Join(directory.Hosts(tt.host), " "); got != tt.hosts {
			t.Errorf("Hosts(%q) = %q, want %q", tt.host, got, tt.hosts)
		}
	}
}

func TestSuggestion(t *testing.T) {
	tests := []struct {
		site directory.Site
		want string
	}{
		{app("com.netflix.mediaclient"), "netflix.com"},
		{app("com.Spotify.Music"), "spotify.com"},
		{app("uk.co.bbc.android.iplayer"), "bbc.co.uk"},
		{app("de.db"), "db.de"},
		{app("io.github.user.app"), "user.github.io"},
		{app("com"), ""},
		{app("uk.co"), ""},
		{app("544007664"), ""},
		{app("app.shop.nosuchtld"), "shop.app"}, // read from the front
		{app("nosuchtld.shop"), ""},
		{app("com._.x"), ""},
		{app("com..x"), ""},
		{web("shop.example"), ""},
	}
	for _, tt := range tests {
		if got := tt.site.Suggestion(); got != tt.want {
			t.Errorf("%v suggests %q, want %q", tt.site, got, tt.want)
		}
	}
}

// checkSite fails t where s is read in a way that others would break on.
func checkSite(t *testing.T, s string) {
	t.Helper()
	site := directory.ParseSite(s)
	hasHost := site.Kind == directory.Web || site.Kind == directory.Address || site.Kind == directory.Local
	if hasHost != (site.Host != "") || site.Text != "" && hasHost {
		t.Fatalf("ParseSite(%q) = %+v: host and kind don't fit", s, site)
	}
	if !utf8.ValidString(site.Host+site.Text) || strings.ContainsAny(site.Host, " \t\r\n<>\"'&@/\\%") {
		t.Fatalf("ParseSite(%q) = %+v: not clean", s, site)
	}
	keys := directory.Hosts(site.Host)
	d := directory.Registrable(site.Host)
	switch site.Kind {
	case directory.Web:
		if err := firsthand.CheckDomain(d); err != nil {
			t.Fatalf("%q is on the web, and its company's domain is none: %v", s, err)
		}
		if _, err := netip.ParseAddr(site.Host); err == nil {
			t.Fatalf("%q is an address, not the web", s)
		}
		fallthrough
	case directory.Address, directory.Local:
		if keys[0] != site.Host || keys[len(keys)-1] != d || directory.Registrable(d) != d {
			t.Fatalf("Hosts(%q) = %q, Registrable = %q", site.Host, keys, d)
		}
	}
	if site.Kind == directory.Web || site.Kind == directory.Local && strings.Contains(site.Host, ".") {
		if again := directory.ParseSite("https://" + site.Host + "/"); again != site {
			t.Fatalf("%q is %+v, whose host is %+v", s, site, again)
		}
	}
	// Where Go's parser has no doubt, it says the same.
	if u, err := url.Parse(s); err == nil && u.Scheme == "https" && site.Kind == directory.Web && u.Opaque == "" && u.Host != "" &&
		!strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf || r == '\\' || r == '%' }) {
		if want := strings.TrimSuffix(strings.ToLower(u.Hostname()), "."); want != site.Host {
			t.Fatalf("ParseSite(%q) = %+v, net/url says %q", s, site, want)
		}
	}
	if d := site.Suggestion(); d != "" && (directory.Registrable(d) != d || firsthand.CheckDomain(d) != nil) {
		t.Fatalf("%q suggests %q", s, d)
	}
}

func TestSitesAreSane(t *testing.T) {
	for _, tt := range sites {
		checkSite(t, tt.s)
	}
}

func FuzzParseSite(f *testing.F) {
	for _, tt := range sites {
		if len(tt.s) < 1000 {
			f.Add(tt.s)
		}
	}
	f.Fuzz(func(t *testing.T, s string) { checkSite(t, s) })
}

func TestKindNames(t *testing.T) {
	var got []string
	for k := range directory.Odd + 2 {
		got = append(got, k.String())
	}
	if want := []string{"none", "web", "app", "address", "local", "odd", "kind 6"}; !slices.Equal(got, want) {
		t.Errorf("kinds are %q, want %q", got, want)
	}
}
