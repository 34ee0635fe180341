package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// Commit implements [agent.Store].
//
// Where it erases, the write-ahead log is truncated before Commit returns, so
// that what is gone is in no file. Where that is not possible because a backup
// is being made, it is done afterwards.
func (s *Store) Commit(ctx context.Context, c agent.Commit) error {
	if err := check(c); err != nil {
		return err
	}
	var erased bool
	err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w := writer{ctx: ctx, tx: tx}
		err := w.commit(c)
		if err == nil {
			_, err = w.refresh()
		}
		if err == nil {
			err = w.scrub()
		}
		erased = w.erased
		return err
	})
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if erased {
		s.shreds.Store(true)
	}
	s.shred(ctx)
	return nil
}

// Append implements [firsthand.Log].
func (s *Store) Append(ctx context.Context, entries ...firsthand.Entry) error {
	return s.Commit(ctx, agent.Commit{Entries: entries})
}

// shredPatience is how long a Commit that erased waits for readers.
const shredPatience = 2 * time.Second

// shred truncates the write-ahead log if something was erased since that was
// last done. An error is none of the caller's: what it committed is safe, and
// the next Commit, the end of the backup, or Close do it.
func (s *Store) shred(ctx context.Context) {
	if testOnlyBugs.noShred || !s.shreds.CompareAndSwap(true, false) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shredPatience)
	defer cancel()
	if s.db.Truncate(ctx) != nil {
		s.shreds.Store(true)
	}
}

// check says what is wrong with c by itself. What can't be read back is never
// written.
func check(c agent.Commit) error {
	for i := range c.Entries {
		if err := checkEntry(&c.Entries[i]); err != nil {
			return err
		}
	}
	for i := range c.Evidence {
		if err := checkEntry(&c.Evidence[i].Entry); err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
	}
	for _, p := range c.Replace {
		if p.Seq < 1 {
			return fmt.Errorf("%w: replace from %d", fault.Invalid, p.Seq)
		}
	}
	for _, r := range c.Relationships {
		if r.ID.IsZero() {
			return fmt.Errorf("%w: a relationship without its ID", fault.Invalid)
		}
		if err := checkTimes(r.Opened, r.NextTry); err != nil {
			return err
		}
	}
	for _, r := range c.Outbox {
		if err := checkTimes(r.NextTry); err != nil {
			return err
		}
	}
	for _, m := range c.Moves {
		if m.ID <= 0 {
			return fmt.Errorf("%w: a move without its ID", fault.Invalid)
		}
		if err := checkTimes(m.Made, m.Began); err != nil {
			return err
		}
	}
	for _, rows := range c.Carried {
		for _, r := range rows {
			if err := checkTimes(r.Made, r.Noted); err != nil {
				return err
			}
		}
	}
	for _, rows := range c.Waiting {
		for _, r := range rows {
			if err := checkTimes(r.Since); err != nil {
				return err
			}
		}
	}
	for _, m := range c.Masks {
		if err := checkTimes(m.Made); err != nil {
			return err
		}
	}
	for _, l := range c.Leaks {
		if err := checkTimes(l.First, l.Last); err != nil {
			return err
		}
	}
	for _, f := range c.Facts {
		if err := checkTimes(f.Updated); err != nil {
			return err
		}
	}
	for _, d := range c.AddDrafts {
		if err := checkTimes(d.Made); err != nil {
			return err
		}
	}
	for _, rows := range c.Holdings {
		for _, h := range rows {
			if err := checkTimes(h.Since); err != nil {
				return err
			}
		}
	}
	for _, row := range c.Contracts {
		if row.ID <= 0 {
			return fmt.Errorf("%w: a contract without its ID", fault.Invalid)
		}
		if err := checkTimes(row.Added); err != nil {
			return err
		}
	}
	for _, s := range c.SetListings {
		if err := checkTimes(s.Added); err != nil {
			return err
		}
	}
	return errors.Join(checkMail(&c), checkDocuments(&c))
}

// A writer writes the parts of one Commit.
type writer struct {
	ctx     context.Context
	tx      *sqlite.Tx
	erased  bool
	touched map[string]bool // companies; see refresh
	scrubs  map[string]bool // tables; see scrub
	values  [2]valueTexts   // those written last: a change says the same to a thousand companies
}

// valueTexts are a value as it is stored, and as it is compared.
type valueTexts struct {
	of         firsthand.Value
	text, fold string
}

