// Package logtest is the suite that every [firsthand.Log] must pass. Whoever
// writes a store of entries runs it:
//
//	func TestLog(t *testing.T) {
//		logtest.Run(t, logtest.Fixture{Side: firsthand.First, Open: …, Reopen: …})
//	}
//
// It checks the contract in the comments of [firsthand.Log] and nothing beyond,
// so two stores that pass are interchangeable. A [Pair] makes the entries, and
// serves other tests that need a relationship.
package logtest

import (
	"testing"
	"time"

	"firsthand"
)

// A Fixture says how to make the Logs under test.
type Fixture struct {
	// Side is the side that keeps the Log: First for a customer's store, Second
	// for a company's. It decides whose erased entries delete bodies.
	Side firsthand.Side

	// Open returns a Log with nothing in it. It lasts until t ends.
	Open func(t testing.TB) firsthand.Log

	// Reopen stops l, as the end of its program would, and returns a Log on the
	// same storage. It is nil for a Log that is gone with its program.
	Reopen func(t testing.TB, l firsthand.Log) firsthand.Log
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
	for _, part := range [][]check{appendChecks, readChecks, eraseChecks, togetherChecks, bigChecks} {
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

// patience is how long a check waits for what must not block.
var patience = 10 * time.Second

// soon runs fn and fails t if it doesn't return: a lock is held somewhere.
func soon(t testing.TB, what string, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		t.Fatalf("%s: blocked", what)
	}
}
