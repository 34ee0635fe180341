package fetch_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"firsthand/fault"
	"firsthand/fetch"
)

// The system is asked for the name itself and not, when there is none, for
// that name in the domains of the local network. Go reads these from a fixed
// file, so this can fail only where the system has search domains.
func TestResolverAsksForTheNameAlone(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	defer func(r *net.Resolver) { net.DefaultResolver = r }(net.DefaultResolver)
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			answerNoSuchName(far, func(name string) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, name)
			})
		}()
		return near, nil
	}}

	_, err := fetch.New(fetch.Options{}).Get(t.Context(), "https://nobody.acme.example/")
	if _, ok := errors.AsType[*net.DNSError](err); !ok || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Get = %v, want Unavailable for a DNS error", err)
	}
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(asked)
	if got := slices.Compact(asked); !slices.Equal(got, []string{"nobody.acme.example."}) {
		t.Errorf("asked for %q", got)
	}
}

// answerNoSuchName reads a DNS query from a stream (RFC 1035, 4.2.2), notes the
// name, and answers that there is none such.
func answerNoSuchName(c io.ReadWriter, note func(name string)) {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return
	}
	msg := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, msg); err != nil {
		return
	}
	var b strings.Builder
	for at := 12; msg[at] != 0; at += int(msg[at]) + 1 {
		b.Write(msg[at+1 : at+1+int(msg[at])])
		b.WriteByte('.')
	}
	note(b.String())
	msg[2] |= 0x80 // an answer
	msg[3] |= 3    // no such name
	c.Write(append(size[:], msg...))
}
