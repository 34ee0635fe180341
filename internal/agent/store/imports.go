package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// idsOf are how many accounts and cards an import can have. Their ids are those of
// the import times this, and then a number.
const idsOf = 1 << 32

// importRange returns the ids that accounts of an import have: from < id <= to.
func importRange(id int64) (from, to int64) { return id * idsOf, (id + 1) * idsOf }

// AddImport implements [agent.Store].
func (s *Store) AddImport(ctx context.Context, i agent.Import) (id int64, err error) {
	if err := checkTimes(i.At); err != nil {
		return 0, err
	}
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO import (format, file, at, state, counts, bad, digest) VALUES (?, ?, ?, 'reading', '{}', '[]', '')`,
			i.Format, i.File, timeText(i.At))
		if err != nil {
			return err
		}
		id, err = res.LastInsertId()
		return err
	})
	return id, err
}

// AddFound implements [agent.Store].
func (s *Store) AddFound(ctx context.Context, id int64, accounts []agent.Account, cards []agent.CardFound) error {
	for i := range accounts {
		if err := checkTimes(accounts[i].Created, accounts[i].Used); err != nil {
			return err
		}
	}
	return s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w := writer{ctx: ctx, tx: tx}
		if state, err := w.importState(id); err != nil || state != agent.Reading {
			return errors.Join(err, fmt.Errorf("%w: no import %d being read", fault.NotExist, id))
		}
		next, err := w.lastFound(id)
		if err != nil {
			return err
		}
		for i := range accounts {
			next++
			acc := &accounts[i]
			acc.ID, acc.Import = next, id
			if err := w.account(acc); err != nil {
				return err
			}
		}
		for _, c := range cards {
			next++
			_, err := w.exec(`INSERT INTO card (id, import, row, name, org, own, facts) VALUES (?, ?, ?, ?, ?, ?, ?)`,
				next, id, c.Row, c.Name, c.Org, c.Own, jsonText(cardFacts(c.Facts)))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *writer) account(acc *agent.Account) error {
	_, err := w.exec(`
		INSERT INTO account (id, import, row, key, old, domain, host, name, title, url, login, mail, folder, kind, why, created, used, assigned, quiet)
		VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		acc.ID, acc.Import, acc.Row, acc.Key(), acc.Domain, acc.Host, acc.Name, acc.Title, acc.URL, acc.Login, acc.Mail(), acc.Folder,
		acc.Kind, acc.Why, timeText(acc.Created), timeText(acc.Used), acc.Assigned, acc.Quiet)
	return err
}

const accountColumns = `id, import, row, domain, host, name, title, url, login, folder, kind, why, created, used, assigned, quiet`

func scanAccount(rows *sqlite.Rows, a *agent.Account) error {
	var created, used string
	err := rows.Scan(&a.ID, &a.Import, &a.Row, &a.Domain, &a.Host, &a.Name, &a.Title, &a.URL, &a.Login, &a.Folder, &a.Kind, &a.Why,
		&created, &used, &a.Assigned, &a.Quiet)
	return errors.Join(err, parseTime(created, &a.Created), parseTime(used, &a.Used))
}

// A cardFact is a fact on a card, as it is stored.
type cardFact struct {
	Name  string          `json:"name"`
	Value firsthand.Value `json:"value"`
}

func cardFacts(facts []agent.Fact) []cardFact {
	all := make([]cardFact, len(facts))
	for i, f := range facts {
		all[i] = cardFact{f.Name, f.Value}
	}
	return all
}

// importState returns "" for an import that isn't there.
func (w *writer) importState(id int64) (state string, err error) {
	err = w.tx.QueryRowContext(w.ctx, `SELECT state FROM import WHERE id = ?`, id).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return state, err
}

// FinishImport implements [agent.Store].
func (s *Store) FinishImport(ctx context.Context, i agent.Import) (done agent.Import, err error) {
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w := writer{ctx: ctx, tx: tx}
		if state, err := w.importState(i.ID); err != nil || state != agent.Reading {
			return errors.Join(err, fmt.Errorf("%w: no import %d being read", fault.NotExist, i.ID))
		}
		// Of the same account in two rows, the last counts.
		from, to := importRange(i.ID)
		if _, err := w.exec(`
			UPDATE account SET old = 1 WHERE id > ?1 AND id <= ?2
				AND EXISTS (SELECT 1 FROM account o WHERE o.key = account.key AND o.id > account.id AND o.id <= ?2)`, from, to); err != nil {
			return err
		}
		if _, err := w.exec(`UPDATE import SET state = 'preview', counts = ?, bad = ?, digest = ? WHERE id = ?`,
			jsonText(i.Counts), jsonText(badRows(i.Bad)), i.Digest, i.ID); err != nil {
			return err
		}
		if err := w.tally(i.ID); err != nil {
			return err
		}
		done, err = w.counted(i.ID)
		return err
	})
	return done, err
}

