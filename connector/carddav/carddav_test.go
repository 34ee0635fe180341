package carddav_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/carddav"
	"firsthand/connector/connectortest"
	"firsthand/fault"
)

func TestConfig(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "password"), []byte("hunter2\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600))
	const books = `"url":"https://dav.example/c/","journal":"https://dav.example/j/"`
	const signIn = `"user":"gateway","password_file":"password"`
	const mail = `"mail":{"host":"mx.example","port":465,"tls":"tls","user":"care","password_file":"password","from":"care@acme.test"}`
	tests := []struct {
		name, config string
		ok           bool
	}{
		{"binding", `{` + books + `,` + signIn + `,"binding":{"number":"X-NUMBER",` + mail + `}}`, true},
		{"binding by a type", `{` + books + `,` + signIn + `,"binding":{"number":"X-NUMBER","contact":{"type":"WORK"},` + mail + `}}`, true},
		{"binding by what anybody may say", `{` + books + `,` + signIn + `,"binding":{"number":"X-NUMBER",` + mail + `},"fields":[{"fact":"customer_number","property":"X-NUMBER"}]}`, false},
		{"binding by a name", `{` + books + `,` + signIn + `,"binding":{"number":"FN",` + mail + `}}`, false},
		{"a contact that is no address", `{` + books + `,` + signIn + `,"binding":{"number":"X-NUMBER","contact":{"property":"TEL"},` + mail + `}}`, false},
		{"binding without mail", `{` + books + `,` + signIn + `,"binding":{"number":"X-NUMBER"}}`, false},
		{"https", `{` + books + `,` + signIn + `}`, true},
		{"loopback", `{"url":"http://127.0.0.1:5232/c","journal":"http://127.0.0.1:5232/j",` + signIn + `}`, true},
		{"fields", `{` + books + `,` + signIn + `,"fields":[{"fact":"email","property":"EMAIL"},{"fact":"customer_number","property":"X-NUMBER"}]}`, true},

		{"http", `{"url":"http://dav.example/c/","journal":"https://dav.example/j/",` + signIn + `}`, false},
		{"no journal", `{"url":"https://dav.example/c/",` + signIn + `}`, false},
		{"one book", `{"url":"https://dav.example/c","journal":"https://dav.example/c/",` + signIn + `}`, false},
		{"a password in the URL", `{"url":"https://a:b@dav.example/c/","journal":"https://dav.example/j/",` + signIn + `}`, false},
		{"a query", `{"url":"https://dav.example/c/?a=b","journal":"https://dav.example/j/",` + signIn + `}`, false},
		{"no user", `{` + books + `,"password_file":"password"}`, false},
		{"a user with a colon", `{` + books + `,"user":"a:b","password_file":"password"}`, false},
		{"no such file", `{` + books + `,"user":"gateway","password_file":"none"}`, false},
		{"an empty file", `{` + books + `,"user":"gateway","password_file":"empty"}`, false},
		{"a field twice", `{` + books + `,` + signIn + `,"fields":[{"fact":"email","property":"EMAIL"},{"fact":"email","property":"TEL"}]}`, false},
		{"a property of another kind", `{` + books + `,` + signIn + `,"fields":[{"fact":"photo","property":"PHOTO"}]}`, false},
		{"the journal's property", `{` + books + `,` + signIn + `,"fields":[{"fact":"email","property":"X-FIRSTHAND"}]}`, false},
		{"a property with more in it", `{` + books + `,` + signIn + `,"fields":[{"fact":"email","property":"X-A:b\r\nTEL"}]}`, false},
		{"unknown member", `{` + books + `,` + signIn + `,"retries":3}`, false},
		{"two values", `{` + books + `,` + signIn + `}{}`, false},
		{"not JSON", `url`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.config
			for _, name := range []string{"password", "empty", "none"} {
				text = strings.ReplaceAll(text, `_file":"`+name+`"`, fmt.Sprintf(`_file":%q`, filepath.Join(dir, name)))
			}
			c, err := carddav.New(json.RawMessage(text))
			if (err == nil) != tt.ok || (c == nil) == tt.ok {
				t.Fatalf("New = %v, %v, want success: %t", c, err, tt.ok)
			}
			if err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("%v: want invalid", err)
			}
			if shown := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(shown, "hunter2") || strings.Contains(shown, "Basic") {
				t.Errorf("printing the connector prints its password: %s", shown)
			}
		})
	}
}

