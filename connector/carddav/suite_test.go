package carddav_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/carddav"
	"firsthand/connector/connectortest"
	"firsthand/internal/needtest"
	"firsthand/internal/systems"
)

// A stand is two address books on a server, and a border before it. The fixture
// looks past the connector: at the cards, as another program reads them.
type stand struct {
	*connectortest.Border
	base           string // of the server itself
	book, journal  string // paths
	user, password string
	restart        func(testing.TB)
	looker         connector.Connector
	cursor         string // of looker
	plant          plant
	mail           *mailHost // nil: no binding
}

// A plant is a bug to be put in.
type plant struct {
	server    func(*server)
	connector func(connector.Connector) connector.Connector
	border    func(method, path string, body []byte) []byte
}

func TestConnector(t *testing.T) {
	connectortest.Run(t, fixture(plant{}))
}

// TestRadicale is the suite against the system itself.
func TestRadicale(t *testing.T) {
	if !needtest.Big() {
		t.Skip("starts a real system; see FIRSTHAND_TEST_ALL")
	}
	r, err := systems.StartRadicale(t.Context(), t.TempDir())
	if errors.Is(err, errors.ErrUnsupported) {
		needtest.Skip(t, err.Error())
	}
	must(t, err)
	t.Cleanup(r.Stop)
	n := 0
	connectortest.Run(t, connectortest.Fixture{Unwanted: "shoe_size", New: func(t testing.TB) connectortest.System {
		n++
		book, err := r.MakeBook(t.Context(), fmt.Sprintf("customers%d", n))
		must(t, err)
		journal, err := r.MakeBook(t.Context(), fmt.Sprintf("journal%d", n))
		must(t, err)
		base := strings.TrimSuffix(r.URL, "/gateway/")
		s := &stand{base: base, book: strings.TrimPrefix(book, base), journal: strings.TrimPrefix(journal, base), user: r.User, password: r.Password,
			mail: newMailHost(t), restart: func(t testing.TB) { must(t, r.Restart(t.Context())) }}
		return s.system(t)
	}})
}

func fixture(p plant) connectortest.Fixture {
	return connectortest.Fixture{Unwanted: "shoe_size", New: func(t testing.TB) connectortest.System {
		srv := newServer("/gateway/customers/", "/gateway/journal/")
		if p.server != nil {
			p.server(srv)
		}
		h := httptest.NewServer(srv)
		t.Cleanup(h.Close)
		s := &stand{base: h.URL, book: "/gateway/customers/", journal: "/gateway/journal/", user: "gateway", password: "secret", plant: p}
		if p.connector == nil {
			s.mail = newMailHost(t)
		}
		return s.system(t)
	}}
}

func (s *stand) open(t testing.TB, base string) connector.Connector {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte(s.password+"\n"), 0o600))
	config := map[string]any{"url": base + s.book, "journal": base + s.journal, "user": s.user, "password_file": file}
	if s.mail != nil {
		config["binding"] = map[string]any{"number": "X-CUSTOMER-NUMBER", "contact": map[string]any{"property": "EMAIL", "type": "WORK"},
			"mail": map[string]any{"host": "127.0.0.1", "port": s.mail.port, "tls": "none", "from": "care@acme.test"}}
	}
	raw, err := json.Marshal(config)
	must(t, err)
	c, err := carddav.New(raw)
	must(t, err)
	return c
}

func (s *stand) system(t testing.TB) connectortest.System {
	s.Border = connectortest.NewBorder(t, s.base)
	if s.plant.border != nil {
		s.Rewrite(s.plant.border)
	}
	s.looker = s.open(t, s.base)
	sys := connectortest.System{
		Connect: func(t testing.TB) connector.Connector {
			c := s.open(t, s.URL)
			if s.plant.connector != nil {
				c = s.plant.connector(c)
			}
			return c
		},
		Records: s.records, Look: s.look, Customer: s.customer, Edit: s.edit,
		Down: s.Down, Lose: s.Lose, Busy: s.Busy, Break: s.Break,
		Restart: s.restart,
		Shuffle: s.shuffle,
		// Tickets, Reply and Resolve: there is no place for them. Decide: nobody in an
		// address book does.
	}
	if s.mail != nil {
		sys.Sent = func(testing.TB) []connectortest.Sent { return s.mail.all() }
	}
	return sys
}

func (s *stand) ref(name string) connector.Ref {
	return connector.Ref{System: "address book", ID: name}
}

// call is what staff's own program says to the server, past the border.
func (s *stand) call(t testing.TB, method, path string, header http.Header, body string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
	must(t, err)
	for name, values := range header {
		req.Header[name] = values
	}
	req.SetBasicAuth(s.user, s.password)
	resp, err := http.DefaultTransport.RoundTrip(req)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, resp.Header, string(text)
}

