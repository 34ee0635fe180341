package logtest_test

import (
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/needtest"
	"firsthand/logtest"
)

func fixture(side firsthand.Side, bug string) logtest.Fixture {
	return logtest.Fixture{
		Side: side,
		Open: func(testing.TB) firsthand.Log { return newMemory(side, bug) },
		Reopen: func(_ testing.TB, l firsthand.Log) firsthand.Log {
			old, m := l.(*memory), newMemory(side, bug)
			for at, log := range old.logs {
				switch bug {
				case "the last entry is lost with the program":
					log = log[:len(log)-1]
				case "erased bodies come back":
					for i, e := range log {
						if !e.HasBody() {
							log[i].Body, log[i].Salt = []byte(`{"kind":"message","text":""}`), make([]byte, 32)
						}
					}
				}
				m.logs[at] = log
			}
			return m
		},
	}
}

func TestGoodLogPasses(t *testing.T) {
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		t.Run(string(side), func(t *testing.T) { logtest.Run(t, fixture(side, "")) })
	}
}

// TestBrokenLogsFail plants one bug at a time, each of which the suite must
// notice, whichever side keeps the log.
func TestBrokenLogsFail(t *testing.T) {
	logtest.SetPatience(t, 50*time.Millisecond)
	for _, bug := range []string{
		"no head is an error",
		"the head is the first entry",
		"one head for both logs",
		"an ended context is ignored",
		"an ended context is not reported",
		"what came before the refused entry is kept",
		"the rest of a refused call is kept",
		"only the first relationship of a call",
		"half a call can be seen",
		"another can come between compare and swap",
		"nothing is compared",
		"only seq is compared",
		"only prev is compared",
		"a later seq will do",
		"an opening is not compared",
		"the same entry again is no conflict",
		"a conflict of another kind",
		"salts are lost",
		"bodies are lost",
		"a missing body is empty",
		"big bodies are cut",
		"bodies are read and written anew",
		"bodies that can't be read are refused",
		"what was signed is changed",
		"nothing is erased",
		"the other side erases too",
		"erased in every relationship",
		"only the keeper's own are erased",
		"the salt stays",
		"an erased body is empty",
		"erased with the whole entry",
		"only what was there before the call is erased",
		"one log for both sides",
		"all relationships in one",
		"at most 256 are read",
		"the last is not read",
		"newest first",
		"a lock is held while reading",
		"a reader that stops leaves its lock",
		"after is where to start",
		"after is ignored",
		"a page is skipped",
		"beyond the end is an error",
		"the last entry is lost with the program",
		"erased bodies come back",
	} {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
				found := failure(t, fixture(side, bug))
				if found == "" {
					t.Errorf("kept by %s: not noticed", side)
				}
				t.Logf("%s: %s", side, found)
			}
		})
	}
}

// failure runs the suite until a check fails, and returns which and how.
func failure(t *testing.T, f logtest.Fixture) string {
	for _, c := range logtest.Checks() {
		if said, failed := needtest.Record(t, func(t testing.TB) { c.Run(t, f) }); failed {
			return c.Name + ": " + said
		}
	}
	return ""
}
