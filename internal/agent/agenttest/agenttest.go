// Package agenttest is the suite that every [agent.Store] must pass, and a
// [Memory], which is one. A store runs the suite of its logs as well:
//
//	logtest.Run(t, logtest.Fixture{Side: firsthand.First, …})
//	agenttest.Run(t, agenttest.Fixture{Open: …, Reopen: …})
//
// The last check does random commits to a store and to a Memory and compares all
// that can be read of the two after each, so what the others forget to ask is
// asked there.
package agenttest

import (
	"testing"

	"firsthand/internal/agent"
)

// A Fixture says how to make the stores under test.
type Fixture struct {
	// Open returns a store with nothing in it. It lasts until t ends.
	Open func(t testing.TB) agent.Store

	// Reopen stops s, as the end of its program would, and returns a store on the
	// same storage. It is nil for a store that is gone with its program.
	Reopen func(t testing.TB, s agent.Store) agent.Store
}

// A check is one thing that must hold.
type check struct {
	name string
	run  func(t testing.TB, f Fixture)
}

// checks are all of them. They take a testing.TB, so that this package's own
// tests can see them fail.
func checks() []check {
	var all []check
	for _, part := range [][]check{rowChecks, logChecks, bookChecks, moveChecks, waitingChecks, maskChecks, keptChecks, mailChecks, documentChecks, wholeChecks} {
		all = append(all, part...)
	}
	return all
}

// Run runs the suite. Its checks run at the same time, on a fixture of their own
// each.
func Run(t *testing.T, f Fixture) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of the time a disk is waited for
			c.run(t, f)
		})
	}
}
