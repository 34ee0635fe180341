package bench_test

import (
	"context"
	"iter"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// nowhere is a store that keeps the rows of relationships in memory and drops all
// else: with it, a gateway is the same server without a store. States that the
// gateway has forgotten can't be folded again.
type nowhere struct {
	gateway.DeskStore // nobody asks for it

	mu   sync.RWMutex
	rows map[firsthand.ID]gateway.Relationship
}

var _ gateway.Store = (*nowhere)(nil)

func newNowhere() *nowhere { return &nowhere{rows: make(map[firsthand.ID]gateway.Relationship)} }

func (n *nowhere) Commit(_ context.Context, c gateway.Commit) error {
	if len(c.Relationships) > 0 {
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, r := range c.Relationships {
			n.rows[r.ID] = r
		}
	}
	return nil
}

func (n *nowhere) Relationship(_ context.Context, rel firsthand.ID) (gateway.Relationship, error) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	row, ok := n.rows[rel]
	if !ok {
		return row, fault.NotExist
	}
	return row, nil
}

func (*nowhere) Head(context.Context, firsthand.ID, firsthand.Side) (h firsthand.Head, err error) {
	return h, nil
}
func (*nowhere) Append(context.Context, ...firsthand.Entry) error { return nil }
func (*nowhere) Entries(context.Context, firsthand.ID, firsthand.Side, int64) iter.Seq2[firsthand.Entry, error] {
	return func(func(firsthand.Entry, error) bool) {}
}
func (*nowhere) Relationships(context.Context) iter.Seq2[gateway.Relationship, error] {
	return func(func(gateway.Relationship, error) bool) {}
}
func (*nowhere) OfRecord(context.Context, string, string) ([]firsthand.ID, error) { return nil, nil }
func (*nowhere) Behind(context.Context, int, int) ([]firsthand.ID, error)         { return nil, nil }
func (*nowhere) Deliveries(context.Context, firsthand.ID) ([]gateway.Delivery, error) {
	return nil, nil
}
func (*nowhere) Delivery(context.Context, firsthand.ID, int64, gateway.Task) (d gateway.Delivery, err error) {
	return d, fault.NotExist
}
func (*nowhere) Ready(context.Context, gateway.Lane, int) ([]gateway.Delivery, error) {
	return nil, nil
}
func (*nowhere) Due(context.Context) ([]gateway.Delivery, error) { return nil, nil }
func (*nowhere) Challenges(context.Context, firsthand.ID) ([]gateway.Challenge, error) {
	return nil, nil
}
func (*nowhere) Challenged(context.Context, string, string, time.Time) (int, error) { return 0, nil }
func (*nowhere) Drafts(context.Context, firsthand.ID) ([]gateway.Draft, error)      { return nil, nil }
func (*nowhere) Evidence(context.Context, firsthand.ID) ([]gateway.Evidence, error) { return nil, nil }
func (*nowhere) Audit(context.Context, firsthand.ID) ([]gateway.Audit, error)       { return nil, nil }
func (*nowhere) Known(context.Context, string) (bool, error)                        { return false, nil }
func (*nowhere) Setting(context.Context, string) (string, error)                    { return "", nil }
