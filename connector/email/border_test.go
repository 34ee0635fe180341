package email_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"

	"firsthand/connector/connectortest"
)

const (
	address  = "privacy@acme.test"
	replyTo  = "privacy+firsthand@acme.test"
	password = "correct horse"
)

// newMemory starts a mail host in this process, and returns how to connect to it.
func newMemory(t testing.TB) func() (net.Conn, error) {
	t.Helper()
	user := imapmemserver.NewUser(address, password)
	for _, name := range []string{"INBOX", "Sent"} {
		must(t, user.Create(name, nil))
	}
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return imapmemserver.NewUserSession(user), nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapUIDPlus: {}, imap.CapMove: {}},
		InsecureAuth: true,
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(l) }()
	t.Cleanup(func() { server.Close(); <-done })
	return func() (net.Conn, error) { return net.Dial("tcp", l.Addr().String()) }
}

// A border stands between the connector and a mail host, and is the trouble that can be
// had on the way.
type border struct {
	net.Listener
	host func() (net.Conn, error)

	mu      sync.Mutex
	conns   map[net.Conn]bool
	down    bool
	lose    bool
	full    bool   // no APPEND is taken
	after   func() // called when an answer got lost
	trouble connectortest.Trouble
	told    func(text []byte) // called with what the host says
	hide    string            // a capability that the host doesn't have
}

func newBorder(t testing.TB, host func() (net.Conn, error)) *border {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	b := &border{Listener: l, host: host, conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { b.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); b.set(func() {}); serving.Wait() })
	return b
}

func (b *border) port() int { return b.Addr().(*net.TCPAddr).Port }

// set changes what b does. What is connected ends, as when a host goes down.
func (b *border) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	for c := range b.conns {
		c.Close()
	}
}

func (b *border) Down(_ testing.TB, down bool) { b.set(func() { b.down = down }) }

func (b *border) Break(_ testing.TB, how connectortest.Trouble) { b.set(func() { b.trouble = how }) }

// Lose has the host do the next APPEND or EXPUNGE, and nobody hear of it.
func (b *border) Lose(testing.TB) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lose = true
}

func (b *border) serve(conn net.Conn) {
	b.mu.Lock()
	down, trouble := b.down, b.trouble
	b.conns[conn] = true
	b.mu.Unlock()
	defer func() {
		conn.Close()
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.conns, conn)
	}()
	switch {
	case down:
	case trouble == connectortest.Slow:
		io.Copy(io.Discard, conn)
	case trouble == connectortest.Garbage:
		fmt.Fprint(conn, "<html><title>It works!</title>\x00\xff{[\r\n")
	case trouble == connectortest.Errors:
		failing(conn)
	default:
		b.relay(conn, trouble == connectortest.Cut)
	}
}

// failing is a host on which everything fails but the greeting.
func failing(conn net.Conn) {
	fmt.Fprint(conn, "* OK [CAPABILITY IMAP4rev1] ready\r\n")
	var b [4096]byte
	for {
		n, err := conn.Read(b[:])
		if err != nil {
			return
		}
		for line := range strings.Lines(string(b[:n])) {
			tag, rest, _ := strings.Cut(line, " ")
			if strings.HasPrefix(rest, "LOGIN") {
				fmt.Fprintf(conn, "%s OK [CAPABILITY IMAP4rev1] in\r\n", tag)
			} else {
				fmt.Fprintf(conn, "%s NO [SERVERBUG] Internal error occurred. Refer to server log for more information.\r\n", tag)
			}
		}
	}
}

var (
	appending = regexp.MustCompile(`(?m)^(\S+) APPEND `)
	writing   = regexp.MustCompile(`(?m)^(\S+) (?:APPEND|UID EXPUNGE) `)
)

func (b *border) relay(conn net.Conn, cut bool) {
	host, err := b.host()
	if err != nil {
		return
	}
	defer host.Close()
	var mu sync.Mutex
	var losing []byte // the tag whose answer gets lost
	var both sync.WaitGroup
	both.Go(func() {
		defer host.Close()
		pass(conn, host, func(text []byte) ([]byte, bool) {
			b.mu.Lock()
			defer b.mu.Unlock()
			tag := appending.FindSubmatch(text)
			if b.full && tag != nil {
				fmt.Fprintf(conn, "%s NO [OVERQUOTA] Quota exceeded (mailbox for user is full)\r\n", tag[1])
				return nil, true
			}
			if tag = writing.FindSubmatch(text); b.lose && tag != nil {
				b.lose = false
				mu.Lock()
				losing = append(bytes.Clone(tag[1]), ' ')
				mu.Unlock()
			}
			return text, true
		})
	})
	both.Go(func() {
		defer conn.Close()
		n := 0
		pass(host, conn, func(text []byte) ([]byte, bool) {
			mu.Lock()
			defer mu.Unlock()
			if losing != nil && (bytes.HasPrefix(text, losing) || bytes.Contains(text, append([]byte("\n"), losing...))) {
				b.mu.Lock()
				if b.after != nil {
					b.after()
				}
				b.mu.Unlock()
				return nil, false
			}
			b.mu.Lock()
			if b.told != nil {
				b.told(text)
			}
			if b.hide != "" {
				text = bytes.ReplaceAll(text, []byte(b.hide), bytes.Repeat([]byte("X"), len(b.hide)))
			}
			b.mu.Unlock()
			if n++; cut && n > 3 {
				return text[:len(text)/2], false
			}
			return text, true
		})
	})
	both.Wait()
}

// pass gives what comes from one to the other, as f has it, while f says so.
func pass(from, to net.Conn, f func([]byte) ([]byte, bool)) {
	var b [64 << 10]byte
	for {
		n, err := from.Read(b[:])
		text, more := f(b[:n])
		if _, werr := to.Write(text); err != nil || werr != nil || !more {
			return
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
