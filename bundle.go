package firsthand

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"firsthand/fault"
)

// A Bundle is everything one side has of a relationship, as a text file that a
// stranger can verify offline:
//
//	firsthand-bundle-v1
//	company JWS            the discovery document as it was when they met
//	entry LINE             first's log, then second's, in order
//	receipt JWS
//	evidence LINE          entries that forked a log
type Bundle struct {
	Company       []byte
	First, Second []Entry
	Receipts      [][]byte
	Evidence      []Entry
}

const bundleMark = "firsthand-bundle-v1"

// Write writes b.
func (b *Bundle) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	text := []byte(bundleMark + "\n")
	if b.Company != nil {
		text = append(append(append(text, "company "...), b.Company...), '\n')
	}
	for _, log := range [][]Entry{b.First, b.Second} {
		for i := range log {
			text = log[i].AppendLine(append(text, "entry "...))
			out.Write(text) // Flush reports the error
			text = text[:0]
		}
	}
	for _, r := range b.Receipts {
		text = append(append(append(text, "receipt "...), r...), '\n')
	}
	for i := range b.Evidence {
		text = b.Evidence[i].AppendLine(append(text, "evidence "...))
	}
	out.Write(text)
	return out.Flush()
}

// ReadBundle reads what Write wrote. It checks form, not truth; see Verify.
// Errors are [fault.Invalid] with rule bundle-form or the rule of an entry, or
// those of r.
func ReadBundle(r io.Reader) (*Bundle, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, MaxEntry+MaxBody+256)
	lines.Split(splitLine)
	if !lines.Scan() || lines.Text() != bundleMark {
		return nil, bundleError(lines.Err(), "a bundle begins with "+bundleMark)
	}
	b, last := new(Bundle), 0
	for lines.Scan() {
		word, rest, _ := bytes.Cut(bytes.Clone(lines.Bytes()), []byte{' '})
		place, err := b.add(string(word), rest)
		switch {
		case err != nil:
			return nil, err
		case place < last, place == 1 && last == 1:
			return nil, bundleError(nil, "a line stands in the wrong place")
		}
		last = place
	}
	if err := lines.Err(); err != nil {
		return nil, bundleError(err, "unreadable")
	}
	return b, nil
}

// add takes one line. It returns its place: lines of a lesser one don't follow.
func (b *Bundle) add(word string, rest []byte) (place int, err error) {
	switch word {
	case "company":
		b.Company = rest
		return 1, nil
	case "receipt":
		b.Receipts = append(b.Receipts, rest)
		return 4, nil
	case "entry", "evidence":
		e, err := ParseLine(rest)
		if err != nil {
			return 0, err
		}
		log, place := &b.First, 2
		if word == "evidence" {
			log, place = &b.Evidence, 5
		} else if e.Side == Second {
			log, place = &b.Second, 3
		}
		*log = append(*log, e)
		return place, nil
	}
	return 0, bundleError(nil, "a line begins with company, entry, receipt or evidence")
}

// errNoEnd says that a text was cut off.
var errNoEnd = errors.New("the last line has no end")

// splitLine is bufio.ScanLines, but for line feeds alone, each of which ends a
// line: so a bundle has one spelling, and one that was cut off is noticed.
func splitLine(text []byte, atEOF bool) (advance int, line []byte, err error) {
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		return i + 1, text[:i], nil
	}
	if atEOF && len(text) > 0 {
		return 0, nil, errNoEnd
	}
	return 0, nil, nil
}

// bundleError says that a text is no bundle, or that it couldn't be read.
func bundleError(err error, why string) error {
	if err == nil || errors.Is(err, errNoEnd) || errors.Is(err, bufio.ErrTooLong) {
		return errors.Join(fault.Refuse(fault.Invalid, "bundle-form", "%s", why), err)
	}
	return fmt.Errorf("read bundle: %w", err)
}

// A Report says apart what a bundle proves, and what it only claims.
type Report struct {
	State    *State    // what the logs say; they are valid up to here
	Receipts []Receipt // signed by a key of the relationship
	Forks    []Entry   // second entries at a place that is taken, signed by the log's writer

	// Claimed is the key that claimed to be the company at its domain, in first's
	// opening. It is the zero key in an unpaired log.
	Claimed PublicKey
	// Document is the discovery document in the bundle, nil if there is none that
	// is good, and InDocument whether Claimed is in its chain. That the document
	// was the domain's can only be asked online, or known from elsewhere.
	Document   *Company
	InDocument bool
}

// Verify checks all signatures and the whole chain of b. An error says what is
// wrong; the report then holds what was good before it.
func (b *Bundle) Verify() (Report, error) { return b.report(Verify(b.First, b.Second)) }

// VerifyEntry is Verify for who verified the entries when they came, and wants to see
// one proved: of the entries only that one's signature is checked, and whether what it
// says is what was signed. All others are held in their places by the hashes that the
// chain consists of.
func (b *Bundle) VerifyEntry(id ID) (Report, error) {
	return b.report(verify(b.First, b.Second, func(s *State, e *Entry) error {
		if e.ID == id {
			return s.Check(*e)
		}
		return s.checkPlace(e)
	}))
}

// report goes on where the logs were judged.
func (b *Bundle) report(s *State, err error) (Report, error) {
	r := Report{State: s, Claimed: s.Opened.CompanyKey}
	if err == nil && s.Rel.IsZero() {
		err = fault.Refuse(fault.Invalid, "bundle-form", "no entry opens a relationship")
	}
	if err != nil {
		return r, err
	}
	for _, text := range b.Receipts {
		receipt, err := ParseReceipt(text, s.Log(Second).Keys...)
		if err == nil && (receipt.Rel != s.Rel || s.Log(First).ID(receipt.Seq) != receipt.ID) {
			err = fault.Refuse(fault.Invalid, "receipt-form", "a receipt for an entry that the log does not have")
		}
		if err != nil {
			return r, err
		}
		r.Receipts = append(r.Receipts, receipt)
	}
	for _, e := range b.Evidence {
		if err := s.CheckFork(e); err != nil {
			return r, err
		}
		r.Forks = append(r.Forks, e)
	}
	if b.Company != nil {
		c, err := ParseCompany(b.Company, s.Opened.Domain)
		if err != nil {
			return r, err
		}
		r.Document, r.InDocument = &c, c.Has(r.Claimed)
	}
	return r, nil
}
