package wire_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"firsthand/fault"
	"firsthand/wire"
)

// dial connects to w's gateway as somebody who speaks HTTP as he likes.
func (w *world) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", w.host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// post begins a call of n bytes.
func post(conn net.Conn, n string) {
	fmt.Fprintf(conn, "POST /desk/v1/sync HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\n%s\r\n\r\n", wire.ContentType, n)
}

func TestOversize(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	for name, tt := range map[string]struct{ length, want string }{
		"announced too long": {"Content-Length: 1052673", `{"kind":"invalid","rule":"batch-size"}`},
		"endless":            {"Content-Length: 99999999999", `{"kind":"invalid","rule":"batch-size"}`},
		"chunked":            {"Transfer-Encoding: chunked", `{"kind":"invalid","rule":"call-form"}`},
	} {
		conn := w.dial(t)
		post(conn, tt.length)
		io.WriteString(conn, "0\r\n\r\n") // ends the chunked one; net/http reads it before it answers
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 400 || strings.TrimSpace(string(text)) != tt.want {
			t.Errorf("%s: %s %s", name, resp.Status, text)
		}
	}
	conn := w.dial(t)
	fmt.Fprintf(conn, "POST /desk/v1/sync HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", strings.Repeat("x", 20<<10))
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("20 KiB of header: %v, %v", resp, err)
	}
}

// TestBigBodies: callers who announce big bodies and send them slowly are few
// at a time, and keep nobody with an everyday call waiting.
func TestBigBodies(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	c := newCustomer(t, "ann")
	w.open(t, c)
	var slow []net.Conn
	for range wire.MaxBig {
		conn := w.dial(t)
		post(conn, "Content-Length: 1000000\r\nExpect: 100-continue")
		// The handler asks for the body when it has taken its place.
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100") {
			t.Fatalf("%q, %v", line, err)
		}
		slow = append(slow, conn)
	}
	big := &rawCall{method: "POST", path: "/desk/v1/sync", header: http.Header{"Content-Type": {wire.ContentType}}, body: make([]byte, 100<<10)}
	if status, body := w.do(t, big); answer(status, body) != "503 call-busy" {
		t.Errorf("one more: %d %s", status, body)
	}
	if _, err := w.client.Sync(t.Context(), w.base, c.key, c.request()); err != nil {
		t.Errorf("an everyday call: %v", err)
	}
	for _, conn := range slow {
		conn.Close()
	}
	for { // until the handlers have noticed
		if status, body := w.do(t, big); status != 503 {
			if answer(status, body) != "400 call-form" {
				t.Errorf("with places free again: %d %s", status, body)
			}
			return
		}
	}
}

