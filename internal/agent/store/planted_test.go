package store

import (
	"testing"

	"firsthand/internal/sqlite/sqlitetest"
)

// TestPlantedPowerLoss switches on one bug at a time, each of which the
// power-loss harness must notice.
func TestPlantedPowerLoss(t *testing.T) {
	plan := newFlight(t).plan()
	for _, bug := range []struct {
		name string
		on   *bool
	}{
		{"the key is written after the database", &testOnlyBugs.keyLast},
		{"the mark's file is written before the transaction", &testOnlyBugs.markFirst},
		{"the new mark has a transaction of its own", &testOnlyBugs.markApart},
		{"a restored file keeps its book", &testOnlyBugs.bookStays},
		{"the sidecar is replaced before the transaction", &testOnlyBugs.sidecarFirst},
		{"files are not synced before they are renamed", &diskBugs.noSync},
		{"directories are not synced", &diskBugs.noDirSync},
	} {
		t.Run(bug.name, func(t *testing.T) {
			*bug.on = true
			defer func() { *bug.on = false }()
			sqlitetest.MustCatch(t, plan)
		})
	}
}