// A desk is a server of ours with one connector to it.
type desk struct {
	*stand
	sys connectortest.System
	srv *server
	c   connector.Connector
	rel firsthand.ID
}

func newDesk(t *testing.T) *desk {
	srv := newServer("/gateway/customers/", "/gateway/journal/")
	h := httptest.NewServer(srv)
	t.Cleanup(h.Close)
	s := &stand{base: h.URL, book: "/gateway/customers/", journal: "/gateway/journal/", user: "gateway", password: "secret"}
	d := &desk{stand: s, sys: s.system(t), srv: srv}
	d.c = d.sys.Connect(t)
	rand.Read(d.rel[:])
	return d
}

func (d *desk) deliver(t *testing.T, kind firsthand.Kind, ref connector.Ref, fact string, v firsthand.Value) connector.Result {
	t.Helper()
	r := connector.Request{Relationship: d.rel, Kind: kind, Record: ref, Fact: fact, Value: v}
	rand.Read(r.ID[:])
	res, err := d.c.Deliver(t.Context(), r)
	must(t, err)
	return res
}

func (d *desk) changes(t *testing.T, cursor string) (all []connector.Change) {
	t.Helper()
	for c, err := range d.c.Changes(t.Context(), cursor) {
		must(t, err)
		all = append(all, c)
	}
	return all
}

// What other programs have put into a card stays as it was, to the letter.
func TestTheRestOfACardStays(t *testing.T) {
	d := newDesk(t)
	before := []string{"BEGIN:VCARD", "VERSION:3.0", "UID:urn:uuid:1", "FN:Mia Peeters", "N:Peeters;Mia;;Dr.;", "item1.EMAIL;TYPE=INTERNET,PREF:mia@example.org",
		"item1.X-ABLabel:private", "EMAIL;TYPE=INTERNET:second@example.org", "EMAIL;TYPE=\"WORK,INTERNET\":mia@work.example", "TEL;TYPE=WORK,CELL:+32 1", "TEL;VALUE=uri;TYPE=home:tel:+32-2",
		"ADR;TYPE=WORK:;;Workstraat 1;Gent;;9000;BE", `LABEL;TYPE=WORK:Workstraat 1\n9000 Gent`, `X-ODD;P="a;b:c":x\,y\;z`, "PHOTO;ENCODING=b;TYPE=JPEG:AAAA", "NOTE:" + strings.Repeat("é", 200), "END:VCARD"}
	d.put(t, "mia.vcf", before, "")
	ref := d.ref("mia.vcf")
	rec, err := d.c.Read(t.Context(), ref)
	must(t, err)
	for fact, want := range map[string]string{"name": "Mia Peeters", "email": "mia@example.org", "email.work": "mia@work.example", "phone.mobile": "+32 1", "phone.home": "+32-2"} {
		if rec.Facts[fact].Text != want {
			t.Errorf("%s is %q, want %q", fact, rec.Facts[fact], want)
		}
	}
	d.deliver(t, "change", ref, "email", firsthand.Text("new@example.org"))
	d.deliver(t, "change", ref, "phone.home", firsthand.Text("+32 3"))
	d.deliver(t, "disclose", ref, "address.home", firsthand.Value{Parts: map[string]string{"street": "a;b,c\\d\ne", "extra": "bus 2", "region": "OV"}})
	want := slices.Clone(before)
	want[5] = "item1.EMAIL;TYPE=INTERNET,PREF:new@example.org"
	want[6] = "item1.X-ABLABEL:private"
	want[10] = "TEL;TYPE=home:+32 3"
	want = slices.Insert(want, len(want)-1, `ADR;TYPE=HOME:;bus 2;a\;b\,c\\d\ne;;OV;;`)
	after, _ := d.cardLines(t, "mia.vcf")
	after = slices.DeleteFunc(after, func(l string) bool { return strings.HasPrefix(l, "X-FIRSTHAND") })
	if !slices.Equal(after, want) {
		t.Errorf("the card is\n%s\nwant\n%s", strings.Join(after, "\n"), strings.Join(want, "\n"))
	}
	// What repeats a fact goes with it.
	d.deliver(t, "change", ref, "address.work", firsthand.Value{Parts: map[string]string{"street": "Nieuwstraat 2"}})
	if after, _ := d.cardLines(t, "mia.vcf"); strings.Contains(strings.Join(after, "\n"), "Workstraat") {
		t.Errorf("the old address is still in the card: %q", after)
	}
	// Of what she withdraws nothing stays, and no second address takes its place.
	d.deliver(t, "withdraw", ref, "email", firsthand.Value{})
	d.deliver(t, "withdraw", ref, "name", firsthand.Value{})
	rec, err = d.c.Read(t.Context(), ref)
	must(t, err)
	after, _ = d.cardLines(t, "mia.vcf")
	if text := strings.Join(after, "\n"); rec.Facts["email"].Text != "" || rec.Facts["email.work"].Text == "" || strings.Contains(text, "private") || strings.Contains(text, "Peeters") {
		t.Errorf("after the withdrawals: %v\n%s", rec.Facts, text)
	}
}

