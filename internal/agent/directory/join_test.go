package directory_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"firsthand/internal/agent/directory"
)

func sampleRecords(t testing.TB) []directory.Record {
	return mustRead(t, sampleArchive(t), []byte(sampleSites), []byte(samplePasswords), []byte(sampleShared))
}

// outline says what is joined, and from where.
func outline(c directory.Company) string {
	s := c.Domain + " " + c.Name
	for _, l := range c.Legal {
		s += fmt.Sprintf("\nlegal %s %s %s %s", l.Value.Name, l.Key, l.Host, l.Quality)
	}
	for _, a := range c.Account {
		s += fmt.Sprintf("\naccount %s %s", a.Value, a.Host)
	}
	for _, d := range c.Deletion {
		s += fmt.Sprintf("\ndeletion %s %s %s", d.Value.Link, d.Key, d.Host)
	}
	for _, h := range c.Shares {
		s += fmt.Sprintf("\nshares %s", h.Key)
	}
	return s
}

func TestJoin(t *testing.T) {
	const atShop = `
legal Shop France SARL shop-fr shop.example scraped
legal Shop Europe GmbH shop shop.example verified
account https://www.shop.example/settings shop.example
deletion https://www.shop.example/close Shop %s
shares partner.example>shop.example
shares shop.example`
	tests := []struct{ host, want string }{
		{"shop.example", "shop.example Shop" + fmt.Sprintf(atShop, "shop.example")},
		{"www.shop.example", "shop.example Shop" + fmt.Sprintf(atShop, "shop.example")},
		// Its own page for deletion, and all else of the parent.
		{"a.help.shop.example", "shop.example Shop" + fmt.Sprintf(atShop, "help.shop.example")},
		{"shop.at", "shop.at Shop Europe GmbH\nlegal Shop Europe GmbH shop shop.at verified"},
		{"new.example", "new.example new.example\nshares old.example>new.example"},
		{"unknown.example", "unknown.example unknown.example"},
		{"example", "example example"},
		{"10.0.0.1", "10.0.0.1 10.0.0.1"},
		{"", " "},
	}
	records := sampleRecords(t)
	records = append(records, records...) // as from a store that has them under each host
	for _, tt := range tests {
		for range 20 { // the order doesn't count
			rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
			c := directory.Join(tt.host, records)
			if got := outline(c); got != tt.want {
				t.Fatalf("Join(%q) is\n%s\nwant\n%s", tt.host, got, tt.want)
			}
			if c.IsZero() != !strings.Contains(tt.want, "\n") {
				t.Errorf("Join(%q): IsZero is %t", tt.host, c.IsZero())
			}
		}
	}
	c := directory.Join("shop.example", records)
	if d := c.Deletion[0]; d.Set != directory.JustDeleteMe || d.Date != "2027-01-01" || c.Legal[0].Date != "2027-01-31" {
		t.Errorf("source is %+v, %s", d, c.Legal[0].Date)
	}
}

// What a set says of a host itself replaces what it says of a parent; what another
// set says of the parent stays.
func TestJoinTakesTheNearest(t *testing.T) {
	at := func(set, host, link string) directory.Record {
		return directory.Record{Set: set, Key: host, Hosts: []string{host}, Account: link}
	}
	records := []directory.Record{
		at("s", "shop.example", "parent"), at("s", "help.shop.example", "own"), at("s", "a.help.shop.example", "child"), at("t", "shop.example", "other set"),
	}
	if got, want := outline(directory.Join("help.shop.example", records)), "shop.example shop.example\naccount own help.shop.example\naccount other set shop.example"; got != want {
		t.Errorf("joined is\n%s\nwant\n%s", got, want)
	}
}

// Two companies on one host stay two, and nothing of one gets into the other.
func TestJoinKeepsApart(t *testing.T) {
	a := directory.Record{Set: "s", Key: "a", Hosts: []string{"blogs.example"}, Legal: &directory.Legal{Name: "School A", Email: "a@a.example"}}
	b := directory.Record{Set: "s", Key: "b", Hosts: []string{"blogs.example"}, Legal: &directory.Legal{Name: "School B", Phone: "+1"}}
	c := directory.Join("x.blogs.example", []directory.Record{b, a})
	if c.Name != "blogs.example" || len(c.Legal) != 2 || !reflect.DeepEqual(c.Legal[0].Value, *a.Legal) || !reflect.DeepEqual(c.Legal[1].Value, *b.Legal) {
		t.Errorf("joined: %s", outline(c))
	}
	if l, ok := c.LegalIn("de"); ok {
		t.Errorf("it is certain that it is %v", l)
	}
}

