// Package mail reads and writes mails for both sides: for the customer's agent, which
// writes to companies as her, and for a company whose helpdesk is a mailbox.
//
// What comes by mail is anybody's. It is read within bounds, its HTML becomes text,
// nothing in it is fetched, opened or followed, and what it claims stands beside what
// the reader's own mail host says of it. The package opens no connection.
package mail

import (
	"time"

	"firsthand"
)

// A Header is the header of a mail that came, as it came: at most [MaxHeader] of it.
type Header struct {
	Raw  []byte
	Size int64
	Came time.Time // as the reader's mail host says
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

// A Proof is what the reader's own mail host says of where a mail comes from: pass,
// fail, none …, "" where it says nothing.
type Proof struct {
	By    string `json:"by,omitempty"` // that mail host
	SPF   string `json:"spf,omitempty"`
	DKIM  string `json:"dkim,omitempty"`
	DMARC string `json:"dmarc,omitempty"`
	ARC   string `json:"arc,omitempty"`
	// Domain is that of From if one of the first three passed for it, "" if none did.
	Domain string `json:"domain,omitempty"`
}

// Received is what was kept of a mail.
type Received struct {
	Text  string // as it was written: not inert yet, see [Tidy]
	Cut   string // what was not kept, in words; "" if it is whole
	Blobs []firsthand.Blob
	// Of a bounce: the mails that it is about, whether they came to nothing, and why.
	About  []MessageID
	Failed bool
	Why    string
}

// A MessageID is the name of one mail, without the brackets.
type MessageID string
