package directory

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"firsthand/fault"
)

// Limits of a data set. The real ones have less than a tenth of it.
const (
	maxBytes   = 64 << 20 // of an archive, unpacked
	maxJSON    = 16 << 20 // of a list, unpacked
	maxMember  = 256 << 10
	maxRecords = 50_000
	maxSkipped = 200 // as Set.Skipped says
)

// Read recognises the data set in r by its content and returns its header and its
// records, each as it is read. The archive of datenanfragen may be packed or not,
// and so may a list. Date, as YYYY-MM-DD or "", is used where the data itself
// doesn't say how old it is.
//
// What can't be read of one record stops nothing: it is in Set.Skipped. An error
// among the records is the last thing; it means that there may be more. The
// records can be ranged over once. Errors are [fault.Invalid], with a hint, for
// what is no data set, is damaged or too large, and those of r.
func Read(r io.Reader, date string) (*Set, iter.Seq2[Record, error], error) {
	br := bufio.NewReader(r)
	head, err := br.Peek(2)
	if err == nil && head[0] == 0x1f && head[1] == 0x8b {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, nil, damaged(err)
		}
		br = bufio.NewReader(&limited{zr, maxBytes})
	} else {
		br = bufio.NewReader(&limited{br, maxBytes})
	}
	p := &reader{set: &Set{Date: date}, seen: map[string]bool{}}
	each, err := p.open(br)
	if err != nil {
		return nil, nil, damaged(err)
	}
	return p.set, func(yield func(Record, error) bool) {
		var full bool
		err := each(func(rec Record) bool {
			if full = p.set.Records == maxRecords; full {
				return false
			}
			p.set.Records++
			rec.Set, rec.Date = p.set.Name, p.set.Date
			return yield(rec, nil)
		})
		if full {
			err = errTooLarge
		}
		if err != nil {
			yield(Record{}, damaged(err))
		}
	}, nil
}

// A reader reads one data set.
type reader struct {
	set  *Set
	seen map[string]bool // keys
}

// records yields what a data set says until yield returns false, and returns an
// error if it can't go on.
type records func(yield func(Record) bool) error

// open recognises the data set and sets its header.
func (p *reader) open(br *bufio.Reader) (records, error) {
	// A tar file says so behind the name, mode, owner and so on of its first member.
	if head, _ := br.Peek(262); len(head) == 262 && string(head[257:]) == "ustar" {
		return p.openDatenanfragen(tar.NewReader(br))
	}
	// A list is read whole: before a Decoder that gets its text in pieces, a gap of
	// blanks costs the square of its length.
	text, err := io.ReadAll(&limited{br, maxJSON})
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	switch first, err := dec.Token(); {
	case errors.As(err, new(*json.SyntaxError)) || errors.Is(err, io.EOF):
		return nil, errUnknown
	case err != nil:
		return nil, err
	case first == json.Delim('{'):
		return p.openPasswords(dec)
	case first != json.Delim('[') || !dec.More():
		return nil, errUnknown
	}
	var element json.RawMessage
	if err := dec.Decode(&element); err != nil {
		return nil, err
	}
	var probe struct{ Shared, From, Name, URL, Difficulty json.RawMessage }
	switch err := json.Unmarshal(element, &probe); {
	case err != nil:
		return nil, errUnknown
	case probe.Shared != nil || probe.From != nil:
		return p.list(dec, element, p.setShared()), nil
	case probe.Name != nil && probe.URL != nil && probe.Difficulty != nil:
		return p.list(dec, element, p.setJustDeleteMe()), nil
	}
	return nil, errUnknown
}

// list reads the rest of a JSON list, the first element of which was read. Parse
// makes a record of one element.
func (p *reader) list(dec *json.Decoder, element json.RawMessage, parse func(n int, element []byte) (Record, error)) records {
	return func(yield func(Record) bool) error {
		for n := 1; ; n++ {
			rec, err := parse(n, element)
			if err != nil {
				p.skip("entry %d: %v", n, err)
			} else if !yield(rec) {
				return nil
			}
			if !dec.More() {
				return end(dec)
			}
			element = element[:0]
			if err := dec.Decode(&element); err != nil {
				return err
			}
		}
	}
}

// end reads the end of the one value that the text consists of.
func end(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("there is more behind the end of the list")
	}
	return nil
}

// once reports whether key is new; if not, it is said.
func (p *reader) once(key string) error {
	if key == "" {
		return errors.New("no name")
	}
	if p.seen[key] {
		return fmt.Errorf("%.60q is there twice", key)
	}
	p.seen[key] = true
	return nil
}

// skip notes what is left out.
func (p *reader) skip(format string, args ...any) {
	if len(p.set.Skipped) == maxSkipped {
		p.set.More++
		return
	}
	p.set.Skipped = append(p.set.Skipped, clean(fmt.Sprintf(format, args...), 300))
}

// errUnknown is for what is no data set, errTooLarge for what never ends.
var (
	errUnknown = fault.Tell(fault.Invalid, "This is no data set of companies that is known here.",
		"Known are the archive of datenanfragen/data, the sites.json of JustDeleteMe, and change-password-URLs.json and shared-credentials.json of Apple's password-manager-resources.")
	errTooLarge = fault.Tell(fault.Invalid, "This data set is larger than any that is known.", "Is it the right file?")
)

// damaged says what err means, unless it does so itself. What fails on disk fails
// in the middle of the data as well, and can't be told apart here.
func damaged(err error) error {
	if fault.KindOf(err) != fault.Internal {
		return fmt.Errorf("read data set: %w", err)
	}
	why := fault.Tell(fault.Invalid, "This data set is damaged.", "Download it again.")
	return fmt.Errorf("read data set: %w (%w)", why, err)
}

// A limited Reader fails, rather than end, after n bytes.
type limited struct {
	r io.Reader
	n int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.n <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > l.n {
		p = p[:l.n]
	}
	n, err := l.r.Read(p)
	l.n -= int64(n)
	return n, err
}