func TestLegalIn(t *testing.T) {
	legal := func(name, web, countries string) directory.Sourced[directory.Legal] {
		return directory.Sourced[directory.Legal]{Host: "shop.example", Value: directory.Legal{Name: name, Web: web, Countries: strings.Fields(countries)}}
	}
	const own = "https://www.shop.example/x"
	de, fr, all := legal("DE", own, "de at"), legal("FR", own, "fr"), legal("all", own, "all")
	brand, de2 := legal("brand", "https://other.example", "de"), legal("DE2", own, "de")
	tests := []struct {
		name    string
		legal   []directory.Sourced[directory.Legal]
		country string
		want    string // "" for not certain
	}{
		{"none", nil, "de", ""},
		{"the only one", []directory.Sourced[directory.Legal]{fr}, "de", "FR"},
		{"the only one is a brand's", []directory.Sourced[directory.Legal]{brand}, "", "brand"},
		{"by country", []directory.Sourced[directory.Legal]{fr, de}, "at", "DE"},
		{"country before all", []directory.Sourced[directory.Legal]{all, fr, de}, "fr", "FR"},
		{"all", []directory.Sourced[directory.Legal]{all, fr, de}, "it", "all"},
		{"all, no country", []directory.Sourced[directory.Legal]{all, fr, de}, "", "all"},
		{"no country", []directory.Sourced[directory.Legal]{fr, de}, "", ""},
		{"another country", []directory.Sourced[directory.Legal]{fr, de}, "it", ""},
		{"two of one country", []directory.Sourced[directory.Legal]{de, de2, all}, "de", ""},
		{"own before a brand's", []directory.Sourced[directory.Legal]{brand, fr}, "de", "FR"},
	}
	for _, tt := range tests {
		got, ok := directory.Company{Legal: tt.legal}.LegalIn(tt.country)
		if ok != (tt.want != "") || got.Value.Name != tt.want {
			t.Errorf("%s: %q %t, want %q", tt.name, got.Value.Name, ok, tt.want)
		}
	}
}

func TestWay(t *testing.T) {
	tests := []struct {
		l    directory.Legal
		want string
	}{
		{directory.Legal{}, "letter"},
		{directory.Legal{Email: "a@b.example"}, "email"},
		{directory.Legal{Webform: "https://b.example"}, "webform"},
		{directory.Legal{Webform: "https://b.example", Email: "a@b.example"}, "email"},
		{directory.Legal{Medium: "webform", Webform: "https://b.example", Email: "a@b.example"}, "webform"},
		{directory.Legal{Medium: "letter", Email: "a@b.example"}, "letter"},
		{directory.Legal{Medium: "email", Webform: "https://b.example"}, "webform"},
		{directory.Legal{Medium: "fax", Email: "a@b.example"}, "email"},
		{directory.Legal{Medium: "fax", Fax: "+1"}, "fax"},
	}
	for _, tt := range tests {
		if got := tt.l.Way(); got != tt.want {
			t.Errorf("Way of %+v is %q, want %q", tt.l, got, tt.want)
		}
	}
}

func TestDeletionIn(t *testing.T) {
	d := directory.Deletion{Link: "en", Notes: "In English.", Links: map[string]string{"fr": "fr"}, NotesIn: map[string]string{"de": "Deutsch.", "fr": "Français."}}
	for langs, want := range map[string]string{"": "en In English.", "en": "en In English.", "de": "en Deutsch.", "de fr": "fr Deutsch.", "fr de": "fr Français."} {
		link, notes := d.In(strings.Fields(langs)...)
		if got := link + " " + notes; got != want {
			t.Errorf("in %q it is %q, want %q", langs, got, want)
		}
	}
}

