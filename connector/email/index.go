package email

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"firsthand"
)

// An index says where in the journal notes stand, in some bytes for each.
type index struct {
	ids     map[key]uint32   // the note with an ID
	first   map[key]uint32   // the first of the notes that have something in common
	others  map[key][]uint32 // and the others, in order
	changes []uint32         // of what people did, in order

	// What the next sum will say: of the notes from one on.
	from          uint32
	named, groups []entry
	looked        int // mails elsewhere that were looked at since
}

// A key is a hash of what is looked for, of 128 bits: who works for it by calling again and
// again doesn't find two requests that have the same, so what is found needs no comparison.
type key [16]byte

func keyOf(what ...string) key {
	sum := sha256.Sum256([]byte(strings.Join(what, "\x00")))
	return key(sum[:])
}

// What notes have in common: the thread they are in, the fact of a relationship's, and
// the request that people have said something about.
func threadKey(ref string) key                      { return keyOf("thread", ref) }
func factKey(rel firsthand.ID, fact string) key     { return keyOf("fact", rel.String(), fact) }
func aboutKey(of firsthand.ID) key                  { return keyOf("about", of.String()) }
func idKey(id string) key                           { return keyOf("id", id) }
func idOf(kind string, request firsthand.ID) string { return kind + " " + request.String() }

// An entry is a place under a key.
type entry struct {
	key key
	uid uint32
}

func newIndex() index {
	return index{ids: map[key]uint32{}, first: map[key]uint32{}, others: map[key][]uint32{}, from: 1}
}

// has reports whether a note with an ID stands in the journal.
func (x *index) has(id string) bool { return x.ids[idKey(id)] != 0 }

// at returns where the note of a kind about a request stands, 0 if it doesn't.
func (x *index) at(kind string, request firsthand.ID) uint32 {
	return x.ids[idKey(idOf(kind, request))]
}

// group returns where the notes under a key stand, in order.
func (x *index) group(k key) []uint32 {
	if x.first[k] == 0 {
		return nil
	}
	return append([]uint32{x.first[k]}, x.others[k]...)
}

// put puts a note into the index, unless another with its ID is there: the first counts,
// but for one that stands in its place.
func (x *index) put(n *note) bool {
	id := entry{idKey(n.ID), n.uid}
	if x.ids[id.key] != 0 && !n.Erased {
		return false
	}
	x.putID(id)
	x.named = append(x.named, id)
	var keys []key
	switch {
	case n.Kind == delivered && n.Ticket != "":
		keys = []key{threadKey(n.Ticket)}
	case n.Kind == delivered:
		keys = []key{threadKey(refOf(n.Of)), factKey(n.Rel, n.Fact)}
	case n.Kind == replied || n.Kind == decided:
		keys = []key{aboutKey(n.Of)}
	}
	for _, k := range keys {
		e := entry{k, n.uid}
		x.putGroup(e)
		x.groups = append(x.groups, e)
	}
	if n.isChange() {
		x.putChange(n.uid)
	}
	return true
}

func (x *index) putID(e entry) {
	if i, ok := slices.BinarySearch(x.changes, x.ids[e.key]); ok && x.ids[e.key] != e.uid {
		x.changes = slices.Delete(x.changes, i, i+1) // another stands in its place
	}
	x.ids[e.key] = e.uid
}

func (x *index) putGroup(e entry) {
	last := x.first[e.key]
	if others := x.others[e.key]; len(others) > 0 {
		last = others[len(others)-1]
	}
	switch {
	case last == 0:
		x.first[e.key] = e.uid
	case last < e.uid:
		x.others[e.key] = append(x.others[e.key], e.uid)
	}
}

func (x *index) putChange(uid uint32) {
	if n := len(x.changes); n == 0 || x.changes[n-1] < uid {
		x.changes = append(x.changes, uid)
	}
}

