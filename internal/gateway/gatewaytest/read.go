package gatewaytest

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// Relationship implements [gateway.Store].
func (m *Memory) Relationship(ctx context.Context, rel firsthand.ID) (gateway.Relationship, error) {
	if r := m.now().byID[rel]; r != nil {
		return r.row, ctx.Err()
	}
	return gateway.Relationship{}, fault.NotExist
}

// Relationships implements [gateway.Store].
func (m *Memory) Relationships(ctx context.Context) iter.Seq2[gateway.Relationship, error] {
	return func(yield func(gateway.Relationship, error) bool) {
		d := m.now()
		for _, id := range d.order {
			if !yield(d.byID[id].row, nil) {
				return
			}
		}
	}
}

// OfRecord implements [gateway.Store].
func (m *Memory) OfRecord(ctx context.Context, system, number string) ([]firsthand.ID, error) {
	return m.which(func(r *record) bool { return r.row.Record.System == system && r.row.Record.ID == number }), ctx.Err()
}

// Behind implements [gateway.Store].
func (m *Memory) Behind(ctx context.Context, keys, limit int) ([]firsthand.ID, error) {
	ids := m.which(func(r *record) bool { return r.row.Keys < keys && !r.row.Restored && r.row.Frozen == "" })
	return ids[:min(limit, len(ids))], ctx.Err()
}

func (m *Memory) which(choose func(*record) bool) (ids []firsthand.ID) {
	d := m.now()
	for _, id := range d.order {
		if choose(d.byID[id]) {
			ids = append(ids, id)
		}
	}
	return ids
}

// of returns a copy of a part of what belongs to rel.
func of[T any](m *Memory, rel firsthand.ID, part func(*record) []T) []T {
	if r := m.now().byID[rel]; r != nil {
		return slices.Clone(part(r))
	}
	return nil
}

// Deliveries implements [gateway.Store].
func (m *Memory) Deliveries(ctx context.Context, rel firsthand.ID) ([]gateway.Delivery, error) {
	return of(m, rel, func(r *record) []gateway.Delivery { return r.deliveries }), ctx.Err()
}

// Delivery implements [gateway.Store].
func (m *Memory) Delivery(ctx context.Context, rel firsthand.ID, seq int64, task gateway.Task) (gateway.Delivery, error) {
	for _, d := range of(m, rel, func(r *record) []gateway.Delivery { return r.deliveries }) {
		if d.Seq == seq && d.Task == task {
			return d, ctx.Err()
		}
	}
	return gateway.Delivery{}, fault.NotExist
}

// Ready implements [gateway.Store].
func (m *Memory) Ready(ctx context.Context, lane gateway.Lane, _ int) (ready []gateway.Delivery, err error) {
	d := m.now()
	for _, id := range d.order {
		if r := d.byID[id]; !r.row.Restored && r.row.Frozen == "" {
			ready = append(ready, r.next(lane)...)
		}
	}
	slices.SortStableFunc(ready, func(a, b gateway.Delivery) int { return a.Next.Compare(b.Next) })
	return ready, ctx.Err()
}

// next returns the deliveries of a lane whose turn it is.
func (r *record) next(lane gateway.Lane) (next []gateway.Delivery) {
	var later *gateway.Delivery
	line := true // nothing before is waiting or stopped
	for i := range r.deliveries {
		d := &r.deliveries[i]
		switch {
		case d.Status == gateway.Later:
			if lane == gateway.Records && (later == nil || d.Next.Before(later.Next)) {
				later = d
			}
		case d.Lane != lane:
		case d.Status == gateway.Stopped:
			line = false
		case d.Status == gateway.Waiting, d.Status == gateway.Checking:
			if line {
				next = append(next, *d)
			}
			line = false
		}
	}
	if later != nil {
		next = append(next, *later)
	}
	return next
}

// Due implements [gateway.Store].
func (m *Memory) Due(ctx context.Context) (due []gateway.Delivery, err error) {
	d := m.now()
	for _, id := range d.order {
		for _, one := range d.byID[id].deliveries {
			if one.Due != "" {
				due = append(due, one)
			}
		}
	}
	slices.SortStableFunc(due, func(a, b gateway.Delivery) int { return cmp.Compare(a.Due, b.Due) })
	return due, ctx.Err()
}

// Challenges implements [gateway.Store].
func (m *Memory) Challenges(ctx context.Context, rel firsthand.ID) ([]gateway.Challenge, error) {
	all := of(m, rel, func(r *record) []gateway.Challenge { return r.challenges })
	slices.SortFunc(all, func(a, b gateway.Challenge) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, ctx.Err()
}

// Challenged implements [gateway.Store].
func (m *Memory) Challenged(ctx context.Context, system, number string, since time.Time) (n int, err error) {
	for _, r := range m.now().byID {
		for _, c := range r.challenges {
			if c.Record.System == system && c.Record.ID == number && !c.Sent.Before(since) {
				n++
			}
		}
	}
	return n, ctx.Err()
}

// Drafts implements [gateway.Store].
func (m *Memory) Drafts(ctx context.Context, rel firsthand.ID) ([]gateway.Draft, error) {
	return of(m, rel, func(r *record) []gateway.Draft { return r.drafts }), ctx.Err()
}

// Evidence implements [gateway.Store].
func (m *Memory) Evidence(ctx context.Context, rel firsthand.ID) ([]gateway.Evidence, error) {
	return of(m, rel, func(r *record) []gateway.Evidence { return r.evidence }), ctx.Err()
}

// Audit implements [gateway.Store].
func (m *Memory) Audit(ctx context.Context, rel firsthand.ID) ([]gateway.Audit, error) {
	return of(m, rel, func(r *record) []gateway.Audit { return r.audit }), ctx.Err()
}

// Known implements [gateway.Store].
func (m *Memory) Known(ctx context.Context, change string) (bool, error) {
	return m.now().changes[change], ctx.Err()
}

// Setting implements [gateway.Store].
func (m *Memory) Setting(ctx context.Context, name string) (string, error) {
	return m.now().settings[name], ctx.Err()
}
