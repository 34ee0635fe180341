package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/logtest"
	"firsthand/wire"
)

// A siege is a running gateway, reached over HTTP as anybody reaches it, with a
// customer, Mia, who is bound to her record, and another one, Mallory, who does
// whatever he likes with everything that is his: his keys, his relationship, his
// connection. What he gets and what he costs is counted.
type siege struct {
	*world
	host string
	log  *lines
	mia  *gatewaytest.Customer
	p    *logtest.Pair // Mallory's relationship
	ours firsthand.Entry
	prev firsthand.Entry // his last entry that the gateway has
	said string          // what he has written: he may get that back
}

// secret is what only Mia and the company know.
const secret = "rosebud-4711"

// lines is what the gateway has logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newSiege(t testing.TB, change func(*wire.Options, *http.Server)) *siege {
	s := &siege{log: new(lines), p: logtest.NewPair(t, "mallory")}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.host = l.Addr().String()
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.world = start(t, gatewaytest.NewMemory(), func(o *gateway.Options) { o.Log = log })
	// The company's key is that of Mallory's pair, so that what he forges of the
	// company's log is as good as it can be.
	key := s.p.Key(firsthand.Second)
	s.keys.Signers[0], s.keys.Chain[0] = key, firsthand.ChainKey{Key: key.Public(), Next: s.p.State().Log(firsthand.Second).Next}
	s.restart()
	s.crm.customer("C-1", "mia@old.example", map[string]firsthand.Value{"email": firsthand.Text("mia@old.example")})
	s.mia = s.meet("mia")
	s.bind(s.mia, "C-1")
	s.mia.Say(t, secret)
	s.exchange(s.mia)
	o := wire.Options{BaseURL: "http://" + s.host, Now: func() time.Time { return s.now }, Log: log}
	server := &http.Server{}
	if change != nil {
		change(&o, server)
	}
	h, err := wire.NewHandler(s.Gateway, o)
	if err != nil {
		t.Fatal(err)
	}
	real := h.NewServer()
	if server.ReadTimeout > 0 {
		real.ReadHeaderTimeout, real.ReadTimeout = server.ReadHeaderTimeout, server.ReadTimeout
	}
	go real.Serve(l) // ends with Close
	t.Cleanup(func() { real.Close() })
	first := s.p.Log(firsthand.First)[:1]
	if got := s.call("/v1/open", s.p.Key(firsthand.First), s.request(first...), nil); got != "200" {
		t.Fatalf("Mallory opens: %s", got)
	}
	second, err := firsthand.Collect(s.store.Entries(s.ctx(), s.p.Rel(), firsthand.Second, 0))
	if err != nil {
		t.Fatal(err)
	}
	s.ours, s.prev = second[0], first[0]
	s.idle()
	return s
}

// request is an honest call of Mallory's with entries.
func (s *siege) request(entries ...firsthand.Entry) wire.Request {
	r := wire.Request{Rel: s.p.Rel(), Entries: entries}
	if !s.ours.ID.IsZero() {
		r.First, r.Second = s.prev.Head(), s.ours.Head()
	}
	return r
}

// bodyOf is the body of a call. The real client refuses to make most of these.
func bodyOf(r wire.Request) []byte {
	b := fmt.Appendf(nil, `{"rel":"%s","first":%s,"second":%s,"wait":%d}`+"\n", r.Rel, firsthand.EncodeJSON(r.First), firsthand.EncodeJSON(r.Second), int(r.Wait.Seconds()))
	for i := range r.Entries {
		b = r.Entries[i].AppendLine(b)
	}
	return b
}

// A shot is one HTTP request, as it is sent.
type shot struct {
	method, path string
	header       http.Header
	body         []byte
	signed       firsthand.Call // what is signed
	key          *firsthand.Signer
}

// call makes a signed call that change has altered, and returns what came of it:
// "200", or "403 call-signature". change is asked before it is signed.
func (s *siege) call(path string, key *firsthand.Signer, r wire.Request, change func(*shot)) string {
	return s.shoot(path, key, bodyOf(r), change)
}

