package pgstore

import (
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/internal/gateway"
)

// The rows of a group's commits, column by column: PostgreSQL takes each column as an
// array and makes rows of them again.

// An entryRows are rows of the table entry.
type entryRows struct {
	rel, id, signed, salt, body, prev [][]byte
	side                              []int16
	seq                               []int64
	known                             []bool // the one before it comes in the same commit, or there is none
}

// insertEntries is a compare and swap: the entry before has to be there, or the ID is
// NULL, which the table refuses; and none may have this one's place.
const insertEntries = `
	INSERT INTO entry (rel, side, seq, id, signed, salt, body)
	SELECT e.rel, e.side, e.seq,
		CASE WHEN e.known OR EXISTS (SELECT 1 FROM entry p WHERE p.rel = e.rel AND p.side = e.side AND p.seq = e.seq - 1 AND p.id = e.prev) THEN e.id END,
		e.signed, e.salt, e.body
	FROM unnest($1::bytea[], $2::smallint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::boolean[])
		AS e(rel, side, seq, id, signed, salt, body, prev, known)`

// add adds an entry of c.
func (r *entryRows) add(e *firsthand.Entry, c *gateway.Commit) {
	known := e.Seq == 1
	for i := range c.Entries {
		known = known || c.Entries[i].ID == e.Prev
	}
	rel := e.Relationship()
	r.rel, r.side, r.seq = append(r.rel, rel[:]), append(r.side, number(e.Side)), append(r.seq, e.Seq)
	r.id, r.prev, r.known = append(r.id, e.ID[:]), append(r.prev, e.Prev[:]), append(r.known, known)
	r.signed, r.salt, r.body = append(r.signed, e.Signed), append(r.salt, orNull(e.Salt)), append(r.body, orNull(e.Body))
}

func (r *entryRows) queue(b *pgx.Batch) {
	if len(r.rel) > 0 {
		b.Queue(insertEntries, r.rel, r.side, r.seq, r.id, r.signed, r.salt, r.body, r.prev, r.known)
	}
}

// number is how a side stands in the database.
func number(side firsthand.Side) int16 {
	if side == firsthand.First {
		return 1
	}
	return 2
}

// A deliveryRows are rows of the table delivery.
type deliveryRows struct {
	rel, entry                                                  [][]byte
	seq                                                         []int64
	task, status, due, why, system, record, version, owed, lane []string
	next, made                                                  []time.Time
	ended                                                       []*time.Time
	tries                                                       []int32
	reported                                                    []bool
}

const putDeliveries = `
	INSERT INTO delivery (rel, seq, task, entry, status, next, due, tries, why, system, record, version, reported, made, ended, owed, lane)
	SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::timestamptz[], $7::text[], $8::integer[], $9::text[],
		$10::text[], $11::text[], $12::text[], $13::boolean[], $14::timestamptz[], $15::timestamptz[], $16::text[], $17::text[])
	ON CONFLICT (rel, seq, task) DO UPDATE
	SET lane = excluded.lane, status = excluded.status, next = excluded.next, due = excluded.due, tries = excluded.tries, why = excluded.why,
		system = excluded.system, record = excluded.record, version = excluded.version, reported = excluded.reported,
		ended = excluded.ended, owed = coalesce(nullif(excluded.owed, ''), delivery.owed)`

func (r *deliveryRows) add(d *gateway.Delivery) {
	var ended *time.Time
	if !d.Ended.IsZero() {
		ended = &d.Ended
	}
	r.rel, r.seq, r.task, r.entry = append(r.rel, d.Rel[:]), append(r.seq, d.Seq), append(r.task, string(d.Task)), append(r.entry, d.Entry[:])
	r.status, r.next, r.due, r.tries = append(r.status, string(d.Status)), append(r.next, d.Next), append(r.due, string(d.Due)), append(r.tries, int32(d.Tries))
	r.why, r.system, r.record, r.version = append(r.why, d.Why), append(r.system, d.Ref.System), append(r.record, d.Ref.ID), append(r.version, d.Ref.Version)
	r.reported, r.made, r.ended, r.owed = append(r.reported, d.Reported), append(r.made, d.Made), append(r.ended, ended), append(r.owed, string(d.Owed))
	r.lane = append(r.lane, string(d.Lane))
}

func (r *deliveryRows) queue(b *pgx.Batch) {
	if len(r.rel) > 0 {
		b.Queue(putDeliveries, r.rel, r.seq, r.task, r.entry, r.status, r.next, r.due, r.tries, r.why,
			r.system, r.record, r.version, r.reported, r.made, r.ended, r.owed, r.lane)
	}
}
