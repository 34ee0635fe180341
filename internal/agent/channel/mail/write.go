package mail

import (
	"fmt"
	"io"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/mail"
)

// Write implements [channel.Post]. No HTML, no picture, no trace of this program.
func (*Post) Write(p channel.Posted) ([]byte, error) {
	return mail.Mail{ID: p.ID, From: p.From, Name: p.Name, To: p.To, Thread: p.Thread, Date: p.Date, Lang: p.Lang, Subject: p.Subject, Text: p.Text}.Write()
}

// Heard implements [channel.Reader].
func (*Post) Heard(raw channel.Header, auth string) channel.Heard { return mail.Hear(raw, auth) }

// Values implements [channel.Reader].
func (*Post) Values(raw channel.Header, name string) []string { return mail.Values(raw, name) }

// Read implements [channel.Reader].
func (*Post) Read(raw io.Reader, keep func(io.Reader) (firsthand.Blob, error)) (channel.Received, error) {
	r, err := mail.Read(raw, keep)
	r.Text = mail.Tidy(r.Text)
	return r, err
}

// told returns an error that a person can act on.
func told(kind error, text, hint string, args ...any) error {
	return fmt.Errorf("%w: %w", kind, fault.Tell(fault.Unavailable, fmt.Sprintf(text, args...), hint))
}
