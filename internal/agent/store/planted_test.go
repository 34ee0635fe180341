package store

import (
	"errors"
	"fmt"
	"testing"

	"firsthand/internal/needtest"
	"firsthand/internal/sqlite/sqlitetest"
)

// TestPlanted switches on one bug at a time, each of which a test must notice.
func TestPlanted(t *testing.T) {
	if needtest.Race {
		return // no bug is a race, and where rows lie depends on how many there are
	}
	refusedBad := func(name string) func(testing.TB) error {
		return func(t testing.TB) error {
			h, bad := badBackups(t)
			return refused(h.Disk, bad[name], kitOfTests)
		}
	}
	for _, bug := range []struct {
		name string
		on   *bool
		test func(testing.TB) error // returns nil when all is well
	}{
		{"a backup counts before its drill", &testOnlyBugs.noDrill, func(t testing.TB) error {
			return drillFails(t, func(name string, data []byte) {
				if name == "/backups/one.new" {
					data[1000] ^= 1
				}
			})
		}},
		{"the drill compares counts and no heads", &testOnlyBugs.countsOnly, refusedBad("another head")},
		{"the database's hash is not compared", &testOnlyBugs.noHash, refusedBad("a changed database")},
		{"the copy for a backup is not encrypted", &testOnlyBugs.plainCopy, func(t testing.TB) error {
			hits, err := nothingAtRest(t.Context(), sqlitetest.NewDisk(t, nil), nest(t, 50))
			if len(hits) > 0 {
				err = errors.New(hits[0])
			}
			return err
		}},
		{"the log is not truncated after erasing", &testOnlyBugs.noShred, func(t testing.TB) error {
			if found := erased(t); len(found) > 0 {
				return fmt.Errorf("%q", found[0])
			}
			return nil
		}},
		{"copies of what is erased stay in the gaps of pages", &testOnlyBugs.noScrub, func(t testing.TB) error {
			if there := erasedCompanies(t); len(there) > 0 {
				return errors.New(there[0])
			}
			return nil
		}},
		{"entries are not verified when they are read", &testOnlyBugs.noVerify, readsLies},
	} {
		t.Run(bug.name, func(t *testing.T) {
			if err := bug.test(t); err != nil {
				t.Fatalf("without the bug: %v", err)
			}
			*bug.on = true
			defer func() { *bug.on = false }()
			err := bug.test(t)
			if err == nil {
				t.Error("not noticed")
			}
			t.Logf("noticed: %v", err)
		})
	}
}

// TestPlantedPowerLoss switches on one bug at a time, each of which the
// power-loss harness must notice.
func TestPlantedPowerLoss(t *testing.T) {
	if !needtest.Big() {
		t.Log("takes long: with FIRSTHAND_TEST_ALL=1")
		return
	}
	f := newFlight(t)
	for _, bug := range []struct {
		name  string
		on    *bool
		twice bool // as in a Plan
	}{
		{"the key is written after the database", &testOnlyBugs.keyLast, false},
		{"the new mark has a transaction of its own", &testOnlyBugs.markApart, false},
		{"a restored file keeps its book", &testOnlyBugs.bookStays, false},
		{"the log that a crash left is appended to", &testOnlyBugs.noSettle, true},
		{"files are not synced before they are renamed", &diskBugs.noSync, false},
		{"directories are not synced", &diskBugs.noDirSync, false},
	} {
		t.Run(bug.name, func(t *testing.T) {
			*bug.on = true
			defer func() { *bug.on = false }()
			plan := f.plan()
			plan.Twice = bug.twice
			sqlitetest.MustCatch(t, plan)
		})
	}
}
