// Package mail reads mailboxes: mbox in all its variants, as Thunderbird and Google
// Takeout write it, and single messages (.eml). It says who wrote, to which address of
// hers, when, and whether one can be rid of it.
//
// Headers are read, and of them a few; what a mail says isn't. A body is passed over
// and leaves no trace.
package mail

import (
	"bytes"
	"io"
	"iter"

	"firsthand/internal/agent/importer"
)

// Format is the format of mailboxes and of single messages.
type Format struct{}

// Name implements [importer.Format].
func (Format) Name() string { return "mail" }

// Match implements [importer.Format].
func (Format) Match(head []byte) (sure int, err error) {
	if isFrom(firstLine(head)) {
		return 10, nil
	}
	if name, _ := field(firstLine(head)); name == "" {
		return 0, nil
	}
	seen := 0
	for _, want := range []string{"from:", "date:", "message-id:", "received:", "to:", "subject:"} {
		if has(head, want) {
			seen++
		}
	}
	if !has(head, "from:") || seen < 3 {
		return 0, nil
	}
	return 2 + seen, nil
}

// has reports whether a line of head begins with name, in whatever case.
func has(head []byte, name string) bool {
	for len(head) > 0 {
		line := firstLine(head)
		if len(line) >= len(name) && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return true
		}
		head = head[min(len(head), len(line)+1):]
	}
	return false
}

func firstLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i]
	}
	return b
}

// isFrom reports whether a line is one that separates mails: "From ", who, and when. In
// a body such a line is quoted, by most programs: with a > before it, which this isn't;
// what isn't quoted has to look like one.
func isFrom(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("From ")) || len(line) > 500 {
		return false
	}
	colon, year := false, false
	for i := 5; i+4 <= len(line); i++ {
		d := func(k int) bool { return i+k < len(line) && line[i+k] >= '0' && line[i+k] <= '9' }
		colon = colon || d(0) && d(1) && line[i+2] == ':' && d(3)
		year = year || d(0) && d(1) && d(2) && d(3) && (line[i] == '1' || line[i] == '2')
	}
	return colon && year
}

// field takes the name off a line of a header, in lower case; "" if it has none.
func field(line []byte) (name string, value []byte) {
	for i, c := range line {
		switch {
		case c == ':' && i > 0:
			return string(bytes.ToLower(line[:i])), line[i+1:]
		case c <= ' ' || c >= 0x7f || i > 80:
			return "", nil
		}
	}
	return "", nil
}

// Read implements [importer.Format].
func (Format) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		l := importer.NewLines(r)
		defer l.Close()
		var m *message
		blank := true    // the line before was empty, or there was none
		separator := 0   // the line of a separator that has to prove itself, 0 for none
		mailbox := false // it is one, and no single message
		header := false  // within that of m
		flush := func() bool {
			if m == nil {
				return true
			}
			f, why := m.found()
			row := m.row
			m = nil
			switch {
			case why != "":
				return yield(importer.Found{}, &importer.BadRow{Row: row, Why: why})
			case f.Kind == "":
				return true
			}
			return yield(f, nil)
		}
		for l.Next() {
			line := l.Line
			name, value := "", []byte(nil)
			if header || separator != 0 || m == nil {
				name, value = field(line)
			}
			switch {
			case separator != 0 && (name != "" || bytes.HasPrefix(line, []byte(">From "))):
				if !flush() {
					return
				}
				m, header, mailbox = &message{row: separator}, true, true
			case m == nil && separator == 0 && name != "" && !mailbox:
				m, header = &message{row: l.Row}, true // a single message
			}
			separator = 0
			switch {
			case blank && (mailbox || m == nil) && isFrom(line):
				separator = l.Row
			case m == nil || !header:
			case len(line) == 0:
				header = false
				m.end()
			case line[0] == ' ' || line[0] == '\t':
				m.fold(line)
			case name != "":
				m.begin(name, value)
			case bytes.HasPrefix(line, []byte(">From ")): // some programs put the one before in
			default: // a header has no such line: what follows isn't one
				header = false
				m.end()
			}
			blank = len(line) == 0
		}
		if err := l.Err(); err != nil {
			yield(importer.Found{}, err)
			return
		}
		flush()
	}
}
