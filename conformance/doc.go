// Package conformance holds the vectors of the protocol and what runs them. Every
// rule of docs/protocol.md lists the vectors that show it.
//
// A vector is a text file in the folder vectors, in the manner of the age test
// kit: lines "name: value", an empty line, and the content, which is the rest of
// the file without its last line feed.
//
//	expect: log-prev
//	type: bundle
//	comment: the entry names another one as the one before it
//
//	firsthand-bundle-v1
//	entry eyJ…
//
// expect is accept, or the name of the rule that refuses the content. type says
// what the content is, and which other headers a vector has: parameters, and
// results that an implementation has to come to; see [Types]. The parser refuses
// every header that it doesn't know, so that a misspelt one can't test nothing.
//
// Another implementation in Go is an [Implementation] that [Run] runs. One in any
// other language reads the files itself, or is a program that [Command] runs.
//
// Package conformance is for tests. Its [Script] writes logs, right and wrong, and
// its [Summary] says what a state holds, for tests that are no vectors.
package conformance
