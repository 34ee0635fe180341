package agent

import (
	"context"
	"io"
	"time"

	"firsthand"
	"firsthand/internal/agent/channel"
)

// A Mail is one mail of hers: an entry of an unpaired log on its way, or what follows
// it by her hand.
type Mail struct {
	Entry firsthand.ID // which it is about
	Part  string       // Itself, Reminder
	Rel   firsthand.ID
	State string // see MailWaiting
	To    string // the address; "" until it is composed
	Raw   []byte // as it is sent, from the first attempt on; only from Store.Mail
	Made  time.Time
	Begun time.Time // when it may have left for the first time
	Sent  time.Time

	Tries   int // attempts that failed since the last that did not
	NextTry time.Time
	Failure string // why the last one did: a sentence

	Copy bool // the same sending brings a copy to her own mailbox
	Held bool // a paused move holds it; told by the store, never kept
}

// Parts of what there is to say about one entry by mail.
const (
	Itself   = ""
	Reminder = "reminder"
)

// States of a Mail. From MailSending on it may have left.
const (
	MailWaiting = "waiting" // to be sent
	MailSending = "sending" // the server may have it: nobody has noted what it said
	MailSent    = "sent"    // the server has taken it
	MailFiled   = "filed"   // and a copy lies in her mailbox of what was sent
	MailFailed  = "failed"  // it was refused for good, or came back
	MailUnsure  = "unsure"  // whether it left can't be found out: she decides
	MailDropped = "dropped" // by her
)

// An Answer is a mail that came from a company, or says that it did.
type Answer struct {
	ID       int64
	Key      firsthand.ID // the hash of its header: the same mail is kept once
	Rel      firsthand.ID
	Entry    firsthand.ID // which it answers; zero if it names the relationship alone
	Message  string       // its Message-ID
	Kind     string       // FromPerson, AutoReply, Bounce
	From     string
	Subject  string
	Said     time.Time // as it claims
	Came     time.Time
	Proof    channel.Proof
	Stranger bool // nothing proves that it comes from the company
	Text     string
	Cut      string // what of it was not kept, in words
	Blobs    []firsthand.Blob
	Mark     string // see MarkApplied; "" while she hasn't said what it means
	Marked   time.Time
}

// Kinds of answers.
const (
	FromPerson = "answer"
	AutoReply  = "auto"
	Bounce     = "bounce"
)

// A MailQuery says which mails.
type MailQuery struct {
	Open bool         // only those that something is still to be done with
	Lost bool         // only those that did not get there, or of which nobody knows
	Rel  firsthand.ID // zero for all
}

// An AnswerQuery says which answers, and which part of them.
type AnswerQuery struct {
	Rel           firsthand.ID // zero for all
	Open          bool         // only those of persons without a mark, which wait: the oldest first
	Offset, Limit int          // Limit 0: all
}

// A MailStore keeps her mails, answers, and what is too big for a row.
type MailStore interface {
	// Mails returns them by Made, entry and part, without Raw. Mail returns one
	// whole, [fault.NotExist] if there is none.
	Mails(ctx context.Context, q MailQuery) ([]Mail, error)
	Mail(ctx context.Context, entry firsthand.ID, part string) (Mail, error)

	// Answers returns a page, the newest first but for those that are open, and how many
	// there are. Answer
	// returns one, [fault.NotExist] if there is none.
	Answers(ctx context.Context, q AnswerQuery) ([]Answer, int, error)
	Answer(ctx context.Context, id int64) (Answer, error)

	// AddBlob keeps what r gives, to its end, and returns its hash and size. Nothing
	// is kept if r fails. It is never whole in memory. Blobs that
	// neither an answer nor a document names when the store is opened are removed.
	AddBlob(ctx context.Context, r io.Reader) (firsthand.Blob, error)
	// ReadBlob writes a blob to w; [fault.NotExist] if there is none of that hash,
	// and then nothing was written. What it writes was compared with the hash only
	// at its end.
	ReadBlob(ctx context.Context, hash firsthand.ID, w io.Writer) error
	// Blobs returns hashes and sizes, by hash.
	Blobs(ctx context.Context) ([]firsthand.Blob, error)
}
