package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firsthand"
	"firsthand/fetch"
	"firsthand/wire"
)

// A tap records what is sent on each connection.
type tap struct {
	mu    sync.Mutex
	conns []*tapped
}

type tapped struct {
	net.Conn
	tap  *tap
	sent bytes.Buffer
}

func (p *tap) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &tapped{Conn: conn, tap: p}
	p.conns = append(p.conns, c)
	return c, nil
}

func (c *tapped) Write(b []byte) (int, error) {
	c.tap.mu.Lock()
	c.sent.Write(b)
	c.tap.mu.Unlock()
	return c.Conn.Write(b)
}

// shared returns what a and b have in common and a stranger's c has not: 7 bytes
// or more, which nothing random has by chance. Bytes within any 8 that c has too
// are the protocol's.
func shared(a, b, c []byte) []string {
	const protocol, hers = 8, 7
	known := map[string]bool{}
	for i := 0; i+protocol <= len(c); i++ {
		known[string(c[i:i+protocol])] = true
	}
	own := func(text []byte) map[string]bool {
		covered := make([]bool, len(text))
		for i := 0; i+protocol <= len(text); i++ {
			if known[string(text[i:i+protocol])] {
				for j := range protocol {
					covered[i+j] = true
				}
			}
		}
		m := map[string]bool{}
		for i := 0; i+hers <= len(text); i++ {
			if !slices.Contains(covered[i:i+hers], true) {
				m[string(text[i:i+hers])] = true
			}
		}
		return m
	}
	inB := own(b)
	var found []string
	for w := range own(a) {
		if inB[w] {
			found = append(found, w)
		}
	}
	slices.Sort(found)
	return found
}

// live plays the same acts in a relationship: open, speak, sync, rotate, speak.
func live(t *testing.T, w *world, client *wire.Client, name string) *customer {
	t.Helper()
	c := newCustomer(t, name)
	resp, err := client.Open(t.Context(), w.base, c.key, c.request(c.logs[0]...))
	if err != nil {
		t.Fatal(err)
	}
	c.learn(resp)
	text := fmt.Sprintf("%x", seeded(name))
	sync := func(e firsthand.Entry) {
		t.Helper()
		resp, err := client.Sync(t.Context(), w.base, c.key, c.request(e))
		if err != nil {
			t.Fatal(err)
		}
		c.learn(resp)
	}
	sync(c.write(&firsthand.Message{Text: text}))
	sync(c.rotate())
	sync(c.write(&firsthand.Message{Text: text[1:] + text[:1]}))
	return c
}

// TestNoLinking plays two relationships of one customer, and one of a stranger,
// at the same time on the clock. What the customer's two have in common must be
// in the stranger's as well: then it is the protocol's, and not hers.
func TestNoLinking(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	p := new(tap)
	f := fetch.New(fetch.Options{AllowLoopback: true, Dial: p.dial})
	hers, strangers := wire.NewClient(f, clock), wire.NewClient(f, clock)
	defer hers.Close()
	defer strangers.Close()
	rels := []*customer{live(t, w, hers, "ann1"), live(t, w, hers, "ann2"), live(t, w, strangers, "bob1")}

	var sent [3][]byte
	for _, conn := range p.conns {
		of := -1
		for i, c := range rels {
			if bytes.Contains(conn.sent.Bytes(), []byte(c.rel().String())) {
				if of >= 0 {
					t.Errorf("one connection carries the relationships of %s and %s", rels[of].name, c.name)
				}
				of = i
			}
		}
		if of < 0 {
			t.Fatalf("a connection of nobody: %q", conn.sent.Bytes())
		}
		sent[of] = append(sent[of], conn.sent.Bytes()...)
	}
	if len(p.conns) != 3 {
		t.Errorf("%d connections for 3 relationships", len(p.conns))
	}
	if found := shared(sent[0], sent[1], sent[2]); len(found) > 0 {
		t.Errorf("both of her relationships sent %q", found)
	}
	checkHeaders(t, sent[0])

	// The check must notice what it is for.
	for _, bug := range []string{"Cookie: id=8c2f0e77", "User-Agent: firsthand/1.2.3 (linux)", "1f0b92e4"} {
		plant := func(text []byte) []byte { return append(bytes.Clone(text), bug...) }
		if len(shared(plant(sent[0]), plant(sent[1]), sent[2])) == 0 {
			t.Errorf("%q was not noticed", bug)
		}
	}
}

// checkHeaders refuses headers beyond those that everybody sends.
func checkHeaders(t *testing.T, sent []byte) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(sent))
	for n := range 4 {
		r, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("call %d: %v", n+1, err)
		}
		names := slices.Sorted(maps.Keys(r.Header))
		if got := strings.Join(names, " "); got != "Accept-Encoding Authorization Content-Length Content-Type User-Agent" {
			t.Errorf("headers %s", got)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPeersAreBounded: what is kept of idle relationships doesn't grow with
// their number.
func TestPeersAreBounded(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	c := newCustomer(t, "ann")
	w.open(t, c)
	done := w.poll(t.Context(), c)
	<-w.waiting
	for i := range 3 * wire.MaxIdlePeers {
		w.client.UsePeer(firsthand.ID{1, byte(i), byte(i >> 8)})
	}
	if n := w.client.Peers(); n != wire.MaxIdlePeers+1 {
		t.Errorf("%d peers are kept", n)
	}
	w.say(c.rel(), message)
	if r := <-done; r.err != nil { // it was in use all the time
		t.Error(r.err)
	}
	w.client.Close()
	if n := w.client.Peers(); n != 0 {
		t.Errorf("%d peers after Close", n)
	}
}

// TestPeersThatWereAsked: of many that were only asked for news, and had none, few
// connections are kept.
func TestPeersThatWereAsked(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	c := newCustomer(t, "ann")
	for i := range wire.MaxAsked {
		w.client.UsePeer(firsthand.ID{1, byte(i)})
	}
	w.open(t, c)
	if n := w.client.Peers(); n != wire.MaxAsked+1 {
		t.Errorf("%d peers are kept after a call that brought something", n)
	}
	if resp, err := w.client.Sync(t.Context(), w.base, c.key, c.request()); err != nil || len(resp.Entries) > 0 {
		t.Fatalf("%+v, %v", resp, err)
	}
	if n := w.client.Peers(); n != wire.MaxAsked {
		t.Errorf("%d peers are kept after one that only asked", n)
	}
}

// TestPeersExpire: what was not used for a minute goes with the next call.
func TestPeersExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := wire.NewClient(fetch.New(fetch.Options{}), nil)
		c.UsePeer(firsthand.ID{1})
		time.Sleep(50 * time.Second)
		c.UsePeer(firsthand.ID{2})
		if n := c.Peers(); n != 2 {
			t.Errorf("%d peers after 50 seconds", n)
		}
		time.Sleep(20 * time.Second)
		c.UsePeer(firsthand.ID{3})
		if n := c.Peers(); n != 2 {
			t.Errorf("%d peers after 70 seconds", n)
		}
	})
}

// TestStaleConnection: a connection that the gateway closed while it was idle
// costs no call.
func TestStaleConnection(t *testing.T) {
	g := newGateway()
	w := newWorld(t, g, nil)
	c := newCustomer(t, "ann")
	w.open(t, c)
	for range 20 {
		w.closeIdle()
		if _, err := w.client.Sync(t.Context(), w.base, c.key, c.request()); err != nil {
			t.Fatal(err)
		}
	}
}
