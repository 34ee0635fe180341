package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// checkMail says what is wrong with the parts of c that are about mail.
func checkMail(c *agent.Commit) error {
	for _, m := range c.Mails {
		if m.Entry.IsZero() {
			return fmt.Errorf("%w: a mail without its entry", fault.Invalid)
		}
		if err := checkTimes(m.Made, m.Begun, m.Sent, m.NextTry); err != nil {
			return err
		}
	}
	for _, a := range c.Answers {
		if a.ID == 0 && a.Key.IsZero() {
			return fmt.Errorf("%w: an answer without its key", fault.Invalid)
		}
		if err := checkTimes(a.Said, a.Came, a.Marked); err != nil {
			return err
		}
	}
	return nil
}

// mail writes the parts of c that are about mail.
func (w *writer) mail(c *agent.Commit) error {
	for i := range c.Mails {
		if err := w.oneMail(&c.Mails[i]); err != nil {
			return err
		}
	}
	for i := range c.Answers {
		if err := w.answer(&c.Answers[i]); err != nil {
			return err
		}
	}
	for _, id := range c.DropAnswers {
		if err := w.dropAnswer(id); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) oneMail(m *agent.Mail) error {
	_, err := w.exec(`
		INSERT INTO mail (entry, part, relationship, state, address, made, begun, sent, tries, next_try, failure, copy)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (entry, part) DO UPDATE SET
			relationship = excluded.relationship, state = excluded.state, address = excluded.address, made = excluded.made, begun = excluded.begun,
			sent = excluded.sent, tries = excluded.tries, next_try = excluded.next_try, failure = excluded.failure, copy = excluded.copy`,
		m.Entry[:], m.Part, m.Rel[:], m.State, m.To, timeText(m.Made), timeText(m.Begun), timeText(m.Sent), m.Tries, timeText(m.NextTry), m.Failure, m.Copy)
	if err != nil {
		return err
	}
	const of = `(SELECT n FROM mail WHERE entry = ? AND part = ?)`
	gone, err := w.exec(`DELETE FROM mail_raw WHERE mail = `+of+` AND raw IS NOT ?`, m.Entry[:], m.Part, nullable(m.Raw))
	if err != nil {
		return err
	}
	w.erased = w.erased || gone > 0
	if m.Raw != nil {
		_, err = w.exec(`INSERT INTO mail_raw (mail, raw) SELECT `+of+`, ? WHERE true ON CONFLICT DO NOTHING`, m.Entry[:], m.Part, m.Raw)
	}
	return err
}

// eraseRaw erases what was sent of an entry that is erased.
func (w *writer) eraseRaw(entry firsthand.ID) error {
	gone, err := w.exec(`DELETE FROM mail_raw WHERE mail IN (SELECT n FROM mail WHERE entry = ?)`, entry[:])
	w.erased = w.erased || gone > 0
	return err
}

func (w *writer) answer(a *agent.Answer) error {
	if a.ID != 0 {
		if _, err := w.exec(`DELETE FROM answer_mark WHERE answer = ?`, a.ID); err != nil || a.Mark == "" {
			return err
		}
		_, err := w.exec(`INSERT INTO answer_mark (answer, mark, marked) SELECT id, ?, ? FROM answer WHERE id = ?`, a.Mark, timeText(a.Marked), a.ID)
		return err
	}
	res, err := w.tx.ExecContext(w.ctx, `
		INSERT INTO answer (key, relationship, entry, message, kind, sender, subject, said, came, proof, stranger, body, cut)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 WHERE NOT EXISTS (SELECT 1 FROM answer WHERE key = ?1)`,
		a.Key[:], a.Rel[:], a.Entry[:], a.Message, a.Kind, a.From, a.Subject, timeText(a.Said), timeText(a.Came), string(firsthand.EncodeJSON(a.Proof)), a.Stranger, a.Text, a.Cut)
	if err != nil {
		return err
	}
	if added, err := res.RowsAffected(); err != nil || added == 0 {
		return err
	}
	id, err := res.LastInsertId()
	if err != nil {
		return err
	}
	for i, b := range a.Blobs {
		if err := w.hasBlob(b.Hash); err != nil {
			return err
		}
		if _, err := w.exec(`INSERT INTO answer_blob (answer, n, hash, size, media, name) VALUES (?, ?, ?, ?, ?, ?)`,
			id, i, b.Hash[:], b.Size, b.Media, b.Name); err != nil {
			return err
		}
	}
	if a.Mark == "" {
		return nil
	}
	_, err = w.exec(`INSERT INTO answer_mark (answer, mark, marked) VALUES (?, ?, ?)`, id, a.Mark, timeText(a.Marked))
	return err
}

// dropAnswer removes an answer, and the blobs that nothing else names.
func (w *writer) dropAnswer(id int64) error {
	named, err := listIn(w.ctx, w.tx, scanHash, `SELECT DISTINCT hash FROM answer_blob WHERE answer = ?`, id)
	if err != nil {
		return err
	}
	for _, query := range []string{
		`DELETE FROM answer_blob WHERE answer = ?1`,
		`DELETE FROM answer_mark WHERE answer = ?1`,
		`DELETE FROM answer WHERE id = ?1`,
	} {
		gone, err := w.exec(query, id)
		if err != nil {
			return err
		}
		w.erased = w.erased || gone > 0
	}
	return w.dropBlobs(named)
}

// forgetMail removes all mail of a relationship.
func (w *writer) forgetMail(rel firsthand.ID) error {
	ids, err := listIn(w.ctx, w.tx, func(rows *sqlite.Rows, id *int64) error { return rows.Scan(id) }, `SELECT id FROM answer WHERE relationship = ?`, rel[:])
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.dropAnswer(id); err != nil {
			return err
		}
	}
	for _, query := range []string{
		`DELETE FROM mail_raw WHERE mail IN (SELECT n FROM mail WHERE relationship = ?)`,
		`DELETE FROM mail WHERE relationship = ?`,
	} {
		gone, err := w.exec(query, rel[:])
		if err != nil {
			return err
		}
		w.erased = w.erased || gone > 0
	}
	return nil
}

