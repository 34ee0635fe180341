package fields_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf16"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/importer/fields"
	"firsthand/internal/needtest"
)

func zipOf(t testing.TB, files ...string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[i+1])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// wide is s in UTF-16 with a byte order mark.
func wide(s string) string {
	var b strings.Builder
	for _, u := range append([]uint16{0xfeff}, utf16.Encode([]rune(s))...) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

func show(res *fields.Result) string {
	var lines []string
	for _, f := range res.Fields {
		line := fmt.Sprintf("%s = %s", f.Path, strings.Join(f.Values, " | "))
		if f.More {
			line += " | more"
		}
		if f.Count != len(f.Values) {
			line += fmt.Sprintf(" (%d)", f.Count)
		}
		lines = append(lines, line)
	}
	for _, l := range res.Left {
		lines = append(lines, fmt.Sprintf("left %q: %s", l.File, l.Why))
	}
	if res.More > 0 {
		lines = append(lines, fmt.Sprint(res.More, " more"))
	}
	return strings.Join(lines, "\n")
}

func TestRead(t *testing.T) {
	const account = `{"account": {"contact": {"email": "mia@old.example", "phones": ["+32 1", "+32 2", "+32 1"]}, "age": 41, "vip": true, "gone": null, "none": ""},
		"orders": [{"total": 1.50}, {"total": 2}, {"total": 3}, {"total": 4}, {"total": 5}, {"total": 6}]}`
	const want = `account.contact.email = mia@old.example
account.contact.phones = +32 1 | +32 2 (3)
account.age = 41
account.vip = true
orders.total = 1.50 | 2 | 3 | 4 | 5 | more (6)`
	for _, tt := range []struct{ name, file, text, want string }{
		{"JSON of any nesting", "a.json", account, want},
		{"with a byte order mark", "a.json", "\xef\xbb\xbf" + account, want},
		{"in UTF-16", "a", wide(account), want},
		{"lists in lists", "a", `[[{"a":[["x"],["y",{"b":1}]]}],"z"]`, "a = x | y\na.b = 1\n? = z"},
		{"one text after the other", "a.jsonl", "{\"a\":1}\n{\"a\":2}\n{\"b\":3}\n", "a = 1 | 2\nb = 3"},
		{"names with dots and line breaks", "a", `{"a.b":{"c\nd":1,"":2}}`, "a b.c d = 1\na b.? = 2"},
		{"cut off", "a", account[:60], "account.contact.email = mia@old.example\nleft \"\": broken"},
		{"something behind", "a", `{"a":1} <script>`, "a = 1\nleft \"\": broken"},
		{"a table", "orders.csv", "Date,E-Mail,Total\n2026-01-01,mia@old.example,1\n2026-01-02,mia@old.example,\"2,5\"\n", "date = 2026-01-01 | 2026-01-02\ne-mail = mia@old.example (2)\ntotal = 1 | 2,5"},
		{"with semicolons, in UTF-16", "a.txt", wide("Straße;Ort\r\nKornweg 1;Köln\r\n"), "straße = Kornweg 1\nort = Köln"},
		{"with tabs, and a row that is wrong", "a.tsv", "a\tb\n1\t2\n1\t2\t3\n", "a = 1\nb = 2\nleft \"\": rows"},
		{"a table that is a list of fields", "a.csv", "Feld;Wert\nE-Mail;mia@old.example\nOrt;Gent\n", "E-Mail = mia@old.example\nOrt = Gent"},
		{"one column", "a.csv", "email\nmia@old.example\n", "email = mia@old.example"},
		{"an archive", "a.zip", zipOf(t, "data/me.json", `{"email":"x@y.example"}`, "data/orders.csv", "id,total\n1,2\n", "photo.jpg", "\xff\xd8", "more.zip", zipOf(t, "a.json", "{}"), "empty.json", "", ".x", "y", "odd.json", "hello", "cut.json", `{"a":1,`),
			"data/me.json: email = x@y.example\ndata/orders.csv: id = 1\ndata/orders.csv: total = 2\ncut.json: a = 1\nleft \"photo.jpg\": kind\nleft \"more.zip\": archive\nleft \"odd.json\": kind\nleft \"cut.json\": broken"},
		{"long values", "a", `{"a":"` + strings.Repeat("x", 1999) + `é more"}`, "a = " + strings.Repeat("x", 500) + "…"},
		{"hostile values", "a", `{"<script>":"<img src=x>\u0000\u202e\u001b[31m=1+1"}`, "<script> = <img src=x>\ufffd [31m=1+1"},
	} {
		for _, r := range []io.Reader{strings.NewReader(tt.text), iotest.OneByteReader(strings.NewReader(tt.text))} {
			res, err := fields.Read(t.Context(), tt.file, r)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			} else if got := show(res); got != tt.want {
				t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
			}
		}
	}
}