// TestSlowCallers: whoever sends header or body too slowly is cut off.
func TestSlowCallers(t *testing.T) {
	h, err := wire.NewHandler(newGateway(), wire.Options{BaseURL: "http://localhost:8080/desk"})
	if err != nil {
		t.Fatal(err)
	}
	s := h.NewServer()
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.IdleTimeout <= 0 || s.WriteTimeout < wire.MaxWait+s.ReadTimeout {
		t.Errorf("timeouts: %+v", s)
	}
	s.ReadHeaderTimeout, s.ReadTimeout = 30*time.Millisecond, 60*time.Millisecond
	l := listen(t)
	go s.Serve(l)
	defer s.Close()
	w := &world{base: "http://" + l.Addr().String() + "/desk"}
	for name, send := range map[string]func(net.Conn){
		"nothing":            func(net.Conn) {},
		"half a header":      func(c net.Conn) { io.WriteString(c, "POST /desk/v1/sync HTTP/1.1\r\nHost:") },
		"no body":            func(c net.Conn) { post(c, "Content-Length: 10") },
		"half a body":        func(c net.Conn) { post(c, "Content-Length: 10"); io.WriteString(c, "{") },
		"body nobody reads":  func(c net.Conn) { post(c, "Content-Length: 10\r\nOrigin: x"); io.WriteString(c, "{") },
		"body where is none": func(c net.Conn) { io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{") },
	} {
		conn := w.dial(t)
		send(conn)
		if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, io.EOF) {
			// Being cut off may also show as a reset.
			if _, ok := errors.AsType[*net.OpError](err); !ok {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestOpeningsAreLimited(t *testing.T) {
	w := newWorld(t, newGateway(), func(o *wire.Options) { o.OpenEach = wire.Limit{Rate: 0.1, Burst: 2} })
	for i := range 3 {
		c := newCustomer(t, fmt.Sprint("customer ", i))
		_, err := w.client.Open(t.Context(), w.base, c.key, c.request(c.logs[0]...))
		if i < 2 {
			if err != nil {
				t.Errorf("opening %d: %v", i+1, err)
			}
			if _, err := w.client.Sync(t.Context(), w.base, c.key, c.request()); err != nil {
				t.Errorf("sync is not limited: %v", err)
			}
			continue
		}
		e, ok := errors.AsType[*wire.GatewayError](err)
		if !ok || fault.KindOf(err) != fault.Unavailable || fault.RuleOf(err) != "call-rate" || e.RetryAfter != 10*time.Second {
			t.Errorf("opening %d: %+v", i+1, err)
		}
	}
}

// A source that calls too often is turned away before anything of its call is looked
// at; nobody else is; and what nobody has signed counts more.
func TestCallsAreLimited(t *testing.T) {
	now := start
	w := newWorld(t, newGateway(), func(o *wire.Options) {
		o.CallEach = wire.Limit{Rate: 1, Burst: 30}
		o.Now = func() time.Time { return now }
		o.Source = wire.SourceIn("X-Real-IP")
	})
	ann := newCustomer(t, "ann")
	w.open(t, ann)
	call := func(from string, key string) string {
		t.Helper()
		c := w.raw(t, "/desk/v1/sync", signer(key), ann.request())
		c.header.Set("X-Real-IP", from)
		status, body := w.do(t, c)
		return answer(status, body)
	}
	for i := range 3 {
		if got := call("192.0.2.66", "mallory"); got != "403 call-signature" {
			t.Errorf("call %d that nobody has signed: %s", i+1, got)
		}
	}
	for _, key := range []string{"mallory", "ann"} { // his three counted for thirty
		if got := call("192.0.2.66", key); got != "429 call-rate" {
			t.Errorf("one more, by %s: %s", key, got)
		}
	}
	for i := range 25 {
		if got := call("192.0.2.7", "ann"); got != "200" {
			t.Errorf("another source's call %d: %s", i+1, got)
		}
	}
	now = now.Add(3 * time.Second)
	if got := call("192.0.2.66", "ann"); got != "200" {
		t.Errorf("three seconds later: %s", got)
	}
	// The answer says when, and comes without a byte of the body.
	for range 40 {
		call("192.0.2.99", "ann")
	}
	conn := w.dial(t)
	fmt.Fprintf(conn, "POST /desk/v1/sync HTTP/1.1\r\nHost: a\r\nX-Real-IP: 192.0.2.99\r\nContent-Type: %s\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n", wire.ContentType)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("without a body: %+v, %v", resp, err)
	}
	// An agent hears it.
	w = newWorld(t, newGateway(), func(o *wire.Options) { o.CallEach = wire.Limit{Rate: 0.2, Burst: 1} })
	bob := newCustomer(t, "bob")
	w.open(t, bob)
	_, err = w.client.Sync(t.Context(), w.base, bob.key, bob.request())
	if e, ok := errors.AsType[*wire.GatewayError](err); !ok || fault.RuleOf(err) != "call-rate" || e.RetryAfter < 4*time.Second {
		t.Errorf("an agent gets %v", err)
	}
}

func TestSourceIn(t *testing.T) {
	source := wire.SourceIn("X-Forwarded-For")
	for _, tt := range []struct {
		headers []string
		want    string
	}{
		{nil, "198.51.100.1"},
		{[]string{"192.0.2.1"}, "192.0.2.1"},
		{[]string{"10.0.0.1, 192.0.2.1"}, "192.0.2.1"},
		{[]string{"192.0.2.1", "192.0.2.2"}, "192.0.2.2"},
		{[]string{"2001:db8::1"}, "2001:db8::1"},
		{[]string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{[]string{"192.0.2.1:4711"}, "192.0.2.1"},
		{[]string{"unknown"}, "198.51.100.1"},
	} {
		r := &http.Request{RemoteAddr: "198.51.100.1:4711", Header: http.Header{"X-Forwarded-For": tt.headers}}
		if got := source(r).String(); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.headers, got, tt.want)
		}
	}
}

func TestOpenings(t *testing.T) {
	addr := netip.MustParseAddr
	o := wire.NewOpenings(wire.Limit{Rate: 1, Burst: 2}, wire.Limit{Rate: 1000, Burst: 1 << 20})
	for i, tt := range []struct {
		from string
		at   time.Duration
		ok   bool
	}{
		{"192.0.2.1", 0, true},
		{"192.0.2.1", 0, true},
		{"192.0.2.1", 0, false},
		{"::ffff:192.0.2.1", 0, false}, // the same
		{"192.0.2.2", 0, true},
		{"192.0.2.1", time.Second, true},
		{"192.0.2.1", time.Second, false},
		{"2001:db8:0:1::1", 0, true},
		{"2001:db8:0:1::2", 0, true},
		{"2001:db8:0:1:ffff::3", 0, false}, // the same network
		{"2001:db8:0:2::1", 0, true},
		{"fe80::1%eth0", 0, true},
	} {
		if err := o.Admit(addr(tt.from), start.Add(tt.at)); (err == nil) != tt.ok {
			t.Errorf("%d, %s: %v", i, tt.from, err)
		}
	}
	if err := o.Admit(netip.Addr{}, start); err != nil {
		t.Error(err) // no address at all is a source too
	}

	// All together are limited too, and memory is.
	o = wire.NewOpenings(wire.Limit{Rate: 1, Burst: 1}, wire.Limit{Rate: 1, Burst: 3 * wire.MaxSources})
	a := addr("10.0.0.0")
	for range 3 * wire.MaxSources {
		a = a.Next()
		if err := o.Admit(a, start); err != nil {
			t.Fatal(err)
		}
	}
	if n := o.Sources(); n > 2*wire.MaxSources {
		t.Errorf("%d sources are remembered", n)
	}
	if err := o.Admit(a.Next(), start); fault.RuleOf(err) != "call-rate" {
		t.Errorf("above the limit of all: %v", err)
	}
	if err := o.Admit(a.Next(), start.Add(time.Second)); err != nil {
		t.Errorf("a refused opening used up its source's bucket: %v", err)
	}
}