const mailColumns = `p.entry, p.part, p.relationship, p.state, p.address, p.made, p.begun, p.sent, p.tries, p.next_try, p.failure, p.copy,
	EXISTS (SELECT 1 FROM leg l JOIN move m ON m.id = l.move WHERE l.entry = p.entry AND m.paused = 1)`

func scanMail(rows *sqlite.Rows, m *agent.Mail) error { return scanMailAnd(rows, m) }

func scanMailAnd(rows *sqlite.Rows, m *agent.Mail, more ...any) error {
	var entry, rel sql.RawBytes
	var made, begun, sent, next string
	err := rows.Scan(append([]any{&entry, &m.Part, &rel, &m.State, &m.To, &made, &begun, &sent, &m.Tries, &next, &m.Failure, &m.Copy, &m.Held}, more...)...)
	copy(m.Entry[:], entry)
	copy(m.Rel[:], rel)
	return errors.Join(err, parseTime(made, &m.Made), parseTime(begun, &m.Begun), parseTime(sent, &m.Sent), parseTime(next, &m.NextTry))
}

// Mails implements [agent.Store].
func (s *Store) Mails(ctx context.Context, q agent.MailQuery) ([]agent.Mail, error) {
	where, args := ` WHERE true`, []any{}
	if q.Open {
		where += ` AND p.state IN ('waiting', 'sending', 'sent')`
	}
	if q.Lost {
		where += ` AND p.state IN ('failed', 'unsure')`
	}
	if !q.Rel.IsZero() {
		where, args = where+` AND p.relationship = ?`, append(args, q.Rel[:])
	}
	return list(ctx, s, scanMail, `SELECT `+mailColumns+` FROM mail p`+where+` ORDER BY p.made, p.entry, p.part`, args...)
}

// Mail implements [agent.Store].
func (s *Store) Mail(ctx context.Context, entry firsthand.ID, part string) (agent.Mail, error) {
	return only(list(ctx, s, func(rows *sqlite.Rows, m *agent.Mail) error { return scanMailAnd(rows, m, &m.Raw) },
		`SELECT `+mailColumns+`, w.raw FROM mail p LEFT JOIN mail_raw w ON w.mail = p.n WHERE p.entry = ? AND p.part = ?`, entry[:], part))
}

