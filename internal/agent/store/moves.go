package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// moves writes the parts of c that are about moves.
func (w *writer) moves(c agent.Commit) error {
	for i := range c.Moves {
		if err := w.move(&c.Moves[i]); err != nil {
			return err
		}
	}
	for move, legs := range c.Legs {
		if err := w.legs(move, legs); err != nil {
			return err
		}
	}
	for _, l := range c.LegEntries {
		var err error
		if l.Entry.IsZero() {
			_, err = w.exec(`UPDATE leg SET way = ?, channel = '', reason = ?, entry = NULL WHERE move = ? AND n = ?`, agent.LeftOut, l.Reason, l.Move, l.N)
		} else {
			_, err = w.exec(`UPDATE leg SET entry = ? WHERE move = ? AND n = ?`, l.Entry[:], l.Move, l.N)
		}
		if err != nil {
			return err
		}
	}
	for entry, day := range c.Reminders {
		query, args := `INSERT INTO reminder (entry, day) VALUES (?, ?) ON CONFLICT (entry) DO UPDATE SET day = excluded.day`, []any{entry[:], string(day)}
		if day == "" {
			query, args = `DELETE FROM reminder WHERE entry = ?`, args[:1]
		}
		if _, err := w.exec(query, args...); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) move(m *agent.MoveRow) error {
	if m.Key != "" {
		other, err := w.exists(`SELECT 1 FROM move WHERE key = ? AND id <> ?`, m.Key, m.ID)
		if err == nil && other {
			err = fmt.Errorf("%w: a move of this key", fault.Conflict)
		}
		if err != nil {
			return err
		}
	}
	var key any // NULL without one: those of others are unique
	if m.Key != "" {
		key = m.Key
	}
	_, err := w.exec(`
		INSERT INTO move (id, key, move, made, state, began, paused, problem) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET
			key = excluded.key, move = excluded.move, made = excluded.made, state = excluded.state,
			began = excluded.began, paused = excluded.paused, problem = excluded.problem`,
		m.ID, key, string(firsthand.EncodeJSON(m.Move)), timeText(m.Made), m.State, timeText(m.Began), m.Paused, m.Problem)
	return err
}

func (w *writer) exists(query string, args ...any) (there bool, err error) {
	var one int
	err = w.tx.QueryRowContext(w.ctx, query, args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (w *writer) legs(move int64, legs []agent.LegRow) error {
	if _, err := w.exec(`DELETE FROM leg WHERE move = ?`, move); err != nil {
		return err
	}
	basis, of := "", firsthand.Basis{}
	for i := range legs {
		l, old := &legs[i], ""
		if l.Basis != of {
			basis, of = "", l.Basis
			if of != (firsthand.Basis{}) {
				basis = string(firsthand.EncodeJSON(of))
			}
		}
		if !l.Old.IsZero() {
			old = w.value(l.Old).text
		}
		var entry []byte
		if !l.Entry.IsZero() {
			entry = l.Entry[:]
		}
		_, err := w.exec(`
			INSERT INTO leg (move, n, domain, name, relationship, fact, old, holding, way, channel, reason, basis, guessed, origin, proposal, entry)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			move, l.N, l.Domain, l.Name, l.Rel[:], l.Fact, old, l.Of[:], l.Group, l.Channel, l.Reason, basis, l.Guessed, string(l.Origin), l.Proposal, nullable(entry))
		if err != nil {
			return err
		}
	}
	return nil
}

// A carriedRow is a row of the cache of what is on its way.
type carriedRow struct {
	rel, entry                                              []byte
	seq                                                     int64
	kind, fact, made, due, step, system, record, why, noted string
	unpaired                                                bool
}

func carriedRowOf(c *agent.Carried) carriedRow {
	return carriedRow{rel: c.Rel[:], entry: c.Entry[:], seq: c.Seq, kind: string(c.Kind), fact: c.Fact, made: timeText(c.Made), due: string(c.Due),
		step: c.Step, system: c.System, record: c.Record, why: c.Why, noted: timeText(c.Noted), unpaired: c.Unpaired}
}

func (r carriedRow) equal(o carriedRow) bool {
	return string(r.rel) == string(o.rel) && string(r.entry) == string(o.entry) && r.seq == o.seq && r.kind == o.kind && r.fact == o.fact &&
		r.made == o.made && r.due == o.due && r.step == o.step && r.system == o.system && r.record == o.record && r.why == o.why &&
		r.noted == o.noted && r.unpaired == o.unpaired
}

func (r *carriedRow) carried() (c agent.Carried, err error) {
	c = agent.Carried{Seq: r.seq, Kind: firsthand.Kind(r.kind), Fact: r.fact, Due: firsthand.Date(r.due), Step: r.step,
		System: r.system, Record: r.record, Why: r.why, Unpaired: r.unpaired}
	copy(c.Rel[:], r.rel)
	copy(c.Entry[:], r.entry)
	return c, errors.Join(parseTime(r.made, &c.Made), parseTime(r.noted, &c.Noted))
}

const carriedOf = `SELECT relationship, entry, seq, kind, fact, made, due, step, system, record, why, noted, unpaired FROM carried `

func scanCarried(rows *sqlite.Rows, r *carriedRow) error {
	return rows.Scan(&r.rel, &r.entry, &r.seq, &r.kind, &r.fact, &r.made, &r.due, &r.step, &r.system, &r.record, &r.why, &r.noted, &r.unpaired)
}

// Carried implements [agent.Store].
func (s *Store) Carried(ctx context.Context, rel firsthand.ID) (all []agent.Carried, err error) {
	rows, err := list(ctx, s, scanCarried, carriedOf+`WHERE relationship = ? ORDER BY seq`, rel[:])
	for i := range rows {
		c, bad := rows[i].carried()
		all, err = append(all, c), errors.Join(err, bad)
	}
	return all, err
}

// carried replaces what is cached of relationships.
func (w *writer) carried(all map[firsthand.ID][]agent.Carried) error {
	if len(all) == 0 {
		return nil
	}
	there, err := listIn(w.ctx, w.tx, scanCarried, carriedOf+`WHERE relationship IN (`+inIDs+`) ORDER BY relationship, seq`, idList(maps.Keys(all)))
	if err != nil {
		return err
	}
	of := make(map[firsthand.ID][]carriedRow)
	for _, r := range there {
		var rel firsthand.ID
		copy(rel[:], r.rel)
		of[rel] = append(of[rel], r)
	}
	for rel, rows := range all {
		if err := w.carriedOf(rel, of[rel], rows); err != nil {
			return err
		}
	}
	return nil
}

// carriedOf replaces what is cached of rel, which is now. Most commits bring the same
// again.
func (w *writer) carriedOf(rel firsthand.ID, now []carriedRow, all []agent.Carried) error {
	want := make([]carriedRow, len(all))
	for i := range all {
		want[i] = carriedRowOf(&all[i])
		want[i].rel = rel[:]
	}
	// Most changes are at the end, or of one row.
	same := func(r carriedRow) bool {
		i, found := slices.BinarySearchFunc(want, r.seq, func(w carriedRow, seq int64) int { return int(w.seq - seq) })
		return found && want[i].equal(r)
	}
	kept := make(map[int64]bool, len(now))
	for _, r := range now {
		if same(r) {
			kept[r.seq] = true
		} else if _, err := w.exec(`DELETE FROM carried WHERE entry = ?`, r.entry); err != nil {
			return err
		}
	}
	for _, r := range want {
		if kept[r.seq] {
			continue
		}
		_, err := w.exec(`
			INSERT INTO carried (entry, relationship, seq, kind, fact, made, due, step, system, record, why, noted, unpaired)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.entry, r.rel, r.seq, r.kind, r.fact, r.made, r.due, r.step, r.system, r.record, r.why, r.noted, r.unpaired)
		if err != nil {
			return err
		}
	}
	return nil
}

// outbox replaces what calls have changed of r, and leaves the rest.
func (w *writer) outbox(r *agent.Relationship) error {
	_, err := w.exec(`
		UPDATE outbox SET received_seq = ?2, received_id = ?3, sent = ?4, tries = ?5, next_try = ?6, failure = ?7 WHERE n = `+numberOf,
		r.ID[:], r.Received.Seq, r.Received.ID[:], r.Sent, r.Tries, timeText(r.NextTry), r.Failure)
	return err
}

// NextKeys implements [agent.Store].
func (s *Store) NextKeys(ctx context.Context, n int) ([]agent.NextKey, error) {
	return list(ctx, s, scanKey, `SELECT label, hash FROM label WHERE used = 0 ORDER BY n LIMIT ?`, n)
}

// Outbox implements [agent.Store].
func (s *Store) Outbox(ctx context.Context) ([]agent.Outgoing, error) {
	return list(ctx, s, func(rows *sqlite.Rows, o *agent.Outgoing) error {
		var id sql.RawBytes
		var frozen, next, failure, expects string
		err := rows.Scan(&id, &o.Gateway, &o.Head, &o.Received, &o.Tries, &next, &failure, &o.Restored, &frozen, &expects, &o.Quiet)
		copy(o.Rel[:], id)
		o.Refused = agent.IsRefusal(failure)
		o.Frozen, o.Expects = frozen != "", firsthand.Date(expects)
		return errors.Join(err, parseTime(next, &o.NextTry))
	}, `
		SELECT o.id, gateway, head, received_seq, tries, next_try, failure, restored, frozen, expects, quiet
		FROM outbox o JOIN relationship r ON r.n = o.n WHERE paired = 1`)
}

// Held implements [agent.Store].
func (s *Store) Held(ctx context.Context) (map[firsthand.ID][]int64, error) {
	type place struct {
		rel firsthand.ID
		seq int64
	}
	places, err := list(ctx, s, func(rows *sqlite.Rows, p *place) error {
		var id sql.RawBytes
		err := rows.Scan(&id, &p.seq)
		copy(p.rel[:], id)
		return err
	}, `
		SELECT r.id, c.seq FROM move m JOIN leg l ON l.move = m.id JOIN carried c ON c.entry = l.entry
			JOIN relationship r ON r.id = c.relationship JOIN outbox o ON o.n = r.n
		WHERE m.paused = 1 AND c.seq > o.received_seq ORDER BY c.seq`)
	held := make(map[firsthand.ID][]int64)
	for _, p := range places {
		held[p.rel] = append(held[p.rel], p.seq)
	}
	return held, err
}

const moveColumns = `id, coalesce(key, ''), move, made, state, began, paused, problem`

func scanMove(rows *sqlite.Rows, m *agent.MoveRow) error {
	var move, made, began string
	if err := rows.Scan(&m.ID, &m.Key, &move, &made, &m.State, &began, &m.Paused, &m.Problem); err != nil {
		return err
	}
	return errors.Join(firsthand.ParseJSON([]byte(move), &m.Move), parseTime(made, &m.Made), parseTime(began, &m.Began))
}

// Moves implements [agent.Store].
func (s *Store) Moves(ctx context.Context) ([]agent.MoveRow, error) {
	return list(ctx, s, scanMove, `SELECT `+moveColumns+` FROM move ORDER BY id DESC`)
}

// Move implements [agent.Store].
func (s *Store) Move(ctx context.Context, id int64) (agent.MoveRow, error) {
	return only(list(ctx, s, scanMove, `SELECT `+moveColumns+` FROM move WHERE id = ?`, id))
}

// MoveOf implements [agent.Store].
func (s *Store) MoveOf(ctx context.Context, key string) (agent.MoveRow, error) {
	return only(list(ctx, s, scanMove, `SELECT `+moveColumns+` FROM move WHERE key = ?`, key))
}

// only returns the one that was found.
func only[T any](found []T, err error) (t T, _ error) {
	if err == nil && len(found) == 0 {
		err = fault.NotExist
	}
	if err != nil {
		return t, err
	}
	return found[0], nil
}

// Legs implements [agent.Store].
func (s *Store) Legs(ctx context.Context, move int64, n ...int) ([]agent.LegState, error) {
	which, args := `WHERE l.move = ?`, []any{move}
	if len(n) > 0 {
		which, args = which+` AND l.n IN (SELECT value FROM json_each(?))`, append(args, jsonList(n))
	}
	return list(ctx, s, func(rows *sqlite.Rows, l *agent.LegState) error {
		var rel, of, entry sql.RawBytes
		var old, basis, origin, next string
		var c carriedRow
		err := rows.Scan(&l.N, &l.Domain, &l.Name, &rel, &l.Fact, &old, &of, &l.Group, &l.Channel, &l.Reason, &basis, &l.Guessed, &origin, &l.Proposal, &entry,
			&c.rel, &c.entry, &c.seq, &c.kind, &c.fact, &c.made, &c.due, &c.step, &c.system, &c.record, &c.why, &c.noted, &c.unpaired,
			&l.Sent, &l.Received, &l.Tries, &l.Failure, &next, &l.Mail)
		if err != nil {
			return err
		}
		l.Move, l.Origin = move, firsthand.Origin(origin)
		copy(l.Rel[:], rel)
		copy(l.Of[:], of)
		copy(l.Entry[:], entry)
		if old != "" {
			err = parseValue(old, &l.Old)
		}
		if basis != "" {
			err = errors.Join(err, firsthand.ParseJSON([]byte(basis), &l.Basis))
		}
		var bad error
		l.Carried, bad = c.carried()
		return errors.Join(err, bad, parseTime(next, &l.NextTry))
	}, `
		SELECT l.n, l.domain, l.name, l.relationship, l.fact, l.old, l.holding, l.way, l.channel, l.reason, l.basis, l.guessed, l.origin, l.proposal, l.entry,
			c.relationship, c.entry, coalesce(c.seq, 0), coalesce(c.kind, ''), coalesce(c.fact, ''), coalesce(c.made, ''), coalesce(c.due, ''),
			coalesce(c.step, ''), coalesce(c.system, ''), coalesce(c.record, ''), coalesce(c.why, ''), coalesce(c.noted, ''), coalesce(c.unpaired, 0),
			coalesce(o.sent, 0), coalesce(o.received_seq, 0), coalesce(p.tries, o.tries, 0), coalesce(p.failure, o.failure, ''),
			coalesce(p.next_try, o.next_try, ''), coalesce(p.state, '')
		`+legRows+which+` ORDER BY l.n`, args...)
}

// legRows is what a leg is read from.
const legRows = `
	FROM leg l LEFT JOIN carried c ON c.entry = l.entry LEFT JOIN relationship r ON r.id = l.relationship LEFT JOIN outbox o ON o.n = r.n
		LEFT JOIN mail p ON p.entry = l.entry AND p.part = '' `

// LegSteps implements [agent.Store].
func (s *Store) LegSteps(ctx context.Context, move int64) ([]agent.LegStep, error) {
	return s.steps.get(s.db, move, func() ([]agent.LegStep, error) {
		return list(ctx, s, func(rows *sqlite.Rows, l *agent.LegStep) error {
			var made string
			err := rows.Scan(&l.N, &l.Group, &l.Written, &l.Known, &l.Step, &made, (*string)(&l.Due), &l.Seq, &l.Unpaired, &l.Sent, &l.Received, &l.Mail)
			return errors.Join(err, parseTime(made, &l.Made))
		}, `
			SELECT l.n, l.way, l.entry IS NOT NULL, c.entry IS NOT NULL, coalesce(c.step, ''), coalesce(c.made, ''), coalesce(c.due, ''),
				coalesce(c.seq, 0), coalesce(c.unpaired, 0), coalesce(o.sent, 0), coalesce(o.received_seq, 0), coalesce(p.state, '')`+legRows+`
			WHERE l.move = ? ORDER BY l.n`, move)
	})
}

// taskRows is what a task is read from.
const taskRows = `
	FROM carried c JOIN relationship r ON r.id = c.relationship LEFT JOIN reminder m ON m.entry = c.entry
		LEFT JOIN mail p ON p.entry = c.entry AND p.part = ''
	WHERE c.unpaired = 1`

const taskColumns = `c.entry, c.relationship, r.domain, r.name, c.kind, c.fact, c.made, c.due, coalesce(m.day, ''), c.step, c.why, c.noted,
	coalesce((SELECT max(move) FROM leg WHERE leg.entry = c.entry), 0), coalesce(p.state, '')`

func scanTask(rows *sqlite.Rows, t *agent.Task) error {
	var entry, rel sql.RawBytes
	var kind, made, due, remind, noted string
	err := rows.Scan(&entry, &rel, &t.Domain, &t.Name, &kind, &t.Fact, &made, &due, &remind, &t.Step, &t.Note, &noted, &t.Move, &t.Mail)
	copy(t.Entry[:], entry)
	copy(t.Rel[:], rel)
	t.Kind, t.Due, t.Remind = firsthand.Kind(kind), firsthand.Date(due), firsthand.Date(remind)
	return errors.Join(err, parseTime(made, &t.Made), parseTime(noted, &t.Noted))
}

// Tasks implements [agent.Store].
func (s *Store) Tasks(ctx context.Context, q agent.TaskQuery, today firsthand.Date) (tasks []agent.Task, total int, err error) {
	where, args, step := taskRows, []any{}, `c.step`
	if q.Domain != "" {
		step = `+c.step` // so that SQLite goes by the company, and not by the index of steps
		where += ` AND r.key = ? AND r.domain = ?`
		args = append(args, agent.CompanyKey(q.Domain), q.Domain)
	}
	switch q.Show {
	case "":
		where += ` AND ` + step + ` = '' AND coalesce(p.state, '') NOT IN ('waiting', 'sending')`
	case "done":
		where += ` AND ` + step + ` <> ''`
	case "due":
		where += ` AND ` + step + ` IN ('', 'sent') AND m.day <= ?`
		args = append(args, string(today))
	}
	if q.Move != 0 {
		where += ` AND c.entry IN (SELECT entry FROM leg WHERE move = ?)`
		args = append(args, q.Move)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = -1
	}
	err = s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		if err := tx.QueryRowContext(ctx, `SELECT count(*)`+where, args...).Scan(&total); err != nil {
			return err
		}
		tasks, err = listIn(ctx, tx, scanTask, `SELECT `+taskColumns+where+`
			ORDER BY (m.day IS NULL OR m.day > ?), CASE WHEN m.day <= ? THEN m.day END, c.made, c.relationship, c.seq LIMIT ? OFFSET ?`,
			append(args, string(today), string(today), limit, q.Offset)...)
		return err
	})
	return tasks, total, err
}

// Task implements [agent.Store].
func (s *Store) Task(ctx context.Context, entry firsthand.ID) (agent.Task, error) {
	return only(list(ctx, s, scanTask, `SELECT `+taskColumns+taskRows+` AND c.entry = ?`, entry[:]))
}
