package store

// Passphrases in tests are cheap to guess, and so to set and to check.
func init() { guessCost = cost{passes: 1, memory: 64, threads: 1} }