// badRows returns bad as it is stored: not null.
func badRows(bad []agent.BadRow) []agent.BadRow {
	if bad == nil {
		return []agent.BadRow{}
	}
	return bad
}

// tally makes the companies of an import anew, and its counts.
func (w *writer) tally(id int64) error {
	if _, err := w.refresh(); err != nil { // which companies are new depends on it
		return err
	}
	if _, err := w.exec(`DELETE FROM found WHERE import = ?`, id); err != nil {
		return err
	}
	_, err := w.exec(`
		INSERT INTO found (import, domain, name, accounts, hosts)
		SELECT import, domain, coalesce(min(nullif(name, '')), ''), count(DISTINCT key), count(DISTINCT nullif(host, ''))
		FROM account WHERE import = ? AND domain <> '' GROUP BY domain`, id)
	if err != nil {
		return err
	}
	i, err := w.counted(id)
	if err != nil {
		return err
	}
	n := &i.Counts
	fresh := 0
	err = w.tx.QueryRowContext(w.ctx, `
		SELECT count(*), coalesce(sum(max(0, hosts - 1)), 0), coalesce(sum(domain NOT IN (SELECT domain FROM company)), 0),
			(SELECT count(*) FROM account WHERE import = ?1 AND domain = '')
		FROM found WHERE import = ?1`, id).Scan(&n.Companies, &n.Merged, &fresh, &n.Unsure)
	if err != nil {
		return err
	}
	if i.State == agent.Preview {
		n.New = fresh
	}
	_, err = w.exec(`UPDATE import SET counts = ? WHERE id = ?`, jsonText(i.Counts), id)
	return err
}

func (w *writer) counted(id int64) (agent.Import, error) {
	found, err := listIn(w.ctx, w.tx, scanImport, `SELECT `+importColumns+` FROM import WHERE id = ?`, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: no import %d", fault.NotExist, id)
	}
	if err != nil {
		return agent.Import{}, err
	}
	return found[0], nil
}

const importColumns = `id, format, file, at, state, counts, bad, digest`

func scanImport(rows *sqlite.Rows, i *agent.Import) error {
	var at, counts, bad string
	if err := rows.Scan(&i.ID, &i.Format, &i.File, &at, &i.State, &counts, &bad, &i.Digest); err != nil {
		return err
	}
	return errors.Join(parseTime(at, &i.At), json.Unmarshal([]byte(counts), &i.Counts), json.Unmarshal([]byte(bad), &i.Bad))
}

// Imports implements [agent.Store].
func (s *Store) Imports(ctx context.Context) ([]agent.Import, error) {
	return list(ctx, s, scanImport, `SELECT `+importColumns+` FROM import ORDER BY id DESC`)
}

// CompanyAccounts implements [agent.Store].
func (s *Store) CompanyAccounts(ctx context.Context, domain string) ([]agent.Account, error) {
	return list(ctx, s, scanAccount, `
		SELECT `+accountColumns+` FROM account
		WHERE import IN (SELECT id FROM import WHERE state = 'kept') AND domain = ? AND old = 0 ORDER BY id`, domain)
}

// Accounts implements [agent.Store].
func (s *Store) Accounts(ctx context.Context, id, after int64, limit int) ([]agent.Account, error) {
	from, to := importRange(id)
	return list(ctx, s, scanAccount, `SELECT `+accountColumns+` FROM account WHERE id > ? AND id <= ? ORDER BY id LIMIT ?`, max(from, after), to, orAll(limit))
}

// orAll is a limit for SQLite: 0 is none.
func orAll(limit int) int {
	if limit <= 0 {
		return -1
	}
	return limit
}

// Unsure implements [agent.Store].
func (s *Store) Unsure(ctx context.Context, id int64, offset, limit int) (page []agent.Account, total int, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		if err = tx.QueryRowContext(ctx, `SELECT count(*) FROM account WHERE import = ? AND domain = ''`, id).Scan(&total); err != nil {
			return err
		}
		page, err = listIn(ctx, tx, scanAccount, `
			SELECT `+accountColumns+` FROM account WHERE import = ? AND domain = '' ORDER BY id LIMIT ? OFFSET ?`, id, orAll(limit), offset)
		return err
	})
	return page, total, err
}

