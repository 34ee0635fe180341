package importer

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"

	"firsthand/fault"
)

// Read finds out of which of formats the file r is, and returns that and what it
// finds, as [Format] says. R may be UTF-8 or, with a byte order mark, UTF-16.
//
// It has to be looped over once, even if only to leave at once, because the
// beginning of the file has been read and that is when it is wiped. After an error
// it has been.
//
// Errors are [fault.Invalid] with a hint for a person: an empty file, one of no
// format, an encrypted one; a [*Tie], if it may be of several; and those of r.
func Read(r io.Reader, formats ...Format) (Format, iter.Seq2[Found, error], error) {
	t := newText(r)
	f, err := detect(t, formats)
	if err != nil {
		t.wipe()
		return nil, nil, err
	}
	read := false
	return f, func(yield func(Found, error) bool) {
		if read {
			yield(Found{}, fmt.Errorf("%w: a file can be read once", fault.Conflict))
			return
		}
		read = true
		defer t.wipe()
		f.Read(t)(yield)
	}, nil
}

// A Tie is that a file may be of several formats. Read again with the one that she
// chooses. It is [fault.Invalid].
type Tie struct{ Formats []Format }

func (t *Tie) Error() string {
	var names []string
	for _, f := range t.Formats {
		names = append(names, f.Name())
	}
	return "the file may be from each of " + strings.Join(names, ", ")
}

// Unwrap returns what to tell her.
func (t *Tie) Unwrap() error {
	return fault.Tell(fault.Invalid, "This file may come from several programs.", "Say which one it is from.")
}

// unknownHint says what can be read.
const unknownHint = "Export the passwords, aliases or contacts as CSV, JSON (not encrypted) or vCard, and don't change the first row. Of a bank bring CSV, OFX, CAMT or MT940; of mail, mbox."

// An UnknownTable is that a file is a table, and no program or bank that is known has
// such columns. It is [fault.Invalid].
type UnknownTable struct{}

func (*UnknownTable) Error() string { return "This is a table whose columns aren't known." }

// Unwrap returns what to tell her.
func (u *UnknownTable) Unwrap() error {
	return fault.Tell(fault.Invalid, u.Error(), "Payments need columns for the day, the amount, and to whom or what for: of a bank's table you can say which they are. "+unknownHint)
}

// isTable reports whether head may be that of a table.
func isTable(head []byte) bool {
	first, _, _ := bytes.Cut(head, []byte("\n"))
	odd := func(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\r' }
	return len(Columns(head)) >= 3 && !bytes.ContainsFunc(first, odd)
}

func detect(t *text, formats []Format) (Format, error) {
	if t.err != nil && t.err != io.EOF {
		return nil, t.err
	}
	head := t.head
	if len(bytes.TrimSpace(head)) == 0 {
		return nil, fault.Tell(fault.Invalid, "There is nothing in this file.", "Export it again, and look whether the program has something to export.")
	}
	archive := bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("\x1f\x8b")) // a format may read these
	if !archive {
		if err := unreadable(head); err != nil {
			return nil, err
		}
	}
	var best []Format
	highest := 0
	for _, f := range formats {
		sure, err := f.Match(head)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		case sure > highest:
			best, highest = []Format{f}, sure
		case sure == highest && sure > 0:
			best = append(best, f)
		}
	}
	switch len(best) {
	case 0:
		if err := unreadable(head); err != nil {
			return nil, err
		}
		if isTable(head) {
			return nil, &UnknownTable{}
		}
		return nil, fault.Tell(fault.Invalid, "This kind of file isn't known.", unknownHint)
	case 1:
		return best[0], nil
	}
	return nil, &Tie{best}
}

// signs are how files begin that can be told, and not read.
var signs = []struct{ sign, text, hint string }{
	{"\x03\xd9\xa2\x9a", "This is a KeePass database, which is encrypted.", "Open it in KeePassXC and choose Database, Export, CSV file."},
	{"PK\x03\x04", "This is an archive (zip).", "Unpack it, and bring the file that is in it."},
	{"\x1f\x8b", "This is a compressed file (gzip).", "Unpack it, and bring the file that is in it."},
	{"7z\xbc\xaf\x27\x1c", "This is an archive (7z).", "Unpack it, and bring the file that is in it."},
	{"SQLite format 3\x00", "This is the database of a program.", "Export its content as CSV with the program itself."},
	{"%PDF-", "This is a PDF.", "Export as CSV, JSON or vCard instead."},
	{"-----BEGIN PGP MESSAGE-----", "This file is encrypted (PGP).", "Decrypt it, and bring the file that was in it."},
	{"age-encryption.org/", "This file is encrypted (age).", "Decrypt it, and bring the file that was in it."},
	{"<!doctype html", "This is a web page.", "Export as CSV, JSON or vCard instead."},
	{"<html", "This is a web page.", "Export as CSV, JSON or vCard instead."},
}

// unreadable returns an error if no format has files that begin like head.
func unreadable(head []byte) error {
	for _, s := range signs {
		if len(head) >= len(s.sign) && strings.EqualFold(string(head[:len(s.sign)]), s.sign) {
			return fault.Tell(fault.Invalid, s.text, s.hint)
		}
	}
	// One that is broken in a text costs its row, and no more.
	if begins := head[:min(len(head), 64)]; 16*bytes.Count(begins, []byte{0}) > len(begins) {
		return fault.Tell(fault.Invalid, "This is no text file.", "Export the passwords, aliases or contacts as CSV, JSON or vCard.")
	}
	return nil
}
