package email

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"firsthand"
	"firsthand/connector"
	"firsthand/internal/mail"
)

// Changes implements [connector.Connector]. What people did is noted in the journal
// before it is told, and told from there.
func (m *Mailbox) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		for first := true; ; first = false {
			var changes []connector.Change
			var next string
			err := m.with(ctx, func(s *session) (err error) {
				if first {
					err = m.listen(s)
				}
				if err == nil {
					changes, next, err = m.page(s, cursor)
				}
				return err
			})
			if err != nil {
				yield(connector.Change{}, fmt.Errorf("changes: %w", err))
				return
			}
			for _, c := range changes {
				if !yield(c, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			cursor = next
		}
	}
}

// page returns some changes since a cursor, and the cursor after them if there are more.
func (m *Mailbox) page(s *session, cursor string) (changes []connector.Change, next string, err error) {
	uids, err := m.journal.after(cursor)
	if err != nil {
		return nil, "", err
	}
	if len(uids) > batch {
		uids = uids[:batch]
		next = m.journal.cursor(uids[batch-1])
	}
	notes, err := m.notesAt(s, uids)
	for _, n := range notes {
		changes = append(changes, m.change(n))
	}
	return changes, next, err
}

// change returns a note as the gateway is told it.
func (m *Mailbox) change(n *note) connector.Change {
	c := connector.Change{Cursor: m.journal.cursor(n.uid), ID: n.ID, Relationship: n.Rel, At: n.At, Of: n.Of, Ref: m.ref(cmp.Or(n.Ticket, n.Record))}
	switch n.Kind {
	case decided:
		if c.State = connector.Written; n.Declined {
			c.State, c.Reason = connector.Declined, n.Reason
		}
	case replied:
		c.Author, c.Text = n.Author, n.Text
	case resolved:
		c.Resolved = true
	}
	return c
}

// listen notes what people have done since the last time.
func (m *Mailbox) listen(s *session) error {
	if _, err := m.sync(s); err != nil {
		return err
	}
	if s.sent != "" {
		if err := m.hear(s, s.sent, true); err != nil {
			return err
		}
	}
	if len(m.cfg.Staff) > 0 {
		if err := m.hear(s, "INBOX", false); err != nil {
			return err
		}
	}
	if err := m.look(s); err != nil {
		return err
	}
	return m.keep(s, m.journal, m.cfg.SumAfter)
}

// news returns the mails of a folder that fit and were not looked at before. When all of
// them have been, done notes that.
func (m *Mailbox) news(s *session, folder string, which imap.SearchCriteria) (uids []imap.UID, validity uint32, done func(), err error) {
	last := m.journal.seen[folder]
	if quiet, err := s.isQuiet(last); quiet || err != nil {
		return nil, last.Validity, func() {}, err
	}
	d, err := s.use(folder)
	if err != nil {
		return nil, 0, nil, err
	}
	if last.Validity != d.UIDValidity {
		last = place{folder, d.UIDValidity, 0} // numbered anew: all of it, of which what is noted is known by its ID
	}
	now := place{folder, d.UIDValidity, max(last.UID, uint32(d.UIDNext)-1)}
	done = func() {
		if was := m.journal.seen[folder]; was.Validity != now.Validity || was.UID < now.UID {
			m.journal.seen[folder] = now
			m.journal.looked += int(now.UID - last.UID)
		}
	}
	if now.UID <= last.UID {
		return nil, d.UIDValidity, done, nil
	}
	var rest imap.UIDSet
	rest.AddRange(imap.UID(last.UID+1), 0)
	which.UID = []imap.UIDSet{rest}
	if uids, err = s.search(&which); err != nil {
		return nil, 0, nil, err
	}
	// n:* always has the last one; and what has come since is for the next time.
	uids = slices.DeleteFunc(uids, func(u imap.UID) bool { return uint32(u) <= last.UID || uint32(u) > now.UID })
	return uids, d.UIDValidity, done, nil
}

// An answer is a mail that may be one.
type answer struct {
	uid imap.UID
	mail.Heard
}

