package email

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"firsthand/internal/mail"
)

// adopt notes the delivery of a mail that a crash left without its note: as it says itself,
// and by what is known if it doesn't.
func (m *Mailbox) adopt(s *session, uid imap.UID, known *note) (*note, error) {
	n := known
	err := s.inBatches([]imap.UID{uid}, headers, func(f fetched) error {
		text, err := base64.RawURLEncoding.DecodeString(strings.Join(mail.Values(mail.Header{Raw: f.raw}, noteHeader), ""))
		said := &note{}
		if err == nil && json.Unmarshal(text, said) == nil && !said.Of.IsZero() && !said.Rel.IsZero() {
			n = said
		}
		return nil
	})
	if n == nil || err != nil {
		return n, err
	}
	return n, m.note(s, n)
}

// noteHeader is where a mail has its own note, in pieces.
const noteHeader = "X-Firsthand-Note"

// pieces returns a note as headers.
func (n *note) pieces() (own [][2]string, err error) {
	text, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	for piece := range slices.Chunk([]byte(base64.RawURLEncoding.EncodeToString(text)), 60) {
		own = append(own, [2]string{noteHeader, string(piece)})
	}
	return own, nil
}

// missed notes the deliveries of mails that somebody has answered or moved, and that a
// crash left without their notes.
func (m *Mailbox) missed(s *session, ids []mail.MessageID) error {
	for _, id := range ids {
		entry, part, ok := id.Entry()
		if !ok || m.journal.at(cmp.Or(part, delivered), entry) != 0 {
			continue
		}
		for _, folder := range []string{m.cfg.Folder, m.cfg.Done} {
			found, err := m.find(s, folder, id)
			if err != nil {
				return err
			}
			if len(found) > 0 {
				if _, err := m.adopt(s, found[0], nil); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}
