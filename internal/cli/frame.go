package cli

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// A frame is what client and server exchange: one byte of kind, four of length
// (big endian), and so many of body.
//
// The client begins with one frameRequest. The server then sends output and asks,
// in any order, and ends with frameExit. An ask begins with four bytes of number;
// the client's frameAnswer begins with the same. Input is asked for when a
// command reads it, so a command that doesn't read takes nothing from the
// client's terminal, and one that reads slowly is waited for.
const (
	frameRequest byte = 'r' // JSON, a request
	frameAnswer  byte = 'a' // number, then one byte: answerData, answerEnd or answerFault; then data

	frameOut    byte = 'o' // for standard output
	frameErr    byte = 'e' // for standard error
	frameExit   byte = 'x' // one byte, the exit code
	frameInput  byte = 'i' // ask: some standard input
	frameVar    byte = 'v' // ask: the value of the variable with this name
	framePrompt byte = 'p' // ask: what is typed at this prompt
	frameSecret byte = 's' // ask: JSON, a Secret
)

const (
	answerData  byte = 'd' // some data
	answerEnd   byte = 'z' // standard input has ended
	answerFault byte = 'f' // it went wrong: JSON, a faultFrame
)

const (
	maxFrame = 1 << 20  // arguments of a command hardly ever come near it
	maxChunk = 32 << 10 // of input and output
)

type frame struct {
	kind byte
	body []byte
}

// readFrame reads one frame. It trusts no length: memory grows with what has
// arrived. An end before the first byte is [io.EOF]; a later one isn't.
func readFrame(r io.Reader) (frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return frame{}, fmt.Errorf("frame of %d bytes, at most %d", n, maxFrame)
	}
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(n)); err == io.EOF {
		return frame{}, io.ErrUnexpectedEOF
	} else if err != nil {
		return frame{}, err
	}
	return frame{head[0], body.Bytes()}, nil
}

// A frameWriter writes frames to conn, from any number of goroutines.
type frameWriter struct {
	mu   sync.Mutex // held for one Write
	conn net.Conn
}

func (w *frameWriter) write(kind byte, parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n > maxFrame {
		return fmt.Errorf("frame of %d bytes, at most %d", n, maxFrame)
	}
	buf := make([]byte, 0, 5+n)
	buf = binary.BigEndian.AppendUint32(append(buf, kind), uint32(n))
	for _, p := range parts {
		buf = append(buf, p...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.conn.Write(buf)
	clear(buf) // it may have been a secret
	return err
}

// numbered returns the number that begins an ask or answer, and what follows.
func numbered(body []byte) (n uint32, rest []byte, err error) {
	if len(body) < 4 {
		return 0, nil, fmt.Errorf("frame of %d bytes has no number", len(body))
	}
	return binary.BigEndian.Uint32(body), body[4:], nil
}
