package agent_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/letter"
	"firsthand/internal/agent/channel/manual"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/agent/importer/vcard"
	"firsthand/internal/agent/store"
	"firsthand/terms"
	"firsthand/wire"
)

// A life is an agent on a real file, without companies that answer.
type life struct {
	*agent.Agent
	t       *testing.T
	store   *store.Store
	answers map[string]error // of discovery, by domain
}

func newLife(t *testing.T) *life {
	t.Helper()
	kit, err := store.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	_, recipient, err := store.NewKeyFile() // a passphrase would be stretched, which takes longer than most tests
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Create(t.Context(), filepath.Join(t.TempDir(), "life"), store.CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	l := &life{t: t, store: s, answers: map[string]error{}}
	l.Agent = agent.New(agent.Options{Store: s, Caller: l, Roster: terms.Default(), Now: func() time.Time { return time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC) },
		Rand: zeroes{}, Channels: []channel.Channel{manual.Manual{}, letter.Letter{}}, Formats: append(passwords.Formats(), vcard.Format{}), OpenListing: func(_ context.Context, text string) (*directory.File, error) {
			return &directory.File{ReadCloser: io.NopCloser(strings.NewReader(text)), Date: "2026-01-02"}, nil
		}})
	return l
}

// zeroes is no randomness: nothing here depends on it.
type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { clear(b); b[0] = 1; return len(b), nil }

func (l *life) Discover(_ context.Context, domain string) (firsthand.Company, []byte, error) {
	err, ok := l.answers[domain]
	if !ok {
		err = fault.NotExist
	}
	return firsthand.Company{Name: "Acme"}, nil, err
}

func (l *life) Open(context.Context, string, *firsthand.Signer, wire.Request) (wire.Response, error) {
	return wire.Response{}, fault.Unavailable
}

func (l *life) Sync(context.Context, string, *firsthand.Signer, wire.Request) (wire.Response, error) {
	return wire.Response{}, fault.Unavailable
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *life) bring(name, text string) agent.Import {
	l.t.Helper()
	im, err := l.Bring(l.t.Context(), name, strings.NewReader(text), nil)
	l.must(err)
	return im
}

func (l *life) company(domain string) agent.CompanyDetail {
	l.t.Helper()
	d, err := l.Company(l.t.Context(), domain)
	l.must(err)
	return d
}

// domains returns those of all companies, sorted.
func (l *life) domains() []string {
	l.t.Helper()
	all, err := l.Select(l.t.Context(), agent.CompanyQuery{})
	l.must(err)
	slices.Sort(all)
	return all
}

const chrome = "name,url,username,password,note\n"

func TestRowsBecomeCompanies(t *testing.T) {
	tests := []struct {
		row                     string
		domain, host, name, why string
	}{
		{"acme.example,https://www.acme.example/a?b=secret,mia,pw,", "acme.example", "www.acme.example", "", ""},
		{"Acme (mia),http://user:pw@ACME.example:8443,mia,pw,", "acme.example", "acme.example", "Acme", ""},
		{"Acme,https://shop.acme.co.uk/,mia,pw,", "acme.co.uk", "shop.acme.co.uk", "Acme", ""},
		{"blog,https://mia.github.io/,mia,pw,", "mia.github.io", "mia.github.io", "blog", ""},
		{"bücher,https://bücher.example/,mia,pw,", "xn--bcher-kva.example", "xn--bcher-kva.example", "bücher", ""},
		{"router,http://192.168.1.1/,admin,pw,", "", "192.168.1.1", "", "address"},
		{"dev,http://localhost:3000/,mia,pw,", "", "localhost:3000", "", "local"},
		{"app,android://abc@com.acme.app/,mia,pw,", "", "", "", "app"},
		{"script,javascript:alert(1),mia,pw,", "", "", "", "odd"},
		{"only a name,,mia,pw,", "", "", "", "none"},
		{"acme.example,,mia,pw,", "acme.example", "acme.example", "", ""},
		{"a name with mia@acme.example in it,https://b.example/,mia,pw,", "b.example", "b.example", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			a := agent.New(agent.Options{Store: agenttest.NewMemory(), Now: time.Now, Formats: passwords.Formats()})
			im, err := a.Bring(t.Context(), "/home/mia/p.csv", strings.NewReader(chrome+tt.row+"\n"), nil)
			if err != nil {
				t.Fatal(err)
			}
			found, err := a.Store.Accounts(t.Context(), im.ID, 0, 0)
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			got := found[0]
			if got.Domain != tt.domain || got.Host != tt.host || got.Name != tt.name || got.Why != tt.why {
				t.Errorf("%+v", got)
			}
			if strings.Contains(fmt.Sprintf("%+v", got), "secret") || strings.Contains(got.URL, "pw") {
				t.Errorf("kept what may be secret: %+v", got)
			}
			if im.File != "p.csv" || im.Counts.Passwords == 0 {
				t.Errorf("%+v", im)
			}
		})
	}
}