// TestUnreadable: what can't be read says so, and what to do.
func TestUnreadable(t *testing.T) {
	locked := []byte(zipOf(t, "a.json", `{"a":1}`))
	locked[6] |= 1
	for name, text := range map[string]string{
		"PDF": "%PDF-1.7", "page": "<!DOCTYPE html><p>", "XML": "<?xml version='1.0'?>", "empty": "", "blanks": " \n", "text": "Dear Mia,\n\nhere it is.", "binary": "\x00\x01\x02\x03\x04",
		"nothing in it": `{"a":null}`, "cut at once": `{"a`, "header alone": "a,b\n", "sheet": zipOf(t, "[Content_Types].xml", "<x>", "xl/sheet.xml", "<x>"),
		"pictures": zipOf(t, "a.jpg", "x", "b.jpg", "y"), "empty archive": zipOf(t), "half": zipOf(t, "a.json", `{"a":1}`)[:35], "locked": string(locked),
		"deep": strings.Repeat(`[`, 1_000_000), "not gzip": "\x1f\x8b\x00\x00",
	} {
		res, err := fields.Read(t.Context(), name, strings.NewReader(text))
		if err == nil || fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
			t.Errorf("%s: %v, %v, want an error that says what to do", name, res, err)
		}
	}
	if _, err := fields.Read(t.Context(), "x", iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that fails: %v", err)
	}
	if _, err := fields.Read(t.Context(), "x", io.MultiReader(strings.NewReader(`{"a":1,`), iotest.ErrReader(io.ErrClosedPipe))); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a reader that fails later: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fields.Read(ctx, "x", strings.NewReader(`{"a":1}`)); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader that nobody waits for: %v", err)
	}
}

// endless gives the same for ever.
type endless struct {
	text string
	at   int
	n    int64
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		k := copy(p[n:], e.text[e.at:])
		e.at = (e.at + k) % len(e.text)
		n += k
	}
	e.n += int64(n)
	return n, nil
}

