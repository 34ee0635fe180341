package pgstore

import (
	"bytes"
	"slices"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/internal/gateway"
)

// A change is what a commit does to the row of a relationship.
type change struct {
	rel  firsthand.ID
	from int64                 // the version that it has to have; anyVersion if that isn't said
	row  *gateway.Relationship // what it becomes; nil: as it is
	line bool                  // deliveries were touched, so when there is something to do
	ends []byte                // beside the next version; nil for none
}

const anyVersion = -1

// touched returns the relationships that c changes, those with the most to say of
// themselves in the order of c.
func touched(c *gateway.Commit) (all []change) {
	of := func(rel firsthand.ID) *change {
		for i := range all {
			if all[i].rel == rel {
				return &all[i]
			}
		}
		all = append(all, change{rel: rel, from: anyVersion})
		return &all[len(all)-1]
	}
	for _, at := range c.At {
		c := of(at.Rel)
		c.from, c.ends = at.Version, at.Ends
	}
	for i := range c.Relationships {
		of(c.Relationships[i].ID).row = &c.Relationships[i]
	}
	for _, p := range c.Replace {
		of(p.Rel)
	}
	for i := range c.Entries {
		of(c.Entries[i].Relationship())
	}
	for i := range c.Evidence {
		of(c.Evidence[i].Entry.Relationship())
	}
	for i := range c.Deliveries {
		of(c.Deliveries[i].Rel).line = true
	}
	for i := range c.Challenges {
		of(c.Challenges[i].Rel)
	}
	for i := range c.AddDrafts {
		of(c.AddDrafts[i].Rel)
	}
	return all
}

// due is when the outbox of relationship $1 has something to do: the first in line,
// unless it is stopped, or the soonest that is set for later. dueTickets is the same
// for the lane of tickets, in which nothing is set for later.
var (
	due        = dueOf("$1")
	dueTickets = dueTicketsOf("$1")
)

func dueOf(rel string) string {
	return `(
	SELECT min(next) FROM (
		(SELECT next FROM (
			SELECT status, next FROM delivery
			WHERE rel = ` + rel + ` AND lane = '' AND status IN ('waiting', 'checking', 'stopped') ORDER BY n LIMIT 1) AS first
		WHERE status <> 'stopped')
		UNION ALL
		(SELECT next FROM delivery WHERE rel = ` + rel + ` AND status = 'later' ORDER BY next LIMIT 1)) AS all_next)`
}

func dueTicketsOf(rel string) string {
	return `(
	SELECT next FROM (
		SELECT status, next FROM delivery
		WHERE rel = ` + rel + ` AND lane = 'tickets' AND status IN ('waiting', 'checking', 'stopped') ORDER BY n LIMIT 1) AS first
	WHERE status <> 'stopped')`
}

// newVersion is what the version becomes: the table refuses the negative one, and so
// the transaction, if it isn't $2.
const newVersion = `CASE WHEN relationship.version = $2 OR $2 = -1 THEN relationship.version + 1 ELSE -1 END`

var (
	// updateRows raises the versions of many, and says anew when their outboxes have
	// something to do.
	updateRows = `
		UPDATE relationship SET version = CASE WHEN relationship.version = c.version THEN relationship.version + 1 ELSE -1 END, ends = c.ends,
			due = CASE WHEN c.line THEN ` + dueOf("c.rel") + ` ELSE relationship.due END,
			due_tickets = CASE WHEN c.line THEN ` + dueTicketsOf("c.rel") + ` ELSE relationship.due_tickets END
		FROM unnest($1::bytea[], $2::bigint[], $3::boolean[], $4::bytea[]) AS c(rel, version, line, ends) WHERE relationship.id = c.rel`

	values = `VALUES ($1, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, ` + due + `, ` + dueTickets + `)`
	insert = `INSERT INTO relationship (id, version, opened, key, next, keys, system, record, restored, noticed, frozen, ends, due, due_tickets) ` + values
	// insertRow makes a row that must not be there, with $2 = 0.
	insertRow = insert + ` ON CONFLICT (id) DO UPDATE SET version = ` + newVersion
	// updateRow replaces all of it that is the gateway's.
	updateRow = `
		UPDATE relationship
		SET version = ` + newVersion + `, opened = $3, key = $4, next = $5, keys = $6, system = $7, record = $8, restored = $9, noticed = $10,
			frozen = $11, ends = $12, due = ` + due + `, due_tickets = ` + dueTickets + `
		WHERE id = $1`
	// putRow does one or the other, and touch makes one where there is none.
	putRow = insertRow + `, opened = $3, key = $4, next = $5, keys = $6, system = $7, record = $8, restored = $9, noticed = $10,
			frozen = $11, ends = $12, due = excluded.due, due_tickets = excluded.due_tickets`
	touchRow = insertRow + `, ends = $12, due = excluded.due, due_tickets = excluded.due_tickets`
)

// rowChanges are what a group of commits does to rows of relationships.
type rowChanges struct {
	rel     [][]byte // those of which only the version and the outbox change
	version []int64
	line    []bool
	ends    [][]byte
	whole   []change // the others
}

// add adds a change. A relationship that is in the group already comes by itself, after
// the first one.
func (r *rowChanges) add(c change) {
	again := slices.ContainsFunc(r.rel, func(rel []byte) bool { return bytes.Equal(rel, c.rel[:]) })
	if c.row != nil || c.from <= 0 || again {
		r.whole = append(r.whole, c)
		return
	}
	r.rel, r.version, r.line = append(r.rel, c.rel[:]), append(r.version, c.from), append(r.line, c.line)
	r.ends = append(r.ends, c.ends)
}

func (r *rowChanges) queue(b *pgx.Batch) {
	if len(r.rel) > 0 {
		b.Queue(updateRows, r.rel, r.version, r.line, r.ends)
	}
	for i := range r.whole {
		queueRow(b, &r.whole[i])
	}
}

func queueRow(b *pgx.Batch, c *change) {
	row := c.row
	if row == nil {
		if c.from > 0 {
			b.Queue(updateRows, [][]byte{c.rel[:]}, []int64{c.from}, []bool{c.line}, [][]byte{c.ends})
			return
		}
		row = &gateway.Relationship{ID: c.rel}
	}
	args := []any{c.rel[:], c.from, row.Opened, row.Key[:], row.Next[:], row.Keys, row.Record.System, row.Record.ID, row.Restored, row.Noticed, row.Frozen, c.ends}
	switch {
	case c.from > 0:
		b.Queue(updateRow, args...)
	case c.from == 0:
		b.Queue(insertRow, args...)
	case c.row != nil:
		b.Queue(putRow, args...)
	default:
		b.Queue(touchRow, args...)
	}
}
