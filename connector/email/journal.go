package email

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"firsthand"
	"firsthand/internal/mail"
)

// Kinds of notes.
const (
	delivered = "delivered" // a mail with a request was put into the folder
	proved    = "proved"    // again, when the record was proved to be hers
	decided   = "decided"   // a person has decided on it
	replied   = "replied"   // staff have answered
	resolved  = "resolved"  // a thread is where what is done is
	summed    = "summed up" // what notes before it stand where

	// What a sum was called when it named notes by 64 bits. To a program of then those of
	// now are no notes either, so that none takes one for the other.
	formerlySummed = "summed"
)

// A note is a mail in the journal. Its body is this as JSON.
type note struct {
	Kind string       `json:"kind"`
	ID   string       `json:"id"` // the same if it is noted twice: the first counts
	At   time.Time    `json:"at"`
	Of   firsthand.ID `json:"of"` // the request
	Rel  firsthand.ID `json:"rel"`

	// Of a delivery. Record is where it belongs to, Ticket the thread of a message.
	Record   string `json:"record,omitempty"`
	Ticket   string `json:"ticket,omitempty"`
	Fact     string `json:"fact,omitempty"`
	Proposal bool   `json:"proposal,omitempty"`

	// Of a decision. Record is where it was written, if the person has said so.
	Declined bool   `json:"declined,omitempty"`
	Reason   string `json:"reason,omitempty"`

	Author string `json:"author,omitempty"`
	Text   string `json:"text,omitempty"`
	Seen   place  `json:"seen,omitzero"` // where the answer lay

	// Erased says that words which it had were removed. It stands in the place of the one
	// with the same ID that had them.
	Erased bool `json:"erased,omitempty"`

	Sum *sum `json:"sum,omitempty"` // of a summed

	uid uint32
}

// A place is a mail in a folder, by a numbering that may end.
type place struct {
	Folder   string `json:"folder"`
	Validity uint32 `json:"validity"`
	UID      uint32 `json:"uid"`
}

// isChange reports whether the note is of something that people did. Words that were
// removed are not told any more.
func (n *note) isChange() bool {
	return n.Kind == decided || n.Kind == resolved || n.Kind == replied && !n.Erased
}

// A journal is what this program has read of the one in the mailbox: where notes stand,
// and not what they say.
type journal struct {
	index
	validity, next uint32
	recent         map[uint32]*note // some that were read or written last
	seen           map[string]place // by folder: the last of which everything before was looked at
	moved          map[firsthand.ID]bool
}

func newJournal(validity uint32) *journal {
	return &journal{index: newIndex(), validity: validity, next: 1, recent: map[uint32]*note{}, seen: map[string]place{}, moved: map[firsthand.ID]bool{}}
}

// A request is what the journal says of one.
type request struct {
	delivered, proved, decided *note
}

// sync brings the journal up to what stands in the mailbox.
func (m *Mailbox) sync(s *session) (*journal, error) {
	j := m.journal
	open, err := s.still(m.cfg.Journal, j.validity)
	if err != nil {
		return nil, err
	}
	var sums []imap.UID
	end := j.next + 1 // there may be more
	if !open {
		d, err := s.use(m.cfg.Journal)
		if err != nil {
			return nil, err
		}
		end = uint32(d.UIDNext)
		if j.validity != d.UIDValidity || end < j.next {
			j = newJournal(d.UIDValidity) // numbered anew: it is read anew
			if sums, err = m.recall(s, j); err != nil {
				return nil, err
			}
		}
	}
	if end > j.next {
		var rest imap.UIDSet
		rest.AddRange(imap.UID(j.next), 0)
		uids, err := s.search(&imap.SearchCriteria{UID: []imap.UIDSet{rest}})
		if err != nil {
			return nil, err
		}
		uids = slices.DeleteFunc(uids, func(u imap.UID) bool {
			return uint32(u) < j.next || slices.Contains(sums, u) // n:* always has the last one
		})
		err = s.inBatches(uids, whole, func(f fetched) error {
			j.take(f)
			return m.keep(s, j, maxSum)
		})
		if err != nil {
			return nil, err // what was taken is not taken twice
		}
		if !open {
			j.next = max(j.next, end)
		}
		if n := len(uids); n > 0 {
			j.next = max(j.next, uint32(uids[n-1])+1)
		}
	}
	if err := m.keep(s, j, m.cfg.SumAfter); err != nil {
		return nil, err
	}
	m.journal = j
	return j, nil
}

// take takes a mail of the journal. One that is no note is somebody else's.
func (j *journal) take(f fetched) {
	n, ok := readNote(f)
	if j.next = max(j.next, n.uid+1); !ok || n.Kind == summed {
		return
	}
	j.look(n.Seen)
	if j.put(n) {
		j.remember(n)
	}
}

