package gatewaytest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
)

// Audits implements [gateway.DeskStore].
func (m *Memory) Audits(ctx context.Context, before int64, limit int) (all []gateway.Audit, err error) {
	d := m.now()
	all = slices.Clone(d.apart)
	for _, r := range d.byID {
		all = append(all, r.audit...)
	}
	all = slices.DeleteFunc(all, func(a gateway.Audit) bool { return before > 0 && a.N >= before })
	slices.SortFunc(all, func(a, b gateway.Audit) int { return cmp.Compare(b.N, a.N) })
	return all[:min(limit, len(all))], ctx.Err()
}

// Frozen implements [gateway.DeskStore].
func (m *Memory) Frozen(ctx context.Context, limit int) (all []gateway.Relationship, err error) {
	d := m.now()
	for _, id := range d.order {
		if r := d.byID[id]; r.row.Frozen != "" && len(all) < limit {
			all = append(all, r.row)
		}
	}
	return all, ctx.Err()
}

// Owed implements [gateway.DeskStore].
func (m *Memory) Owed(ctx context.Context, limit int) ([]gateway.Delivery, int, error) {
	all, err := m.Due(ctx)
	return all[:min(limit, len(all))], len(all), err
}

// Numbers implements [gateway.DeskStore].
func (m *Memory) Numbers(ctx context.Context, since, now time.Time) (n gateway.Numbers, err error) {
	d, today := m.now(), firsthand.DateOf(now)
	var took []time.Duration
	for _, id := range d.order {
		r := d.byID[id]
		n.Customers++
		if r.row.Record.ID != "" {
			n.Bound++
		}
		for _, one := range r.deliveries {
			switch {
			case one.Due == "":
			case one.Due == today:
				n.Today++
			case one.Due < today:
				n.Overdue++
			}
			if one.Status == gateway.Stopped {
				n.Failed++
			}
			if one.Ended.IsZero() || one.Ended.Before(since) || one.Task == gateway.Review {
				continue
			}
			n.Ended++
			if due := one.Owed; due != "" {
				n.Dated++
				if firsthand.DateOf(one.Ended) <= due {
					n.InTime++
				}
			}
			if one.Task != gateway.Deliver {
				continue
			}
			if !one.Made.IsZero() {
				took = append(took, one.Ended.Sub(one.Made))
			}
			if one.Status == gateway.Applied && !one.Reported && one.Ref.ID != "" && one.Ref.ID == r.row.Record.ID {
				n.Facts++
				if !slices.ContainsFunc(r.audit, func(a gateway.Audit) bool { return a.Entry == one.Entry && (a.Act == "apply" || a.Act == "refuse") }) {
					n.ByMachine++
				}
			}
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		n.Median, n.P95 = took[gateway.Place100(len(took), 50)], took[gateway.Place100(len(took), 95)]
	}
	return n, ctx.Err()
}
