package channel

import (
	"io"

	"firsthand"
	"firsthand/internal/mail"
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

// What is read of mails is the same for both sides: see package mail.
type (
	Heard     = mail.Heard
	Proof     = mail.Proof
	Received  = mail.Received
	Header    = mail.Header
	MessageID = mail.MessageID
)

// MessageIDOf returns the name of the mail that carries part of what there is to say
// about an entry, from an address at domain.
func MessageIDOf(entry firsthand.ID, part, domain string) MessageID {
	return mail.MessageIDOf(entry, part, domain)
}
