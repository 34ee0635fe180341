// Package mailtest starts a whole mail host for tests: Postfix and Dovecot as Debian
// has them, in a folder of their own, on free ports of this machine, with accounts at
// two domains: hers and a company's.
//
// It exists on Linux only, and so do the tests that use it. Postfix wants to be started by root. Where it isn't, or isn't installed, the test is
// skipped.
package mailtest
