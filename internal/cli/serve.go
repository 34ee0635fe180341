package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"
)

const (
	helloTime   = 10 * time.Second // within which a client has to say what it wants
	goodbyeTime = time.Second      // to take its output, once the server stops
)

// Serve carries out commands for clients that connect to l, on app, until ctx
// ends or l fails; it closes l. Clients are served at the same time, each command
// in a goroutine of its own, with a context that ends when its client goes away
// or when ctx does. Serve returns when all have ended.
func (p *Program[A]) Serve(ctx context.Context, l net.Listener, app A) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	for wait := time.Millisecond; ; {
		conn, err := l.Accept()
		switch {
		case err == nil:
			wait = time.Millisecond
			serving.Go(func() { p.serveConn(ctx, conn, app) })
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default: // out of file descriptors, likely: some will be closed
			p.warn(ctx, "cannot accept", err)
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			wait = min(2*wait, time.Second)
		}
	}
}

// serveConn carries out the one command of a connection.
func (p *Program[A]) serveConn(ctx context.Context, conn net.Conn, app A) {
	var reading sync.WaitGroup
	defer reading.Wait()
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	in := bufio.NewReader(conn)
	conn.SetReadDeadline(time.Now().Add(helloTime))
	f, err := readFrame(in)
	if err != nil {
		p.warn(ctx, "no request", err)
		return
	}
	conn.SetReadDeadline(time.Time{})
	// A client may take its output as slowly as it likes, as "| less" does, but
	// not hold up the end of the server.
	defer context.AfterFunc(ctx, func() { conn.SetWriteDeadline(time.Now().Add(goodbyeTime)) })()

	c := &client{out: frameWriter{conn: conn}, gone: ctx.Done(), waiting: make(map[uint32]chan answer)}
	env := &Env{Stdin: clientInput{ctx, c}, Stdout: clientOutput{c, frameOut}, Stderr: clientOutput{c, frameErr}, client: c}
	req, err := decodeRequest(f)
	if err != nil {
		c.exit(p.report(ctx, env, err))
		return
	}
	env.Dir, env.Getenv = req.Dir, func(name string) string { return c.variable(ctx, name) }
	if req.Terminal {
		env.Prompt = func(ctx context.Context, prompt string) ([]byte, error) {
			return c.ask(ctx, framePrompt, []byte(prompt))
		}
	}
	reading.Go(func() {
		defer cancel() // the client has gone
		c.takeAnswers(in)
	})
	c.exit(p.report(ctx, env, p.inServer(ctx, env, app, req.Args)))
}

// inServer carries out a command on the application that the server has open.
func (p *Program[A]) inServer(ctx context.Context, env *Env, app A, argv []string) (err error) {
	c, err := p.parse(env, argv)
	if err != nil {
		return err
	}
	if c.command.Local {
		return fmt.Errorf("%s can't be forwarded to a server", c.command.Name)
	}
	defer func() { // one command's bug is not the end of all relationships
		if v := recover(); v != nil {
			err = fmt.Errorf("internal error: %v", v) // for her eyes; the log gets no data
			p.warn(ctx, "command panicked", fmt.Errorf("%s\n%s", c.command.Name, debug.Stack()))
		}
	}()
	return p.carryOut(ctx, app, c)
}

func (p *Program[A]) warn(ctx context.Context, msg string, err error) {
	if p.Log != nil && !errors.Is(err, io.EOF) { // somebody only looked whether we are there
		p.Log.WarnContext(ctx, msg, "err", err)
	}
}
