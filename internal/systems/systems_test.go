package systems

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

func TestProcess(t *testing.T) {
	if _, err := program("no-such-program"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a program that isn't there: %v", err)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs sh")
	}
	asked := 0
	p, err := start(t.Context(), exec.Command(sh, "-c", "sleep 600 & wait"), func(context.Context) error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop() // ends, with its child
	p.Stop()
	if _, err := start(t.Context(), exec.Command(sh, "-c", "echo no disk; exit 1"), func(context.Context) error { return errors.New("not yet") }); err == nil || !strings.Contains(err.Error(), "no disk") {
		t.Errorf("a server that ends: %v", err)
	}
	if err := run(exec.Command(sh, "-c", "echo no rights; exit 1")); err == nil || !strings.Contains(err.Error(), "no rights") {
		t.Errorf("a command that fails: %v", err)
	}
}

func TestTail(t *testing.T) {
	var out tail
	for i := range 5000 {
		fmt.Fprintln(&out, i)
	}
	if s := out.String(); len(s) > 8<<10 || !strings.HasSuffix(s, "4999") {
		t.Errorf("%d bytes, ending in %q", len(s), s[len(s)-10:])
	}
}