// The first evening: she brings a file, looks, keeps it, brings a newer one, and
// undoes both.
func TestBringKeepUndo(t *testing.T) {
	l, ctx := newLife(t), t.Context()
	_, err := l.AddDirectory(ctx, `[{"shared":["acme.example","old-acme.example"]}]`)
	l.must(err)
	first := chrome +
		"acme.example,https://www.acme.example/,mia@old.example,hunter1,\n" +
		"Old,https://old-acme.example/,Mia@Old.example,hunter2,\n" +
		"Brasserie,https://brasserie.example/,mia@old.example,hunter3,\n" +
		"broken,\"https://x\n"
	one := l.bring("C:\\Users\\mia\\passwords.csv", first)
	n := one.Counts
	if one.File != "passwords.csv" || one.State != agent.Preview || n.Rows != 4 || n.Bad != 1 || len(one.Bad) != 1 || n.Companies != 2 || n.New != 2 || n.Merged != 1 || n.Passwords != 3 {
		t.Fatalf("%+v", one)
	}
	if got := l.domains(); len(got) != 0 {
		t.Fatalf("a preview counts: %v", got)
	}
	if again := l.bring("x", first); !again.Again || again.ID != one.ID {
		t.Errorf("the same file again: %+v", again)
	}
	l.must(l.Keep(ctx, one.ID))
	l.must(l.Keep(ctx, one.ID))
	if again := l.bring("x", first); !again.Again || again.ID != one.ID || again.State != agent.Kept {
		t.Errorf("the same file again: %+v", again)
	}
	c := l.company("https://www.acme.example/about")
	if c.Domain != "acme.example" || !c.Guessed || c.Company.Accounts != 2 || c.Name != "Old" || len(c.Statements) != 1 || !c.Statements[0].Guessed {
		t.Errorf("%+v", c)
	}
	suggested, err := l.Suggestions(ctx)
	if l.must(err); len(suggested) != 1 || suggested[0].Companies != 2 || suggested[0].Value.Text == "" {
		t.Errorf("%+v", suggested)
	}

	// A newer export: one login has changed, one is new.
	two := l.bring("passwords.csv", strings.Replace(first, "Brasserie,", "Brasserie Gent,", 1)+"\"\nNew,https://new.example/,mia@new.example,pw,\n")
	l.must(l.Keep(ctx, two.ID))
	if c := l.company("brasserie.example"); c.Company.Accounts != 1 || c.Name != "Brasserie Gent" {
		t.Errorf("%+v", c)
	}
	l.must(l.Group(ctx, "food", true, "brasserie.example"))
	l.must(l.Undo(ctx, two.ID))
	if got := fmt.Sprint(l.domains()); got != "[acme.example brasserie.example]" {
		t.Errorf("after undoing the second: %s", got)
	}
	if c := l.company("brasserie.example"); c.Name != "Brasserie" || c.Guessed {
		t.Errorf("%+v", c)
	}
	l.must(l.Undo(ctx, one.ID))
	if got := fmt.Sprint(l.domains()); got != "[brasserie.example]" {
		t.Errorf("after undoing both: %s", got)
	}
	if err := l.Undo(ctx, one.ID); !errors.Is(err, fault.NotExist) {
		t.Errorf("undo again = %v", err)
	}
	if differed, err := l.Rebuild(ctx); err != nil || len(differed) > 0 {
		t.Errorf("rebuild: %v %v", differed, err)
	}
}

