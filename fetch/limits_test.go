package fetch_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/fetch/fetchtest"
)

const (
	maxBytes = 64 << 10 // of the client in these tests
	tooMany  = 2 << 20  // what a host sends that does not want to end
	tooLong  = 2 * time.Hour
)

// A limit is a host that strains one of them, in virtual time.
type limit struct {
	name    string
	answer  func(w io.Writer)                                       // after the request was read
	connect func(ctx context.Context, addr string) error            // before
	resolve func(ctx context.Context, host string) (n int, e error) // how many addresses there are
	call    fetch.Request
	want    string
	size    int           // of the body, where answered
	took    time.Duration // that the call must take, if it is not 0
}

var limits = []limit{
	{name: "empty", answer: say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), want: fetchtest.Answered},
	{name: "just below the limit", answer: body(maxBytes - 1), want: fetchtest.Answered, size: maxBytes - 1},
	{name: "at the limit", answer: body(maxBytes), want: fetchtest.Answered, size: maxBytes},
	{name: "one above the limit", answer: body(maxBytes + 1), want: "fetch-size"},
	{name: "long", answer: body(tooMany), want: "fetch-size"},
	{name: "long, of unknown length", answer: pour("HTTP/1.1 200 OK\r\n\r\n", "bytes "), want: "fetch-size"},
	{name: "long, in chunks", answer: pour("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nabcd\r\n"), want: "fetch-size"},
	{name: "long, of a length told wrong", answer: pour("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", "bytes "), want: "fetch-size"},
	{name: "long, with an error", answer: pour("HTTP/1.1 404 Not Found\r\n\r\n", "not here "), want: "fetch-size"},
	{name: "shorter than told", answer: say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbytes"), want: fetchtest.Unavailable},
	{name: "chunk without end", answer: say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n"), want: fetchtest.Unavailable},
	{name: "higher limit for a call", answer: body(2 * maxBytes), call: fetch.Request{MaxBytes: 2 * maxBytes}, want: fetchtest.Answered, size: 2 * maxBytes},
	{name: "lower limit for a call", answer: body(11), call: fetch.Request{MaxBytes: 10}, want: "fetch-size"},

	{name: "gzip bomb", answer: packed("gzip"), want: "fetch-encoding"},
	{name: "gzip bomb, other name", answer: packed("x-gzip"), want: "fetch-encoding"},
	{name: "gzip bomb, capitals", answer: packed("GZIP"), want: "fetch-encoding"},
	{name: "gzip bomb behind identity", answer: packed("identity, gzip"), want: "fetch-encoding"},
	{name: "gzip bomb in a second header", answer: packed("identity\r\nContent-Encoding: gzip"), want: "fetch-encoding"},
	{name: "gzip bomb, twice packed", answer: packed("gzip, gzip"), want: "fetch-encoding"},
	{name: "deflate", answer: packed("deflate"), want: "fetch-encoding"},
	{name: "brotli", answer: packed("br"), want: "fetch-encoding"},
	{name: "zstd", answer: packed("zstd"), want: "fetch-encoding"},
	{name: "unknown coding", answer: packed("rot13"), want: "fetch-encoding"},
	{name: "gzip bomb that nobody asked to open", answer: packed("identity"), want: fetchtest.Answered, size: len(bomb)},
	{name: "gzip as transfer coding", answer: say("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + string(bomb)), want: fetchtest.Unavailable},

	{name: "long header", answer: say("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", tooMany) + "\r\n\r\n"), want: fetchtest.Unavailable},
	{name: "many headers", answer: say("HTTP/1.1 200 OK\r\n" + strings.Repeat("X: a\r\n", tooMany/6) + "\r\n"), want: fetchtest.Unavailable},
	{name: "header without end", answer: pour("HTTP/1.1 200 OK\r\n", "X: a\r\n"), want: fetchtest.Unavailable},
	{name: "status line without end", answer: pour("HTTP/1.1 200 ", "OK "), want: fetchtest.Unavailable},
	{name: "early hints without end", answer: pour("", "HTTP/1.1 103 Early Hints\r\n\r\n"), want: fetchtest.Unavailable},
	{name: "long chunk header", answer: pour("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;", "a=b;"), want: fetchtest.Unavailable},
	{name: "long trailer", answer: pour("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: a\r\n"), want: fetchtest.Unavailable},
	{name: "not HTTP", answer: say("220 mail.acme.example ESMTP\r\n"), want: fetchtest.Unavailable},
	{name: "nothing", answer: say(""), want: fetchtest.Unavailable},

	{name: "no answer", answer: late(tooLong, "HTTP/1.1 200 OK\r\n\r\n"), want: fetchtest.Unavailable, took: 10 * time.Second},
	{name: "slow header", answer: slow("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), want: fetchtest.Unavailable, took: 10 * time.Second},
	{name: "slow body", answer: slowBody, want: fetchtest.Unavailable, took: 10 * time.Second},
	{name: "long poll", answer: late(55*time.Second, "HTTP/1.1 200 OK\r\n\r\nnews"), call: fetch.Request{Timeout: time.Minute}, want: fetchtest.Answered, size: 4, took: 55 * time.Second},
	{name: "long poll, too long", answer: late(tooLong, "HTTP/1.1 200 OK\r\n\r\nnews"), call: fetch.Request{Timeout: time.Minute}, want: fetchtest.Unavailable, took: time.Minute},
	{name: "slow resolver", resolve: func(ctx context.Context, _ string) (int, error) { return 1, wait(ctx, tooLong) }, want: fetchtest.Unavailable, took: 10 * time.Second},
	{name: "slow connection", connect: func(ctx context.Context, _ string) error { return wait(ctx, tooLong) }, want: fetchtest.Unavailable, took: 10 * time.Second},
	{name: "slow connection to one of two addresses", answer: body(1), want: fetchtest.Answered, size: 1, took: 5 * time.Second,
		resolve: func(context.Context, string) (int, error) { return 2, nil },
		connect: func(ctx context.Context, addr string) error {
			if addr == "127.0.0.1:8080" {
				return wait(ctx, tooLong)
			}
			return nil
		}},
	{name: "200 addresses, of which the last would answer", answer: body(1), want: fetchtest.Unavailable,
		resolve: func(context.Context, string) (int, error) { return 200, nil },
		connect: func(_ context.Context, addr string) error {
			if addr == "127.0.0.200:8080" {
				return nil
			}
			return errors.New("connection refused")
		}},
}

func TestLimits(t *testing.T) {
	for _, l := range limits {
		t.Run(l.name, func(t *testing.T) {
			if err := l.play(t, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLimitsNoticePlantedBugs(t *testing.T) {
	for _, bug := range fetch.LimitBugs {
		t.Run(bug.Name, func(t *testing.T) {
			for _, l := range limits {
				if err := l.play(t, bug.Plant); err != nil {
					t.Logf("noticed by %s: %v", l.name, err)
					return
				}
			}
			t.Error("not noticed")
		})
	}
}

// play makes the call with a client that has bug, and says what went wrong.
func (l limit) play(t *testing.T, bug func(*fetch.Client)) (problem error) {
	synctest.Test(t, func(t *testing.T) {
		var sent, dialling atomic.Int64
		c := fetch.New(fetch.Options{
			AllowLoopback: true,
			MaxBytes:      maxBytes,
			Resolver: func(ctx context.Context, host string) ([]netip.Addr, error) {
				n, err := 1, error(nil)
				if l.resolve != nil {
					n, err = l.resolve(ctx, host)
				}
				var addrs []netip.Addr
				for i := range n {
					addrs = append(addrs, netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)}))
				}
				return addrs, err
			},
			Dial: func(ctx context.Context, _, addr string) (net.Conn, error) {
				dialling.Add(1)
				defer dialling.Add(-1)
				if l.connect != nil {
					if err := l.connect(ctx, addr); err != nil {
						return nil, err
					}
				}
				near, far := net.Pipe()
				go func() {
					defer far.Close()
					if _, err := http.ReadRequest(bufio.NewReader(far)); err == nil {
						l.answer(&counter{far, &sent})
					}
				}()
				return near, nil
			},
		})
		if bug != nil {
			bug(c)
		}
		l.call.URL = "http://v.example:8080/"
		start := time.Now()
		resp, err := c.Do(t.Context(), &l.call)
		took := time.Since(start)
		synctest.Wait()

		switch got := outcome(err); {
		case got != l.want:
			problem = fmt.Errorf("%s, want %s: %v", got, l.want, err)
		case err == nil && len(resp.Body) != l.size:
			problem = fmt.Errorf("%d bytes, want %d", len(resp.Body), l.size)
		case took != l.took:
			problem = fmt.Errorf("took %v, want %v", took, l.took)
		case sent.Load() > 3*maxBytes:
			problem = fmt.Errorf("took %d bytes, with a limit of %d", sent.Load(), maxBytes)
		case dialling.Load() > 0:
			problem = errors.New("still dialling")
		}
		time.Sleep(tooLong) // in the bubble: until the host has ended as well
	})
	return problem
}

// counter counts what could be written.
type counter struct {
	io.Writer
	n *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// bomb is 2 MiB of zeros, packed a thousand to one.
var bomb = func() []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	w.Write(make([]byte, tooMany))
	w.Close()
	return b.Bytes()
}()

// say answers text.
func say(text string) func(io.Writer) {
	return func(w io.Writer) { io.WriteString(w, text) }
}

// body answers n bytes.
func body(n int) func(io.Writer) {
	return say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("a", n)))
}

// packed answers the bomb, in a coding.
func packed(coding string) func(io.Writer) {
	return say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Encoding: %s\r\n\r\n%s", len(bomb), coding, bomb))
}

// pour answers first, and then repeats more until nobody listens.
func pour(first, more string) func(io.Writer) {
	return func(w io.Writer) {
		io.WriteString(w, first)
		block := []byte(strings.Repeat(more, 4096/len(more)))
		for n := 0; n < tooMany; n += len(block) {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
}

// late answers text after d.
func late(d time.Duration, text string) func(io.Writer) {
	return func(w io.Writer) {
		time.Sleep(d)
		io.WriteString(w, text)
	}
}

// slow answers text, a byte a second.
func slow(text string) func(io.Writer) {
	return func(w io.Writer) {
		for _, b := range []byte(text) {
			time.Sleep(time.Second)
			if _, err := w.Write([]byte{b}); err != nil {
				return
			}
		}
	}
}

func slowBody(w io.Writer) {
	io.WriteString(w, "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n")
	slow(strings.Repeat("a", 60))(w)
}

// wait waits for d or the end of ctx.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func TestCallerMayEndACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fetch.New(fetch.Options{AllowLoopback: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return nil, wait(ctx, tooLong)
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Get(ctx, "http://127.0.0.1:8080/")
		if took := time.Since(start); !errors.Is(err, fault.Unavailable) || !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("Get = %v after %v, want Unavailable after 1s", err, took)
		}
		time.Sleep(tooLong)
	})
}
