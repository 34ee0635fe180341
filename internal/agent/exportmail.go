package agent

import (
	"archive/zip"
	"context"
	"io"
	"time"

	"firsthand"
	"firsthand/internal/agent/channel"
)

// A lifeMail is one mail of hers, in an export. The account from which it went is of
// one installation, and its password of none but hers.
type lifeMail struct {
	Entry   firsthand.ID `json:"entry"`
	Part    string       `json:"part,omitempty"`
	Rel     firsthand.ID `json:"relationship"`
	State   string       `json:"state"`
	To      string       `json:"to,omitempty"`
	Raw     string       `json:"raw,omitempty"` // as it went: ASCII
	Made    string       `json:"made"`
	Sent    string       `json:"sent,omitempty"`
	Failure string       `json:"failure,omitempty"`
}

// A lifeAnswer is a mail that came. Its attachments lie beside life.json.
type lifeAnswer struct {
	Key      firsthand.ID     `json:"key"`
	Rel      firsthand.ID     `json:"relationship"`
	Entry    firsthand.ID     `json:"entry,omitzero"`
	Message  string           `json:"message,omitempty"`
	Kind     string           `json:"kind"`
	From     string           `json:"from"`
	Subject  string           `json:"subject"`
	Said     string           `json:"said,omitempty"`
	Came     string           `json:"came"`
	Proof    channel.Proof    `json:"proof"`
	Stranger bool             `json:"stranger,omitempty"`
	Text     string           `json:"text"`
	Cut      string           `json:"cut,omitempty"`
	Blobs    []firsthand.Blob `json:"blobs,omitempty"`
	Mark     string           `json:"mark,omitempty"`
	Marked   string           `json:"marked,omitempty"`
}

// exportMail adds her mails and answers to l, and writes attachments by way of create.
func (a *Agent) exportMail(ctx context.Context, l *life, blobs blobFiles, create func(name string) (io.Writer, error)) error {
	mails, err := a.Store.Mails(ctx, MailQuery{})
	if err != nil {
		return err
	}
	for _, m := range mails {
		whole, err := a.Store.Mail(ctx, m.Entry, m.Part)
		if err != nil {
			return err
		}
		x := lifeMail{Entry: m.Entry, Part: m.Part, Rel: m.Rel, State: m.State, To: m.To, Raw: string(whole.Raw), Made: m.Made.UTC().Format(timeFormat), Failure: m.Failure}
		if !m.Sent.IsZero() {
			x.Sent = m.Sent.UTC().Format(timeFormat)
		}
		l.Mails = append(l.Mails, x)
	}
	answers, _, err := a.Store.Answers(ctx, AnswerQuery{})
	if err != nil {
		return err
	}
	for i := len(answers) - 1; i >= 0; i-- { // the oldest first
		n := answers[i]
		x := lifeAnswer{Key: n.Key, Rel: n.Rel, Entry: n.Entry, Message: n.Message, Kind: n.Kind, From: n.From, Subject: n.Subject, Came: n.Came.UTC().Format(timeFormat),
			Proof: n.Proof, Stranger: n.Stranger, Text: n.Text, Cut: n.Cut, Blobs: n.Blobs, Mark: n.Mark}
		if !n.Said.IsZero() {
			x.Said = n.Said.UTC().Format(timeFormat)
		}
		if !n.Marked.IsZero() {
			x.Marked = n.Marked.UTC().Format(timeFormat)
		}
		l.Answers = append(l.Answers, x)
		for _, b := range n.Blobs {
			if err := blobs.write(ctx, a.Store, b.Hash, create); err != nil {
				return err
			}
		}
	}
	return nil
}

// importMail adds l's mails and answers to c. What waits may have left from where it
// comes: it is looked for before it is sent. Attachments are kept before c is; if c
// can't be committed, nothing names them, and they go.
func (a *Agent) importMail(ctx context.Context, z *zip.Reader, l *life, blobs blobFiles, c *Commit) error {
	for _, x := range l.Mails {
		m := Mail{Entry: x.Entry, Part: x.Part, Rel: x.Rel, State: x.State, To: x.To, Failure: x.Failure}
		if x.Raw != "" {
			m.Raw = []byte(x.Raw)
		}
		if m.State == MailWaiting {
			m.State = MailSending
		}
		if err := importTimes(map[*time.Time]string{&m.Made: x.Made, &m.Sent: x.Sent}); err != nil {
			return err
		}
		c.Mails = append(c.Mails, m)
	}
	for _, x := range l.Answers {
		n := Answer{Key: x.Key, Rel: x.Rel, Entry: x.Entry, Message: x.Message, Kind: x.Kind, From: channel.Clean(x.From), Subject: channel.Clean(x.Subject),
			Proof: x.Proof, Stranger: x.Stranger, Text: channel.Value(x.Text), Cut: x.Cut, Blobs: x.Blobs, Mark: x.Mark}
		if err := importTimes(map[*time.Time]string{&n.Came: x.Came, &n.Said: x.Said, &n.Marked: x.Marked}); err != nil {
			return err
		}
		for _, b := range x.Blobs {
			if err := blobs.read(ctx, a.Store, b, z); err != nil {
				return err
			}
		}
		c.Answers = append(c.Answers, n)
	}
	return nil
}

// importTimes parses texts; "" is the zero time.
func importTimes(all map[*time.Time]string) (err error) {
	for at, text := range all {
		if text == "" {
			continue
		}
		if *at, err = parseTime(text); err != nil {
			return err
		}
	}
	return nil
}
