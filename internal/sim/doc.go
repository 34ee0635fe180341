// Package sim runs agents and gateways against each other on a network, clocks
// and disks of its own, to find what goes wrong between them.
//
// One seed is one run. A heap of events, ordered by time and then by number,
// takes the place of goroutines; one source of random numbers feeds whatever is
// random, keys and salts included; every party reads a clock that the run turns.
// So a seed that fails fails again, and its events can be read.
//
// What is under test is the real thing: agent.Agent by its steps without network
// (Prepare, Receive, Failed), and gateway.Gateway, each on its store in memory.
// In between the run loses calls, repeats them, keeps them for hours, crashes
// either side at any operation of its store, puts back old backups, copies files
// and lends a customer's key to a thief. Then it heals everything and looks
// whether what must hold holds: check.go while it runs, settle.go at the end.
//
// A harness that can't fail proves nothing: bugs.go has the bugs that are planted
// between the parts, one at a time, and a test that each is found.
//
// # What this package does not do
//
// It doesn't go through HTTP, SQLite or fsync: packages wire and internal/sqlite
// have harnesses of their own for these. It is for tests alone.
package sim