const answerColumns = `a.id, a.key, a.relationship, a.entry, a.message, a.kind, a.sender, a.subject, a.said, a.came, a.proof, a.stranger, a.body, a.cut,
	coalesce(k.mark, ''), coalesce(k.marked, '')`

const answerRows = ` FROM answer a LEFT JOIN answer_mark k ON k.answer = a.id WHERE true`

func scanAnswer(rows *sqlite.Rows, a *agent.Answer) error {
	var key, rel, entry sql.RawBytes
	var said, came, proof, marked string
	err := rows.Scan(&a.ID, &key, &rel, &entry, &a.Message, &a.Kind, &a.From, &a.Subject, &said, &came, &proof, &a.Stranger, &a.Text, &a.Cut, &a.Mark, &marked)
	if err != nil {
		return err
	}
	copy(a.Key[:], key)
	copy(a.Rel[:], rel)
	copy(a.Entry[:], entry)
	return errors.Join(firsthand.ParseJSON([]byte(proof), &a.Proof), parseTime(said, &a.Said), parseTime(came, &a.Came), parseTime(marked, &a.Marked))
}

// Answers implements [agent.Store].
func (s *Store) Answers(ctx context.Context, q agent.AnswerQuery) (page []agent.Answer, total int, err error) {
	where, order, args := answerRows, `a.came DESC, a.id DESC`, []any{}
	if q.Open {
		order = `a.came, a.id`
		where += ` AND a.kind = 'answer' AND k.mark IS NULL`
	}
	if !q.Rel.IsZero() {
		where, args = where+` AND a.relationship = ?`, append(args, q.Rel[:])
	}
	limit := q.Limit
	if limit <= 0 {
		limit = -1
	}
	err = s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		if err := tx.QueryRowContext(ctx, `SELECT count(*)`+where, args...).Scan(&total); err != nil {
			return err
		}
		if page, err = listIn(ctx, tx, scanAnswer, `SELECT `+answerColumns+where+` ORDER BY `+order+` LIMIT ? OFFSET ?`,
			append(args, limit, q.Offset)...); err != nil {
			return err
		}
		return blobsOf(ctx, tx, page)
	})
	return page, total, err
}

// Answer implements [agent.Store].
func (s *Store) Answer(ctx context.Context, id int64) (agent.Answer, error) {
	var found []agent.Answer
	err := s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		if found, err = listIn(ctx, tx, scanAnswer, `SELECT `+answerColumns+answerRows+` AND a.id = ?`, id); err != nil {
			return err
		}
		return blobsOf(ctx, tx, found)
	})
	return only(found, err)
}

func blobsOf(ctx context.Context, tx *sqlite.Tx, page []agent.Answer) (err error) {
	for i := range page {
		if page[i].Blobs, err = listIn(ctx, tx, scanBlob, `SELECT hash, size, media, name FROM answer_blob WHERE answer = ? ORDER BY n`, page[i].ID); err != nil {
			return err
		}
	}
	return nil
}

func scanBlob(rows *sqlite.Rows, b *firsthand.Blob) error {
	var hash sql.RawBytes
	err := rows.Scan(&hash, &b.Size, &b.Media, &b.Name)
	copy(b.Hash[:], hash)
	return err
}

// readMail reads all rows about mail and documents, and compares blobs with their hashes.
func readMail(ctx context.Context, tx *sqlite.Tx) error {
	if err := errors.Join(
		readEvery(ctx, tx, scanMail, `SELECT `+mailColumns+` FROM mail p`),
		readEvery(ctx, tx, scanAnswer, `SELECT `+answerColumns+answerRows),
		readEvery(ctx, tx, scanBlob, `SELECT hash, size, media, name FROM answer_blob`),
		readEvery(ctx, tx, scanDocument, `SELECT `+documentColumns+` FROM document`),
	); err != nil {
		return err
	}
	var missing int
	if err := tx.QueryRowContext(ctx, `
		SELECT count(*) FROM (SELECT hash FROM answer_blob UNION ALL SELECT hash FROM document) a WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.hash = a.hash)`).Scan(&missing); err != nil {
		return err
	}
	if missing > 0 {
		return fmt.Errorf("%w: %d attachments or documents are missing", errDamaged, missing)
	}
	return checkBlobs(ctx, tx)
}