// A sum is a note of where others stand, so that who starts doesn't read them all. What
// it says can be had from the notes that it is of. One that is missing, or was made when
// the host numbered mails otherwise, costs time and no more.
type sum struct {
	Validity uint32         `json:"validity"`
	From     uint32         `json:"from"`
	To       uint32         `json:"to"`
	Named    []byte         `json:"named"`
	Groups   []byte         `json:"groups"`
	Changes  []uint32       `json:"changes"`
	Seen     []place        `json:"seen"`
	Moved    []firsthand.ID `json:"moved"`
}

// sumAfter is how many notes a sum is of, or mails elsewhere that were looked at.
const sumAfter = 1000

// maxSum is how many notes a sum is of at most: its mail is read in one piece.
const maxSum = 50_000

// keep writes a sum of what was read since the last one, if that is so much.
func (m *Mailbox) keep(s *session, j *journal, much int) error {
	if max(len(j.named), j.looked) < much {
		return nil
	}
	said := &sum{Validity: j.validity, From: j.from, To: j.next - 1, Named: pack(j.named), Groups: pack(j.groups),
		Seen: slices.Collect(maps.Values(j.seen)), Moved: slices.Collect(maps.Keys(j.moved))}
	i, _ := slices.BinarySearch(j.changes, j.from)
	said.Changes = j.changes[i:]
	n := &note{Kind: summed, ID: fmt.Sprintf("%s %d %d %d", summed, said.Validity, said.From, said.To), At: m.cfg.Now(), Sum: said}
	if err := m.append(s, n); err != nil {
		return err
	}
	j.from, j.named, j.groups, j.looked = j.next, nil, nil, 0
	return nil
}

// recall takes the sums of the journal, which is in use, as far as they go without a gap.
// It returns which mails they are.
func (m *Mailbox) recall(s *session, j *journal) (are []imap.UID, err error) {
	uids, err := s.search(&imap.SearchCriteria{Flag: []imap.Flag{imap.FlagFlagged}})
	if err != nil {
		return nil, err
	}
	var sums []*sum
	var old imap.UIDSet
	err = s.inBatches(uids, whole, func(f fetched) error {
		n, ok := readNote(f)
		switch {
		case n.Kind == formerlySummed:
			old.AddNum(f.uid)
		case ok && n.Kind == summed && n.Sum != nil && n.Sum.Validity == j.validity && n.Sum.To < n.uid:
			sums, are = append(sums, n.Sum), append(are, f.uid)
		}
		return nil
	})
	if err == nil && len(old) > 0 { // the notes are read instead, once, and summed up anew
		err = s.unflag(old)
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(sums, func(a, b *sum) int { return int(a.To) - int(b.To) })
	for i, said := range sums {
		for _, at := range said.Seen { // what was heard there is noted, in this sum or behind it
			j.look(at)
		}
		for _, id := range said.Moved {
			if i == len(sums)-1 {
				j.moved[id] = true
			}
		}
		if said.From > j.next || said.To < j.next {
			continue
		}
		for _, e := range unpack(said.Named) {
			j.putID(e)
		}
		for _, e := range unpack(said.Groups) {
			j.putGroup(e)
		}
		for _, uid := range said.Changes {
			j.putChange(uid)
		}
		j.next, j.from = said.To+1, said.To+1
	}
	return are, nil
}

// entrySize is how many bytes an entry is packed into.
const entrySize = len(key{}) + 4

func pack(all []entry) []byte {
	b := make([]byte, 0, len(all)*entrySize)
	for _, e := range all {
		b = append(b, e.key[:]...)
		b = binary.BigEndian.AppendUint32(b, e.uid)
	}
	return b
}

func unpack(b []byte) (all []entry) {
	for ; len(b) >= entrySize; b = b[entrySize:] {
		all = append(all, entry{key(b[:len(key{})]), binary.BigEndian.Uint32(b[len(key{}):])})
	}
	return all
}
