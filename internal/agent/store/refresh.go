package store

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/directory"
	"firsthand/internal/sqlite"
)

// touch notes that the row of a company has to be made anew, and, if statements is
// set, what is guessed of it.
func (w *writer) touch(statements bool, domains ...string) {
	if w.touched == nil {
		w.touched = make(map[string]bool)
	}
	for _, d := range domains {
		if d != "" {
			w.touched[d] = w.touched[d] || statements
		}
	}
}

// refresh makes the rows of all companies that were touched anew, at the end of a
// commit. It returns the domains of those that changed.
//
// Everything is read for many companies at once and then put together here, by the
// function that says what a row is; so a commit that touches a thousand costs a few
// statements and not thousands.
func (w *writer) refresh() (changed []string, err error) {
	domains := slices.Sorted(maps.Keys(w.touched))
	for part := range slices.Chunk(domains, manyDomains) {
		some, err := w.refreshPart(part)
		if err != nil {
			return changed, err
		}
		changed = append(changed, some...)
	}
	w.touched = nil
	return changed, nil
}

// inList are the domains given as a JSON list.
const inList = `SELECT value FROM json_each(?)`

func (w *writer) refreshPart(domains []string) (changed []string, err error) {
	differ, err := w.guess(slices.DeleteFunc(slices.Clone(domains), func(d string) bool { return !w.touched[d] }))
	if err != nil {
		return nil, err
	}
	parts, err := w.parts(domains)
	if err != nil {
		return nil, err
	}
	had := make(map[string]companyRow, len(domains))
	rows, err := listIn(w.ctx, w.tx, scanCompany, `SELECT `+companyColumns+` FROM company WHERE domain IN (`+inList+`)`, jsonList(domains))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		had[r.domain] = r
	}
	for _, domain := range domains {
		c, keep := parts[domain].Company(domain)
		old, was := had[domain]
		switch row := rowOf(&c); {
		case !keep && was:
			_, err = w.exec(`DELETE FROM company WHERE domain = ?`, domain)
			w.eraseFrom("company")
		case keep && row != old:
			err = w.company(&row, agent.FoldName(c.Name))
		default:
			if differ[domain] {
				changed = append(changed, domain)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		changed = append(changed, domain)
	}
	return changed, nil
}

func (w *writer) company(r *companyRow, fold string) error {
	var rel any
	if !r.rel.IsZero() {
		rel = r.rel[:]
	}
	_, err := w.exec(`
		INSERT INTO company (domain, name, fold, flags, rel, step, agreement, channel, held, accounts, asks, waiting, due, since, used)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (domain) DO UPDATE SET
			name = excluded.name, fold = excluded.fold, flags = excluded.flags, rel = excluded.rel, step = excluded.step,
			agreement = excluded.agreement, channel = excluded.channel, held = excluded.held, accounts = excluded.accounts,
			asks = excluded.asks, waiting = excluded.waiting, due = excluded.due, since = excluded.since, used = excluded.used`,
		r.domain, r.name, fold, r.flags, rel, r.step, r.agreement, r.channel, r.held, r.accounts, r.asks, r.waiting, r.due, r.since, r.used)
	return err
}

// parts reads what the rows of companies are made of.
func (w *writer) parts(domains []string) (map[string]*agent.CompanyParts, error) {
	parts := make(map[string]*agent.CompanyParts, len(domains))
	for _, d := range domains {
		parts[d] = new(agent.CompanyParts)
	}
	in := jsonList(domains)
	owned, err := readOwned(w.ctx, w.tx, inList, in)
	if err != nil {
		return nil, err
	}
	for _, own := range owned {
		parts[own.Domain].Own = own
	}
	relationships, err := listIn(w.ctx, w.tx, scanKeyed, `
		SELECT key, id, domain, name, gateway, opened, summary FROM relationship r LEFT JOIN summary s ON s.n = r.n
		WHERE key IN (`+inList+`) ORDER BY opened, r.n`, in)
	if err != nil {
		return nil, err
	}
	for _, r := range relationships {
		p := parts[r.key]
		p.Relationships = append(p.Relationships, r.Relationship)
	}
	err = each(w, func(rows *sqlite.Rows) error {
		var domain string
		var sum agent.AccountsSum
		var created, used, lastCreated, lastUsed string
		if err := rows.Scan(&domain, &sum.N, &sum.Signs, &sum.Name, &created, &used, &lastCreated, &lastUsed); err != nil {
			return err
		}
		var first, last agent.Account
		err := errors.Join(parseTime(created, &first.Created), parseTime(used, &first.Used), parseTime(lastCreated, &last.Created), parseTime(lastUsed, &last.Used))
		n, signs := sum.N, sum.Signs
		sum.Add(first)
		sum.Add(last)
		sum.N, sum.Signs = n, signs
		parts[domain].Accounts = sum
		return err
	}, `
		SELECT domain, count(*) FILTER (WHERE kind NOT IN ('mail', 'payment')), count(*) FILTER (WHERE kind IN ('mail', 'payment')), coalesce(min(nullif(name, '')), ''), coalesce(min(nullif(created, '')), ''), coalesce(min(nullif(used, '')), ''),
			max(created), max(used)
		FROM account WHERE import IN (SELECT id FROM import WHERE state = 'kept') AND domain IN (`+inList+`) AND old = 0 GROUP BY domain`, in)
	if err != nil {
		return nil, err
	}
	err = each(w, func(rows *sqlite.Rows) error {
		var domain, fact string
		var guessed bool
		err := rows.Scan(&domain, &fact, &guessed)
		p := parts[domain]
		p.Hers = p.Hers || !guessed
		if fact != "" {
			p.Stated = append(p.Stated, fact)
		}
		return err
	}, `
		SELECT domain, CASE WHEN `+ours+` THEN fact ELSE '' END, guessed FROM statement WHERE domain IN (`+inList+`)
		UNION ALL SELECT domain, '', 0 FROM document WHERE domain IN (`+inList+`)`, in, in)
	if err != nil {
		return nil, err
	}
	records, err := readRecords(w.ctx, w.tx, in)
	for domain, record := range records {
		parts[domain].Listed = append(parts[domain].Listed, record)
	}
	return parts, err
}

// each runs fn on all rows that query finds.
func each(w *writer, fn func(*sqlite.Rows) error, query string, args ...any) error {
	rows, err := w.tx.QueryContext(w.ctx, query, args...)
	if err != nil {
		return err
	}
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A keyed relationship has what a company's row needs of it, and the key.
type keyed struct {
	agent.Relationship
	key string
}

func scanKeyed(rows *sqlite.Rows, r *keyed) error {
	var id []byte
	var opened string
	err := rows.Scan(&r.key, &id, &r.Domain, &r.Name, &r.Gateway, &opened, &r.Summary)
	copy(r.ID[:], id)
	return errors.Join(err, parseTime(opened, &r.Opened))
}

// guess makes the guessed statements of companies anew, and returns at which they
// differ from what was there.
func (w *writer) guess(domains []string) (differ map[string]bool, err error) {
	if len(domains) == 0 {
		return nil, nil
	}
	in := jsonList(domains)
	before, err := w.guessed(in)
	if err != nil {
		return nil, err
	}
	if _, err := w.exec(`DELETE FROM statement WHERE guessed = 1 AND domain IN (`+inList+`)`, in); err != nil {
		return nil, err
	}
	_, err = w.exec(`
		INSERT INTO statement (fact, domain, fold, origin, value, since, guessed, kind, import, document)
		SELECT 'email', a.domain, a.mail, 'stated', json_quote(min(a.login)), coalesce(min(nullif(substr(a.created, 1, 10), '')), ''), 1, max(a.kind), max(a.import), zeroblob(32)
		FROM account a
		WHERE a.import IN (SELECT id FROM import WHERE state = 'kept') AND a.domain IN (`+inList+`)
			AND a.old = 0 AND a.quiet = 0 AND a.mail <> ''
			AND NOT EXISTS (SELECT 1 FROM statement s WHERE s.domain = a.domain AND s.fact = 'email' AND s.guessed = 0 AND s.`+ours+`)
		GROUP BY a.domain, a.mail`, in)
	if err != nil {
		return nil, err
	}
	after, err := w.guessed(in)
	differ = make(map[string]bool)
	for _, d := range domains {
		differ[d] = before[d] != after[d]
	}
	return differ, err
}

// guessed returns all that is guessed at each of the companies in a JSON list, as a
// text.
func (w *writer) guessed(in string) (map[string]string, error) {
	all := make(map[string]string)
	return all, each(w, func(rows *sqlite.Rows) error {
		var domain, what string
		err := rows.Scan(&domain, &what)
		all[domain] += what
		return err
	}, `SELECT domain, json_array(fact, value, since, kind, import) FROM statement WHERE domain IN (`+inList+`) AND guessed = 1 ORDER BY domain, fact, fold`, in)
}

// RebuildCompanies implements [agent.Store].
func (s *Store) RebuildCompanies(ctx context.Context) (differed []string, err error) {
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w := &writer{ctx: ctx, tx: tx}
		if err := w.rekey(`1`); err != nil {
			return err
		}
		if err := w.mark(); err != nil {
			return err
		}
		var domains []string
		err := each(w, func(rows *sqlite.Rows) error {
			var d string
			err := rows.Scan(&d)
			domains = append(domains, d)
			return err
		}, `SELECT domain FROM company UNION SELECT key FROM relationship UNION SELECT domain FROM company_own UNION SELECT domain FROM company_group
			UNION SELECT domain FROM statement UNION SELECT domain FROM document UNION SELECT domain FROM account WHERE import IN (SELECT id FROM import WHERE state = 'kept')`)
		if err != nil {
			return err
		}
		w.touch(true, domains...)
		differed, err = w.refresh()
		return err
	})
	return differed, err
}

