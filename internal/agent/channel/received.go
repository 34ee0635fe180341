package channel

import (
	"io"
	"time"

	"firsthand"
)

// A Reader makes of mails that came what can be shown and told apart. It is pure, but
// for the attachments that it hands on.
type Reader interface {
	// Heard reads a header. auth is the name under which her mail host says what it
	// thinks of where the mail comes from; nobody else's word is heeded.
	Heard(h Header, auth string) Heard

	// Values returns the values of one field of a header, as they came.
	Values(h Header, name string) []string

	// Read reads a mail whole, of which nothing acts and of which only so much is
	// kept in memory as is returned. keep gets each attachment as a stream.
	Read(mail io.Reader, keep func(io.Reader) (firsthand.Blob, error)) (Received, error)
}

// Heard is what a header says: all of it is claimed but Proof.
type Heard struct {
	ID      MessageID
	From    string // name and address, one line
	Address string // that of From, if it has one
	Domain  string // of it
	Subject string
	Date    time.Time
	Thread  []MessageID // what it answers, the nearest last
	Auto    bool        // nobody wrote it: an auto-reply
	Bounce  bool        // a mail host says what became of a mail
	Proof   Proof
}

// A Proof is what her own mail host says of where a mail comes from: pass, fail,
// none …, "" where it says nothing.
type Proof struct {
	By    string `json:"by,omitempty"` // her mail host
	SPF   string `json:"spf,omitempty"`
	DKIM  string `json:"dkim,omitempty"`
	DMARC string `json:"dmarc,omitempty"`
	ARC   string `json:"arc,omitempty"`
	// Domain is that of From if one of the first three passed for it, "" if none did.
	Domain string `json:"domain,omitempty"`
}

// Received is what was kept of a mail.
type Received struct {
	Text  string
	Cut   string // what was not kept, in words; "" if it is whole
	Blobs []firsthand.Blob
	// Of a bounce: the mails that it is about, whether they came to nothing, and why.
	About  []MessageID
	Failed bool
	Why    string
}
