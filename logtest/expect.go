package logtest

import (
	"bytes"
	"errors"
	"testing"

	"firsthand"
	"firsthand/fault"
)

// mustAppend appends entries, in one call.
func mustAppend(t testing.TB, l firsthand.Log, entries ...firsthand.Entry) {
	t.Helper()
	if err := l.Append(t.Context(), entries...); err != nil {
		t.Fatalf("append: %v", err)
	}
}

// wantConflict appends entries, in one call, which must be refused.
func wantConflict(t testing.TB, l firsthand.Log, entries ...firsthand.Entry) {
	t.Helper()
	if err := l.Append(t.Context(), entries...); !errors.Is(err, fault.Conflict) {
		t.Errorf("append = %v, want %v", err, fault.Conflict)
	}
}

// opened returns a Log that has all that p has written.
func opened(t testing.TB, f Fixture, p *Pair) firsthand.Log {
	t.Helper()
	l := f.Open(t)
	mustAppend(t, l, p.All()...)
	return l
}

// read returns one log after n.
func read(t testing.TB, l firsthand.Log, rel firsthand.ID, side firsthand.Side, n int64) []firsthand.Entry {
	t.Helper()
	entries, err := firsthand.Collect(l.Entries(t.Context(), rel, side, n))
	if err != nil {
		t.Fatalf("entries of %s after %d: %v", side, n, err)
	}
	return entries
}

// wantLog checks that one log is what want says, and ends there.
func wantLog(t testing.TB, l firsthand.Log, rel firsthand.ID, side firsthand.Side, want []firsthand.Entry) {
	t.Helper()
	wantEntries(t, read(t, l, rel, side, 0), want)
	var end firsthand.Head
	if len(want) > 0 {
		end = want[len(want)-1].Head()
	}
	wantHead(t, l, rel, side, end)
}

// wantPair checks that l has what p has written, and nothing else of it.
func wantPair(t testing.TB, l firsthand.Log, p *Pair) {
	t.Helper()
	wantLog(t, l, p.Rel(), firsthand.First, p.Log(firsthand.First))
	wantLog(t, l, p.Rel(), firsthand.Second, p.Log(firsthand.Second))
}

func wantHead(t testing.TB, l firsthand.Log, rel firsthand.ID, side firsthand.Side, want firsthand.Head) {
	t.Helper()
	if got, err := l.Head(t.Context(), rel, side); err != nil || got != want {
		t.Errorf("head of %s = %v, %v, want %v", side, got, err, want)
	}
}

func wantEntries(t testing.TB, got, want []firsthand.Entry) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if !same(got[i], want[i]) {
			t.Errorf("entry %d = %s, want %s", i, show(got[i]), show(want[i]))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d entries, want %d", len(got), len(want))
	}
}

// same reports whether a and b agree in every member. The body that was erased
// is nil, and not merely empty.
func same(a, b firsthand.Entry) bool {
	return a.ID == b.ID && a.Rel == b.Rel && a.Side == b.Side && a.Seq == b.Seq && a.Prev == b.Prev && a.Seen == b.Seen &&
		a.At.Equal(b.At) && a.Commitment == b.Commitment && bytes.Equal(a.Signed, b.Signed) &&
		bytes.Equal(a.Salt, b.Salt) && bytes.Equal(a.Body, b.Body) &&
		(a.Salt == nil) == (b.Salt == nil) && (a.Body == nil) == (b.Body == nil)
}

func show(e firsthand.Entry) string {
	line := e.AppendLine(nil)
	return string(e.Side) + " " + e.ID.String() + " " + string(line[:len(line)-1])
}

// without returns entries with the bodies of those named erased.
func without(entries []firsthand.Entry, erased ...firsthand.Entry) []firsthand.Entry {
	for i := range entries {
		for _, e := range erased {
			if entries[i].ID == e.ID {
				entries[i] = entries[i].WithoutBody()
			}
		}
	}
	return entries
}