// rekey fills in the columns of relationships and holdings that follow from the
// others, in rows of which condition is true, and touches their companies.
func (w *writer) rekey(condition string) error {
	type keyless struct {
		n           int64
		domain, key string
	}
	rows, err := listIn(w.ctx, w.tx, func(rows *sqlite.Rows, k *keyless) error { return rows.Scan(&k.n, &k.domain, &k.key) },
		`SELECT n, domain, key FROM relationship WHERE `+condition)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if key := agent.CompanyKey(r.domain); key != r.key {
			if _, err := w.exec(`UPDATE relationship SET key = ? WHERE n = ?`, key, r.n); err != nil {
				return err
			}
			w.touch(false, key, r.key)
		}
	}
	type held struct {
		n                        int64
		rel                      []byte
		domain, value, key, fold string
	}
	holdings, err := listIn(w.ctx, w.tx, func(rows *sqlite.Rows, h *held) error {
		return rows.Scan(&h.rel, &h.n, &h.domain, &h.value, &h.key, &h.fold)
	}, `SELECT relationship, n, domain, value, key, fold FROM holding WHERE `+condition)
	if err != nil {
		return err
	}
	for _, h := range holdings {
		var v firsthand.Value
		if err := parseValue(h.value, &v); err != nil {
			return err
		}
		if key, fold := agent.CompanyKey(h.domain), agent.FoldValue(v); key != h.key || fold != h.fold {
			if _, err := w.exec(`UPDATE holding SET key = ?, fold = ? WHERE relationship = ? AND n = ?`, key, fold, h.rel, h.n); err != nil {
				return err
			}
		}
	}
	return nil
}

// readRecords yields what is listed under each host of a JSON list, by host, set
// and key.
func readRecords(ctx context.Context, tx *sqlite.Tx, in string) (iter.Seq2[string, directory.Record], error) {
	type listed struct {
		host string
		directory.Record
	}
	all, err := listIn(ctx, tx, func(rows *sqlite.Rows, l *listed) error {
		var text string
		if err := rows.Scan(&l.host, &text); err != nil {
			return err
		}
		return json.Unmarshal([]byte(text), &l.Record)
	}, `SELECT h.host, l.record FROM listing_host h JOIN listing l ON l.n = h.listing WHERE h.host IN (`+inList+`) ORDER BY h.host, l.name, l.key`, in)
	return func(yield func(string, directory.Record) bool) {
		for _, l := range all {
			if !yield(l.host, l.Record) {
				return
			}
		}
	}, err
}
