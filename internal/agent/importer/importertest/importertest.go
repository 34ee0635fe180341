// Package importertest is the suite that every importer must pass. What the
// comments of [importer.Format] ask for is here as tests;
// docs/adding-an-importer.md leads to it.
//
// The author of an importer writes a [Fixture]: files as real programs write them,
// about nobody, and none of them clean. Beside each lies what is to be found in it,
// FILE.want, one line for each row; -update writes these files, to be read before
// they are believed. Where a file has something that may not come out, the fixture
// has [Secret]: in what is found, in errors, and in the memory of the process there
// may be no trace of it.
package importertest

import (
	"testing"

	"firsthand/internal/agent/importer"
	"firsthand/internal/needtest"
)

// Secret stands in fixtures for, or is part of, whatever may not come out:
// passwords, what makes one-time codes, notes, pictures.
const Secret = "SECRETSECRET"

// A Fixture says how to try an importer.
type Fixture struct {
	Format importer.Format

	// Others are formats beside which the files must be recognised.
	Others []importer.Format

	// Files are of the format. Together they have bad rows with good ones after
	// them, and Secret, if there is a place for that.
	Files []string

	// Write writes a file of the format, with a row for each text, in which that is
	// the title, and with Secret in all places where a row may have one.
	Write func(texts ...string) string

	// Text returns the text with which a row was written; nil stands for the title.
	Text func(importer.Found) string

	// Can reports whether a file of the format can have a text; nil stands for all.
	// Lines have no line breaks, and XML no control characters.
	Can func(text string) bool

	// Fragile says that what breaks a row may cost those after it: the form of the
	// file goes beyond rows, as with JSON.
	Fragile bool
}

func (f Fixture) text(found importer.Found) string {
	if f.Text != nil {
		return f.Text(found)
	}
	return found.Title
}

// hostile returns the hostile texts that the format can have.
func (f Fixture) hostile() (all []string) {
	for _, text := range hostileTexts {
		if f.Can == nil || f.Can(text) {
			all = append(all, text)
		}
	}
	return all
}

// Run runs the suite.
func Run(t *testing.T, f Fixture) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if !c.raced {
				needtest.Alone(t)
			}
			c.run(t, f)
		})
	}
}

// Check runs the suite, or the test of that name, and returns what fails, without
// failing t. It serves those who plant a bug to see whether the suite notices.
func Check(t testing.TB, f Fixture, name string) []Failure {
	var failures []Failure
	for _, c := range cases {
		if name != "" && name != c.name {
			continue
		}
		if text, failed := needtest.Record(t, func(t testing.TB) { c.run(t, f) }); failed {
			failures = append(failures, Failure{c.name, text})
		}
	}
	return failures
}

// A Failure is a test of the suite that failed, and what it said first.
type Failure struct{ Test, Text string }

// Under the race detector only what is raced is run: it reads every file of a fixture.
var cases = []struct {
	name  string
	run   func(testing.TB, Fixture)
	raced bool // it reads in several goroutines
}{
	{"the fixture is good enough", fixture, false},
	{"what is in the files is found", wanted, false},
	{"files are recognised in each encoding", encodings, false},
	{"the same file gives the same", repeatable, true},
	{"hostile texts come back unchanged", hostile, false},
	{"a file that is cut off gives what was before", cutOff, false},
	{"one broken byte costs one row and no secret", broken, false},
	{"an error of the reader ends it", readerFails, false},
	{"the loop may be left", left, false},
	{"rows are read as they come", streams, false},
	{"secrets leave no trace", traces, false},
	{"memory is bounded", bounded, false},
}