// Whatever ends a reading leaves nothing of it.
func TestBringFails(t *testing.T) {
	l := newLife(t)
	before, err := agenttest.Dump(t.Context(), l.store, nil)
	l.must(err)
	rows := strings.Repeat("a,https://a.example/,mia,pw,\n", 5000)
	gone := errors.New("the connection is gone")
	ctx, cancel := context.WithCancel(t.Context())
	for name, r := range map[string]io.Reader{
		"no file of ours": strings.NewReader("hello"), "empty": strings.NewReader(""),
		"the reader fails":    io.MultiReader(strings.NewReader(chrome+rows), failing{gone}),
		"the caller has gone": io.MultiReader(strings.NewReader(chrome+rows), calling{cancel}, strings.NewReader(rows)),
	} {
		if _, err := l.Bring(ctx, "x", r, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if name == "the caller has gone" {
			ctx = t.Context()
		}
		if after, err := agenttest.Dump(t.Context(), l.store, nil); err != nil || after != before {
			t.Errorf("%s left something (%v)", name, err)
		}
	}
	if _, err := l.BringAs(t.Context(), "none", "x", strings.NewReader(chrome), nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("an unknown format = %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type calling struct{ fn func() }

func (c calling) Read([]byte) (int, error) { c.fn(); return 0, io.EOF }

func TestAddressBook(t *testing.T) {
	l, ctx := newLife(t), t.Context()
	im := l.bring("contacts.vcf", strings.ReplaceAll(`BEGIN:VCARD
VERSION:3.0
FN:Acme Helpdesk
ORG:Acme NV
X-ABSHOWAS:COMPANY
EMAIL:help@acme.example
END:VCARD
BEGIN:VCARD
VERSION:3.0
N:Peeters;Jan;;;
FN:Jan Peeters
ORG:Brasserie
EMAIL:jan@gmail.com
EMAIL:jan@brasserie.example
END:VCARD
BEGIN:VCARD
VERSION:3.0
N:Friend;A;;;
FN:A Friend
EMAIL:friend@home.example
END:VCARD
BEGIN:VCARD
VERSION:3.0
N:Old;Mia;;;
FN:Mia Old
TEL;TYPE=home:+3290000000
EMAIL:mia@old.example
ADR;TYPE=home:;;Korenmarkt 1;Gent;;9000;Belgium
END:VCARD
`, "\n", "\r\n"))
	if n := im.Counts; n.Rows != 4 || n.Persons != 3 || n.Companies != 2 {
		t.Fatalf("%+v", im)
	}
	cards, err := l.Cards(ctx, im.ID)
	l.must(err)
	if len(cards) != 3 {
		t.Fatalf("%+v", cards)
	}
	l.must(l.SetFact(ctx, "email", firsthand.Text("mia@new.example")))
	i := slices.IndexFunc(cards, func(c agent.CardFound) bool { return c.Name == "Mia Old" })
	l.must(l.TakeCard(ctx, cards[i].ID))
	facts, err := l.Facts(ctx)
	l.must(err)
	names := map[string]string{}
	for _, f := range facts {
		names[f.Name] = f.Value.String()
	}
	if names["email"] != "mia@new.example" || !strings.Contains(fmt.Sprint(names), "Korenmarkt 1") || !strings.Contains(fmt.Sprint(names), "+3290000000") {
		t.Errorf("facts = %v", names)
	}
	l.must(l.Keep(ctx, im.ID))
	if got := fmt.Sprint(l.domains()); got != "[acme.example brasserie.example]" {
		t.Errorf("companies = %s", got)
	}
	if c := l.company("brasserie.example"); c.Name != "Brasserie" || c.Accounts[0].Title != "Jan Peeters" || len(c.Statements) != 0 {
		t.Errorf("%+v", c)
	}
	if cards, err := l.Cards(ctx, im.ID); err != nil || len(cards) != 0 {
		t.Errorf("cards are kept: %v %v", cards, err)
	}
	if text, err := agenttest.Dump(ctx, l.store, nil); err != nil || strings.Contains(text, "home.example") {
		t.Errorf("a friend is kept: %v", err)
	}
}

// What a change begins with: who holds what from before.
func TestStateAndMap(t *testing.T) {
	l, ctx := newLife(t), t.Context()
	l.must(l.Refill(ctx, ownKit))
	im := l.bring("p.csv", chrome+"A,https://a.example/,mia@old.example,pw,\nB,https://b.example/,mia@old.example,pw,\nB,https://b.example/,mia2,pw,\nC,https://c.example/,mia@new.example,pw,\n")
	l.must(l.Keep(ctx, im.ID))
	l.must(l.SetFact(ctx, "email", firsthand.Text("mia@NEW.example")))
	l.must(l.Group(ctx, "shops", true, "a.example", "b.example"))
	shops, err := l.Select(ctx, agent.CompanyQuery{Group: "shops"})
	l.must(err)
	var statements []agent.Statement
	for _, d := range shops {
		statements = append(statements, agent.Statement{Domain: d, Fact: "phone", Value: firsthand.Text("1"), Since: "2019-05-01"})
	}
	l.must(l.State(ctx, statements...))
	r, err := l.Meet(ctx, "shop.a.example", agent.MeetOptions{Unpaired: true})
	l.must(err)
	_, err = l.Disclose(ctx, r.ID, agent.Telling{Fact: "phone", Value: firsthand.Text("1"), Purpose: "ServiceDelivery", Basis: firsthand.Basis{Exception: "x"}})
	l.must(err)

	var got []string
	for h, err := range l.Holds(ctx, "") {
		l.must(err)
		got = append(got, fmt.Sprint(h.Fact, " ", h.Domain, " ", h.Value, " ", h.Origin, " ", h.Guessed))
	}
	want := []string{"email a.example mia@old.example stated true", "email b.example mia@old.example stated true", "email c.example mia@new.example stated true",
		"phone a.example 1 told false", "phone b.example 1 stated false"} // what a log says goes before a statement of the same
	if !slices.Equal(got, want) {
		t.Errorf("holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	in, err := l.Map(ctx)
	l.must(err)
	if in.Companies != 3 || in.Guessed != 1 || in.Relationships != 1 || in.Duplicates != 1 || in.Emails != 2 || len(in.Facts) != 2 ||
		in.Facts[0] != (agent.FactInsight{Fact: "email", Holds: 3, Old: 2, Guessed: 3}) || in.Facts[1] != (agent.FactInsight{Fact: "phone", Holds: 2}) {
		t.Errorf("map = %+v", in)
	}
	a := l.company("a.example")
	if a.Step == "" || a.Rel != r.ID || len(a.Relationships) != 1 || len(a.Holders) != 1 || a.Held != 2 || a.Guessed {
		t.Errorf("%+v", a)
	}
	for _, bad := range []agent.Statement{{Domain: "a.example", Fact: "No Fact"}, {Domain: "nowhere", Fact: "phone"}, {Domain: "a.example", Fact: "phone", Since: "yesterday"}} {
		if err := l.State(ctx, bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("state %+v = %v", bad, err)
		}
	}
	l.must(l.Unstate(ctx, "email", "a.example", "b.example"))
	if in, err := l.Map(ctx); err != nil || in.Facts[0].Holds != 1 {
		t.Errorf("map = %+v %v", in, err)
	}
	if differed, err := l.Rebuild(ctx); err != nil || len(differed) > 0 {
		t.Errorf("rebuild: %v %v", differed, err)
	}
}

func TestLookForGateways(t *testing.T) {
	l, ctx := newLife(t), t.Context()
	l.answers = map[string]error{"a.example": nil, "b.example": fault.Unavailable}
	l.must(l.Confirm(ctx, "a.example", "b.example", "c.example"))
	found, err := l.LookForGateways(ctx, "a.example", "b.example", "c.example")
	if l.must(err); len(found) != 3 || found[0].Err != nil || found[1].Err == nil || found[2].Err == nil {
		t.Errorf("%+v", found)
	}
	with, err := l.Select(ctx, agent.CompanyQuery{Show: agent.ShowGateway})
	if l.must(err); fmt.Sprint(with) != "[a.example]" {
		t.Errorf("with a gateway: %v", with)
	}
	delete(l.answers, "a.example")
	_, err = l.LookForGateways(ctx, "a.example")
	l.must(err)
	if l.company("a.example").Gateway {
		t.Error("it has gone, and is still shown")
	}
}

// A whole life comes back equal from an export, but for what no export has: data
// sets and previews.
func TestExportHasCompanies(t *testing.T) {
	l, ctx := newLife(t), t.Context()
	l.must(l.Refill(ctx, ownKit))
	for i, rows := range []string{"A,https://a.example/,mia@old.example,pw,\nA,https://www.a.example/,mia,pw,\nX,app://x,mia,pw,\n", "A2,https://a.example/,mia@old.example,pw,\nB,https://b.example/,mia@b.example,pw,\n"} {
		im := l.bring(fmt.Sprint(i, ".csv"), chrome+rows)
		l.must(l.Keep(ctx, im.ID))
	}
	l.bring("preview.csv", chrome+"P,https://p.example/,mia,pw,\n")
	unsure, _, err := l.Unsure(ctx, 1, 0, 0)
	l.must(err)
	l.must(l.Assign(ctx, unsure[0].ID, "x.example"))
	l.must(l.AddCompany(ctx, "a.example", "Ä"))
	l.must(l.Group(ctx, "shops", true, "a.example", "d.example"))
	l.must(l.SetChannel(ctx, "d.example", "manual"))
	l.must(l.State(ctx, agent.Statement{Domain: "d.example", Fact: "address.home", Value: firsthand.Value{Parts: map[string]string{"city": "Gent"}}, Since: "2019-05-01"}))
	l.must(l.Unstate(ctx, "email", "b.example"))
	_, err = l.Meet(ctx, "e.example", agent.MeetOptions{Unpaired: true})
	l.must(err)

	var file bytes.Buffer
	l.must(l.Export(ctx, &file))
	if strings.Contains(unzipped(t, file.Bytes()), "p.example") {
		t.Error("a preview was exported")
	}
	other := newLife(t)
	n, err := other.Import(ctx, bytes.NewReader(file.Bytes()), int64(file.Len()))
	if other.must(err); n != 1 {
		t.Errorf("%d relationships", n)
	}
	show := func(l *life) string {
		rows, _, err := l.Companies(ctx, agent.CompanyQuery{})
		l.must(err)
		var text strings.Builder
		for _, c := range rows {
			d := l.company(c.Domain)
			for i := range d.Accounts {
				d.Accounts[i].ID, d.Accounts[i].Import = 0, 0 // numbers are a file's own
			}
			for i := range d.Statements {
				d.Statements[i].Import = 0
			}
			fmt.Fprintf(&text, "%+v\n%+v\n%+v\n", d.Company, d.Accounts, d.Statements)
		}
		return text.String()
	}
	if got, want := show(other), show(l); got != want {
		t.Errorf("came back\n%s\nwas\n%s", got, want)
	}
	imports, err := other.Imports(ctx)
	if other.must(err); len(imports) != 2 || imports[1].File != "0.csv" || imports[1].Counts.Passwords != 3 {
		t.Errorf("%+v", imports)
	}
	// Taken over twice, it is refused and leaves nothing.
	before, err := agenttest.Dump(ctx, other.store, nil)
	other.must(err)
	if _, err := other.Import(ctx, bytes.NewReader(file.Bytes()), int64(file.Len())); !errors.Is(err, fault.Conflict) {
		t.Errorf("import again = %v", err)
	}
	if after, err := agenttest.Dump(ctx, other.store, nil); err != nil || after != before {
		t.Errorf("an import that was refused left something: %v", err)
	}
}

func unzipped(t *testing.T, file []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return all.String()
}
