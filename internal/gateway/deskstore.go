package gateway

import (
	"context"
	"time"
)

// A DeskStore is the part of a Store that the company's desk asks, and nothing
// else: lists and figures over all relationships. Each is answered by the database
// from an index, and folds no log.
type DeskStore interface {
	// Audits returns rows of the audit, of all relationships and of none, the latest
	// first: those with an N below before, or the very latest if before is 0.
	Audits(ctx context.Context, before int64, limit int) ([]Audit, error)
	// Frozen returns relationships that are frozen, oldest first.
	Frozen(ctx context.Context, limit int) ([]Relationship, error)
	// Owed returns at most limit of what Due returns, and how many there are.
	Owed(ctx context.Context, limit int) ([]Delivery, int, error)
	// Numbers counts. What has ended counts if it did at since or later; today is
	// the day that now is.
	Numbers(ctx context.Context, since, now time.Time) (Numbers, error)
}

// Numbers are what a company's staff sees of how well it answers. Each is counted
// from rows; none is an estimate.
type Numbers struct {
	// Customers are relationships that were opened here; Bound those that are proved
	// to belong to a record of the company's, or for which it has made one.
	Customers, Bound int

	// Now: deliveries that failed and wait for somebody, and what is owed, today
	// and before today.
	Failed, Today, Overdue int

	// Of deliveries that ended since: how many there were; how many of them were owed by a
	// day; and how many of those ended on that day or before.
	Ended, Dated, InTime int

	// How long deliveries to the company's system took that ended since, from the
	// moment the gateway had the entry until the customer was told the outcome. Those
	// that were made before a store kept that moment don't count.
	Median, P95 time.Duration

	// Facts are values that were written into a record since and read back from it as
	// she gave them: none of them can have been mistyped. ByMachine are those of them
	// that no member of staff touched: each would have been a ticket.
	Facts, ByMachine int
}

// ended reports whether nothing is left to be done or said about d.
func (d *Delivery) ended() bool {
	return d.Due == "" && (d.Status == Applied || d.Status == Declined || d.Status == Done)
}

// stamp notes in d when it was made, by when it was owed, and when it ended.
func (d *Delivery) stamp(now time.Time) {
	if d.Made.IsZero() {
		d.Made = now
	}
	if d.Due != "" {
		d.Owed = d.Due
	}
	switch {
	case !d.ended():
		d.Ended = time.Time{}
	case d.Ended.IsZero():
		d.Ended = now
	}
}

// Place100 returns where in n sorted values, counted from 0, the one stands that
// so many hundredths of them don't exceed. n is not 0.
func Place100(n, share int) int { return (n*share+99)/100 - 1 }
