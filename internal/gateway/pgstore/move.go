package pgstore

import (
	"context"
	"fmt"
	"io/fs"
	"iter"

	"github.com/jackc/pgx/v5"

	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A move from another store goes in these steps, each of which may be the last before
// a crash:
//
//	tables, and what the other holds    in one transaction, with the mark that it is a
//	                                    move; Open refuses the database from then on
//	compared                            by the caller, who reads both
//	finished                            the mark says so; Open takes the database
//
// A move that comes again finds the mark: what wasn't finished it makes anew.
const (
	settingMoving = "store.moving"
	settingMoved  = "store.moved"
)

// An Import is a move into a database.
type Import struct {
	// Done says that the same move was finished before.
	Done bool

	s    *Store
	name string
}

// BeginImport looks at the database that the move of that name goes to. It refuses one
// that has something of another with [fault.Conflict].
func BeginImport(ctx context.Context, o Options, name string) (*Import, error) {
	s, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	m := &Import{s: s, name: name}
	if err = s.check(ctx); err == nil {
		err = m.look(ctx)
	}
	if err != nil {
		s.pool.Close()
		return nil, fmt.Errorf("move into the database: %w", err)
	}
	return m, nil
}

// look finds out how far the move has come.
func (m *Import) look(ctx context.Context) error {
	var version int
	err := pgx.BeginFunc(ctx, m.s.pool, func(tx pgx.Tx) (err error) {
		version, err = schemaVersion(ctx, tx)
		return err
	})
	if err != nil || version == 0 {
		return unavailable(err)
	}
	moving, err := m.s.Setting(ctx, settingMoving)
	if err != nil {
		return err
	}
	moved, err := m.s.Setting(ctx, settingMoved)
	if err != nil {
		return err
	}
	m.Done = moved == m.name
	if !m.Done && moving != m.name {
		return fault.Tell(fault.Conflict, "The database has a gateway's tables already.", "Name another, or an empty one.")
	}
	return nil
}

// Copy makes the tables and fills them.
func (m *Import) Copy(ctx context.Context, commits iter.Seq2[gateway.Commit, error]) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, m.s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DROP TABLE IF EXISTS relationship, entry, evidence, delivery, challenge, draft, audit, change, setting, process, hold`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DROP FUNCTION IF EXISTS refuse_change`); err != nil {
			return err
		}
		if err := migrateFrom(ctx, tx, steps, 0); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2)`, settingMoving, m.name); err != nil {
			return err
		}
		// The index of the largest table is made in one piece when all is there.
		if _, err := tx.Exec(ctx, `ALTER TABLE entry DROP CONSTRAINT entry_pkey`); err != nil {
			return err
		}
		l := loader{tx: tx}
		for c, err := range commits {
			if err != nil {
				return err
			}
			if err := l.add(ctx, &c); err != nil {
				return err
			}
		}
		return l.finish(ctx)
	})
	return unavailable(err)
}

// Contents reads all that is in the database now.
func (m *Import) Contents(ctx context.Context) (gateway.Content, error) {
	return gateway.Contents(ctx, m.s)
}

// Finish lets the database be opened.
func (m *Import) Finish(ctx context.Context) error {
	if _, err := m.s.pool.Exec(ctx, `ANALYZE`); err != nil {
		return unavailable(err)
	}
	var b pgx.Batch
	b.Queue(`DELETE FROM setting WHERE name = $1`, settingMoving)
	b.Queue(`INSERT INTO setting (name, value) VALUES ($1, $2)`, settingMoved, m.name)
	return unavailable(m.s.pool.SendBatch(ctx, &b).Close())
}

// Close ends the use of the database.
func (m *Import) Close() { m.s.pool.Close() }

// refuseMoving refuses a database that a move has not finished.
func (s *Store) refuseMoving(ctx context.Context) error {
	moving, err := s.Setting(ctx, settingMoving)
	if err == nil && moving != "" {
		err = fault.Tell(fault.Conflict, "The move into this database was not finished.", "Finish it: firsthand-gateway move")
	}
	return err
}

// A loader brings commits into new tables by COPY, some at a time.
type loader struct {
	tx    pgx.Tx
	rows  [len(loads)][][]any
	bytes int
}

// loads are the tables, in the order of a loader's rows.
var loads = [...]struct {
	table   string
	columns []string
}{
	{"relationship", []string{"id", "version", "opened", "key", "next", "keys", "system", "record", "restored", "noticed", "frozen", "ends"}},
	{"entry", []string{"rel", "side", "seq", "id", "signed", "salt", "body"}},
	{"evidence", []string{"rel", "id", "signed", "salt", "body", "why"}},
	{"delivery", []string{"rel", "seq", "task", "entry", "status", "next", "due", "tries", "why", "system", "record", "version", "reported", "made", "ended", "owed", "lane"}},
	{"challenge", []string{"rel", "claim", "seq", "system", "record", "sends", "hash", "sent", "until", "tries", "tried", "entry", "proof"}},
	{"draft", []string{"rel", "body", "entry", "made"}},
	{"audit", []string{"n", "rel", "at", "by", "act", "entry", "note"}},
	{"change", []string{"id"}},
	{"setting", []string{"name", "value"}},
}

// maxLoad is how many bytes of entries are kept before they are sent, about.
const maxLoad = 8 << 20

func (l *loader) add(ctx context.Context, c *gateway.Commit) error {
	put := func(i int, row ...any) { l.rows[i] = append(l.rows[i], row) }
	for i := range c.Relationships {
		r := &c.Relationships[i]
		var ends []byte
		for _, at := range c.At {
			if at.Rel == r.ID {
				ends = at.Ends
			}
		}
		put(0, r.ID[:], int64(1), r.Opened, r.Key[:], r.Next[:], r.Keys, r.Record.System, r.Record.ID, r.Restored, r.Noticed, r.Frozen, ends)
		l.bytes += 200
	}
	for i := range c.Entries {
		e := &c.Entries[i]
		rel := e.Relationship()
		put(1, rel[:], number(e.Side), e.Seq, e.ID[:], e.Signed, orNull(e.Salt), orNull(e.Body))
		l.bytes += e.Size()
	}
	for i := range c.Evidence {
		e := &c.Evidence[i]
		of := e.Entry.Relationship()
		put(2, of[:], e.Entry.ID[:], e.Entry.Signed, orNull(e.Entry.Salt), orNull(e.Entry.Body), e.Why)
	}
	for i := range c.Deliveries {
		d := &c.Deliveries[i]
		put(3, d.Rel[:], d.Seq, string(d.Task), d.Entry[:], string(d.Status), d.Next, string(d.Due), d.Tries, d.Why,
			d.Ref.System, d.Ref.ID, d.Ref.Version, d.Reported, d.Made, orNever(d.Ended), string(d.Owed), string(d.Lane))
	}
	for i := range c.Challenges {
		h := &c.Challenges[i]
		put(4, h.Rel[:], h.Claim[:], h.Seq, h.Record.System, h.Record.ID, h.Sends, h.Hash[:], h.Sent, string(h.Until), h.Left, h.Tried, h.Entry[:], h.Proof[:])
	}
	for i := range c.AddDrafts {
		d := &c.AddDrafts[i]
		put(5, d.Rel[:], d.Body, d.Of[:], d.Made)
	}
	for i := range c.Audit {
		a := &c.Audit[i]
		put(6, a.N, a.Rel[:], a.At, a.By, a.Act, a.Entry[:], a.Note)
	}
	for _, id := range c.Changes {
		put(7, id)
	}
	for name, value := range c.Settings {
		put(8, name, value)
	}
	if l.bytes < maxLoad {
		return nil
	}
	return l.send(ctx)
}

func (l *loader) send(ctx context.Context) error {
	for i, load := range loads {
		if len(l.rows[i]) == 0 {
			continue
		}
		if _, err := l.tx.CopyFrom(ctx, pgx.Identifier{load.table}, load.columns, pgx.CopyFromRows(l.rows[i])); err != nil {
			return fmt.Errorf("%s: %w", load.table, err)
		}
		l.rows[i] = nil
	}
	l.bytes = 0
	return nil
}

// finish sends what is left, and computes when each outbox has something to do.
func (l *loader) finish(ctx context.Context) error {
	if err := l.send(ctx); err != nil {
		return err
	}
	if _, err := l.tx.Exec(ctx, `SET LOCAL maintenance_work_mem = '256MB'`); err != nil {
		return err
	}
	if _, err := l.tx.Exec(ctx, `ALTER TABLE entry ADD PRIMARY KEY (rel, side, seq)`); err != nil {
		return err
	}
	// The rows of the audit have brought their numbers with them.
	if _, err := l.tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence('audit', 'n'), coalesce(max(n), 0) + 1, false) FROM audit`); err != nil {
		return err
	}
	_, err := l.tx.Exec(ctx, `
		UPDATE relationship SET due = `+dueOf("relationship.id")+`, due_tickets = `+dueTicketsOf("relationship.id")+`
		WHERE id IN (SELECT rel FROM delivery WHERE status IN ('waiting', 'checking', 'stopped', 'later'))`)
	return err
}

const queryChanges = `SELECT id FROM change WHERE id COLLATE "C" > $1 ORDER BY id COLLATE "C" LIMIT $2`

// AllChanges implements [gateway.Movable].
func (s *Store) AllChanges(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for last := ""; ; {
			page, err := list(ctx, s, pgx.RowTo[string], queryChanges, last, pageEntries)
			if err != nil {
				yield("", err)
				return
			}
			for _, last = range page {
				if !yield(last, nil) {
					return
				}
			}
			if len(page) < pageEntries {
				return
			}
		}
	}
}

// AllSettings implements [gateway.Movable].
func (s *Store) AllSettings(ctx context.Context) (map[string]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT name, value FROM setting WHERE name NOT LIKE 'store.%'`)
	if err != nil {
		return nil, unavailable(err)
	}
	all := make(map[string]string)
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		all[name] = value
		return nil
	})
	return all, unavailable(err)
}

var _ gateway.Movable = (*Store)(nil)