// TestBounds: whatever it is, reading ends, in a memory that has a bound.
func TestBounds(t *testing.T) {
	needtest.Alone(t)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	io.CopyN(z, &endless{text: "aaaaaaaa"}, 40<<20)
	z.Close()
	many, wide := []string{}, &strings.Builder{}
	for i := range 3000 {
		many = append(many, fmt.Sprintf("f%d.json", i), fmt.Sprintf(`{"v%d":"%s"}`, i, strings.Repeat("é", 2000)))
		fmt.Fprintf(wide, `{"%s%d":{"x":"`, strings.Repeat("k", 300), i)
	}
	long := `{"photo":"` + strings.Repeat("A", 12<<20) + `","after":"1"}`
	for _, tt := range []struct {
		name  string
		r     io.Reader
		want  int // fields
		cut   bool
		fails bool
	}{
		{"a list without an end", io.MultiReader(strings.NewReader("["), &endless{text: `{"a":"b"},`}), 1, true, false},
		{"a text without an end", io.MultiReader(strings.NewReader(`{"b":1,"a":"`), &endless{text: "aaaa"}), 1, false, false},
		{"a long text", strings.NewReader(long), 2, false, false},
		{"a table without an end", io.MultiReader(strings.NewReader("a,b\n"), &endless{text: "1,2\n"}), 2, true, false},
		{"a bomb", &bomb, 0, false, true},
		{"thousands of files", strings.NewReader(zipOf(t, many...)), fields.MaxFields, true, false},
		{"long names, deep", strings.NewReader(wide.String()), 1, false, false},
		{"brackets without an end", io.MultiReader(strings.NewReader(`{"a":1,"b":[`), &endless{text: "[],"}), 1, true, false},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		begun := time.Now()
		res, err := fields.Read(t.Context(), "x.json", tt.r)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if (err != nil) != tt.fails {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if res == nil {
			continue
		}
		if len(res.Fields) != tt.want || res.Cut != tt.cut {
			t.Errorf("%s: %d fields, cut %v, want %d, %v", tt.name, len(res.Fields), res.Cut, tt.want, tt.cut)
		}
		values := 0
		for i := range res.Fields {
			values += res.Fields[i].Count
		}
		if values > 1<<20 {
			t.Errorf("%s: %d values were read", tt.name, values)
		}
		if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 48<<20 {
			t.Errorf("%s: keeps %d MiB", tt.name, kept>>20)
		}
		t.Logf("%s: %v", tt.name, time.Since(begun))
		runtime.KeepAlive(res)
	}
}

func TestGuess(t *testing.T) {
	hers := []fields.Fact{{Name: "email", Value: firsthand.Text("Mia@New.example")}, {Name: "phone", Value: firsthand.Text("+32 9 000 00 01")},
		{Name: "address.home", Value: firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "city": "Gent", "country": "BE"}}}}
	for _, tt := range []struct{ path, value, want string }{
		{"account.contact.email", "mia@old.example", "email told"},
		{"account.contact.emailAddress", "mia@new.example", "email told same"},
		{"Kundendaten.E-Mail-Adresse", "x", "email told"},
		{"coordonnées.adresse e-mail", "x", "email told"},
		{"klantgegevens.e-mailadres", "x", "email told"},
		{"datos personales.correo electrónico", "x", "email told"},
		{"phone.value", "1", "phone told"},
		{"klant.telefoonnummer", "1", "phone told"},
		{"profile.dateOfBirth", "1", "birth_date told"},
		{"Geburtsdatum", "1", "birth_date told"},
		{"cliente.fecha de nacimiento", "1", "birth_date told"},
		{"customer_id", "1", "customer_number told"},
		{"Kundennummer", "1", "customer_number told"},
		{"compte.numéro client", "1", "customer_number told"},
		{"billing.address.postalCode", "1", "address.home/postal_code told"},
		{"Anschrift.PLZ", "1", "address.home/postal_code told"},
		{"Anschrift.Straße", "1", "address.home/street told"},
		{"account.address", "1", "address.home/street told"},
		{"livraison.ville", "1", "address.home/city told"},
		{"dirección.ciudad", "1", "address.home/city told"},
		{"work.address.city", "1", "address.work/city told"},
		{"voornaam", "Mia", "name.first told"},
		{"customer.name", "Mia", "name told"},
		{"orders.name", "Shoes", "orders.name observed?"},
		{"logins.csv: ip", "10.0.0.1", "logins.ip observed?"},
		{"logins.csv: city", "Gent", "logins.city observed?"},
		{"orders.delivery.city", "Gent", "address.home/city told same"},
		{"whatever", "Graslei 2", "address.home/street told same"},
		{"whatever", "BE", "whatever observed?"},
		{"marketing.segments.family", "1", "segments.family inferred?"},
		{"Interessen", "1", "interessen inferred?"},
		{"profil.centres d'intérêt", "1", "profil.centres_d_interet inferred?"},
		{"doelgroep", "1", "doelgroep inferred?"},
		{"puntuación", "1", "puntuacion inferred?"},
		{"third_party.email", "mia@new.example", "email bought same"},
		{"Drittanbieter.acxiom.Telefon", "1", "phone bought"},
		{"enrichment.income", "1", "enrichment.income bought?"},
		{"datos de terceros.edad", "1", "datos_de_terceros.edad bought?"},
		{"note", "somebody@else.example", "email told"},
		{"日本.語", "x", "other observed?"},
		{strings.Repeat("長い long name ", 30), "x", "long_name_long_name_long_name_long_name_ observed?"},
	} {
		g := fields.GuessOf(&fields.Field{Path: tt.path, Values: []string{tt.value}}, hers)
		got := g.Fact
		if g.Part != "" {
			got += "/" + g.Part
		}
		got += " " + string(g.Origin)
		if g.Same {
			got += " same"
		}
		if !g.Known {
			got += "?"
		}
		if got != tt.want {
			t.Errorf("%s = %s: %s, want %s", tt.path, tt.value, got, tt.want)
		}
		if _, err := firsthand.EncodeBody(&firsthand.Ask{Fact: g.Fact, Purpose: "any", Why: "any"}); err != nil {
			t.Errorf("%s: %v", tt.path, err)
		}
	}
	book := fields.Field{Path: "contacts.csv: email", Values: []string{"a@b.example", "b@b.example", "c@b.example", "d@b.example"}}
	if g := fields.GuessOf(&book, hers); g.Known || g.Fact != "contacts.email" || g.Origin != firsthand.Observed {
		t.Errorf("an address book of others is %+v", g)
	}
	if g := fields.GuessOf(&fields.Field{Path: "a", Values: []string{"mia@new.example", "x"}}, hers); g.Same {
		t.Error("of several values none is hers")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"c"}]}`))
	f.Add([]byte("a;b\n1;2\n"))
	f.Add([]byte(zipOf(f, "a.json", `{"a":1}`, "b.csv", "a,b\n1,2\n")))
	f.Fuzz(func(t *testing.T, text []byte) {
		res, err := fields.Read(t.Context(), "x.csv", bytes.NewReader(text))
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
				t.Errorf("%v says not what to do", err)
			}
			return
		}
		for _, f := range res.Fields {
			if len(f.Values) == 0 || len(f.Values) > fields.MaxValues || f.Count < len(f.Values) || len(f.Path) > 2000 {
				t.Errorf("%+v", f)
			}
			fields.GuessOf(&f, nil)
		}
	})
}
