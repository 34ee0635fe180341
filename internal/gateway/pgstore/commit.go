package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A request is a commit that waits, and what comes of it.
type request struct {
	commit *gateway.Commit
	done   chan error // has room for one
}

// maxGroup bounds how many commits share a transaction.
const maxGroup = 64

// commitTime is how long a transaction may take. After that nobody knows what came of
// it, and what is so is asked of the database.
const commitTime = 30 * time.Second

// Commit implements [gateway.Store]. Commits that wait at the same time become one
// transaction, in one round trip.
func (s *Store) Commit(ctx context.Context, c gateway.Commit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i := range c.Entries {
		if err := follows(c.Entries[:i], &c.Entries[i]); err != nil {
			return err
		}
	}
	r := &request{commit: &c, done: make(chan error, 1)}
	select {
	case s.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := <-r.done; err != nil { // it is soon there, and it counts whether ctx has ended or not
		return err
	}
	s.committed(&c)
	return nil
}

// commitAll is a committer: it takes what waits, and makes it durable.
func (s *Store) commitAll(ctx context.Context) {
	for {
		var group []*request
		select {
		case r := <-s.queue:
			group = append(group, r)
		case <-ctx.Done():
			for {
				select {
				case r := <-s.queue:
					r.done <- fmt.Errorf("commit: %w: the store is closed", fault.Unavailable)
				default:
					return
				}
			}
		}
		for more := true; more && len(group) < maxGroup; {
			select {
			case r := <-s.queue:
				group = append(group, r)
			default:
				more = false
			}
		}
		s.commitGroup(group)
	}
}

// commitGroup commits all of group, or, where the database refuses one of them, each
// by itself: what is wrong with one is none of the others'. A group that was refused has
// left nothing.
func (s *Store) commitGroup(group []*request) {
	err := s.transact(group)
	var refused *pgconn.PgError
	if len(group) > 1 && errors.As(err, &refused) {
		for i := range group {
			group[i].done <- refusal(s.transact(group[i : i+1]))
		}
		return
	}
	for _, r := range group {
		r.done <- refusal(err)
	}
}

// transact sends the statements of a group at once, as one transaction. Its error is the
// database's.
func (s *Store) transact(group []*request) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), commitTime)
	defer cancel()
	for range 3 {
		var b pgx.Batch
		queue(&b, group)
		if err = s.pool.SendBatch(ctx, &b).Close(); !isRerun(err) {
			break
		}
	}
	return err
}

// isRerun reports whether a transaction was ended for the sake of another, which has
// nothing to do with what it says.
func isRerun(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// refusal turns what the tables refuse into the conflict that it is.
func refusal(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case pg.Code == "23514" && pg.ConstraintName == "relationship_version",
			pg.Code == "23505" && pg.TableName == "relationship":
			return fmt.Errorf("%w: the relationship has another version", fault.Conflict)
		case pg.Code == "22012":
			return fmt.Errorf("%w: a setting was changed meanwhile", fault.Conflict)
		case pg.Code == "23505" && pg.TableName == "entry",
			pg.Code == "23502" && pg.TableName == "entry" && pg.ColumnName == "id":
			return fmt.Errorf("append: %w: an entry does not follow the end of its log", fault.Conflict)
		}
	}
	return unavailable(err)
}

// follows refuses e where it can't follow what comes before it in the same commit.
func follows(before []firsthand.Entry, e *firsthand.Entry) error {
	for i := len(before) - 1; i >= 0; i-- {
		if p := &before[i]; p.Side == e.Side && p.Relationship() == e.Relationship() {
			if e.Seq != p.Seq+1 || e.Prev != p.ID {
				return conflict(e)
			}
			return nil
		}
	}
	if (e.Seq == 1) != e.Prev.IsZero() {
		return conflict(e)
	}
	return nil
}

func conflict(e *firsthand.Entry) error {
	return fmt.Errorf("append %s entry %d: %w: it does not follow the end of the log", e.Side, e.Seq, fault.Conflict)
}

