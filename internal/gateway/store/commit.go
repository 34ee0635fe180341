package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/sqlite"
)

// Commit implements [gateway.Store]. Commits of several callers share one sync.
func (s *Store) Commit(ctx context.Context, c gateway.Commit) error {
	w := writer{store: s}
	err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w.tx, w.made, w.erased = tx, nil, false
		return w.commit(ctx, &c)
	})
	if err != nil {
		return err
	}
	for rel, n := range w.made {
		s.remember(rel, n)
	}
	if w.erased {
		s.scrub(ctx)
	}
	return nil
}

// scrubTime is how long a commit that erased waits for readers to get out of the
// way of emptying the journal.
const scrubTime = 2 * time.Second

// scrub empties the journal, in which erased bodies may still stand. The commit is
// done whatever comes of it; where readers are in the way it is tried again with
// the next erasure, and when the store is closed.
func (s *Store) scrub(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), scrubTime)
	defer cancel()
	_ = s.db.Truncate(ctx)
}

// A writer applies one Commit.
type writer struct {
	store  *Store
	tx     *sqlite.Tx
	made   map[firsthand.ID]int64 // numbers that hold once this is committed
	erased bool
}

func (w *writer) commit(ctx context.Context, c *gateway.Commit) error {
	for name, want := range c.Expect {
		if have, err := setting(ctx, w.tx, name); err != nil {
			return err
		} else if have != want {
			return fmt.Errorf("setting %s: %w: it was changed meanwhile", name, fault.Conflict)
		}
	}
	for i := range c.Relationships {
		if err := w.relationship(ctx, &c.Relationships[i]); err != nil {
			return err
		}
	}
	for _, p := range c.Replace {
		if err := w.replace(ctx, p); err != nil {
			return err
		}
	}
	if err := w.entries(ctx, c.Entries); err != nil {
		return err
	}
	for i := range c.Evidence {
		if err := w.evidence(ctx, &c.Evidence[i]); err != nil {
			return err
		}
	}
	if err := w.deliveries(ctx, c.Deliveries); err != nil {
		return err
	}
	for i := range c.Challenges {
		if err := w.challenge(ctx, &c.Challenges[i]); err != nil {
			return err
		}
	}
	for _, d := range c.AddDrafts {
		if err := w.insert(ctx, d.Rel, `INSERT INTO draft (rel, body, entry, made) VALUES (?, ?, ?, ?)`, d.Body, d.Of[:], timeText(d.Made)); err != nil {
			return err
		}
	}
	for _, id := range c.DropDrafts {
		if _, err := w.tx.ExecContext(ctx, `DELETE FROM draft WHERE id = ?`, id); err != nil {
			return err
		}
		w.erased = true // a draft is what somebody said
	}
	for _, a := range c.Audit {
		if err := w.audit(ctx, &a); err != nil {
			return err
		}
	}
	for _, id := range c.Changes {
		if _, err := w.tx.ExecContext(ctx, `INSERT INTO change (id) VALUES (?) ON CONFLICT DO NOTHING`, id); err != nil {
			return err
		}
	}
	for name, value := range c.Settings {
		if err := setSetting(ctx, w.tx, name, value); err != nil {
			return err
		}
	}
	return nil
}

// number returns the number of rel, and gives it one if it has none.
func (w *writer) number(ctx context.Context, rel firsthand.ID) (n int64, err error) {
	if n, ok := w.store.known(rel); ok {
		return n, nil
	}
	if n, ok := w.made[rel]; ok {
		return n, nil
	}
	err = w.tx.QueryRowContext(ctx, `SELECT n FROM relationship WHERE id = ?`, rel[:]).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		var zero firsthand.ID
		r, err := w.tx.ExecContext(ctx, `
			INSERT INTO relationship (id, opened, key, next, keys, system, record, restored, noticed, frozen)
			VALUES (?, '', ?, ?, 0, '', '', 0, '', '')`, rel[:], zero[:], zero[:])
		if err != nil {
			return 0, err
		}
		if n, err = r.LastInsertId(); err != nil {
			return 0, err
		}
	} else if err != nil {
		return 0, err
	}
	if w.made == nil {
		w.made = make(map[firsthand.ID]int64)
	}
	w.made[rel] = n
	return n, nil
}

