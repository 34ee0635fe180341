package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/store"
	"firsthand/internal/sqlite/sqlitetest"
)

// acked is what the gateway has told somebody, who relies on it from then on.
type acked struct {
	rel           firsthand.ID
	first, second firsthand.Head // receipted; answered
}

// TestPowerLoss cuts the power at every operation of a life on the real store. What
// was receipted is there, what was answered is there, the logs fold, and each entry
// has the delivery that it causes.
func TestPowerLoss(t *testing.T) {
	options := func(d *sqlitetest.Disk) store.Options { return store.Options{Dir: "/", VFS: d.VFS()} }
	sqlitetest.PowerLoss(t, sqlitetest.Plan{
		States: 150, CI: 5000,
		Workload: func(d *sqlitetest.Disk) error {
			s, err := store.Create(context.Background(), options(d))
			if err != nil {
				return err
			}
			w := two(start(t, s, nil))
			c := gatewaytest.NewCustomer(t, "mia", gatewaytest.Company{})
			call := func() {
				resp := c.Call(t, w)
				d.Ack(acked{c.Rel(), resp.First, resp.Second})
			}
			call()
			c.Write(t, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ours(t)}})
			call()
			told := tell(t, c, "phone", "0471", firsthand.Basis{Agreement: c.State.Agreements[0].Entry})
			c.Say(t, "hello")
			call()
			w.idle()
			call()
			c.Write(t, &firsthand.Withdraw{Disclosure: told})
			call()
			w.idle()
			call()
			return s.Close()
		},
		Verify: func(d *sqlitetest.Disk, told []any) error {
			s, err := store.Open(context.Background(), options(d))
			if errors.Is(err, fs.ErrNotExist) && len(told) == 0 {
				return nil
			}
			if err != nil {
				return err
			}
			err = sound(s, told)
			return errors.Join(err, s.Close())
		},
	})
}

// sound checks what a power cut has left.
func sound(s *store.Store, told []any) error {
	ctx := context.Background()
	if _, err := s.Verify(ctx); err != nil {
		return err
	}
	for _, a := range told {
		a := a.(acked)
		state, err := firsthand.Load(ctx, s, a.rel)
		if err != nil {
			return err
		}
		for side, head := range map[firsthand.Side]firsthand.Head{firsthand.First: a.first, firsthand.Second: a.second} {
			if state.Log(side).ID(head.Seq) != head.ID {
				return fmt.Errorf("%s lost its entry %d", side, head.Seq)
			}
		}
	}
	for r, err := range s.Relationships(ctx) {
		if err != nil {
			return err
		}
		for e, err := range s.Entries(ctx, r.ID, firsthand.First, 1) {
			if err != nil {
				return err
			}
			if k := e.Kind(); k != "disclose" && k != "message" {
				continue
			}
			if _, err := s.Delivery(ctx, r.ID, e.Seq, gateway.Deliver); err != nil {
				return fmt.Errorf("entry %d has no delivery: %w", e.Seq, err)
			}
		}
	}
	return nil
}
