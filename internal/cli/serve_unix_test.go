//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package cli_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"firsthand/internal/cli"
)

// A host is a running server in this process.
type host struct {
	app  *toy
	path string // of its socket
	stop func() // stops it and waits
	log  *bytes.Buffer
}

func serve(t *testing.T, app *toy) *host {
	t.Helper()
	dir, err := os.MkdirTemp("", "toy") // t.TempDir is too long a name for a socket on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h := &host{app: app, path: filepath.Join(dir, "run", "socket"), log: new(bytes.Buffer)}
	l, err := cli.Listen(h.path)
	if err != nil {
		t.Fatal(err)
	}
	p := newProgram()
	p.Log = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Serve(ctx, l, app) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// forward forwards argv to h, with env's own output replaced.
func (h *host) forward(t *testing.T, env cli.Env, argv ...string) result {
	t.Helper()
	var out, errs strings.Builder
	env.Stdout, env.Stderr = &out, &errs
	if env.Dir == "" {
		env.Dir = t.TempDir()
	}
	code, done, err := cli.Forward(t.Context(), h.path, argv, &env)
	if err != nil || !done {
		t.Errorf("Forward(%q) = %v, %v", argv, done, err)
	}
	return result{out.String(), errs.String(), code}
}

func TestForward(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a": "file a\n", "pass": "secret in a file\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	big := strings.Repeat("0123456789abcdef", 20<<10) // 320 KiB: many frames
	tests := []struct {
		name  string
		argv  string
		stdin string
		vars  map[string]string
		typed string // at a terminal
		want  result
	}{
		{name: "output", argv: "echo a b", want: result{"[\"a\" \"b\"]\n", "", 0}},
		{name: "failure and hint", argv: "fail", want: result{"half of it\n", "toy: ask acme: the company says no\ntoy: hint: ask again\n", 1}},
		{name: "wrong usage", argv: "add", want: result{"", "usage: toy add [flags] number\n\"toy help add\" says more.\n", 2}},
		{name: "a global is the client's and does nothing here", argv: "add 0 --dir /elsewhere", want: result{"0\n", "", 0}},
		{name: "a file of the client", argv: "cat a", want: result{"file a\n", "", 0}},
		{name: "standard input", argv: "cat -", stdin: "in", want: result{"in", "", 0}},
		{name: "no input", argv: "cat -", want: result{"", "", 0}},
		{name: "much input and output", argv: "cat -", stdin: big, want: result{big, "", 0}},
		{name: "what a shell makes of <(command)", argv: "cat /dev/fd/63", want: result{"",
			"toy: cat: /dev/fd/63 is a file of your shell, which the running server can't read\n" +
				"toy: hint: use - and give it on standard input, or give the file by its name\n", 1}},
		{name: "secret in a file of the client", argv: "secret pass", want: result{"\"secret in a file\"\n", "", 0}},
		{name: "secret in a file that a variable names", argv: "secret", vars: map[string]string{"TOY_PASSPHRASE_FILE": "pass"},
			want: result{"\"secret in a file\"\n", "", 0}},
		{name: "secret on standard input", argv: "secret -", stdin: "in\n", want: result{"\"in\"\n", "", 0}},
		{name: "secret at the terminal", argv: "secret", typed: "typed", want: result{"\"typed\"\n", "", 0}},
		{name: "nobody there to ask", argv: "secret", want: result{"", "toy: nobody is there to ask for: Passphrase\n" +
			"toy: hint: give it in a file, with --passphrase-file FILE or TOY_PASSPHRASE_FILE=FILE\n", 1}},
		{name: "prompt", argv: "ask", typed: "yes", want: result{"yes\n", "", 0}},
		{name: "no prompt", argv: "ask", want: result{"", "toy: nobody is there\n", 1}},
		{name: "a variable of the client", argv: "env LANG", vars: map[string]string{"LANG": "nl"}, want: result{"nl\n", "", 0}},
		{name: "not of the server", argv: "env PATH", want: result{"\n", "", 0}},
		{name: "local commands stay outside", argv: "serve", want: result{"", "toy: serve can't be forwarded to a server\n", 1}},
		{name: "a bug ends the command, not the server", argv: "panic", want: result{"", "toy: internal error: a bug\n", 1}},
	}
	h := serve(t, &toy{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := cli.Env{Stdin: strings.NewReader(tt.stdin), Dir: dir, Getenv: func(name string) string { return tt.vars[name] }}
			if tt.typed != "" {
				env.Prompt = func(context.Context, string) ([]byte, error) { return []byte(tt.typed), nil }
			}
			if got := h.forward(t, env, strings.Fields(tt.argv)...); got != tt.want {
				t.Errorf("%s:\ngot  %.300v\nwant %.300v", tt.argv, got, tt.want)
			}
		})
	}
	h.stop()
	for _, secret := range []string{"secret in a file", "typed", "a bug", "0123456789abcdef"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, h.log)
		}
	}
	if !strings.Contains(h.log.String(), "command panicked") {
		t.Errorf("the log lacks the panic:\n%s", h.log)
	}
}

