package gateway

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"firsthand/fault"
)

// queue adds or replaces a delivery.
func (t *turn) queue(d Delivery) {
	d.Rel = t.r.id
	d.stamp(t.now)
	// What was read from the store in this turn may have been changed in it.
	t.c.Deliveries = slices.DeleteFunc(t.c.Deliveries, func(e Delivery) bool { return e.Seq == d.Seq && e.Task == d.Task })
	t.c.Deliveries = append(t.c.Deliveries, d)
	t.queued = true
}

// delivery returns a delivery as it will be after the commit, and whether there
// is one.
func (t *turn) delivery(ctx context.Context, seq int64, task Task) (d Delivery, ok bool, err error) {
	for _, d := range t.c.Deliveries {
		if d.Seq == seq && d.Task == task {
			return d, true, nil
		}
	}
	d, err = t.g.o.Store.Delivery(ctx, t.r.id, seq, task)
	if fault.KindOf(err) == fault.NotExist {
		return d, false, nil
	}
	return d, err == nil, err
}

// deliveries returns all of them as they will be after the commit. Those added in
// this turn come last.
func (t *turn) deliveries(ctx context.Context) ([]Delivery, error) {
	all, err := t.g.o.Store.Deliveries(ctx, t.r.id)
	if err != nil {
		return nil, err
	}
	for _, d := range t.c.Deliveries {
		i := slices.IndexFunc(all, func(e Delivery) bool { return e.Seq == d.Seq && e.Task == d.Task })
		if i < 0 {
			all = append(all, d)
		} else {
			all[i] = d
		}
	}
	return all, nil
}

// maxWhy bounds what is kept of an error's text, in bytes.
const maxWhy = 300

// why returns err as the operator reads it: the text that is meant for people if
// there is one.
func why(err error) string {
	var n *fault.Notice
	text := err.Error()
	if errors.As(err, &n) {
		text = cmp.Or(n.Text, text)
	}
	return cut(text, maxWhy)
}

// cut shortens s to at most n bytes of whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
