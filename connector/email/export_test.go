package email

import (
	"fmt"
	"iter"
	"time"

	"firsthand"
)

// Notes returns a journal of n notes: changes of a fact, and what people decided. of
// returns the ids of requests.
func (m *Mailbox) Notes(n int, of func(int) firsthand.ID) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range n {
			id := of(i / 2)
			x := note{Kind: delivered, ID: idOf(delivered, id), At: time.Now(), Of: id, Rel: of(-1 - i/20), Fact: "email", Record: fmt.Sprint("C-", i/20)}
			if i%2 == 1 {
				x = note{Kind: decided, ID: idOf(decided, id), At: x.At, Of: id, Rel: x.Rel, Record: x.Record}
			}
			raw, err := m.mailOf(&x)
			if err != nil || !yield(raw) {
				return
			}
		}
	}
}

// FormerSum returns a sum of the notes up to one as it was made when it named them by 64
// bits. It knows none of them.
func (m *Mailbox) FormerSum(validity, to uint32) ([]byte, error) {
	return m.mailOf(&note{Kind: formerlySummed, ID: fmt.Sprintf("%s %d 1 %d", formerlySummed, validity, to), At: time.Now(),
		Sum: &sum{Validity: validity, From: 1, To: to, Named: make([]byte, 12*int(to)), Groups: make([]byte, 12)}})
}

// RefOf is what people call a request.
var RefOf = refOf
