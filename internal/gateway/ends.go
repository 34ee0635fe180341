package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"firsthand"
	"firsthand/wire"
)

// Most calls ask for news or bring a plain message, and for that the ends of both logs
// are enough. So each commit to a [Shared] store says what they are then (At.Ends), and
// they are read with the row, which is read for each call anyway. A relationship that
// isn't in memory is answered from them without reading its logs.
//
// They are believed only of the very row that they were made of: the sum covers its
// version and keys. Whatever else a call needs, and whatever they don't explain, is
// answered from the logs, and so is each refusal.

// errLogs says that the ends of the logs don't suffice to answer.
var errLogs = errors.New("the logs have to be read")

// A glance is what a Shared store has beside the logs of a relationship.
type glance struct {
	row  Relationship
	ends []byte
}

const (
	endsForm = 1
	endsSize = 2 + 8 + 32 + 8 + 32 + 8 + 32
	sumSize  = 16
)

// EncodeEnds returns what stands beside row, as it will be when it has been committed, if
// the logs end like that.
func EncodeEnds(row *Relationship, e firsthand.Ends) []byte {
	b := make([]byte, 0, endsSize+sumSize)
	b = append(b, endsForm, 0)
	if e.Words {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint64(b, uint64(e.First.Seq))
	b = append(b, e.First.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Second.Seq))
	b = append(b, e.Second.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seen))
	b = append(b, e.SecondKey[:]...)
	return append(b, endsSum(row, b)...)
}

// decodeEnds reads what EncodeEnds wrote of the same row. It is false of anything else.
func decodeEnds(row *Relationship, b []byte) (e firsthand.Ends, ok bool) {
	if len(b) != endsSize+sumSize || b[0] != endsForm || string(b[endsSize:]) != string(endsSum(row, b[:endsSize])) {
		return e, false
	}
	e.Words, b = b[1] == 1, b[2:]
	number := func() (n int64) {
		n, b = int64(binary.BigEndian.Uint64(b)), b[8:]
		return n
	}
	bytes := func(to []byte) { b = b[copy(to, b):] }
	e.First.Seq = number()
	bytes(e.First.ID[:])
	e.Second.Seq = number()
	bytes(e.Second.ID[:])
	e.Seen = number()
	bytes(e.SecondKey[:])
	e.Key, e.Next = row.Key, row.Next
	return e, e.First.Seq > 0 && e.Second.Seq > 0
}

func endsSum(row *Relationship, ends []byte) []byte {
	b := append(make([]byte, 0, 300), "firsthand-ends-v1"...)
	b = append(b, row.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(row.Version))
	b = append(append(b, row.Key[:]...), row.Next[:]...)
	sum := sha256.Sum256(append(b, ends...))
	return sum[:sumSize]
}

// beside returns what is to stand beside the row that this turn commits.
func (t *turn) beside() []byte {
	row := t.row
	row.Version = t.r.row.Version + 1
	return besideRow(&row, t.state())
}

// besideRow returns what is to stand beside row, if s is what its logs say; nil where the
// logs have to be read next time.
func besideRow(row *Relationship, s *firsthand.State) []byte {
	if s == nil || row.Restored || row.Frozen != "" {
		return nil
	}
	e := s.Ends()
	if e.First.Seq == 0 || e.Second.Seq == 0 {
		return nil
	}
	return EncodeEnds(row, e)
}

// glance looks at what the store has beside the logs, and reports whether that is all
// that the call needs: then the turn goes on from there. It doesn't where the state is
// known. What was read to authenticate the call serves, unless the call waits: it may be
// from before the wait for news had begun.
func (t *turn) glance(ctx context.Context, r *wire.Request, known bool) bool {
	if t.g.shared == nil || r == nil {
		return false
	}
	l, ok := t.g.cache.glanced(r.Rel)
	switch {
	case ok && r.Wait == 0:
	case known && len(r.Entries) > 0:
		return false // what it commits is compared
	default:
		var err error
		if l.row, l.ends, err = t.g.shared.Glance(ctx, r.Rel); err != nil {
			return false // who reads the logs finds out why
		}
	}
	t.glanced = l.row.Version
	return !known && t.fromEnds(&l, r)
}

// fromEnds lets the turn go on from the ends of the logs, if these suffice for r.
func (t *turn) fromEnds(l *glance, r *wire.Request) bool {
	ends, ok := decodeEnds(&l.row, l.ends)
	if !ok || l.row.Restored || l.row.Frozen != "" {
		return false
	}
	last := ends.First
	if n := len(r.Entries); n > 0 {
		last = r.Entries[n-1].Head()
	}
	news := len(r.Entries) == 0 && r.Second.Seq < ends.Second.Seq // which is to be read, and compared; see continues
	if r.First != last || r.Second != ends.Second && !news || !ends.Judge(r.Entries) {
		return false
	}
	t.r.row, t.r.state, t.r.cost, t.short = l.row, ends.State(t.r.id), costEmpty, true
	return true
}

// continues reports whether the answer to r, which was made from the ends, goes on from
// the head that she has of second's log and leads to its end.
func continues(r *wire.Request, resp *wire.Response) bool {
	at := r.Second
	for i := range resp.Entries {
		e := &resp.Entries[i]
		if e.Side != firsthand.Second || e.Seq != at.Seq+1 || e.Prev != at.ID {
			return false
		}
		at = e.Head()
	}
	return at == resp.Second || resp.More && len(resp.Entries) > 0
}