// One command, run alone and in a server, must say the same.
func TestForwardedAndAloneAreTheSame(t *testing.T) {
	h := serve(t, &toy{})
	for _, argv := range []string{"echo x", "add", "add x", "add 1 --no", "fail", "secret", "ask", "frobnicate", "help", "help add", "add -h"} {
		alone := call(t, newProgram(), "", strings.Fields(argv)...)
		forwarded := h.forward(t, cli.Env{Stdin: strings.NewReader("")}, strings.Fields(argv)...)
		if alone != forwarded {
			t.Errorf("%s:\nalone     %v\nforwarded %v", argv, alone, forwarded)
		}
	}
}

// Many clients, one application: nothing is lost, and nobody gets another's output.
func TestForwardFromManyClients(t *testing.T) {
	h := serve(t, &toy{})
	var clients sync.WaitGroup
	for i := range 32 {
		clients.Go(func() {
			word := fmt.Sprintf("client-%d", i)
			for range 4 {
				want := result{fmt.Sprintf("[%q]\n", word), "", 0}
				if got := h.forward(t, cli.Env{Stdin: strings.NewReader("")}, "echo", word); got != want {
					t.Errorf("got %v, want %v", got, want)
				}
				h.forward(t, cli.Env{Stdin: strings.NewReader("")}, "add", "1", "--quiet")
			}
		})
	}
	clients.Wait()
	if h.app.n != 32*4 {
		t.Errorf("n = %d, want %d", h.app.n, 32*4)
	}
}

// A command that doesn't read leaves input where it is: with the client, for
// whatever comes next in the script.
func TestInputIsReadOnlyWhenAskedFor(t *testing.T) {
	h := serve(t, &toy{})
	in := strings.NewReader("for the next command")
	h.forward(t, cli.Env{Stdin: in}, "echo")
	if in.Len() != len("for the next command") {
		t.Errorf("%d bytes of input left, want all", in.Len())
	}
	// And one that ends without waiting for its input isn't held up by it.
	blocked, other := io.Pipe()
	defer other.Close()
	if got := h.forward(t, cli.Env{Stdin: blocked}, "echo"); got.code != 0 {
		t.Errorf("got %v", got)
	}
}

func TestClientGoesAway(t *testing.T) {
	app := &toy{started: make(chan struct{}), stopped: make(chan struct{})}
	h := serve(t, app)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-app.started; cancel() }()
	_, done, err := cli.Forward(ctx, h.path, []string{"wait"}, &cli.Env{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Dir: "/"})
	if done || err != context.Canceled {
		t.Errorf("Forward = %v, %v, want canceled", done, err)
	}
	<-app.stopped // or the test times out: the command's context ended
}

// A client whose output is gone, as behind "| head", stops the command.
func TestClientCannotPrint(t *testing.T) {
	app := &toy{stopped: make(chan struct{})}
	h := serve(t, app)
	_, done, err := cli.Forward(t.Context(), h.path, []string{"wait"}, &cli.Env{Stdin: strings.NewReader(""), Stdout: failing{}, Stderr: io.Discard, Dir: "/"})
	if done || err == nil || err.Error() != "no space" {
		t.Errorf("Forward = %v, %v, want no space", done, err)
	}
	<-app.stopped
}

