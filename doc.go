// Package firsthand defines the relationship protocol: what a customer and a
// company say to each other, and the signed logs in which both keep it.
//
// A relationship is a pair of logs. Each side writes one, and both sides keep
// both. An [Entry] names the entry before it and the last one seen of the other
// log, and is signed; so either side can prove to a third what was said, in
// which order, and that nothing was removed. What an entry says, its body, is
// only committed to, so that it can be erased and the log still verifies.
//
// What the logs mean is a pure function of them: [Fold] turns a cut, two heads,
// into a [State], the same on both sides. To read this package, begin with
// entry.go (one entry), then chain.go (one log), kinds.go (what can be said) and
// fold.go (what it means).
//
// # What this package does not do
//
// It opens no files and no sockets and has no clock. Package wire carries
// entries over HTTP, internal/agent keeps them for a customer and
// internal/gateway for a company. The rules an independent implementation must
// follow are in docs/protocol.md; the vectors it must pass are in package
// conformance.
package firsthand