// hear notes the answers in a folder. Of what was sent from the mailbox, all counts that
// goes to the customers' address; of what came in, that of staff alone.
func (m *Mailbox) hear(s *session, folder string, ours bool) error {
	to, cc := *named("To", m.cfg.ReplyTo), *named("Cc", m.cfg.ReplyTo)
	uids, validity, done, err := m.news(s, folder, imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{to, cc}}})
	if err != nil {
		return err
	}
	var answers []answer
	var about []mail.MessageID
	err = s.inBatches(uids, headers, func(f fetched) error {
		raw := mail.Header{Raw: f.raw, Came: f.came}
		h := mail.Hear(raw, m.cfg.AuthServ)
		if h.Auto || h.Bounce || !ours && !m.isStaff(&h) || !sentTo(m.cfg.ReplyTo, slices.Concat(mail.Values(raw, "To"), mail.Values(raw, "Cc"))) {
			return nil
		}
		if !m.journal.has(replyID(&h, f.raw)) {
			answers = append(answers, answer{f.uid, h})
			about = append(about, h.Thread...)
		}
		return nil
	})
	if err == nil {
		err = m.missed(s, about)
	}
	if err != nil {
		return err
	}
	for _, a := range answers {
		of, err := m.answered(s, &a.Heard)
		if err != nil {
			return err
		}
		if of.IsZero() {
			continue
		}
		if _, err := s.use(folder); err != nil {
			return err
		}
		all, err := s.fetch(imap.UIDSetNum(a.uid), whole)
		if err != nil {
			return err
		}
		for _, f := range all { // none, if it was deleted just now
			if err := m.answer(s, of, f, place{folder, validity, uint32(a.uid)}); err != nil {
				return err
			}
		}
	}
	done()
	return nil
}

// isStaff reports whether a mail that came in is of somebody who may answer: by what the
// company's own mail host says of it.
func (m *Mailbox) isStaff(h *mail.Heard) bool {
	return h.Proof.Domain != "" && h.Proof.Domain == h.Domain &&
		slices.ContainsFunc(m.cfg.Staff, func(address string) bool { return strings.EqualFold(address, h.Address) })
}

var refText = regexp.MustCompile(`FH-[A-Z2-7]{16}`)

// answered returns the request that a mail answers: the nearest one that it names, or
// where its program names none, the one in its subject.
func (m *Mailbox) answered(s *session, h *mail.Heard) (of firsthand.ID, err error) {
	for _, id := range slices.Backward(h.Thread) {
		if entry, _, ok := id.Entry(); ok && m.journal.at(delivered, entry) != 0 {
			return entry, nil
		}
	}
	n, err := m.lastOf(s, refText.FindString(h.Subject))
	if n == nil || err != nil {
		return of, err
	}
	return n.Of, nil
}

// lastOf returns the note of the last request of a thread, nil if there is none.
func (m *Mailbox) lastOf(s *session, ref string) (*note, error) {
	thread := m.journal.group(threadKey(ref))
	if len(thread) == 0 {
		return nil, nil
	}
	notes, err := m.notesAt(s, thread[len(thread)-1:])
	if err != nil || len(notes) == 0 || cmp.Or(notes[0].Ticket, refOf(notes[0].Of)) != ref {
		return nil, err
	}
	return notes[0], nil
}

// replyID tells answers apart. The copy that came in is the one that was sent.
func replyID(h *mail.Heard, raw []byte) string {
	sum := sha256.Sum256([]byte(h.ID))
	if h.ID == "" {
		sum = sha256.Sum256(bytes.TrimSpace(raw))
	}
	return "reply " + lower(sum[:20])
}