// look notes up to where a folder was looked at.
func (j *journal) look(at place) {
	if was := j.seen[at.Folder]; at.Folder != "" && (was.Validity != at.Validity || was.UID < at.UID) {
		j.seen[at.Folder] = at
	}
}

// maxRecent is how many notes are remembered as they are.
const maxRecent = 500

func (j *journal) remember(n *note) {
	if len(j.recent) >= maxRecent {
		clear(j.recent)
	}
	j.recent[n.uid] = n
}

// notesAt returns the notes of some places, without those that somebody has deleted.
func (m *Mailbox) notesAt(s *session, uids []uint32) (all []*note, err error) {
	var missing []imap.UID
	for _, u := range uids {
		if n := m.journal.recent[u]; n != nil {
			all = append(all, n)
		} else {
			missing = append(missing, imap.UID(u))
		}
	}
	if len(missing) > 0 {
		if err := s.in(m.cfg.Journal); err != nil {
			return nil, err
		}
		err = s.inBatches(missing, whole, func(f fetched) error {
			if n, ok := readNote(f); ok {
				m.journal.remember(n)
				all = append(all, n)
			}
			return nil
		})
	}
	slices.SortFunc(all, func(a, b *note) int { return cmp.Compare(a.uid, b.uid) })
	return all, err
}

// request returns what the journal says of a request.
func (m *Mailbox) request(s *session, id firsthand.ID) (*request, error) {
	q := &request{}
	for kind, to := range map[string]**note{delivered: &q.delivered, proved: &q.proved, decided: &q.decided} {
		at := m.journal.at(kind, id)
		if at == 0 {
			continue
		}
		notes, err := m.notesAt(s, []uint32{at})
		if err != nil {
			return nil, err
		}
		if *to = nil; len(notes) == 1 && notes[0].Kind == kind && notes[0].Of == id {
			*to = notes[0]
		}
	}
	return q, nil
}

// note writes n into the journal, and reads it back.
func (m *Mailbox) note(s *session, n *note) error {
	if err := m.append(s, n); err != nil {
		return err
	}
	s.folder = "" // so that the host shows it for certain
	_, err := m.sync(s)
	return err
}

// append writes n into the journal.
func (m *Mailbox) append(s *session, n *note) error {
	raw, err := m.mailOf(n)
	if err != nil {
		return err
	}
	flags := []imap.Flag{imap.FlagSeen}
	if n.Kind == summed {
		flags = append(flags, imap.FlagFlagged) // by which it is found
	}
	return s.put(m.cfg.Journal, raw, flags...)
}

// mailOf returns a note as a mail.
func (m *Mailbox) mailOf(n *note) ([]byte, error) {
	body, err := json.Marshal(n)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(n.ID))
	return mail.Mail{ID: mail.MessageID(lower(sum[:20]) + ".note@" + m.domain), From: m.cfg.ReplyTo, To: m.cfg.Address, Date: n.At,
		Subject: "Note of the gateway's: " + n.Kind + " (leave it here)", Text: string(body)}.Write()
}

// readNote reads a mail of the journal. Of one that is no note it returns the place.
func readNote(f fetched) (n *note, ok bool) {
	n = &note{uid: uint32(f.uid)}
	msg, err := netmail.ReadMessage(bytes.NewReader(f.raw))
	if err != nil {
		return n, false
	}
	text, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
	if err != nil {
		return n, false
	}
	if err := json.Unmarshal(text, n); err != nil || n.ID == "" || n.Kind != summed && (n.Of.IsZero() || n.Rel.IsZero()) {
		return n, false
	}
	return n, true
}

// refOf returns how people call the thread of a request, or the customer of a relationship
// whom the company doesn't know from before.
func refOf(id firsthand.ID) string {
	sum := sha256.Sum256(id[:])
	return "FH-" + strings.ToUpper(lower(sum[:10]))
}

func lower(b []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

// cursor is a place in the journal.
func (j *journal) cursor(uid uint32) string { return fmt.Sprintf("%d %d", j.validity, uid) }

// after returns where people did something since a cursor, oldest first.
func (j *journal) after(cursor string) ([]uint32, error) {
	var validity, uid uint32
	if cursor != "" {
		if n, err := fmt.Sscanf(cursor, "%d %d", &validity, &uid); err != nil || n != 2 {
			return nil, errCursor
		}
		if validity != j.validity {
			uid = 0 // numbered anew; what was told already is known by its ID
		}
	}
	i, _ := slices.BinarySearch(j.changes, uid+1)
	return j.changes[i:], nil
}