// PreviewCompanies implements [agent.Store].
func (s *Store) PreviewCompanies(ctx context.Context, id int64, offset, limit int) (page []agent.PreviewRow, total int, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		if err = tx.QueryRowContext(ctx, `SELECT count(*) FROM found WHERE import = ?`, id).Scan(&total); err != nil {
			return err
		}
		page, err = listIn(ctx, tx, func(rows *sqlite.Rows, p *agent.PreviewRow) error {
			return rows.Scan(&p.Domain, &p.Name, &p.Accounts, &p.New)
		}, `SELECT domain, name, accounts, domain NOT IN (SELECT domain FROM company) FROM found WHERE import = ? ORDER BY domain LIMIT ? OFFSET ?`,
			id, orAll(limit), offset)
		for i := range page {
			if err != nil {
				return err
			}
			page[i].Hosts, err = listIn(ctx, tx, func(rows *sqlite.Rows, h *string) error { return rows.Scan(h) },
				`SELECT DISTINCT host FROM account WHERE import = ? AND domain = ? AND host <> '' ORDER BY host LIMIT ?`, id, page[i].Domain, agent.MaxHosts)
		}
		return err
	})
	return page, total, err
}

// Cards implements [agent.Store].
func (s *Store) Cards(ctx context.Context, id int64) ([]agent.CardFound, error) {
	from, to := importRange(id)
	return list(ctx, s, scanCard, `SELECT `+cardColumns+` FROM card WHERE id > ? AND id <= ? ORDER BY id`, from, to)
}

const cardColumns = `id, import, row, name, org, own, facts`

func scanCard(rows *sqlite.Rows, c *agent.CardFound) error {
	var text string
	if err := rows.Scan(&c.ID, &c.Import, &c.Row, &c.Name, &c.Org, &c.Own, &text); err != nil {
		return err
	}
	var facts []cardFact
	err := json.Unmarshal([]byte(text), &facts)
	for _, f := range facts {
		c.Facts = append(c.Facts, agent.Fact{Name: f.Name, Value: f.Value})
	}
	return err
}

// keepImport makes a preview count.
func (w *writer) keepImport(id int64) error {
	switch state, err := w.importState(id); {
	case err != nil:
		return err
	case state == agent.Kept:
		return nil
	case state != agent.Preview:
		return fmt.Errorf("%w: no import %d to keep", fault.NotExist, id)
	}
	if err := w.inherit(id); err != nil {
		return err
	}
	// Of the same account in this and in others that count, the last counts.
	for _, older := range []string{
		`SELECT o.id FROM account n JOIN account o ON o.key = n.key AND o.id <= ?1 WHERE n.id > ?1 AND n.id <= ?2`,
		`SELECT n.id FROM account n JOIN account o ON o.key = n.key AND o.id > ?2
			WHERE n.id > ?1 AND n.id <= ?2 AND o.import IN (SELECT id FROM import WHERE state = 'kept')`,
	} {
		if err := w.renew(1, older, id); err != nil {
			return err
		}
	}
	if _, err := w.exec(`UPDATE import SET state = 'kept' WHERE id = ?`, id); err != nil {
		return err
	}
	if err := w.dropCards(id); err != nil {
		return err
	}
	return w.touchImport(id)
}

// renew sets old of the accounts that a query finds, of imports that are kept or of
// import id, and touches their companies.
func (w *writer) renew(old int, query string, id int64) error {
	from, to := importRange(id)
	type account struct {
		id     int64
		domain string
	}
	all, err := listIn(w.ctx, w.tx, func(rows *sqlite.Rows, a *account) error { return rows.Scan(&a.id, &a.domain) }, `
		SELECT id, domain FROM account WHERE old <> ?3 AND id IN (`+query+`)
			AND (import = ?4 OR import IN (SELECT id FROM import WHERE state = 'kept'))`, from, to, old, id)
	for _, a := range all {
		if err != nil {
			return err
		}
		w.touch(true, a.domain)
		_, err = w.exec(`UPDATE account SET old = ? WHERE id = ?`, old, a.id)
	}
	return err
}

// inherit gives accounts of an import what she said of the same in one that was
// read before and counts.
func (w *writer) inherit(id int64) error {
	from, to := importRange(id)
	type said struct {
		key             int64
		domain          string
		assigned, quiet bool
	}
	all, err := listIn(w.ctx, w.tx, func(rows *sqlite.Rows, s *said) error { return rows.Scan(&s.key, &s.domain, &s.assigned, &s.quiet) }, `
		SELECT o.key, o.domain, o.assigned, o.quiet FROM account o INDEXED BY account_said
		WHERE (o.assigned = 1 OR o.quiet = 1) AND o.id <= ?1 AND o.import IN (SELECT id FROM import WHERE state = 'kept')
			AND NOT EXISTS (SELECT 1 FROM account l WHERE l.key = o.key AND l.id > o.id AND l.id <= ?1
				AND l.import IN (SELECT id FROM import WHERE state = 'kept'))`, from)
	if err != nil || len(all) == 0 {
		return err
	}
	for _, s := range all {
		if s.assigned {
			if _, err := w.exec(`UPDATE account SET domain = ?, assigned = 1 WHERE key = ? AND id > ? AND id <= ? AND assigned = 0`,
				s.domain, s.key, from, to); err != nil {
				return err
			}
		}
		if s.quiet {
			if _, err := w.exec(`UPDATE account SET quiet = 1 WHERE key = ? AND id > ? AND id <= ?`, s.key, from, to); err != nil {
				return err
			}
		}
	}
	return w.tally(id)
}

