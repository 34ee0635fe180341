package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"firsthand/fault"
)

// The numbers and names are on the wire and in logs.
func TestKindsNeverChange(t *testing.T) {
	names := []string{"internal", "invalid", "denied", "not exist", "conflict", "unavailable", "kind 6"}
	kinds := []fault.Kind{fault.Internal, fault.Invalid, fault.Denied, fault.NotExist, fault.Conflict, fault.Unavailable, 6}
	for i, k := range kinds {
		if int(k) != i {
			t.Errorf("%v = %d, want %d", k, k, i)
		}
		if k.Error() != names[i] {
			t.Errorf("Kind(%d).Error() = %q, want %q", i, k.Error(), names[i])
		}
	}
	if got := fault.Kind(255).Error(); got != "kind 255" {
		t.Errorf("Kind(255).Error() = %q", got)
	}
}

func TestKindOf(t *testing.T) {
	_, missing := os.Open(filepath.Join(t.TempDir(), "missing"))
	stopped, stop := context.WithCancel(t.Context())
	stop()
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	wrap := func(err error) error { return fmt.Errorf("open relationship 7: %w", err) }

	tests := []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"none", errors.New("boom"), fault.Internal},
		{"foreign", io.ErrUnexpectedEOF, fault.Internal},
		{"bare", fault.Conflict, fault.Conflict},
		{"wrapped", wrap(wrap(fault.Denied)), fault.Denied},
		{"outermost wins", fmt.Errorf("%w: %w", fault.Invalid, wrap(fault.Conflict)), fault.Invalid},
		{"joined", errors.Join(io.EOF, fault.Unavailable), fault.Unavailable},
		{"refusal", wrap(fault.Refuse(fault.Denied, "entry-signature", "not hers")), fault.Denied},
		{"notice", wrap(fault.Tell(fault.NotExist, "There is no such company.", "")), fault.NotExist},
		{"missing file", wrap(missing), fault.NotExist},
		{"fs", fs.ErrNotExist, fault.NotExist},
		{"cancelled", wrap(stopped.Err()), fault.Unavailable},
		{"deadline", wrap(late.Err()), fault.Unavailable},
		{"kind before cause", fmt.Errorf("%w: %w", fault.Internal, missing), fault.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := fault.KindOf(tt.err)
			if got != tt.want {
				t.Errorf("KindOf(%v) = %v, want %v", tt.err, got, tt.want)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	err := fmt.Errorf("append: %w", fault.Refuse(fault.Invalid, "entry-seq", "seq is %d, want %d", 9, 8))

	if got := fault.RuleOf(err); got != "entry-seq" {
		t.Errorf("RuleOf = %q, want entry-seq", got)
	}
	if got, want := err.Error(), "append: entry-seq: seq is 9, want 8"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	if !errors.Is(err, fault.Invalid) || errors.Is(err, fault.Denied) {
		t.Errorf("errors.Is does not find Invalid, and Invalid alone, in %v", err)
	}
	for _, other := range []error{nil, io.EOF, fault.Invalid, fault.Tell(fault.Invalid, "No.", "")} {
		if got := fault.RuleOf(other); got != "" {
			t.Errorf("RuleOf(%v) = %q, want none", other, got)
		}
	}
}

func TestNotice(t *testing.T) {
	err := fmt.Errorf("unlock: %w", fault.Tell(fault.Denied, "This is not the passphrase.", "Is Caps Lock on?"))

	if got := fault.HintOf(err); got != "Is Caps Lock on?" {
		t.Errorf("HintOf = %q", got)
	}
	if n, ok := errors.AsType[*fault.Notice](err); !ok || n.Error() != "This is not the passphrase." {
		t.Errorf("no notice in %v, or its text is not the sentence", err)
	}
	if !errors.Is(err, fault.Denied) {
		t.Errorf("errors.Is does not find Denied in %v", err)
	}
	for _, other := range []error{nil, io.EOF, fault.Denied, fault.Refuse(fault.Denied, "entry-signature", "")} {
		if got := fault.HintOf(other); got != "" {
			t.Errorf("HintOf(%v) = %q, want none", other, got)
		}
	}
}
