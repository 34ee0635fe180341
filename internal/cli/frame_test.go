package cli

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFrames(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	sent := []frame{{frameOut, []byte("hello")}, {frameExit, []byte{2}}, {frameErr, []byte{}}}
	go func() {
		defer b.Close()
		w := frameWriter{conn: b}
		w.write(frameOut, []byte("hel"), []byte("lo"))
		w.write(frameExit, []byte{2})
		w.write(frameErr)
	}()
	for _, want := range sent {
		if got, err := readFrame(a); err != nil || got.kind != want.kind || !bytes.Equal(got.body, want.body) {
			t.Errorf("readFrame = %v, %v, want %v", got, err, want)
		}
	}
	if _, err := readFrame(a); err != io.EOF {
		t.Errorf("at the end: %v, want EOF", err)
	}
	if err := (&frameWriter{}).write(frameOut, make([]byte, maxFrame+1)); err == nil {
		t.Error("wrote a frame that nobody would read")
	}
}

func TestReadFrameRefuses(t *testing.T) {
	tests := []struct {
		name, in string
		want     error // nil: any
	}{
		{"nothing", "", io.EOF},
		{"half a head", "o\x00", io.ErrUnexpectedEOF},
		{"half a body", "o\x00\x00\x00\x05hel", io.ErrUnexpectedEOF},
		{"no body", "o\x00\x00\x00\x05", io.ErrUnexpectedEOF},
		{"too long", "o\x00\x10\x00\x01" + strings.Repeat("x", maxFrame+1), nil},
		{"much too long", "o\xff\xff\xff\xff", nil},
	}
	for _, tt := range tests {
		if _, err := readFrame(strings.NewReader(tt.in)); err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestReadFrameFails(t *testing.T) {
	broken := errors.New("cable pulled")
	in := io.MultiReader(strings.NewReader("o\x00\x00\x00\x05he"), iotest.ErrReader(broken))
	if _, err := readFrame(in); err != broken {
		t.Errorf("readFrame: %v, want %v", err, broken)
	}
}

// A frame that promises much and brings little costs little.
func TestReadFrameAllocatesWhatArrives(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		readFrame(strings.NewReader("o\x00\x10\x00\x00few"))
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("100 frames of 3 bytes took %d bytes of memory", got)
	}
}

// Whatever bytes come, reading ends, no frame is longer than allowed, and what
// was read is written back as it was.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("o\x00\x00\x00\x05hello"))
	f.Add([]byte("x\x00\x00\x00\x01\x00o\xff\xff\xff\xff"))
	f.Add(append([]byte("r\x00\x00\x00\x3c"), `{"version":1,"args":["a"],"dir":"/","terminal":false}       `...))
	f.Add([]byte("a\x00\x00\x00\x05\x00\x00\x00\x01z"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, out := bytes.NewReader(in), &memConn{}
		w := frameWriter{conn: out}
		for {
			fr, err := readFrame(r)
			if err != nil {
				break
			}
			if len(fr.body) > maxFrame {
				t.Fatalf("frame of %d bytes", len(fr.body))
			}
			if err := w.write(fr.kind, fr.body); err != nil {
				t.Fatal(err)
			}
			if req, err := decodeRequest(fr); err == nil && (len(req.Args) == 0 || req.Version != forwardVersion) {
				t.Fatalf("request %+v", req)
			}
			if fr.kind == frameAnswer {
				numbered(fr.body)
			}
		}
		if !bytes.HasPrefix(in, out.Bytes()) {
			t.Fatalf("read %q, wrote %q", in, out.Bytes())
		}
	})
}

// memConn is a connection of which only Write is used.
type memConn struct {
	net.Conn
	bytes.Buffer
}

func (c *memConn) Write(b []byte) (int, error) { return c.Buffer.Write(b) }
func (c *memConn) Read(b []byte) (int, error)  { return c.Buffer.Read(b) }