// touchImport touches all companies of an import.
func (w *writer) touchImport(id int64) error {
	return each(w, func(rows *sqlite.Rows) error {
		var domain string
		err := rows.Scan(&domain)
		w.touch(true, domain)
		return err
	}, `SELECT domain FROM found WHERE import = ?`, id)
}

func (w *writer) dropCards(id int64) error {
	from, to := importRange(id)
	gone, err := w.exec(`DELETE FROM card WHERE id > ? AND id <= ?`, from, to)
	w.erased = w.erased || gone > 0
	return err
}

// undoImport removes an import with everything of it. What it had in place of an
// older one counts again there.
func (w *writer) undoImport(id int64) error {
	state, err := w.importState(id)
	if err != nil || state == "" {
		return err
	}
	if state == agent.Kept {
		if err := w.touchImport(id); err != nil {
			return err
		}
		if err := w.renew(0, `
			SELECT max(o.id) FROM account n JOIN account o ON o.key = n.key AND (o.id <= ?1 OR o.id > ?2)
			WHERE n.id > ?1 AND n.id <= ?2 AND n.old = 0 AND o.import IN (SELECT id FROM import WHERE state = 'kept') GROUP BY o.key`, id); err != nil {
			return err
		}
	}
	from, to := importRange(id)
	for _, query := range []string{
		`DELETE FROM account WHERE id > ? AND id <= ?`,
		`DELETE FROM card WHERE id > ? AND id <= ?`,
		`DELETE FROM payment WHERE id > ? AND id <= ?`,
		`DELETE FROM bound WHERE id > ? AND id <= ?`,
	} {
		if _, err := w.exec(query, from, to); err != nil {
			return err
		}
	}
	w.eraseFrom(everything...)
	if _, err := w.exec(`DELETE FROM found WHERE import = ?`, id); err != nil {
		return err
	}
	_, err = w.exec(`DELETE FROM import WHERE id = ?`, id)
	return err
}

// mark makes old of all accounts anew.
func (w *writer) mark() error {
	_, err := w.exec(`
		UPDATE account SET old = 1 - old
		WHERE import NOT IN (SELECT id FROM import WHERE state = 'reading') AND old <> EXISTS (
			SELECT 1 FROM account o WHERE o.key = account.key AND o.id > account.id AND (o.import = account.import
				OR account.import IN (SELECT id FROM import WHERE state = 'kept') AND o.import IN (SELECT id FROM import WHERE state = 'kept')))`)
	return err
}

// assign says of which company an account is.
func (w *writer) assign(a agent.Assignment) error {
	found, err := listIn(w.ctx, w.tx, scanAccount, `SELECT `+accountColumns+` FROM account WHERE id = ?`, a.Account)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: no account %d", fault.NotExist, a.Account)
	}
	if err != nil {
		return err
	}
	if _, err := w.exec(`UPDATE account SET domain = ?, assigned = ? WHERE id = ?`, a.Domain, a.Domain != "", a.Account); err != nil {
		return err
	}
	w.touch(true, found[0].Domain, a.Domain)
	return w.tally(found[0].Import)
}

// settleCompanies removes what a crash has left of imports that were being read,
// and fills in what a file from before there were companies lacks. On a full disk
// that can't be done, and reading must be possible all the same.
func (s *Store) settleCompanies(ctx context.Context) error {
	const keyless = `key = '' AND domain <> ''`
	var work bool
	err := s.db.View(ctx, func(tx *sqlite.Tx) error {
		return tx.QueryRowContext(ctx, `
			SELECT EXISTS (SELECT 1 FROM import WHERE state = 'reading') OR EXISTS (SELECT 1 FROM relationship WHERE `+keyless+`)`).Scan(&work)
	})
	if err != nil || !work {
		return err
	}
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w := writer{ctx: ctx, tx: tx}
		if err := w.rekey(keyless); err != nil {
			return err
		}
		left, err := listIn(ctx, tx, func(rows *sqlite.Rows, id *int64) error { return rows.Scan(id) }, `SELECT id FROM import WHERE state = 'reading'`)
		for _, id := range left {
			if err == nil {
				err = w.undoImport(id)
			}
		}
		if err != nil {
			return err
		}
		if _, err := w.refresh(); err != nil {
			return err
		}
		return w.scrub()
	})
	if err == nil {
		s.shreds.Store(true)
		s.shred(ctx)
	}
	if fault.KindOf(err) == fault.Unavailable {
		return nil
	}
	return err
}
