package logtest

import (
	"testing"
	"time"
)

// A Check is one thing that must hold.
type Check struct {
	Name string
	Run  func(testing.TB, Fixture)
}

// Checks returns the suite, to be run against Logs that must fail it.
func Checks() (all []Check) {
	for _, c := range checks() {
		all = append(all, Check{c.name, c.run})
	}
	return all
}

// SetPatience shortens the wait for what blocks.
func SetPatience(t testing.TB, d time.Duration) {
	old := patience
	patience = d
	t.Cleanup(func() { patience = old })
}