// queue adds the statements of a group. What nearly every commit has, entries and
// deliveries and a new version, is one statement for all of them: each statement has a
// price of its own, beside that of its rows. The rows of relationships come last, since
// when the outbox has something to do is computed from the deliveries.
func queue(b *pgx.Batch, group []*request) {
	var entries entryRows
	var deliveries deliveryRows
	var rows rowChanges
	for _, r := range group {
		c := r.commit
		for _, p := range c.Replace {
			b.Queue(`DELETE FROM entry WHERE rel = $1 AND side = 2 AND seq >= $2`, p.Rel[:], p.Seq)
		}
		for i := range c.Entries {
			entries.add(&c.Entries[i], c)
		}
		for i := range c.Deliveries {
			deliveries.add(&c.Deliveries[i])
		}
		for _, change := range touched(c) {
			rows.add(change)
		}
	}
	entries.queue(b)
	deliveries.queue(b)
	for _, r := range group {
		queueRest(b, r.commit)
	}
	rows.queue(b)
}

// queueRest adds what a commit seldom has.
func queueRest(b *pgx.Batch, c *gateway.Commit) {
	for i := range c.Entries { // after all: an erased entry may name what comes with it
		queueErasure(b, &c.Entries[i])
	}
	for i := range c.Evidence {
		e := &c.Evidence[i]
		rel := e.Entry.Relationship()
		b.Queue(`INSERT INTO evidence (rel, id, signed, salt, body, why) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			rel[:], e.Entry.ID[:], e.Entry.Signed, orNull(e.Entry.Salt), orNull(e.Entry.Body), e.Why)
	}
	for i := range c.Challenges {
		queueChallenge(b, &c.Challenges[i])
	}
	for _, d := range c.AddDrafts {
		b.Queue(`INSERT INTO draft (rel, body, entry, made) VALUES ($1, $2, $3, $4)`, d.Rel[:], d.Body, d.Of[:], d.Made)
	}
	if len(c.DropDrafts) > 0 {
		b.Queue(`DELETE FROM draft WHERE id = ANY ($1)`, c.DropDrafts)
	}
	for _, a := range c.Audit {
		b.Queue(`INSERT INTO audit (rel, at, by, act, entry, note) VALUES ($1, $2, $3, $4, $5, $6)`, a.Rel[:], a.At, a.By, a.Act, a.Entry[:], a.Note)
	}
	for _, id := range c.Changes {
		b.Queue(`INSERT INTO change (id) VALUES ($1) ON CONFLICT DO NOTHING`, id)
	}
	for name, want := range c.Expect {
		queueExpect(b, name, want)
	}
	for name, value := range c.Settings {
		if value == "" {
			b.Queue(`DELETE FROM setting WHERE name = $1`, name)
			continue
		}
		b.Queue(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	}
}

// queueExpect refuses the transaction by a division by zero, unless the setting is as
// it is expected to be. One that isn't set is held by a row for the while, so that of two
// who expect that, one waits for the other and then sees what that one has set.
func queueExpect(b *pgx.Batch, name, want string) {
	if want == "" {
		b.Queue(`INSERT INTO setting (name, value) VALUES ($1, '') ON CONFLICT (name) DO NOTHING`, name)
	}
	b.Queue(`SELECT 1 / count(*) FROM (SELECT FROM setting WHERE name = $1 AND value = $2 FOR UPDATE) AS expected`, name, want)
	if want == "" {
		b.Queue(`DELETE FROM setting WHERE name = $1 AND value = ''`, name)
	}
}

// orNever is NULL for the zero time.
func orNever(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// orNull is what stands for bytes that may have been erased: nil is NULL.
func orNull(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func queueChallenge(b *pgx.Batch, c *gateway.Challenge) {
	b.Queue(`
		INSERT INTO challenge (rel, claim, seq, system, record, sends, hash, sent, until, tries, tried, entry, proof)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (rel, claim) DO UPDATE
		SET seq = excluded.seq, system = excluded.system, record = excluded.record, sends = excluded.sends, hash = excluded.hash,
			sent = excluded.sent, until = excluded.until, tries = excluded.tries, tried = excluded.tried, entry = excluded.entry, proof = excluded.proof`,
		c.Rel[:], c.Claim[:], c.Seq, c.Record.System, c.Record.ID, c.Sends, c.Hash[:], c.Sent, string(c.Until), c.Left, c.Tried, c.Entry[:], c.Proof[:])
}
