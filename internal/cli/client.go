package cli

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"firsthand/fault"
)

// A client is what the server knows of the process that called: where to send
// output, and whom to ask for what only that process has.
type client struct {
	out  frameWriter
	gone <-chan struct{} // closed when nobody will answer any more

	mu      sync.Mutex // guards the rest, never while anything waits
	last    uint32
	waiting map[uint32]chan answer // asks without an answer; room for it in each
}

type answer struct {
	kind byte
	data []byte
}

// ask sends an ask and waits for its answer. Each has a number of its own, so
// that an answer to an ask that was given up can't be taken for another's: a
// passphrase must not arrive as input.
func (c *client) ask(ctx context.Context, kind byte, body []byte) ([]byte, error) {
	ch := make(chan answer, 1)
	c.mu.Lock()
	c.last++
	n := c.last
	c.waiting[n] = ch
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, n)
	}()
	if err := c.out.write(kind, binary.BigEndian.AppendUint32(nil, n), body); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.gone:
		return nil, fault.Tell(fault.Unavailable, "the client has gone", "")
	case a := <-ch:
		switch a.kind {
		case answerData:
			return a.data, nil
		case answerEnd:
			return nil, io.EOF
		case answerFault:
			return nil, decodeFault(a.data)
		}
		return nil, fmt.Errorf("answer of kind %q", a.kind)
	}
}

// takeAnswers gives answers to those who wait, until there are no more to come.
func (c *client) takeAnswers(r io.Reader) {
	for {
		f, err := readFrame(r)
		if err != nil || f.kind != frameAnswer {
			return
		}
		n, rest, err := numbered(f.body)
		if err != nil || len(rest) == 0 {
			return
		}
		c.mu.Lock()
		ch := c.waiting[n]
		delete(c.waiting, n) // a second answer to one ask finds nobody
		c.mu.Unlock()
		if ch != nil {
			ch <- answer{rest[0], rest[1:]}
		}
	}
}

func (c *client) secret(ctx context.Context, s Secret) ([]byte, error) {
	return c.ask(ctx, frameSecret, encodeJSON(s))
}

// variable is empty also where the client can't be asked any more: the command
// is about to notice.
func (c *client) variable(ctx context.Context, name string) string {
	value, err := c.ask(ctx, frameVar, []byte(name))
	if err != nil {
		return ""
	}
	return string(value)
}

// exit ends the conversation. If it doesn't arrive, the client has gone.
func (c *client) exit(code int) { c.out.write(frameExit, []byte{byte(code)}) }

// clientInput is the client's standard input.
type clientInput struct {
	ctx context.Context // of the command; io.Reader has no other way to take it
	c   *client
}

func (in clientInput) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	size := binary.BigEndian.AppendUint32(nil, uint32(min(len(b), maxChunk)))
	data, err := in.c.ask(in.ctx, frameInput, size)
	if len(data) > len(b) {
		return 0, fmt.Errorf("%d bytes of input, asked for %d", len(data), len(b))
	}
	return copy(b, data), err
}

// clientOutput is the client's standard output or error.
type clientOutput struct {
	c    *client
	kind byte
}

func (out clientOutput) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		chunk := b[:min(len(b), maxChunk)]
		if err := out.c.out.write(out.kind, chunk); err != nil {
			return n, err
		}
		n, b = n+len(chunk), b[len(chunk):]
	}
	return n, nil
}
