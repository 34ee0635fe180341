package systems

import (
	"errors"
	"testing"

	"firsthand/internal/needtest"
)

func TestRadicale(t *testing.T) {
	if !needtest.Big() {
		t.Skip("starts a real system; see FIRSTHAND_TEST_ALL")
	}
	r, err := StartRadicale(t.Context(), t.TempDir())
	if errors.Is(err, errors.ErrUnsupported) {
		needtest.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Stop()
	if _, err := r.MakeBook(t.Context(), "customers"); err != nil {
		t.Fatal(err)
	}
	if err := r.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.MakeBook(t.Context(), "customers"); err == nil {
		t.Error("after a restart the address book is gone")
	}
}