func TestSiblings(t *testing.T) {
	legal := func(key, name, address, hosts string) directory.Record {
		r := directory.Record{Set: "s", Key: key, Hosts: strings.Fields(hosts), Legal: &directory.Legal{Name: name, Address: address}}
		return r
	}
	shares := func(hosts, from, to string, obsolete bool) directory.Record {
		s := directory.Shares{Hosts: strings.Fields(hosts), From: strings.Fields(from), To: strings.Fields(to), Obsolete: obsolete}
		return directory.Record{Set: "a", Key: hosts + from, Hosts: slices.Concat(s.Hosts, s.To, s.From), Shares: &s}
	}
	const road = "1 Road, Town"
	tests := []struct {
		name    string
		records []directory.Record
		want    string // groups
	}{
		{"nothing", nil, ""},
		{"shared", []directory.Record{shares("a.example b.example", "", "", false)}, "a.example b.example"},
		{"an old name comes last", []directory.Record{shares("", "a.example", "new.example", true)}, "new.example a.example"},
		{"accounts that work elsewhere are no evidence", []directory.Record{shares("", "a.example", "b.example", false)}, ""},
		{"chains", []directory.Record{shares("", "a.example", "b.example", true), shares("b.example c.example", "", "", false)}, "b.example c.example a.example"},
		{"brands", []directory.Record{legal("x", "X", road, "x.example y.example")}, "x.example y.example"},
		{"the same entity", []directory.Record{legal("x", "X  Ltd.", "1 Road,\nTown", "x.example"), legal("y", "x ltd", road, "y.example")}, "x.example y.example"},
		{"another address", []directory.Record{legal("x", "X", road, "x.example"), legal("y", "X", "2 Road, Town", "y.example")}, ""},
		{"the same name, no address", []directory.Record{legal("x", "X", "", "x.example"), legal("y", "X", "", "y.example")}, ""},
		{"a shared host", []directory.Record{legal("x", "X", road, "blogs.example x.example"), legal("y", "Y", road, "blogs.example y.example")}, ""},
		{"a brand that has an entity of its own", []directory.Record{legal("x", "X", road, "x.example z.example y.example"), legal("y", "Y", road, "y.example")}, "x.example z.example"},
		{"a shared host of three", []directory.Record{legal("x", "X", road, "b.example x.example"), legal("y", "Y", road, "b.example"), legal("z", "X", road, "b.example z.example")}, "x.example z.example"},
		{"deletion is no evidence", []directory.Record{{Set: "j", Key: "J", Hosts: []string{"a.example", "b.example"}, Deletion: &directory.Deletion{}}}, ""},
		{"best known first", []directory.Record{shares("a.example b.example", "", "", false), legal("b", "B", road, "b.example")}, "b.example a.example"},
		{"a domain of its own first", []directory.Record{shares("login.a.example long.example", "", "", false)}, "long.example login.a.example"},
	}
	for _, tt := range tests {
		for range 10 {
			rand.Shuffle(len(tt.records), func(i, j int) { tt.records[i], tt.records[j] = tt.records[j], tt.records[i] })
			s := directory.NewSiblings(slices.Values(tt.records))
			var got []string
			for g := range s.All() {
				got = append(got, strings.Join(g, " "))
				checkGroup(t, s, g)
			}
			if got := strings.Join(got, "; "); got != tt.want {
				t.Fatalf("%s: groups are %q, want %q", tt.name, got, tt.want)
			}
		}
	}
}

// checkGroup fails t where hosts of one group don't lead to one domain.
func checkGroup(t *testing.T, s *directory.Siblings, group []string) {
	t.Helper()
	d := s.Domain(group[0])
	for _, h := range group {
		if s.Domain(h) != d || s.Domain(d) != d || !slices.Equal(s.Of(h), group) || directory.Registrable(d) != d {
			t.Fatalf("%q leads to %q, and %q to %q", h, s.Domain(h), group[0], d)
		}
	}
}

func TestSiblingsDomain(t *testing.T) {
	s := directory.NewSiblings(slices.Values(sampleRecords(t)))
	tests := []struct{ host, want string }{
		{"www.shop.club", "shop.example"},
		{"shop.example", "shop.example"},
		{"a.b.old.example", "new.example"},
		{"partner.example", "partner.example"},
		{"www.other.example", "other.example"},
		{"localhost:3000", "localhost:3000"},
		{"10.0.0.1", "10.0.0.1"},
	}
	for _, tt := range tests {
		if got := s.Domain(tt.host); got != tt.want {
			t.Errorf("Domain(%q) = %q, want %q", tt.host, got, tt.want)
		}
	}
	if s.Of("partner.example") != nil || s.Of("") != nil {
		t.Error("a host that stands for itself has siblings")
	}
	// Of shop.example and shop.at alone, one is the site of two entities.
	if got := s.Of("shop.at"); got != nil {
		t.Errorf("siblings of shop.at are %q", got)
	}
}