// insert runs a statement whose first parameter is the number of rel.
func (w *writer) insert(ctx context.Context, rel firsthand.ID, query string, args ...any) error {
	n, err := w.number(ctx, rel)
	if err != nil {
		return err
	}
	_, err = w.tx.ExecContext(ctx, query, append([]any{n}, args...)...)
	return err
}

func (w *writer) relationship(ctx context.Context, r *gateway.Relationship) error {
	n, err := w.number(ctx, r.ID)
	if err != nil {
		return err
	}
	_, err = w.tx.ExecContext(ctx, `
		UPDATE relationship
		SET opened = ?, key = ?, next = ?, keys = ?, system = ?, record = ?, restored = ?, noticed = ?, frozen = ?
		WHERE n = ?`,
		timeText(r.Opened), r.Key[:], r.Next[:], r.Keys, r.Record.System, r.Record.ID, r.Restored, timeText(r.Noticed), r.Frozen, n)
	return err
}

func (w *writer) replace(ctx context.Context, p gateway.Place) error {
	n, err := w.number(ctx, p.Rel)
	if err != nil {
		return err
	}
	_, err = w.tx.ExecContext(ctx, `
		DELETE FROM body WHERE entry IN (SELECT n FROM entry WHERE rel = ? AND side = 2 AND seq >= ?)`, n, p.Seq)
	if err != nil {
		return err
	}
	_, err = w.tx.ExecContext(ctx, `DELETE FROM entry WHERE rel = ? AND side = 2 AND seq >= ?`, n, p.Seq)
	return err
}

// entries appends in order. Erasures come after all of them: an erased entry may
// name what comes with it.
func (w *writer) entries(ctx context.Context, entries []firsthand.Entry) error {
	type log struct {
		rel  int64
		side firsthand.Side
	}
	last := make(map[log]*firsthand.Entry, 2)
	for i := range entries {
		e := &entries[i]
		n, err := w.number(ctx, e.Relationship())
		if err != nil {
			return err
		}
		if err := appendEntry(ctx, w.tx, n, e, last[log{n, e.Side}]); err != nil {
			return err
		}
		last[log{n, e.Side}] = e
	}
	for i := range entries {
		e := &entries[i]
		if e.Side != firsthand.Second {
			continue
		}
		ids := e.Erases()
		if len(ids) == 0 {
			continue
		}
		n, err := w.number(ctx, e.Relationship())
		if err != nil {
			return err
		}
		did, err := erase(ctx, w.tx, n, ids)
		if err != nil {
			return fmt.Errorf("erase: %w", err)
		}
		w.erased = w.erased || did
	}
	return nil
}

func (w *writer) evidence(ctx context.Context, e *gateway.Evidence) error {
	var salt, body any // nil is NULL, and a nil []byte is not
	if e.Entry.HasBody() {
		salt, body = e.Entry.Salt, e.Entry.Body
	}
	return w.insert(ctx, e.Entry.Relationship(), `
		INSERT INTO evidence (rel, id, signed, salt, body, why) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		e.Entry.ID[:], e.Entry.Signed, salt, body, e.Why)
}

func (w *writer) challenge(ctx context.Context, c *gateway.Challenge) error {
	return w.insert(ctx, c.Rel, `
		INSERT OR REPLACE INTO challenge (rel, claim, seq, system, record, sends, hash, sent, until, tries, tried, entry, proof)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.Claim[:], c.Seq, c.Record.System, c.Record.ID, c.Sends, c.Hash[:], timeText(c.Sent), string(c.Until),
		c.Left, c.Tried, c.Entry[:], c.Proof[:])
}

// audit adds a row that is about a relationship or, with none, about the program.
func (w *writer) audit(ctx context.Context, a *gateway.Audit) error {
	var rel any // NULL
	if !a.Rel.IsZero() {
		n, err := w.number(ctx, a.Rel)
		if err != nil {
			return err
		}
		rel = n
	}
	_, err := w.tx.ExecContext(ctx, `INSERT INTO audit (rel, at, by, act, entry, note) VALUES (?, ?, ?, ?, ?, ?)`,
		rel, timeText(a.At), a.By, a.Act, a.Entry[:], a.Note)
	return err
}

func setSetting(ctx context.Context, tx *sqlite.Tx, name, value string) error {
	if value == "" {
		_, err := tx.ExecContext(ctx, `DELETE FROM setting WHERE name = ?`, name)
		return err
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
