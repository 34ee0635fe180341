package importer_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
)

// endless never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestGuard(t *testing.T) {
	g := importer.NewGuard(io.LimitReader(endless{}, 64<<20))
	n, err := io.Copy(io.Discard, g)
	if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" || n < importer.RowLimit || n > 2*importer.RowLimit {
		t.Errorf("a row without an end: %d bytes, %v", n, err)
	}
	g.Row()
	if n, err := g.Read(make([]byte, 10)); n != 10 || err != nil {
		t.Errorf("the next row: %d, %v", n, err)
	}
	for in, want := range map[string]string{"": "", "caf\xe9 é \x80\n": "café é €\n", "\xe2\x82": "â‚", "日本": "日本"} {
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			if got, err := io.ReadAll(importer.NewGuard(r)); string(got) != want || err != nil {
				t.Errorf("%q is %q, %v; want %q", in, got, err, want)
			}
		}
	}
	broken := errors.New("broken")
	g = importer.NewGuard(io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken)))
	if _, err := io.ReadAll(g); !errors.Is(err, broken) || !errors.Is(g.Err(), broken) {
		t.Errorf("an error of the reader: %v, %v", err, g.Err())
	}
	if a, b := g.Line(0), g.Line(2); a != 1 || b != 2 {
		t.Errorf("lines %d and %d", a, b)
	}
}