// value returns the texts of v.
func (w *writer) value(v firsthand.Value) valueTexts {
	switch {
	case w.values[0].text != "" && w.values[0].of.Equal(v):
	case w.values[1].text != "" && w.values[1].of.Equal(v):
		w.values[0], w.values[1] = w.values[1], w.values[0]
	default:
		w.values[0], w.values[1] = valueTexts{v, valueText(v), agent.FoldValue(v)}, w.values[0]
	}
	return w.values[0]
}

func (w *writer) exec(query string, args ...any) (changed int64, err error) {
	res, err := w.tx.ExecContext(w.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// commit writes all parts, in the order in which [agent.Commit] has them.
func (w *writer) commit(c agent.Commit) error {
	if err := w.relationships(c.Relationships); err != nil {
		return err
	}
	for _, p := range c.Replace {
		if err := w.replace(p); err != nil {
			return err
		}
	}
	if err := w.entries(c.Entries); err != nil {
		return err
	}
	for _, r := range c.Receipts {
		_, err := w.exec(`
			INSERT INTO receipt (relationship, seq, id, signed) VALUES (?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
			r.Receipt.Rel[:], r.Receipt.Seq, r.Receipt.ID[:], r.Signed)
		if err != nil {
			return err
		}
	}
	for _, ev := range c.Evidence {
		e, rel := ev.Entry, ev.Entry.Relationship()
		_, err := w.exec(`
			INSERT INTO evidence (relationship, id, signed, salt, body, why) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
			rel[:], e.ID[:], e.Signed, nullable(e.Salt), nullable(e.Body), ev.Why)
		if err != nil {
			return err
		}
	}
	if err := errors.Join(w.holdings(c.Holdings), w.carried(c.Carried), w.waiting(c.Waiting)); err != nil {
		return err
	}
	for i := range c.Outbox {
		if err := w.outbox(&c.Outbox[i]); err != nil {
			return err
		}
	}
	if err := w.moves(c); err != nil {
		return err
	}
	for _, rel := range c.Forget {
		if err := w.forget(rel); err != nil {
			return err
		}
	}
	if err := w.own(c); err != nil {
		return err
	}
	if err := w.mail(&c); err != nil {
		return err
	}
	return w.companies(&c)
}

// own writes the parts of c that are no one relationship's.
func (w *writer) own(c agent.Commit) error {
	for _, f := range c.Facts {
		if err := w.fact(f); err != nil {
			return err
		}
	}
	for _, d := range c.AddDrafts {
		if _, err := w.exec(`INSERT INTO draft (relationship, body, made, move, leg) VALUES (?, ?, ?, ?, ?)`,
			d.Rel[:], d.Body, timeText(d.Made), d.Move, d.Leg); err != nil {
			return err
		}
	}
	for _, id := range c.DropDrafts {
		gone, err := w.exec(`DELETE FROM draft WHERE id = ?`, id)
		if err != nil {
			return err
		}
		w.erased = w.erased || gone > 0
	}
	if c.EmptyBook {
		if err := emptyTheBook(w.ctx, w.tx); err != nil {
			return err
		}
	}
	for _, k := range c.AddLabels {
		if _, err := w.exec(`INSERT INTO label (label, hash, used) VALUES (?, ?, 0) ON CONFLICT DO NOTHING`, k.Label[:], k.Hash[:]); err != nil {
			return err
		}
	}
	for _, label := range c.TakeLabels {
		taken, err := w.exec(`UPDATE label SET used = 1 WHERE label = ? AND used = 0`, label[:])
		if err == nil && taken == 0 {
			err = fmt.Errorf("%w: the label was taken already", fault.Conflict)
		}
		if err != nil {
			return err
		}
	}
	for name, value := range c.Settings {
		if err := w.setting(name, value); err != nil {
			return err
		}
	}
	if err := w.masks(&c); err != nil {
		return err
	}
	if err := w.later(c.Later); err != nil {
		return err
	}
	return w.contracts(&c)
}

// idList is IDs as a list for [inIDs]: what is there of a thousand relationships is
// asked in one statement, where each of its own would cost more than what it finds.
func idList(ids iter.Seq[firsthand.ID]) string {
	var hexes []string
	for id := range ids {
		hexes = append(hexes, hex.EncodeToString(id[:]))
	}
	return jsonList(hexes)
}

// inIDs are the IDs given as an idList.
const inIDs = `SELECT unhex(value) FROM json_each(?)`

// A keptRow is a row of the table of relationships: what of one changes almost never.
type keptRow struct {
	n                                  int64 // 0: there is none yet
	domain, key, name, gateway, opened string
	company, seed                      []byte
	kept                               bool
}

func (r *keptRow) same(o *keptRow) bool {
	return r.domain == o.domain && r.key == o.key && r.name == o.name && r.gateway == o.gateway && r.opened == o.opened && r.kept == o.kept &&
		bytes.Equal(r.company, o.company) && (r.company == nil) == (o.company == nil) && bytes.Equal(r.seed, o.seed)
}

// relationships writes all of them. What is the same already is not written again: most
// commits change what the outbox knows and what lists show, and nothing else.
func (w *writer) relationships(all []agent.Relationship) error {
	if len(all) == 0 {
		return nil
	}
	there := make(map[firsthand.ID]keptRow, len(all))
	err := each(w, func(rows *sqlite.Rows) error {
		var id sql.RawBytes
		var r keptRow
		err := rows.Scan(&id, &r.n, &r.domain, &r.key, &r.name, &r.gateway, &r.company, &r.seed, &r.opened, &r.kept)
		w.touch(false, r.key) // the company as it was before
		there[firsthand.ID(id)] = r
		return err
	}, `SELECT id, n, domain, key, name, gateway, company, seed, opened, kept FROM relationship WHERE id IN (`+inIDs+`)`, idList(func(yield func(firsthand.ID) bool) {
		for i := range all {
			if !yield(all[i].ID) {
				return
			}
		}
	}))
	for i := range all {
		if err != nil {
			return err
		}
		r := &all[i]
		row := keptRow{domain: r.Domain, key: agent.CompanyKey(r.Domain), name: r.Name, gateway: r.Gateway, opened: timeText(r.Opened),
			company: r.Company, seed: r.Seed[:], kept: r.Kept}
		w.touch(false, row.key)
		was := there[r.ID]
		if row.n = was.n; row.n == 0 || !row.same(&was) {
			if row.n, err = w.relationship(r.ID, &row); err != nil {
				return err
			}
			there[r.ID] = row
		}
		err = w.shown(row.n, r)
	}
	return err
}

// relationship writes a row, and returns its number.
func (w *writer) relationship(id firsthand.ID, r *keptRow) (n int64, err error) {
	err = w.tx.QueryRowContext(w.ctx, `
		INSERT INTO relationship (id, domain, key, name, gateway, company, seed, opened, kept) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET
			domain = excluded.domain, key = excluded.key, name = excluded.name, gateway = excluded.gateway, company = excluded.company,
			seed = excluded.seed, opened = excluded.opened, kept = excluded.kept
		RETURNING n`,
		id[:], r.domain, r.key, r.name, r.gateway, nullable(r.company), r.seed, r.opened, r.kept).Scan(&n)
	return n, err
}

// shown writes what the outbox knows of the relationship of a number, and what lists show.
func (w *writer) shown(n int64, r *agent.Relationship) error {
	_, err := w.exec(`
		INSERT INTO outbox (n, id, paired, head, received_seq, received_id, sent, tries, next_try, failure, restored, frozen, expects, quiet)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (n) DO UPDATE SET
			paired = excluded.paired, head = excluded.head, received_seq = excluded.received_seq, received_id = excluded.received_id,
			sent = excluded.sent, tries = excluded.tries, next_try = excluded.next_try, failure = excluded.failure,
			restored = excluded.restored, frozen = excluded.frozen, expects = excluded.expects, quiet = excluded.quiet`,
		n, r.ID[:], r.Gateway != "", r.Head, r.Received.Seq, r.Received.ID[:], r.Sent, r.Tries, timeText(r.NextTry), r.Failure,
		r.Restored, r.Frozen, string(r.Expects), r.Quiet)
	if err != nil {
		return err
	}
	if r.Summary == nil {
		_, err = w.exec(`DELETE FROM summary WHERE n = ?`, n)
		return err
	}
	_, err = w.exec(`
		INSERT INTO summary (n, summary) VALUES (?, ?)
		ON CONFLICT (n) DO UPDATE SET summary = excluded.summary WHERE summary.summary <> excluded.summary`, n, r.Summary)
	return err
}

// numberOf is the number of the relationship whose ID is the first parameter.
const numberOf = `(SELECT n FROM relationship WHERE id = ?1)`

// forget removes a relationship with everything that belongs to it.
func (w *writer) forget(rel firsthand.ID) error {
	if err := w.moved(rel); err != nil {
		return err
	}
	if err := w.forgetMail(rel); err != nil {
		return err
	}
	for _, query := range []string{
		`DELETE FROM body WHERE entry IN (SELECT n FROM entry WHERE relationship = ?)`,
		`DELETE FROM reminder WHERE entry IN (SELECT entry FROM carried WHERE relationship = ?)`,
		`DELETE FROM carried WHERE relationship = ?`,
		`DELETE FROM later WHERE key IN (SELECT key FROM waiting WHERE relationship = ?)`,
		`DELETE FROM waiting WHERE relationship = ?`,
		`DELETE FROM leg WHERE relationship = ?`,
		`DELETE FROM entry WHERE relationship = ?`,
		`DELETE FROM receipt WHERE relationship = ?`,
		`DELETE FROM evidence WHERE relationship = ?`,
		`DELETE FROM holding WHERE relationship = ?`,
		`DELETE FROM draft WHERE relationship = ?`,
		`DELETE FROM outbox WHERE n = (SELECT n FROM relationship WHERE id = ?)`,
		`DELETE FROM summary WHERE n = (SELECT n FROM relationship WHERE id = ?)`,
		`DELETE FROM relationship WHERE id = ?`,
	} {
		gone, err := w.exec(query, rel[:])
		if err != nil {
			return err
		}
		w.erased = w.erased || gone > 0
	}
	return nil
}

// holdings replaces the cached holdings of relationships.
func (w *writer) holdings(all map[firsthand.ID][]agent.Holder) error {
	if len(all) == 0 {
		return nil
	}
	there, err := readHoldings(w.ctx, w.tx, `WHERE relationship IN (`+inIDs+`) ORDER BY relationship, n`, idList(maps.Keys(all)))
	if err != nil {
		return err
	}
	of := make(map[firsthand.ID][]holdingRow)
	for _, r := range there {
		var rel firsthand.ID
		copy(rel[:], r.rel)
		of[rel] = append(of[rel], r)
	}
	for rel, rows := range all {
		if err := w.holdingsOf(rel, of[rel], rows); err != nil {
			return err
		}
	}
	return nil
}

// holdingsOf replaces those of rel, which are now. Most commits bring the same again, or
// other values of what was held before; reading them costs less than writing.
func (w *writer) holdingsOf(rel firsthand.ID, now []holdingRow, rows []agent.Holder) (err error) {
	want := make([]holdingRow, len(rows))
	for i, h := range rows {
		want[i] = holdingRow{rel: rel[:], domain: h.Domain, entry: h.Entry[:], fact: h.Fact, value: w.value(h.Value).text, origin: string(h.Origin),
			since: timeText(h.Since), until: string(h.Until), last: h.Last[:], outcome: h.Outcome, ground: h.Ground}
	}
	for i, r := range want {
		switch {
		case i < len(now) && now[i].equal(r):
			continue
		case i < len(now) && now[i].sameHolding(r):
			_, err = w.exec(`UPDATE holding SET value = ?, fold = ?, since = ?, until = ?, last = ?, outcome = ?, ground = ? WHERE relationship = ? AND n = ?`,
				r.value, w.value(rows[i].Value).fold, r.since, r.until, r.last, r.outcome, r.ground, r.rel, i)
			if err != nil {
				return err
			}
			continue
		case i < len(now):
			if _, err := w.exec(`DELETE FROM holding WHERE relationship = ? AND n = ?`, r.rel, i); err != nil {
				return err
			}
		}
		_, err := w.exec(`
			INSERT INTO holding (relationship, n, domain, key, entry, fact, value, fold, origin, since, until, last, outcome, ground)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.rel, i, r.domain, agent.CompanyKey(r.domain), r.entry, r.fact, r.value, w.value(rows[i].Value).fold, r.origin, r.since, r.until, r.last, r.outcome, r.ground)
		if err != nil {
			return err
		}
	}
	if len(now) > len(want) {
		_, err = w.exec(`DELETE FROM holding WHERE relationship = ? AND n >= ?`, rel[:], len(want))
	}
	return err
}

func (w *writer) fact(f agent.Fact) error {
	if f.Value.IsZero() {
		gone, err := w.exec(`DELETE FROM fact WHERE name = ?`, f.Name)
		w.erased = w.erased || gone > 0
		return err
	}
	_, err := w.exec(`
		INSERT INTO fact (name, value, updated) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated = excluded.updated`,
		f.Name, valueText(f.Value), timeText(f.Updated))
	return err
}

func (w *writer) setting(name, value string) error {
	if value == "" {
		_, err := w.exec(`DELETE FROM setting WHERE name = ?`, name)
		return err
	}
	_, err := w.exec(`
		INSERT INTO setting (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
