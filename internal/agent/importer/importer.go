package importer

import (
	"fmt"
	"io"
	"iter"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/money"
)

// A Format reads one kind of file. It has no state, and may be used by several
// goroutines. Implementations must pass package importertest.
type Format interface {
	// Name is short and never changes, because it is kept with what was read:
	// "chrome", "bitwarden-json", "vcard".
	Name() string

	// Match says how surely a file that begins with head is of this format: 0
	// is not, and the highest number wins. The number of the columns or names
	// that were recognised is a good one. An error says that the file is of
	// this format and can't be read as it is, because it is encrypted; it is
	// [fault.Invalid], made by [fault.Tell], and its hint says how to get one
	// that can.
	//
	// Head is the first [HeadSize] bytes or less, as UTF-8 without a byte order
	// mark. There are secrets in it, so neither it nor a part of it is kept.
	Match(head []byte) (sure int, err error)

	// Read yields what it finds in r, in the order of the file, and has no more
	// than one row in memory. R is UTF-8 without a byte order mark.
	//
	// A row that can't be read is yielded as a [*BadRow], and reading goes on.
	// Any other error ends it: that of r as it is, and [fault.Invalid] for a file
	// of another format or one in which nothing more can be found. A file that
	// has been cut off yields what was before the cut.
	//
	// What has been yielded is the caller's. The secrets of a row are gone from
	// memory before it is yielded; those that were read ahead, when the loop
	// ends, however it ends.
	Read(r io.Reader) iter.Seq2[Found, error]
}

// A Kind says what was found. It is kept with it and so never changes.
type Kind string

const (
	Account Kind = "account"  // she has an account: Title, URLs, Login
	Alias   Kind = "alias"    // an address that she made for one company: Login, Title
	Contact Kind = "contact"  // somebody in her address book: Card
	Own     Kind = "own"      // her own card
	Paid    Kind = "payment"  // she paid somebody: Title is who, as the bank has it; Payment
	Bound   Kind = "contract" // she has a contract: Title is what, Contract; and as of an Account
	Wrote   Kind = "mail"     // somebody wrote to her: Title, URLs has the domain, Login her address, Used when; Mail
	Dropped Kind = "dropped"  // nothing but secrets, for example a credit card: only Row and Secrets are set
)

// Found is what was found in one row. Its texts are those of the file, valid
// UTF-8 without NUL, and otherwise as hostile as who wrote them.
type Found struct {
	Kind   Kind
	Row    int      // the line of the file at which the row begins, from 1
	Title  string   // what she or her program calls it
	URLs   []string // as they stand in the file, but without a password in them
	Login  string   // user name or e-mail address there; the address of an Alias
	Folder string   // folder, group or first tag, as it stands in the file

	Created, Used, Changed time.Time // in UTC; zero if not known

	Card     *Card     // of a Contact, and Own; else nil
	Payment  *Payment  // of Paid; else nil
	Contract *Contract // of Bound; else nil
	Mail     *Mail     // of Wrote; else nil
	Secrets  Secrets
}

// A Payment is a row of a bank statement, or of a bill.
type Payment struct {
	Day      firsthand.Date
	Amount   money.Amount // what she paid; below zero what she got back
	Text     string       // what it was for, as the bank has it
	Ref      string       // the bank's own number of it, "" if it has none
	Creditor string       // who may debit her, by SEPA's number
	Mandate  string       // by which she allowed it
}

// A Contract is what a file says of something that she pays for again and again.
// What isn't known is zero.
type Contract struct {
	Price  money.Amount
	Period money.Period   // how often it is paid
	Next   firsthand.Date // when it is paid, or goes on, next
	Trial  firsthand.Date // until when it costs nothing
	Ended  firsthand.Date // when it ends or has ended, because it was cancelled
}

// A Mail is what the header of a mail says of who wrote it.
type Mail struct {
	List   bool // it says how not to get such mail any more: List-Unsubscribe
	Forged bool // her mail host has found that the sender isn't who it says
}

// A Card is what an address book says of somebody.
type Card struct {
	Org    string // the organisation it is of, or in which the person is
	Person bool   // has a personal name
	Facts  []Fact // of each name, the preferred one is first
}

// A Fact has a name such as name, email, phone.work or address.home, and a value.
// An address has the parts po_box, street, extra, city, region, postal_code and
// country, those that aren't empty.
type Fact struct {
	Name  string
	Value firsthand.Value
}

// Secrets counts what was in a row and has been dropped.
type Secrets struct {
	Passwords    int
	OneTimeCodes int // secrets that one-time codes are made of
	Keys         int // passkeys, SSH keys
	Cards        int // payment cards
	Notes        int // notes and fields of her own: recovery codes are in them
}

// Add adds t to s.
func (s *Secrets) Add(t Secrets) {
	s.Passwords += t.Passwords
	s.OneTimeCodes += t.OneTimeCodes
	s.Keys += t.Keys
	s.Cards += t.Cards
	s.Notes += t.Notes
}

// A BadRow is a row that can't be read. It is [fault.Invalid].
type BadRow struct {
	Row int    // the line of the file at which it begins, from 1
	Why string // what is wrong with it, in words that never come from the file
}

func (b *BadRow) Error() string { return fmt.Sprintf("row %d: %s", b.Row, b.Why) }

// Unwrap makes [fault.KindOf] see the kind.
func (b *BadRow) Unwrap() error { return fault.Invalid }
