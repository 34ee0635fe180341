package email

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/mail"
)

var _ connector.Eraser = (*Mailbox)(nil)

// Erase implements [connector.Eraser]. The mails of a request go, and in the journal what
// people wrote about it; that it was delivered stays, so that it isn't put there again.
// What people wrote or moved elsewhere is looked for in all folders but the trash, which
// hosts empty, and is theirs to delete.
func (m *Mailbox) Erase(ctx context.Context, of ...firsthand.ID) error {
	err := m.with(ctx, func(s *session) error {
		if err := m.listen(s); err != nil { // what people have said so far is told, or noted as erased
			return err
		}
		for _, id := range of {
			if err := m.erase(s, id); err != nil {
				return err
			}
		}
		return m.searchAll(s, of)
	})
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return nil
}

// erase removes what is in the folders of the gateway's about a request.
func (m *Mailbox) erase(s *session, id firsthand.ID) error {
	for _, part := range []string{"", proved} { // a crash may have left one without its note
		if err := m.missed(s, []mail.MessageID{mail.MessageIDOf(id, part, m.domain)}); err != nil {
			return err
		}
	}
	if err := m.eraseNotes(s, id); err != nil {
		return err
	}
	for _, folder := range []string{m.cfg.Folder, m.cfg.Done} {
		if _, err := s.use(folder); err != nil {
			return err
		}
		uids, err := s.search(named("X-Firsthand-Request", id.String()))
		if err != nil {
			return err
		}
		if err := s.remove(uids); err != nil {
			return err
		}
	}
	return nil
}

// eraseNotes puts in the place of each note that has words about a request one that has
// none. A crash in between leaves both, and the next call removes the one that has them.
func (m *Mailbox) eraseNotes(s *session, id firsthand.ID) error {
	notes, err := m.words(s, id)
	if err != nil {
		return err
	}
	var gone []imap.UID
	for _, n := range notes {
		blank := *n
		blank.Text, blank.Reason, blank.Erased = "", "", true
		if n.Declined {
			blank.Reason = erasedReason
		}
		if err := m.note(s, &blank); err != nil {
			return err
		}
		gone = append(gone, imap.UID(n.uid))
	}
	if len(gone) == 0 {
		return nil
	}
	if _, err := s.use(m.cfg.Journal); err != nil {
		return err
	}
	return s.remove(gone)
}

// words returns the notes that have what people said about a request, as they stand now.
func (m *Mailbox) words(s *session, id firsthand.ID) ([]*note, error) {
	clear(m.journal.recent)
	notes, err := m.notesAt(s, m.journal.group(aboutKey(id)))
	return slices.DeleteFunc(notes, func(n *note) bool { return n.Of != id || n.Erased || n.Text == "" && n.Reason == "" }), err
}

// erasedReason stands where a reason was.
const erasedReason = "(The reason was erased.)"

// remove removes mails of the folder in use. Where the host can't do that with these
// alone, they are marked, and found by who looks for what is left.
func (s *session) remove(uids []imap.UID) error {
	if len(uids) == 0 {
		return nil
	}
	defer s.step()()
	set := imap.UIDSetNum(uids...)
	if err := s.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
		return err
	}
	if !s.client.Caps().Has(imap.CapUIDPlus) {
		return nil
	}
	return s.client.UIDExpunge(set).Close()
}

// searchAll looks for what is left of requests in all folders, and says where that is.
func (m *Mailbox) searchAll(s *session, of []firsthand.ID) error {
	folders, err := s.list()
	if err != nil {
		return err
	}
	var left []string
	for _, f := range folders {
		if slices.Contains(f.Attrs, imap.MailboxAttrTrash) || slices.Contains(f.Attrs, imap.MailboxAttrAll) {
			continue
		}
		if _, err := s.use(f.Mailbox); err != nil {
			return err
		}
		n := 0
		for _, id := range of {
			if f.Mailbox == m.cfg.Journal {
				words, err := m.words(s, id)
				if err != nil {
					return err
				}
				n += len(words)
				continue
			}
			uids, err := s.search(about(id, f.Mailbox == m.cfg.Folder || f.Mailbox == m.cfg.Done))
			if err != nil {
				return err
			}
			n += len(uids)
		}
		if n > 0 {
			left = append(left, fmt.Sprintf("%d in %q", n, f.Mailbox))
		}
	}
	if len(left) == 0 {
		return nil
	}
	var refs []string
	for _, id := range of {
		refs = append(refs, refOf(id))
	}
	text := fmt.Sprintf("mails still tell what has ended: %s. Search for %s, delete them for good, and say so", strings.Join(left, ", "), strings.Join(refs, ", "))
	if !s.client.Caps().Has(imap.CapUIDPlus) {
		text += "; those that are marked as deleted go when the folder is compacted, which this mail host leaves to people"
	}
	return fault.Tell(fault.Conflict, text, "")
}

// about are the mails that tell of a request: its own, the answers to them, and those
// that have the same subject; where all of a mail is looked through, also what quotes one.
func about(id firsthand.ID, all bool) *imap.SearchCriteria {
	local, ref := mail.MessageIDOf(id, "", "x").Local(), refOf(id)
	which := named("X-Firsthand-Request", id.String())
	or := func(c *imap.SearchCriteria) {
		which = &imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{*which, *c}}}
	}
	or(named("Subject", ref))
	or(named("In-Reply-To", local))
	or(named("References", local))
	if all {
		or(&imap.SearchCriteria{Body: []string{ref}})
	}
	return which
}