// What staff change is told as often as they do, also to what it was before.
func TestBackAndForth(t *testing.T) {
	d := newDesk(t)
	ref := d.deliver(t, "disclose", connector.Ref{}, "email", firsthand.Text("a@example.org")).Ref
	cursor := ""
	for i, text := range []string{"b@example.org", "a@example.org", "b@example.org", "a@example.org"} {
		d.edit(t, ref, "email", firsthand.Text(text))
		got := d.changes(t, cursor)
		if len(got) != 1 || got[0].Value.Text != text || got[0].Relationship != d.rel {
			t.Fatalf("edit %d: %+v", i+1, got)
		}
		cursor = got[0].Cursor
	}
	if all := d.changes(t, ""); len(all) != 4 {
		t.Errorf("%d changes from the beginning, want 4", len(all))
	}
	// The copies of a value go with it.
	must(t, d.c.(connector.Redactor).Redact(t.Context(), ref, "email"))
	d.c = d.sys.Connect(t)
	if all := d.changes(t, ""); len(all) != 0 {
		t.Errorf("after the redaction there is still %+v", all[0])
	}
}

// A server forgets its tokens after some weeks.
func TestTokenIsTooOld(t *testing.T) {
	d := newDesk(t)
	ref := d.deliver(t, "disclose", connector.Ref{}, "email", firsthand.Text("a@example.org")).Ref
	d.changes(t, "") // the token of now
	d.edit(t, ref, "email", firsthand.Text("b@example.org"))
	cursor := d.changes(t, "")[0].Cursor
	d.edit(t, ref, "email", firsthand.Text("c@example.org"))
	d.srv.mu.Lock()
	for i := range d.srv.log {
		d.srv.log[i].token += "-new"
	}
	d.srv.mu.Unlock()
	for range 2 {
		if got := d.changes(t, cursor); len(got) != 1 || got[0].Value.Text != "c@example.org" {
			t.Fatalf("after the token was forgotten: %+v", got)
		}
		d.c = d.sys.Connect(t)
	}
}

// Somebody who copies a card doesn't copy whose it is.
func TestCopiedCard(t *testing.T) {
	d := newDesk(t)
	ref := d.deliver(t, "disclose", connector.Ref{}, "email", firsthand.Text("a@example.org")).Ref
	lines, _ := d.cardLines(t, ref.ID)
	d.put(t, "copy.vcf", lines, "")
	d.changes(t, "")
	d.edit(t, d.ref("copy.vcf"), "email", firsthand.Text("b@example.org"))
	if got := d.changes(t, ""); len(got) != 0 {
		t.Errorf("a change of the copy is told as one of hers: %+v", got)
	}
}

