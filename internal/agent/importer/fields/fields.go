// Package fields reads what a company answers to who asks for her data: JSON, tables, and
// archives of them, as a list of fields. A field is a place at which values stand,
// "account.contact.email" or "orders.csv: total", with a few of them.
//
// Nothing of what is read is certain. [Guess] says which fact of hers a field may be and
// how the company may have come to it; she decides. What a file says is text, never
// more, and memory and time are bounded whatever it is.
package fields

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/archive"
)

// Limits of what is read of one document. What is beyond them is left out, and
// [Result.Cut] says so.
const (
	MaxFields = 2000
	MaxValues = 5       // that are kept of a field
	maxText   = 500     // characters of a value
	maxPath   = 200     // of a path
	maxBytes  = 1 << 27 // of what is read
	maxPacked = 1 << 30 // of the whole, pictures too
	maxUnpack = 4 << 30
	maxCount  = 1 << 19 // values, of all fields together, and as many names and brackets
	maxToken  = 16 << 20
	maxDepth  = 100
	maxLeft   = 20
)

// A Field is one place in a document, with the values that stand there.
type Field struct {
	Path   string
	Values []string // the first that differ, at most [MaxValues]; never empty
	More   bool     // there are others
	Count  int      // how many there are in all, the same ones too
	Cut    bool     // one of Values is longer than what is kept of it
}

// A Left is a file of a document, or the rest of one, that was not read.
type Left struct {
	File string // "" for the document itself
	Why  string // a word: archive, kind, broken, rows
}

// Why something was left out.
const (
	Nested = "archive" // an archive in the archive
	Kind   = "kind"    // of no kind that is known
	Broken = "broken"  // from there on it can't be read
	Rows   = "rows"    // some rows of a table can't
)

// A Result is what was read of a document.
type Result struct {
	Fields []Field // in the order of the document
	Files  int     // that were read: 1, or those of an archive
	Left   []Left  // the first of what was not
	More   int     // how many more of them there are
	Cut    bool    // it holds more than what is read of one
}

