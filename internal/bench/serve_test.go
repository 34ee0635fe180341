package bench_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"firsthand"
	"firsthand/connector/memory"
	"firsthand/internal/gateway"
	"firsthand/wire"
)

// A setup says what a server is.
type setup struct {
	// Store is "file", "postgres" (a database at URL), "parts" (the same, but for a gateway the sum of its parts), "none" (the gateway, but nothing is kept), or "http" (a
	// server that reads what comes and answers with Answer; no gateway at all).
	Store  string
	Dir    string    // where the file goes
	URL    string    // of the database
	Look   bool      // "parts" looks a relationship up first, and takes any entry as the next
	Now    time.Time // what the gateway's clock says all the time, unless it is zero
	Answer []byte
	// Deliver says that the gateway also does what no call asks for: it brings
	// entries to a CRM. Else they wait in its outbox.
	Deliver bool
	// Calls is how many calls a second one source may make, which a header names; 0
	// for no limit.
	Calls int

	// Street is how many TLS hosts there are instead of a gateway, and Dead how
	// many of them never answer.
	Street, Dead int
}

// serve serves on l until ctx ends.
func (s setup) serve(ctx context.Context, l net.Listener) (err error) {
	if s.Store == "http" {
		return wire.Serve(ctx, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Write(s.Answer)
		})}, l)
	}
	if s.Store == "parts" {
		return serveParts(ctx, s, l)
	}
	base := "http://" + l.Addr().String()
	crm, err := memory.Open(memory.Config{File: filepath.Join(s.Dir, "crm")})
	if err != nil {
		return err
	}
	o := gateway.Options{
		Company: firsthand.Company{Domain: domain, Name: "Acme", Jurisdiction: "BE", Gateway: base},
		Keys:    companyKeys(), Rand: constant{}, Connector: crm,
	}
	if !s.Now.IsZero() {
		o.Now = func() time.Time { return s.Now }
	}
	if s.Store == "file" || s.Store == "postgres" {
		file, closeFile, err := openStore(ctx, s)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeFile()) }()
		o.Store = file
	} else {
		o.Store, o.CacheBytes = newNowhere(), 1<<30 // what it forgets is lost
	}
	g, err := gateway.New(o)
	if err != nil {
		return err
	}
	many := wire.Limit{Rate: 1e9, Burst: 1e9} // opening is not what is measured
	wo := wire.Options{BaseURL: base, OpenEach: many, OpenAll: many}
	if s.Calls > 0 {
		wo.CallEach, wo.Source = wire.Limit{Rate: rate.Limit(s.Calls), Burst: 10 * s.Calls}, wire.SourceIn(sourceHeader)
	}
	h, err := wire.NewHandler(g, wo)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	if s.Deliver {
		wg.Go(func() { g.Run(ctx) }) // returns nil
	}
	err = wire.Serve(ctx, h.NewServer(), l)
	wg.Wait()
	return err
}

// serveUntilEOF is the child's main: it says where it serves, and ends when its
// parent does.
func serveUntilEOF(s setup, out io.Writer, in io.Reader) error {
	if s.Street > 0 {
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		go func() {
			io.Copy(io.Discard, in)
			stop()
		}()
		return serveStreet(ctx, s.Street, s.Dead, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "http://%s\n", l.Addr())
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		io.Copy(io.Discard, in)
		stop()
	}()
	return s.serve(ctx, l)
}

// A server is a running setup.
type server struct {
	base string
	pid  int // 0 in this process
}

// start starts s, and stops it when the test ends.
func (s setup) start(tb testing.TB) *server {
	tb.Helper()
	s.Dir = tb.TempDir()
	if *inProcess {
		return s.startHere(tb)
	}
	line, pid := s.child(tb)
	return &server{base: line, pid: pid}
}

// startChild starts s as a process and returns the line that it says.
func (s setup) startChild(tb testing.TB) string {
	tb.Helper()
	line, _ := s.child(tb)
	return line
}

func (s setup) child(tb testing.TB) (line string, pid int) {
	tb.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		tb.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVar+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("the server: %v", err)
		}
	})
	line, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatalf("the server says nothing: %v", err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid
}

func (s setup) startHere(tb testing.TB) *server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.serve(ctx, l) }()
	tb.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			tb.Errorf("the server: %v", err)
		}
	})
	return &server{base: "http://" + l.Addr().String()}
}

// usage returns what the server has taken so far; nothing if it is no process.
func (s *server) usage(tb testing.TB) usage {
	tb.Helper()
	if s.pid == 0 {
		return usage{}
	}
	u, err := usageOf(s.pid)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}