// One card that can't be read keeps nobody waiting but those who write to it.
func TestOddCards(t *testing.T) {
	d := newDesk(t)
	ref := d.deliver(t, "disclose", connector.Ref{}, "email", firsthand.Text("a@example.org")).Ref
	d.put(t, "odd.vcf", []string{"BEGIN:VCARD", "no line of a card", "END:VCARD"}, "")
	d.put(t, "damaged.vcf", []string{"BEGIN:VCARD", "VERSION:3.0", "FN:x", "X-FIRSTHAND:%%", "END:VCARD"}, "")
	d.edit(t, ref, "email", firsthand.Text("b@example.org"))
	if got := d.changes(t, ""); len(got) != 1 {
		t.Errorf("changes beside odd cards: %+v", got)
	}
	for _, name := range []string{"odd.vcf", "damaged.vcf"} {
		r := connector.Request{Relationship: d.rel, Kind: "change", Record: d.ref(name), Fact: "email", Value: firsthand.Text("c@example.org")}
		rand.Read(r.ID[:])
		if res, err := d.c.Deliver(t.Context(), r); fault.HintOf(err) == "" {
			t.Errorf("deliver into %s: %+v, %v; want that an operator is told", name, res, err)
		}
	}
}

// An address that leads nowhere doesn't say that every customer is gone.
func TestNoSuchBook(t *testing.T) {
	d := newDesk(t)
	d.srv.books = map[string]map[string]string{}
	_, err := d.c.Read(t.Context(), d.ref("mia.vcf"))
	if k := fault.KindOf(err); err == nil || k == fault.NotExist || fault.HintOf(err) == "" {
		t.Errorf("read without an address book: %v", err)
	}
	r := connector.Request{Relationship: d.rel, Kind: "disclose", Fact: "email", Value: firsthand.Text("a@example.org")}
	rand.Read(r.ID[:])
	if res, err := d.c.Deliver(t.Context(), r); err == nil {
		t.Errorf("deliver without an address book: %+v", res)
	}
	for _, id := range []string{"", ".", "..", "../journal/x.vcf", "a/b"} {
		if _, err := newDesk(t).c.Read(t.Context(), d.ref(id)); fault.KindOf(err) != fault.NotExist {
			t.Errorf("read %q: %v", id, err)
		}
	}
}

// After a card was redacted, what she says anew makes another one, once.
func TestAfterARedaction(t *testing.T) {
	d := newDesk(t)
	first := d.deliver(t, "disclose", connector.Ref{}, "email", firsthand.Text("a@example.org")).Ref
	must(t, d.c.(connector.Redactor).Redact(t.Context(), first, ""))
	second := d.deliver(t, "disclose", connector.Ref{}, "email", firsthand.Text("b@example.org")).Ref
	third := d.deliver(t, "disclose", connector.Ref{}, "phone", firsthand.Text("1")).Ref
	if second.ID == first.ID || third != second {
		t.Errorf("redacted was %s, then came %s and %s", first.ID, second.ID, third.ID)
	}
	if res := d.deliver(t, "change", first, "email", firsthand.Text("c@example.org")); res.State != connector.Declined {
		t.Errorf("a change of the card that is gone: %+v", res)
	}
	if text := strings.Join(slices.Collect(func(yield func(string) bool) {
		for _, card := range d.srv.books["/gateway/journal/"] {
			yield(card)
		}
	}), "\n"); strings.Contains(text, "example.org") || !strings.Contains(text, "X-FIRSTHAND") {
		t.Errorf("aside is kept %s", text)
	}
}

func TestUnfit(t *testing.T) {
	d := newDesk(t)
	for _, tt := range []struct {
		fact string
		v    firsthand.Value
	}{
		{"email", firsthand.Text(strings.Repeat("x", 5000))},
		{"email", firsthand.Text(" a")},
		{"email", firsthand.Text("a\rb")},
		{"email", firsthand.Value{Parts: map[string]string{"street": "a"}}},
		{"address.home", firsthand.Text("Kerkstraat 1")},
		{"address.home", firsthand.Value{Parts: map[string]string{"house": "1"}}},
		{"address.home", firsthand.Value{Parts: map[string]string{"street": ""}}},
		{"shoe_size", firsthand.Text("42")},
	} {
		if res := d.deliver(t, "disclose", connector.Ref{}, tt.fact, tt.v); res.State != connector.Declined || res.Reason == "" {
			t.Errorf("%s %.40q: %+v", tt.fact, tt.v, res)
		}
	}
	if n := len(d.srv.books[d.book]); n > 0 {
		t.Errorf("%d cards of what was declined", n)
	}
}