// answer notes what a mail says: a decision on a change, or words for her.
func (m *Mailbox) answer(s *session, of firsthand.ID, f fetched, at place) error {
	head, _, _ := bytes.Cut(f.raw, []byte("\r\n\r\n"))
	h := mail.Hear(mail.Header{Raw: append(slices.Clone(head), "\r\n\r\n"...)}, m.cfg.AuthServ)
	var files []string
	got, err := mail.Read(bytes.NewReader(f.raw), func(r io.Reader) (firsthand.Blob, error) {
		n, err := io.Copy(io.Discard, r)
		return firsthand.Blob{Size: n}, err
	})
	if err != nil {
		return err
	}
	for _, b := range got.Blobs {
		files = append(files, mail.Clean(b.Name))
	}
	if got.Cut != "" {
		files = append(files, "what could not be read")
	}
	text := m.own(got.Text)
	q, err := m.request(s, of)
	if err != nil || q.delivered == nil {
		return err
	}
	n := &note{Kind: replied, ID: replyID(&h, head), At: f.came, Of: of, Rel: q.delivered.Rel, Ticket: q.delivered.Ticket, Record: q.delivered.Record, Seen: at}
	if q.delivered.Fact != "" {
		if d := command(text); d != nil {
			if q.decided != nil {
				return nil // the first counts
			}
			d.At, d.Seen = f.came, at
			return m.decide(s, q, d)
		}
	}
	if len(files) > 0 { // she must not wait for what somebody believes that she has
		text += "\n\n[Not carried over: " + strings.Join(files, ", ") + "]"
	}
	if n.Text = strings.TrimSpace(text); n.Text == "" {
		return nil
	}
	n.Text = cut(n.Text, maxText)
	name := strings.TrimSuffix(h.From, " <"+h.Address+">")
	if name == h.Address {
		name = ""
	}
	n.Author = cmp.Or(m.cfg.Author, name, m.cfg.Name)
	return m.note(s, n)
}

// look notes what people have moved to where done things are: a change was made, or the
// matter of a thread is done when none of its mails lies in the folder any more.
func (m *Mailbox) look(s *session) error {
	uids, _, done, err := m.news(s, m.cfg.Done, imap.SearchCriteria{})
	if err != nil {
		return err
	}
	var moved []mail.MessageID
	err = s.inBatches(uids, names, func(f fetched) error {
		moved = append(moved, mail.Hear(mail.Header{Raw: f.raw}, "").ID)
		return nil
	})
	if err == nil {
		err = m.missed(s, moved)
	}
	if err != nil {
		return err
	}
	j := m.journal
	for _, id := range moved {
		entry, part, ok := id.Entry()
		isProved := j.at(proved, entry) != 0
		if ok && j.at(delivered, entry) != 0 && j.at(decided, entry) == 0 && (!isProved && part == "" || isProved && part == proved) {
			j.moved[entry] = true
		}
	}
	done()
	for _, of := range j.order(j.moved) {
		q, err := m.request(s, of)
		if err != nil {
			return err
		}
		last := q.delivered
		if last != nil && last.Ticket != "" {
			if last, err = m.lastOf(s, last.Ticket); err != nil {
				return err
			}
		}
		if last == nil || last.Ticket == "" && q.decided != nil || j.has(idOf(resolved, last.Of)) {
			delete(j.moved, of)
			continue
		}
		left, err := m.leftOf(s, last)
		if err != nil {
			return err
		}
		if left {
			continue // being moved, or copied
		}
		if last.Ticket != "" {
			err = m.note(s, &note{Kind: resolved, ID: idOf(resolved, last.Of), At: m.cfg.Now(), Of: last.Of, Rel: last.Rel, Ticket: last.Ticket})
		} else {
			err = m.decide(s, q, &note{At: m.cfg.Now()})
		}
		if err != nil {
			return err
		}
		j = m.journal
	}
	return nil
}

// order returns requests in the order in which they came.
func (j *journal) order(of map[firsthand.ID]bool) (all []firsthand.ID) {
	return slices.SortedFunc(maps.Keys(of), func(a, b firsthand.ID) int { return cmp.Compare(j.at(delivered, a), j.at(delivered, b)) })
}

// leftOf reports whether a mail of the thread, or about the change, lies in the folder.
func (m *Mailbox) leftOf(s *session, n *note) (bool, error) {
	if _, err := s.use(m.cfg.Folder); err != nil {
		return false, err
	}
	which := named("X-Firsthand-Request", n.Of.String())
	if n.Ticket != "" {
		which = named("X-Firsthand-Ticket", n.Ticket)
	}
	which.NotFlag = []imap.Flag{imap.FlagDeleted}
	uids, err := s.search(which)
	return len(uids) > 0, err
}