// cardLines returns the lines of a card, unfolded; nil if there is no such card.
func (s *stand) cardLines(t testing.TB, name string) (lines []string, etag string) {
	t.Helper()
	status, h, text := s.call(t, "GET", s.book+url.PathEscape(name), nil, "")
	if status == http.StatusNotFound {
		return nil, ""
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n ", "")
	return strings.Split(strings.TrimSpace(text), "\n"), h.Get("ETag")
}

// places is where another program looks for each fact.
var places = map[string]*regexp.Regexp{
	"address.home": regexp.MustCompile(`^ADR;TYPE=HOME:(.*)$`),
	"email":        regexp.MustCompile(`^EMAIL(?:;TYPE=INTERNET)?:(.*)$`),
	"shoe_size":    regexp.MustCompile(`(42)`),
}

var semicolon = regexp.MustCompile(`((?:\\.|[^\\;])*)(?:;|$)`)

func plain(s string) string {
	return regexp.MustCompile(`\\(.)`).ReplaceAllStringFunc(s, func(e string) string {
		if e[1] == 'n' {
			return "\n"
		}
		return e[1:]
	})
}

func (s *stand) look(t testing.TB, ref connector.Ref) (map[string]firsthand.Value, bool) {
	lines, _ := s.cardLines(t, ref.ID)
	facts := map[string]firsthand.Value{}
	for _, l := range lines {
		for fact, place := range places {
			m := place.FindStringSubmatch(l)
			if m == nil || strings.HasPrefix(l, "X-FIRSTHAND") {
				continue
			}
			v := firsthand.Text(plain(m[1]))
			if fact == "address.home" {
				v = firsthand.Value{Parts: map[string]string{}}
				for i, part := range semicolon.FindAllStringSubmatch(m[1], 7) {
					if part[1] != "" {
						v.Parts[[]string{"box", "extra", "street", "city", "region", "postal_code", "country"}[i]] = plain(part[1])
					}
				}
			}
			facts[fact] = v
		}
	}
	if slices.Contains(lines, `FN:Mia Peeters\, staff says`) && !slices.Contains(lines, "X-STAFF;KIND=\"a;b:c\":what only staff knows") {
		t.Errorf("what else was in the card is not as it was: %q", lines)
	}
	return facts, lines != nil
}

func (s *stand) records(t testing.TB, rel firsthand.ID) (refs []connector.Ref) {
	_, _, text := s.call(t, "REPORT", s.book, http.Header{"Depth": {"0"}}, `<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`)
	for _, m := range regexp.MustCompile(`<href>[^<]*/([^/<]+)</href>`).FindAllStringSubmatch(text, -1) {
		name, err := url.PathUnescape(m[1])
		must(t, err)
		lines, _ := s.cardLines(t, name)
		for _, l := range lines {
			if text, ok := strings.CutPrefix(l, "X-FIRSTHAND:"); ok {
				raw, err := base64.RawURLEncoding.DecodeString(text)
				must(t, err)
				if bytes.Contains(raw, []byte(rel.String())) {
					refs = append(refs, s.ref(name))
				}
			}
		}
	}
	return refs
}

var escaper = strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\n", `\n`)

// line is a fact as staff's program writes it.
func line(fact string, v firsthand.Value) string {
	if fact == "address.home" {
		p := v.Parts
		return "ADR;TYPE=HOME:;;" + escaper.Replace(p["street"]) + ";" + escaper.Replace(p["city"]) + ";;" + escaper.Replace(p["postal_code"]) + ";" + escaper.Replace(p["country"])
	}
	return "EMAIL;TYPE=INTERNET:" + escaper.Replace(v.Text)
}

func (s *stand) customer(t testing.TB, c connectortest.Customer) connector.Ref {
	name := c.Number + rand.Text() + ".vcf"
	lines := []string{"BEGIN:VCARD", "VERSION:3.0", "UID:" + name, `FN:Mia Peeters\, staff says`, "N:Peeters;Mia;;;", `X-STAFF;KIND="a;b:c":what only staff knows`}
	for fact, v := range c.Facts {
		lines = append(lines, line(fact, v))
	}
	if c.Contact != "" {
		lines = append(lines, "EMAIL;TYPE=WORK:"+c.Contact)
	}
	s.put(t, name, append(lines, "X-CUSTOMER-NUMBER:"+c.Number, "END:VCARD"), "")
	return s.ref(name)
}

func (s *stand) put(t testing.TB, name string, lines []string, etag string) {
	t.Helper()
	h := http.Header{"Content-Type": {"text/vcard; charset=utf-8"}, "If-None-Match": {"*"}}
	if etag != "" {
		h = http.Header{"Content-Type": {"text/vcard; charset=utf-8"}, "If-Match": {etag}}
	}
	if status, _, text := s.call(t, "PUT", s.book+url.PathEscape(name), h, strings.Join(lines, "\r\n")+"\r\n"); status != http.StatusCreated && status != http.StatusNoContent {
		t.Fatalf("put %s: %d %s", name, status, text)
	}
}

// edit is staff changing a card. A server of cards has no history, so that of two
// edits between two looks of the gateway only the second shows; here another
// gateway process looks after each, as it does every few seconds.
func (s *stand) edit(t testing.TB, ref connector.Ref, fact string, v firsthand.Value) {
	lines, etag := s.cardLines(t, ref.ID)
	n := slices.IndexFunc(lines, places[fact].MatchString)
	if n < 0 {
		n = len(lines) - 1
		lines = slices.Insert(lines, n, "")
	}
	lines[n] = line(fact, v)
	s.put(t, ref.ID, lines, etag)
	for c, err := range s.looker.Changes(t.Context(), s.cursor) {
		must(t, err)
		s.cursor = c.Cursor
	}
}

var response = regexp.MustCompile(`(?s)<response>.*?</response>`)

func (s *stand) shuffle(t testing.TB, on bool) {
	if !on {
		s.Rewrite(nil)
		return
	}
	s.Rewrite(func(method, _ string, body []byte) []byte {
		if method != "REPORT" {
			return body
		}
		all := response.FindAll(body, -1)
		n := len(all)
		return response.ReplaceAllFunc(body, func([]byte) []byte { n--; return all[n] })
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