func (s *siege) shoot(path string, key *firsthand.Signer, body []byte, change func(*shot)) string {
	s.t.Helper()
	sh := &shot{method: "POST", path: path, header: http.Header{"Content-Type": {wire.ContentType}}, body: body, key: key}
	sh.signed = firsthand.Call{Method: "POST", Host: s.host, Path: path, Time: s.now, Body: body}
	sh.header.Set("Authorization", "")
	if change != nil {
		change(sh)
	}
	if v := sh.header["Authorization"]; len(v) == 1 && v[0] == "" {
		sh.header.Set("Authorization", sh.authorization())
	}
	req, err := http.NewRequestWithContext(s.ctx(), sh.method, "http://"+s.host+sh.path, bytes.NewReader(sh.body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = sh.header
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.judge(resp.StatusCode, text)
}

func (sh *shot) authorization() string {
	return "Firsthand " + sh.signed.Time.UTC().Format("2006-01-02T15:04:05Z") + " " + sh.key.Call(sh.signed)
}

// judge returns the outcome of a call. No answer has a word of Mia's, and a refusal
// is short.
func (s *siege) judge(status int, text []byte) string {
	s.t.Helper()
	if bytes.Contains(text, []byte(s.mia.Rel().String())) && !strings.Contains(s.said, s.mia.Rel().String()) || bytes.Contains(text, []byte(secret)) || bytes.Contains(text, []byte("mia@")) {
		s.t.Errorf("he got something of Mia's: %s", text)
	}
	if status == 200 {
		return "200"
	}
	if len(text) > 200 {
		s.t.Errorf("a refusal of %d bytes: %s", len(text), text)
	}
	var f struct{ Rule string }
	json.Unmarshal(text, &f) // net/http's own refusals have none
	return strings.TrimSpace(fmt.Sprint(status, " ", f.Rule))
}

// raw sends bytes, and returns the status of the first answer; "cut off" if there is
// none.
func (s *siege) raw(text string) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.host)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	go io.WriteString(conn, text) // the gateway may have answered and gone
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			s.t.Errorf("neither answered nor cut off")
		}
		return "cut off"
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // cut off in the middle is as good
	return s.judge(resp.StatusCode, body)
}

// A cost is what an attack may leave: entries and bytes that are kept, calls of the
// company's system, lines in the log.
type cost struct{ entries, bytes, calls, lines int }

func (c cost) minus(d cost) cost {
	return cost{c.entries - d.entries, c.bytes - d.bytes, c.calls - d.calls, c.lines - d.lines}
}

func (c cost) within(most cost) bool {
	return c.entries <= most.entries && c.bytes <= most.bytes && c.calls <= most.calls && c.lines <= most.lines
}

func (s *siege) spent() (c cost) {
	s.t.Helper()
	for r, err := range s.store.Relationships(s.ctx()) {
		if err != nil {
			s.t.Fatal(err)
		}
		for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
			for e, err := range s.store.Entries(s.ctx(), r.ID, side, 0) {
				if err != nil {
					s.t.Fatal(err)
				}
				c.entries++
				c.bytes += len(e.Signed) + len(e.Body)
			}
		}
		evidence, err := s.store.Evidence(s.ctx(), r.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range evidence {
			c.entries++
			c.bytes += len(e.Entry.Signed) + len(e.Entry.Body)
		}
	}
	s.crm.mu.Lock()
	for _, n := range s.crm.calls {
		c.calls += n
	}
	s.crm.mu.Unlock()
	c.lines = strings.Count(s.log.String(), "\n")
	return c
}

// attack makes one attack, and checks what came of it and what it cost. Mia has what
// she had before.
func (s *siege) attack(name, want string, most cost, do func() string) {
	s.t.Helper()
	s.t.(*testing.T).Run(name, func(t *testing.T) {
		t.Helper()
		outer := s.t
		s.t = t
		defer func() { s.t = outer }()
		before, mias, record := s.spent(), s.heads(s.mia), fmt.Sprint(s.crm.records["C-1"], s.crm.contacts["C-1"])
		got := do()
		s.idle()
		if ok, err := regexp.MatchString("^("+want+")$", got); err != nil || !ok {
			t.Errorf("answered %q, want %q", got, want)
		}
		if spent := s.spent().minus(before); !spent.within(most) {
			t.Errorf("it cost %+v, at most %+v\n%s", spent, most, s.log)
		}
		if now := fmt.Sprint(s.crm.records["C-1"], s.crm.contacts["C-1"]); now != record {
			t.Errorf("Mia's record is %s, it was %s", now, record)
		}
		if s.heads(s.mia) != mias {
			t.Error("Mia's logs are others")
		}
	})
}

// next is Mallory's next entry, before it is signed.
func (s *siege) next() firsthand.Entry {
	e := s.p.Next(firsthand.First)
	e.Seq, e.Prev, e.Seen = s.prev.Seq+1, s.prev.ID, s.ours.Head()
	return e
}

// write has Mallory say something in his own log, properly signed.
func (s *siege) write(body string) string {
	s.t.Helper()
	s.said += body
	e := s.p.Forge(s.t, s.next(), body)
	got := s.call("/v1/sync", s.p.Key(firsthand.First), s.request(e), nil)
	if got == "200" {
		if head, err := s.store.Head(s.ctx(), s.p.Rel(), firsthand.First); err != nil || head == e.Head() {
			s.prev = e
		}
	}
	return got
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
