package cli

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"firsthand/fault"
)

// errNoServer says that nobody listens on a socket.
var errNoServer = errors.New("no server")

// Forward has the server that listens on the socket at path carry out argv, which
// begins with the command's name. Input, output and secrets are those of env, and
// code is the exit code; what went wrong in the command has been printed. If no
// server is running, done is false, and nothing has happened. An error means that
// the server could not be asked, or went away before it was done.
func Forward(ctx context.Context, path string, argv []string, env *Env) (code int, done bool, err error) {
	conn, err := dial(ctx, path)
	if errors.Is(err, errNoServer) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("ask the running server: %w", err)
	}
	code, err = converse(ctx, conn, argv, env)
	return code, err == nil, err
}

// converse forwards one command over conn and closes it.
func converse(ctx context.Context, conn net.Conn, argv []string, env *Env) (int, error) {
	defer conn.Close() // which ends the command if it is still running
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	s := newServer(conn, env)
	defer func() { // a prompt that is still up gives the terminal back before we return
		cancel()
		s.terminal <- struct{}{}
	}()
	req := request{Version: forwardVersion, Args: argv, Dir: env.Dir, Terminal: env.Prompt != nil}
	if err := s.out.write(frameRequest, encodeJSON(req)); err != nil {
		return 0, fmt.Errorf("ask the running server: %w", err)
	}
	in := bufio.NewReader(conn)
	for {
		f, err := readFrame(in)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil:
			return 0, fault.Tell(fault.Unavailable, fmt.Sprintf("the running server went away before the command was done (%v)", err),
				"look at what has happened before you run it again")
		case f.kind == frameExit && len(f.body) == 1:
			return int(f.body[0]), nil
		}
		if err := s.take(ctx, f); err != nil {
			return 0, err
		}
	}
}

// A server is what the client knows of the process that carries out its command.
type server struct {
	env      *Env
	out      frameWriter
	terminal chan struct{} // full while a prompt has it
}

func newServer(conn net.Conn, env *Env) *server {
	s := &server{out: frameWriter{conn: conn}, terminal: make(chan struct{}, 1)}
	e := *env
	if env.Prompt != nil {
		e.Prompt = func(ctx context.Context, text string) ([]byte, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case s.terminal <- struct{}{}:
				defer func() { <-s.terminal }()
				return env.Prompt(ctx, text)
			}
		}
	}
	s.env = &e
	return s
}

// take does what one frame says. Asks are answered while further frames are
// taken: a command may end without having waited for its input.
func (s *server) take(ctx context.Context, f frame) error {
	switch f.kind {
	case frameOut:
		_, err := s.env.Stdout.Write(f.body)
		return err
	case frameErr:
		_, err := s.env.Stderr.Write(f.body)
		return err
	}
	n, body, err := numbered(f.body)
	if err != nil {
		return err
	}
	switch f.kind {
	case frameInput:
		if len(body) != 4 {
			return fmt.Errorf("ask for input has %d bytes", len(body))
		}
		size := min(binary.BigEndian.Uint32(body), maxChunk)
		go s.input(n, int(size)) // nothing interrupts the read: it may be left behind
	case frameVar:
		s.answer(n, answerData, []byte(s.env.getenv(string(body))))
	case framePrompt:
		if s.env.Prompt == nil {
			return errors.New("prompt without a terminal")
		}
		go s.typed(n, func() ([]byte, error) { return s.env.Prompt(ctx, string(body)) })
	case frameSecret:
		var from Secret
		if err := decodeJSON(body, &from); err != nil {
			return err
		}
		go s.typed(n, func() ([]byte, error) { return s.env.Secret(ctx, from) })
	default:
		return fmt.Errorf("frame of kind %q", f.kind)
	}
	return nil
}

// answer sends an answer. If that fails, the loop sees it too, which reads from
// the same connection; it may still find the exit code there.
func (s *server) answer(n uint32, kind byte, data []byte) {
	s.out.write(frameAnswer, append(binary.BigEndian.AppendUint32(nil, n), kind), data)
}

// input answers with some of standard input.
func (s *server) input(n uint32, size int) {
	buf := make([]byte, size)
	var got int
	var err error
	for got == 0 && err == nil {
		got, err = s.env.Stdin.Read(buf)
	}
	switch {
	case got > 0: // an error comes again with the next read
		s.answer(n, answerData, buf[:got])
	case errors.Is(err, io.EOF):
		s.answer(n, answerEnd, nil)
	default:
		s.answer(n, answerFault, encodeFault(err))
	}
}

// typed answers with what get returns, and forgets it.
func (s *server) typed(n uint32, get func() ([]byte, error)) {
	b, err := get()
	defer clear(b)
	if err != nil {
		s.answer(n, answerFault, encodeFault(err))
		return
	}
	s.answer(n, answerData, b)
}