// Stopping the server ends its commands and tells their clients; then nobody is
// there, and the file can be used.
func TestServerStops(t *testing.T) {
	app := &toy{started: make(chan struct{})}
	h := serve(t, app)
	got := make(chan result, 1)
	go func() { got <- h.forward(t, cli.Env{Stdin: strings.NewReader("")}, "wait") }()
	<-app.started
	h.stop()
	if r := <-got; r != (result{"waiting\n", "toy: interrupted\n", 1}) {
		t.Errorf("got %v, want interrupted", r)
	}
	if _, done, err := cli.Forward(t.Context(), h.path, []string{"echo"}, &cli.Env{Dir: "/"}); done || err != nil {
		t.Errorf("Forward to nobody = %v, %v, want false, nil", done, err)
	}
	if _, err := os.Lstat(h.path); err == nil {
		t.Error("the socket is still there")
	}
}

// A client that doesn't take its output, as one suspended at the terminal, is
// waited for, but doesn't keep the server from stopping.
func TestServerStopsWithAStalledClient(t *testing.T) {
	t.Parallel() // it takes as long as a client is waited for
	app := &toy{started: make(chan struct{})}
	h := serve(t, app)
	conn, err := net.Dial("unix", h.path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	req := `{"version":1,"args":["flood"],"dir":"/","terminal":false}`
	if _, err := conn.Write(append(binary.BigEndian.AppendUint32([]byte{'r'}, uint32(len(req))), req...)); err != nil {
		t.Fatal(err)
	}
	<-app.started
	h.stop() // or the test times out
}

// What is not our client is sent away, without harm to the others.
func TestServeRefuses(t *testing.T) {
	frame := func(kind byte, body string) string {
		return string(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)))) + body
	}
	tests := []struct{ name, sent, want string }{
		{"not frames", "GET / HTTP/1.1\r\n\r\n", ""},
		{"a very long frame", "r\xff\xff\xff\xff", ""},
		{"an answer first", frame('a', "\x00\x00\x00\x00z"), "toy: frame 'a' before a request\n"},
		{"no JSON", frame('r', "hello"), "invalid character"},
		{"another version", frame('r', `{"version":2,"command":"echo"}`), "toy: the running server is of another version than this program\n"},
		{"unknown member", frame('r', `{"version":1,"args":["echo"],"dir":"/","terminal":false,"uid":0}`), "unknown field"},
		{"no command", frame('r', `{"version":1,"args":[],"dir":"/","terminal":false}`), "request without a command"},
		{"no working directory", frame('r', `{"version":1,"args":["echo"],"dir":"","terminal":false}`), "the working directory doesn't exist any more"},
		{"nonsense after the request", frame('r', `{"version":1,"args":["wait"],"dir":"/","terminal":false}`) + frame('o', "x"), "waiting"},
		{"an answer nobody waits for", frame('r', `{"version":1,"args":["echo"],"dir":"/","terminal":false}`) + frame('a', "\x00\x00\x00\x07dx"), "[]"},
	}
	h := serve(t, &toy{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("unix", h.path)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, tt.sent); err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(conn) // the server closes it, or the test times out
			if !strings.Contains(string(got), tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := h.forward(t, cli.Env{Stdin: strings.NewReader("")}, "echo"); got.code != 0 {
		t.Errorf("afterwards: %v", got)
	}
}

// A server that lies or dies gets an error, never a success.
func TestForwardRefuses(t *testing.T) {
	tests := []struct{ name, sent, want string }{
		{"it dies", "", "the running server went away before the command was done (EOF)"},
		{"it dies in the middle", "o\x00\x00\x00\x05he", "the running server went away before the command was done (unexpected EOF)"},
		{"a very long frame", "o\xff\xff\xff\xff", "frame of 4294967295 bytes"},
		{"an unknown frame", "?\x00\x00\x00\x04\x00\x00\x00\x01", "frame of kind '?'"},
		{"an exit without a code", "x\x00\x00\x00\x00", "frame of 0 bytes has no number"},
		{"a prompt where no terminal is", "p\x00\x00\x00\x05\x00\x00\x00\x01?", "prompt without a terminal"},
		{"an ask for a secret that is none", "s\x00\x00\x00\x05\x00\x00\x00\x01?", "invalid character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "toy")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			path := filepath.Join(dir, "s")
			l, err := cli.Listen(path)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				head := make([]byte, 5)
				io.ReadFull(conn, head) // the request, as a server would
				io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head[1:])))
				io.WriteString(conn, tt.sent)
			}()
			env := &cli.Env{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Dir: "/"}
			_, done, err := cli.Forward(t.Context(), path, []string{"echo"}, env)
			if done || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Forward = %v, %v, want %q", done, err, tt.want)
			}
		})
	}
}
