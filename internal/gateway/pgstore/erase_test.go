package pgstore_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"firsthand"
	"firsthand/internal/gateway/pgstore"
	"firsthand/logtest"
)

// What was erased is in no file of the tables, once they were vacuumed and written.
func TestErasedBytes(t *testing.T) {
	s := create(t)
	p := logtest.NewPair(t, "erase")
	const secret = "the erased words of mia"
	gone := p.Say(t, firsthand.First, secret)
	for range 20 {
		p.Say(t, firsthand.First, "what stays")
	}
	if err := s.Append(t.Context(), p.All()...); err != nil {
		t.Fatal(err)
	}
	found := func() bool {
		t.Helper()
		execute(t, pgstore.OptionsOf(s).URL, `CHECKPOINT`)
		out, err := exec.Command("grep", "-rslF", secret, filepath.Join(server.dir, "data", "base")).Output()
		// It ends with 1 where it found nothing, and with 2 where a file vanished: another
		// test's database was dropped.
		if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
			t.Fatal(err)
		}
		return len(bytes.TrimSpace(out)) > 0
	}
	if _, err := os.Stat(filepath.Join(server.dir, "data", "base")); err != nil || !found() {
		t.Fatalf("the bytes are not where they are looked for: %v", err)
	}
	if err := s.Append(t.Context(), p.Erase(t, firsthand.Second, gone)); err != nil {
		t.Fatal(err)
	}
	pgstore.Vacuum(t, s)
	// Where a row was, its bytes may lie until another is put there.
	for range 40 {
		p.Say(t, firsthand.First, strings.Repeat("more ", 100))
	}
	if err := s.Append(t.Context(), p.All()[len(p.All())-40:]...); err != nil {
		t.Fatal(err)
	}
	if found() {
		t.Error("the erased bytes are still in the tables")
	}
}
