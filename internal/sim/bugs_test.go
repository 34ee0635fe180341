package sim_test

import (
	"testing"

	"firsthand/internal/needtest"
	"firsthand/internal/sim"
)

// maxHunt is for how many seeds a planted bug may stay hidden, when what it takes
// for it to show is made frequent.
const maxHunt = 40

// A harness that can't fail proves nothing: each planted bug must turn a run red
// that is green without it.
func TestPlantedBugs(t *testing.T) {
	needtest.Alone(t)
	for _, bug := range sim.Bugs {
		t.Run(string(bug), func(t *testing.T) {
			t.Parallel()
			for seed := int64(1); seed <= maxHunt; seed++ {
				found := sim.Run(sim.Options{Seed: seed, Provoke: bug, Bug: bug}).Err
				if found == nil || sim.Run(sim.Options{Seed: seed, Provoke: bug}).Err != nil {
					continue
				}
				text := found.Error()
				t.Logf("seed %d: %s", seed, text[:min(len(text), 200)])
				return
			}
			t.Errorf("%d seeds are green with it", maxHunt)
		})
	}
}
