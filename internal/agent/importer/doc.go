// Package importer reads what a customer has already: the exports of her
// password manager and her alias service, her address book. One file shows
// nearly all of the relationships she has.
//
// A [Format] knows one kind of file. [Read] finds out of which format a file is,
// by its content alone, and yields what is [Found] in it, in the order of the
// file. Whatever the size of the file, one row of it is in memory. What can't be
// read is reported with its line and costs no other row.
//
// # Secrets
//
// Such files hold passwords, the secrets of one-time codes, and notes with
// recovery codes. Nothing of that is needed, so it is dropped while reading: the
// bytes of the file are in a [Window] only, which wipes them when they have been
// looked at, and a [Row] can say that a cell isn't empty without taking it out.
// So a secret is in memory as long as its row is, reaches no error, and what is
// found has merely the number of those that were there ([Secrets]).
//
// # What this package does not do
//
// It opens no files and stores nothing. What is found is text from strangers: it
// comes as it stands in the file, and is not clean. Which rows are of the same
// company, and what is kept of it, is the business of package agent.
//
// How to add a format is in docs/adding-an-importer.md, and the suite that each
// must pass is package importertest.
package importer
