package email

import (
	"bytes"
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

	uid uint32
}

// A place is a mail in a folder, by a numbering that may end.
type place struct {
	Folder   string `json:"folder"`
	Validity uint32 `json:"validity"`
	UID      uint32 `json:"uid"`
}

// isChange reports whether the note is of something that people did.
func (n *note) isChange() bool { return n.Kind == decided || n.Kind == replied || n.Kind == resolved }

// A journal is what this program has read of the one in the mailbox.
type journal struct {
	validity, next uint32
	notes          []*note
	ids            map[string]bool
	requests       map[firsthand.ID]*request
	tickets        map[string][]*note // deliveries, by the thread they are in
	refs           map[string]firsthand.ID
	seen           map[string]place // by folder: the last of which everything before was looked at
	moved          map[firsthand.ID]bool
}

// A request is what the journal says of one.
type request struct {
	delivered, proved, decided *note
}

func newJournal() *journal {
	return &journal{ids: map[string]bool{}, requests: map[firsthand.ID]*request{}, tickets: map[string][]*note{}, refs: map[string]firsthand.ID{},
		seen: map[string]place{}, moved: map[firsthand.ID]bool{}}
}

// sync brings the journal up to what stands in the mailbox.
func (m *Mailbox) sync(s *session) (*journal, error) {
	d, err := s.use(m.cfg.Journal)
	if err != nil {
		return nil, err
	}
	j := m.journal
	if j.validity != d.UIDValidity || uint32(d.UIDNext) < j.next {
		j = newJournal() // numbered anew: it is read anew
		j.validity, j.next = d.UIDValidity, 1
	}
	if uint32(d.UIDNext) > j.next {
		var rest imap.UIDSet
		rest.AddRange(imap.UID(j.next), 0)
		uids, err := s.search(&imap.SearchCriteria{UID: []imap.UIDSet{rest}})
		if err != nil {
			return nil, err
		}
		uids = slices.DeleteFunc(uids, func(u imap.UID) bool { return uint32(u) < j.next }) // n:* always has the last one
		if err := s.inBatches(uids, whole, func(f fetched) error { j.take(f); return nil }); err != nil {
			return nil, err // what was taken is not taken twice
		}
		j.next = max(j.next, uint32(d.UIDNext))
		if n := len(uids); n > 0 {
			j.next = max(j.next, uint32(uids[n-1])+1)
		}
	}
	m.journal = j
	return j, nil
}

// take takes a mail of the journal. One that is no note is somebody else's.
func (j *journal) take(f fetched) {
	n, ok := readNote(f.raw)
	if j.next = max(j.next, uint32(f.uid)+1); !ok {
		return
	}
	if n.Seen.Folder != "" {
		if was := j.seen[n.Seen.Folder]; was.Validity != n.Seen.Validity || was.UID < n.Seen.UID {
			j.seen[n.Seen.Folder] = n.Seen
		}
	}
	if n.uid = uint32(f.uid); j.ids[n.ID] {
		return
	}
	j.ids[n.ID] = true
	r := j.requests[n.Of]
	if r == nil {
		r = &request{}
		j.requests[n.Of] = r
	}
	switch n.Kind {
	case delivered:
		r.delivered = n
		if n.Ticket != "" {
			j.tickets[n.Ticket] = append(j.tickets[n.Ticket], n)
			j.refs[n.Ticket] = n.Of // the last
		} else {
			j.refs[refOf(n.Of)] = n.Of
		}
	case proved:
		r.proved = n
	case decided:
		r.decided = n
	}
	j.notes = append(j.notes, n)
}

// note writes n into the journal, and reads it back.
func (m *Mailbox) note(s *session, n *note) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(n.ID))
	raw, err := mail.Mail{ID: mail.MessageID(lower(sum[:20]) + ".note@" + m.domain), From: m.cfg.ReplyTo, To: m.cfg.Address, Date: n.At,
		Subject: "Note of the gateway's: " + n.Kind + " (leave it here)", Text: string(body)}.Write()
	if err != nil {
		return err
	}
	if err := s.put(m.cfg.Journal, raw, imap.FlagSeen); err != nil {
		return err
	}
	_, err = m.sync(s)
	return err
}

func readNote(raw []byte) (*note, bool) {
	msg, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, false
	}
	text, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
	if err != nil {
		return nil, false
	}
	n := &note{}
	if err := json.Unmarshal(text, n); err != nil || n.ID == "" || n.Of.IsZero() || n.Rel.IsZero() {
		return nil, false
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

// cursor is where in the journal a note stands.
func (j *journal) cursor(n *note) string { return fmt.Sprintf("%d %d", j.validity, n.uid) }

// after returns what people did since a cursor.
func (j *journal) after(cursor string) ([]*note, error) {
	var validity, uid uint32
	if cursor != "" {
		if n, err := fmt.Sscanf(cursor, "%d %d", &validity, &uid); err != nil || n != 2 {
			return nil, errCursor
		}
		if validity != j.validity {
			uid = 0 // numbered anew; what was told already is known by its ID
		}
	}
	var all []*note
	for _, n := range j.notes {
		if n.uid > uid && n.isChange() {
			all = append(all, n)
		}
	}
	return all, nil
}