// Read reads a document of which name is the name. Errors are [fault.Invalid] with a
// hint, if nothing can be read of it, and those of r and of ctx.
func Read(ctx context.Context, name string, r io.Reader) (*Result, error) {
	t := &reading{at: make(map[string]int), in: &limited{ctx: ctx, r: r, left: maxPacked}, left: maxBytes}
	var sign [4]byte
	n, err := io.ReadFull(t.in, sign[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(sign[:n]), t.in)
	if string(sign[:n]) == "PK\x03\x04" || n > 1 && string(sign[:2]) == "\x1f\x8b" {
		err = t.archive(whole)
	} else {
		err = t.file("", name, whole)
	}
	if t.in.err != nil {
		return nil, t.in.err
	}
	t.res.Cut = t.res.Cut || t.cut()
	if len(t.res.Fields) == 0 {
		return nil, nothing(err, t)
	}
	return &t.res, nil
}

// nothing says why nothing could be read.
func nothing(err error, t *reading) error {
	switch {
	case err != nil:
		return err
	case t.sheet:
		return fault.Tell(fault.Invalid, "This is a document of an office program.", "Open it, save its tables as CSV, and add those.")
	case t.res.Files == 0 && t.res.More+len(t.res.Left) > 0:
		return fault.Tell(fault.Invalid, "No file in it is of a kind that can be read.", "Fields are read from JSON and CSV, and from zip files of them. Ask the company for one of these: it owes you a copy that a program can read.")
	}
	return fault.Tell(fault.Invalid, "There is no value in it.", "Look into the file: if that is all, ask the company what it has left out.")
}

// A reading is a document that is being read.
type reading struct {
	in    *limited
	res   Result
	at    map[string]int // fields by path
	left  int64          // bytes that may still be read of its files
	count int            // of values
	sheet bool           // it is a document of an office program
}

// cut reports whether the document is longer than what is read of one.
func (t *reading) cut() bool { return t.in.cut || t.left <= 0 }

// An unpacked reader ends where what may be read of files does.
type unpacked struct {
	t *reading
	r io.Reader
}

func (u unpacked) Read(p []byte) (int, error) {
	if u.t.left <= 0 {
		return 0, io.EOF
	}
	n, err := u.r.Read(p[:min(int64(len(p)), u.t.left)])
	u.t.left -= int64(n)
	return n, err
}

// archive reads the files of an archive.
func (t *reading) archive(r io.Reader) error {
	for m, err := range archive.Members(r, maxUnpack) {
		if err != nil {
			if t.cut() {
				return nil
			}
			if len(t.res.Fields) > 0 && archive.Ends(err) {
				t.leave("", Broken)
				return nil
			}
			return err
		}
		name := plain(m.Name, maxPath/2)
		base := strings.ToLower(name[strings.LastIndexAny(name, `/\`)+1:])
		switch ext := base[strings.LastIndexByte(base, '.')+1:]; {
		case base == "" || strings.HasPrefix(base, "."):
			continue
		case name == "[Content_Types].xml" || name == "mimetype":
			t.sheet = true
		case slices.Contains(archives, ext):
			t.leave(name, Nested)
			continue
		case !slices.Contains(texts, ext) && ext != base:
			t.leave(name, Kind)
			continue
		}
		err := t.file(name, base, m.R)
		switch {
		case t.in.err != nil || t.cut() || t.res.Cut:
			return nil
		case archive.Ends(err) && len(t.res.Fields) == 0:
			return err
		case err != nil:
			t.leave(name, Kind)
		}
	}
	return nil
}

var (
	archives = []string{"zip", "gz", "tgz", "tar", "7z", "rar", "bz2", "xz"}
	texts    = []string{"json", "jsonl", "ndjson", "csv", "tsv", "txt", "js"}
)

// file reads one file; in is its name in an archive, "" for the document itself. What is
// broken further down is left out; an error is that nothing of it is read.
func (t *reading) file(in, name string, r io.Reader) error {
	text, head, err := importer.UTF8(unpacked{t, r})
	if err != nil {
		return err
	}
	prefix := ""
	if in != "" {
		prefix = in + ": "
	}
	head = bytes.TrimSpace(head)
	columns := len(importer.Columns(head))
	switch {
	case len(head) == 0:
		if in != "" {
			return nil // an empty file is none
		}
		return fault.Tell(fault.Invalid, "There is nothing in this file.", "Download it again.")
	case head[0] == '{' || head[0] == '[':
		err = t.json(prefix, text)
	case foreign(head) != nil:
		return foreign(head)
	case columns > 1 || columns == 1 && strings.HasSuffix(strings.ToLower(name), ".csv"):
		err = t.table(prefix, text)
	default:
		return errKind
	}
	t.res.Files++
	if err != nil && !t.cut() && t.in.err == nil {
		t.leave(in, Broken)
	}
	return nil
}

var errKind = fault.Tell(fault.Invalid, "This kind of file can't be read as fields.", "It is kept as it is. Fields are read from JSON and CSV, and from zip files of them: ask the company for one of these, it owes you a copy that a program can read.")

// foreign says what a file is that can be told, and not read.
func foreign(head []byte) error {
	const hint = "It is kept as it is. To take fields over, ask the company for JSON or CSV: it owes you a copy that a program can read."
	low := strings.ToLower(string(head[:min(len(head), 64)]))
	switch {
	case strings.HasPrefix(low, "%pdf-"):
		return fault.Tell(fault.Invalid, "This is a PDF.", hint)
	case strings.HasPrefix(low, "<!doctype html"), strings.HasPrefix(low, "<html"):
		return fault.Tell(fault.Invalid, "This is a web page.", hint)
	case strings.HasPrefix(low, "<?xml"):
		return fault.Tell(fault.Invalid, "This is XML.", hint)
	case bytes.IndexByte(head[:min(len(head), 64)], 0) >= 0:
		return errKind
	}
	return nil
}

func (t *reading) leave(file, why string) {
	l := Left{file, why}
	switch {
	case slices.Contains(t.res.Left, l):
	case len(t.res.Left) == maxLeft:
		t.res.More++
	default:
		t.res.Left = append(t.res.Left, l)
	}
}

// add adds one value at a path. It reports whether there is room for more fields.
func (t *reading) add(path, value string) bool {
	long := len(value) > maxText // cut before it is looked at: it may be a picture
	if end := 4 * maxText; len(value) > end {
		for !utf8.RuneStart(value[end]) {
			end--
		}
		value = value[:end]
	}
	value = plain(value, maxText)
	if value == "" {
		return true
	}
	if t.count++; t.count > maxCount {
		t.res.Cut = true
		return false
	}
	i, ok := t.at[path]
	if !ok {
		if len(t.res.Fields) == MaxFields {
			t.res.Cut = true
			return false
		}
		i = len(t.res.Fields)
		t.at[path] = i
		t.res.Fields = append(t.res.Fields, Field{Path: path})
	}
	f := &t.res.Fields[i]
	f.Count++
	switch {
	case slices.Contains(f.Values, value):
	case len(f.Values) == MaxValues:
		f.More = true
	default:
		f.Values = append(f.Values, value)
		f.Cut = f.Cut || strings.HasSuffix(value, ellipsis) && long
	}
	return true
}

const ellipsis = "…"

// plain makes a text of one line of s, of at most so many characters.
func plain(s string, most int) string {
	if len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return s
	}
	var b strings.Builder
	n, blank := 0, false
	for _, r := range importer.Clean([]byte(s)) {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			blank = n > 0
			continue
		}
		if n++; n > most {
			b.WriteString(ellipsis)
			break
		}
		if blank {
			b.WriteByte(' ')
		}
		blank = false
		b.WriteRune(r)
	}
	return b.String()
}

// A limited reader ends after so many bytes as if the document did, keeps the errors of
// r apart from those of what is read, and heeds ctx.
type limited struct {
	ctx  context.Context
	r    io.Reader
	left int64
	cut  bool
	err  error
}

func (l *limited) Read(p []byte) (int, error) {
	if l.err = l.ctx.Err(); l.err != nil {
		return 0, l.err
	}
	if l.left <= 0 {
		l.cut = true
		return 0, io.EOF
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	if err != nil && err != io.EOF {
		l.err = err
	}
	return n, err
}
