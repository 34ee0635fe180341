package needtest_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"firsthand/internal/needtest"
)

// A recorder stands for a test and notes how it was ended.
type recorder struct {
	testing.TB
	ended string
}

func (r *recorder) Helper()               {}
func (r *recorder) Skip(...any)           { r.ended = "skipped"; runtime.Goexit() }
func (r *recorder) Fatalf(string, ...any) { r.ended = "failed"; runtime.Goexit() }

func ended(fn func(testing.TB)) string {
	r := &recorder{ended: "ran"}
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn(r)
	}()
	<-done
	return r.ended
}

func TestSkip(t *testing.T) {
	skip := func(t testing.TB) { needtest.Skip(t, "no reason") }
	missing := func(t testing.TB) { needtest.Program(t, "no-such-program-anywhere") }
	there := func(t testing.TB) { needtest.Program(t, "no-such-program-anywhere", "go") }
	data := func(t testing.TB) { needtest.Data(t, "no/such.json") }
	tests := []struct {
		name, all string
		fn        func(testing.TB)
		want      string
	}{
		{"skip", "", skip, "skipped"},
		{"skip where nothing may be missing", "1", skip, "failed"},
		{"missing program", "", missing, "skipped"},
		{"missing program where nothing may be missing", "1", missing, "failed"},
		{"missing data", "", data, "skipped"},
		{"missing data where nothing may be missing", "1", data, "failed"},
		{"second name is there", "1", there, "ran"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("FIRSTHAND_TEST_ALL", tt.all)
			if got := ended(tt.fn); got != tt.want {
				t.Errorf("test %s, want %s", got, tt.want)
			}
		})
	}
}

func TestData(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("FIRSTHAND_TEST_DATA", dir)
	want := filepath.Join(dir, "sets", "one.json")
	if err := os.MkdirAll(filepath.Dir(want), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := needtest.Data(t, "sets/one.json"); got != want {
		t.Errorf("Data = %q, want %q", got, want)
	}
}
