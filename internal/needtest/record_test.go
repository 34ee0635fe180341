package needtest_test

import (
	"slices"
	"testing"

	"firsthand/internal/needtest"
)

func TestRecorder(t *testing.T) {
	tests := []struct {
		name   string
		f      func(testing.TB)
		text   string
		failed bool
	}{
		{"nothing", func(t testing.TB) { t.Log("all is well") }, "", false},
		{"error, and on", func(t testing.TB) { t.Errorf("first %d", 1); t.Error("second") }, "first 1", true},
		{"fatal ends it", func(t testing.TB) { t.Fatalf("first"); t.Error("second") }, "first", true},
		{"panic", func(t testing.TB) { panic("bug") }, "panic: bug", true},
		{"skip is no success", func(t testing.TB) { t.Skip("not today") }, "not today", true},
		{"cleanup", func(t testing.TB) { t.Cleanup(func() { t.Fatal("in cleanup") }) }, "in cleanup", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if text, failed := needtest.Record(t, tt.f); text != tt.text || failed != tt.failed {
				t.Errorf("Record = %q, %t, want %q, %t", text, failed, tt.text, tt.failed)
			}
		})
	}
}

func TestRecorderCleansUp(t *testing.T) {
	var order []int
	var tb testing.TB
	needtest.Record(t, func(t testing.TB) {
		tb = t
		t.Cleanup(func() { order = append(order, 1) })
		t.Cleanup(func() {
			if t.Context().Err() == nil {
				order = append(order, -1) // the context should have ended before
			}
			order = append(order, 2)
		})
		t.FailNow()
	})
	if !slices.Equal(order, []int{2, 1}) {
		t.Errorf("cleanups ran as %v, want the last first, after the context", order)
	}
	if !tb.Failed() {
		t.Error("FailNow is not remembered")
	}
}
