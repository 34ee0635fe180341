package store

import (
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// companies writes the parts of c that are about companies.
func (w *writer) companies(c *agent.Commit) error {
	for i := range c.Edits {
		if err := w.edit(&c.Edits[i]); err != nil {
			return err
		}
	}
	for _, s := range c.State {
		if err := w.state(s); err != nil {
			return err
		}
	}
	for _, at := range c.Unstate {
		if err := w.unstate(at); err != nil {
			return err
		}
	}
	for _, a := range c.Assign {
		if err := w.assign(a); err != nil {
			return err
		}
	}
	for _, id := range c.KeepImports {
		if err := w.keepImport(id); err != nil {
			return err
		}
	}
	for _, id := range c.UndoImports {
		if err := w.undoImport(id); err != nil {
			return err
		}
	}
	for _, domain := range c.Drop {
		if err := w.drop(domain); err != nil {
			return err
		}
	}
	if err := w.documents(c); err != nil {
		return err
	}
	return w.listings(c)
}

// edit changes what is hers of a company.
func (w *writer) edit(e *agent.CompanyEdit) error {
	w.touch(false, e.Domain)
	if e.Name != nil || e.Channel != nil || e.Address != nil || e.Lang != nil || e.Confirmed != nil || e.Gateway != nil {
		_, err := w.exec(`
			INSERT INTO company_own (domain, name, confirmed, channel, gateway, address, lang)
			VALUES (?1, coalesce(?2, ''), coalesce(?3, 0), coalesce(?4, ''), coalesce(?5, 0), coalesce(?6, ''), coalesce(?7, ''))
			ON CONFLICT (domain) DO UPDATE SET
				name = coalesce(?2, name), confirmed = coalesce(?3, confirmed), channel = coalesce(?4, channel), gateway = coalesce(?5, gateway),
				address = coalesce(?6, address), lang = coalesce(?7, lang)`,
			e.Domain, orNull(e.Name), orNull(e.Confirmed), orNull(e.Channel), orNull(e.Gateway), orNull(e.Address), orNull(e.Lang))
		if err != nil {
			return err
		}
		gone, err := w.exec(`DELETE FROM company_own WHERE domain = ? AND name = '' AND confirmed = 0 AND channel = '' AND gateway = 0 AND address = '' AND lang = ''`, e.Domain)
		if err != nil {
			return err
		}
		if gone > 0 || e.Name != nil || e.Channel != nil || e.Address != nil || e.Lang != nil {
			w.eraseFrom("company", "company_own")
		}
	}
	for name, in := range e.Groups {
		query := `DELETE FROM company_group WHERE name = ? AND domain = ?`
		if in {
			query = `INSERT INTO company_group (name, domain) VALUES (?, ?) ON CONFLICT DO NOTHING`
		}
		changed, err := w.exec(query, name, e.Domain)
		if err != nil {
			return err
		}
		if !in && changed > 0 {
			w.eraseFrom("company_group")
		}
	}
	return nil
}

// orNull returns what p points to, or NULL.
func orNull[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// state writes a statement of hers in place of what there is of that company, fact
// and origin.
func (w *writer) state(s agent.Statement) error {
	w.touch(true, s.Domain)
	if s.Origin == "" {
		s.Origin = firsthand.Stated
	}
	gone, err := w.exec(`DELETE FROM statement WHERE domain = ? AND fact = ? AND origin = ?`, s.Domain, s.Fact, string(s.Origin))
	if err != nil {
		return err
	}
	if gone > 0 {
		w.eraseFrom("statement")
	}
	_, err = w.exec(`INSERT INTO statement (fact, domain, fold, origin, value, since, guessed, kind, import, document) VALUES (?, ?, ?, ?, ?, ?, 0, '', 0, ?)`,
		s.Fact, s.Domain, agent.FoldValue(s.Value), string(s.Origin), valueText(s.Value), string(s.Since), s.Document[:])
	return err
}

// unstate takes a statement back, and silences the accounts that let guess it.
func (w *writer) unstate(at agent.FactAt) error {
	w.touch(true, at.Domain)
	which, args := ours, []any{at.Domain, at.Fact}
	if at.Origin != "" {
		which, args = `origin = ?`, append(args, string(at.Origin))
	}
	gone, err := w.exec(`DELETE FROM statement WHERE domain = ? AND fact = ? AND `+which, args...)
	if err != nil {
		return err
	}
	if gone > 0 {
		w.eraseFrom("statement")
	}
	if at.Fact != agent.MailFact || at.Origin != "" && at.Origin != firsthand.Stated {
		return nil
	}
	_, err = w.exec(`
		UPDATE account SET quiet = 1
		WHERE import IN (SELECT id FROM import WHERE state = 'kept') AND domain = ? AND mail <> '' AND quiet = 0`, at.Domain)
	return err
}

// drop forgets a company.
func (w *writer) drop(domain string) error {
	w.touch(true, domain)
	var met bool
	if err := w.tx.QueryRowContext(w.ctx, `SELECT EXISTS (SELECT 1 FROM relationship WHERE key = ?)`, domain).Scan(&met); err != nil {
		return err
	}
	if met {
		return fmt.Errorf("%w: there is a relationship with %s", fault.Conflict, domain)
	}
	// An account may be of another company in an older import, and counts there again.
	older, err := listIn(w.ctx, w.tx, scanAccount, `
		SELECT `+accountColumns+` FROM account WHERE id IN (
			SELECT max(o.id) FROM account n JOIN account o ON o.key = n.key
			WHERE n.import IN (SELECT id FROM import WHERE state = 'kept') AND n.domain = ?1 AND n.old = 0
				AND o.import IN (SELECT id FROM import WHERE state = 'kept') AND o.domain <> ?1 GROUP BY o.key)`, domain)
	if err != nil {
		return err
	}
	for _, acc := range older {
		w.touch(true, acc.Domain)
		if _, err := w.exec(`UPDATE account SET old = 0 WHERE id = ?`, acc.ID); err != nil {
			return err
		}
	}
	for _, query := range []string{
		`DELETE FROM company_own WHERE domain = ?`,
		`DELETE FROM company_group WHERE domain = ?`,
		`DELETE FROM statement WHERE domain = ?`,
		`DELETE FROM account WHERE import IN (SELECT id FROM import WHERE state = 'kept') AND domain = ?`,
		`DELETE FROM found WHERE import IN (SELECT id FROM import WHERE state = 'kept') AND domain = ?`,
	} {
		gone, err := w.exec(query, domain)
		if err != nil {
			return err
		}
		if gone > 0 {
			w.eraseFrom(everything...)
		}
	}
	return w.dropDocuments(`domain = ?`, domain)
}

// moved touches the company of a relationship that is forgotten.
func (w *writer) moved(rel firsthand.ID) error {
	return each(w, func(rows *sqlite.Rows) error {
		var key string
		err := rows.Scan(&key)
		w.touch(false, key)
		return err
	}, `SELECT key FROM relationship WHERE id = ?`, rel[:])
}
