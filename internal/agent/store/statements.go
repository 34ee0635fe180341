package store

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"slices"
	"time"

	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

const statementColumns = `fact, domain, origin, value, since, guessed, kind, import, document`

func scanStatement(rows *sqlite.Rows, s *agent.Statement) error {
	var value string
	var document sql.RawBytes
	if err := rows.Scan(&s.Fact, &s.Domain, (*string)(&s.Origin), &value, (*string)(&s.Since), &s.Guessed, &s.Kind, &s.Import, &document); err != nil {
		return err
	}
	copy(s.Document[:], document)
	return parseValue(value, &s.Value)
}

// Statements implements [agent.Store].
func (s *Store) Statements(ctx context.Context, fact, domain string) iter.Seq2[agent.Statement, error] {
	return func(yield func(agent.Statement, error) bool) {
		const order = ` ORDER BY fact, domain, fold, origin`
		var all []agent.Statement
		var err error
		switch {
		case fact == "" && domain == "":
			all, err = list(ctx, s, scanStatement, `SELECT `+statementColumns+` FROM statement`+order)
		case fact == "":
			all, err = list(ctx, s, scanStatement, `SELECT `+statementColumns+` FROM statement WHERE domain = ?`+order, domain)
		case domain == "":
			all, err = list(ctx, s, scanStatement, `SELECT `+statementColumns+` FROM statement WHERE fact = ?`+order, fact)
		default:
			all, err = list(ctx, s, scanStatement, `SELECT `+statementColumns+` FROM statement WHERE fact = ? AND domain = ?`+order, fact, domain)
		}
		if err != nil {
			yield(agent.Statement{}, err)
			return
		}
		for _, st := range all {
			if !yield(st, nil) {
				return
			}
		}
	}
}

// What [Store.HeldPage] reads: holdings of a fact, and statements of which no log says
// the same.
const (
	heldLogs   = ` FROM holding WHERE fact = ?1`
	heldStated = ` FROM statement s WHERE fact = ?1 AND NOT EXISTS (
		SELECT 1 FROM holding h WHERE h.fact = ?1 AND h.key = s.domain AND h.fold = s.fold
			AND (h.origin = s.origin OR h.origin IN ('told', 'stated') AND s.origin IN ('told', 'stated')))`
)

// A heldCount is how many logs and statements say of companies that they hold a fact.
type heldCount struct{ logs, stated int }

// HeldPage implements [agent.Store]. Where the page begins is found in the indexes
// alone: rows are read, and sorted, from there on only.
func (s *Store) HeldPage(ctx context.Context, fact string, offset, limit int) (all []agent.Held, total int, err error) {
	n, err := s.helds.get(s.db, fact, func() (n heldCount, err error) {
		err = s.db.View(ctx, func(tx *sqlite.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT (SELECT count(*)`+heldLogs+`), (SELECT count(*)`+heldStated+`)`, fact).Scan(&n.logs, &n.stated)
		})
		return n, err
	})
	total = n.logs + n.stated
	if err != nil || offset >= total {
		return nil, total, err
	}
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		var from string // the key at which the page begins, and how many rows are before that
		var before int
		if offset > 0 {
			keys := `SELECT key` + heldLogs
			if n.stated > 0 { // two lists are not walked as quickly as one
				keys += ` UNION ALL SELECT domain` + heldStated
			}
			err := tx.QueryRowContext(ctx, keys+` ORDER BY 1 LIMIT 1 OFFSET ?2`, fact, offset).Scan(&from)
			if errors.Is(err, sql.ErrNoRows) {
				return nil // they have become fewer
			} else if err != nil {
				return err
			}
			err = tx.QueryRowContext(ctx, `SELECT (SELECT count(*)`+heldLogs+` AND key < ?2) + (SELECT count(*)`+heldStated+` AND domain < ?2)`, fact, from).Scan(&before)
			if err != nil {
				return err
			}
		}
		all, err = listIn(ctx, tx, func(rows *sqlite.Rows, h *agent.Held) error {
			var log bool
			var order, n, rel, entry sql.RawBytes
			var value, since string
			if err := rows.Scan(&h.Domain, &log, &order, &rel, &n, &entry, &value, (*string)(&h.Origin), &since, &h.Guessed); err != nil {
				return err
			}
			h.Fact = fact
			copy(h.Rel[:], rel)
			copy(h.Entry[:], entry)
			if log {
				return errors.Join(parseValue(value, &h.Value), parseTime(since, &h.Since))
			}
			h.Since, _ = time.Parse(time.DateOnly, since) // "" is the zero time
			return parseValue(value, &h.Value)
		}, `
			SELECT key, 1, domain, relationship, n, entry, value, origin, since, 0`+heldLogs+` AND key >= ?2
			UNION ALL SELECT domain, 0, fold, x'', 0, x'', value, origin, since, guessed`+heldStated+` AND domain >= ?2
			ORDER BY 1, 2 DESC, 3, 4, 5, 8 LIMIT ?3 OFFSET ?4`, fact, from, orAll(limit), offset-before)
		return err
	})
	return all, total, err
}

// hers returns her facts, folded, to be compared.
func hers(ctx context.Context, tx *sqlite.Tx) (map[string]string, error) {
	facts, err := listIn(ctx, tx, scanFact, `SELECT name, value, updated FROM fact`)
	all := make(map[string]string, len(facts))
	for _, f := range facts {
		all[f.Name] = agent.FoldValue(f.Value)
	}
	return all, err
}

// Suggestions implements [agent.Store].
func (s *Store) Suggestions(ctx context.Context, limit int) ([]agent.Suggestion, error) {
	all, err := s.suggestions.get(s.db, limit, func() ([]agent.Suggestion, error) { return s.countSuggestions(ctx, limit) })
	return slices.Clone(all), err
}

// countSuggestions counts. It reads every guess.
func (s *Store) countSuggestions(ctx context.Context, limit int) (all []agent.Suggestion, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		mine, err := hers(ctx, tx)
		if err != nil {
			return err
		}
		all, err = listIn(ctx, tx, func(rows *sqlite.Rows, sg *agent.Suggestion) error {
			err := rows.Scan(&sg.Fact, &sg.Value.Text, &sg.Companies, &sg.Kind, &sg.Import)
			sg.Current = mine[sg.Fact] == sg.Value.Text
			return err
		}, `
			SELECT fact, fold, count(*) AS n, max(kind), max(import) FROM statement WHERE guessed = 1
			GROUP BY fact, fold ORDER BY n DESC, fact, fold LIMIT ?`, orAll(limit))
		return err
	})
	return all, err
}

// Insight implements [agent.Store].
func (s *Store) Insight(ctx context.Context, silent time.Time) (agent.Insight, error) {
	return s.insight.get(s.db, silent.Truncate(time.Hour).Unix(), func() (agent.Insight, error) { return s.countInsight(ctx, silent) })
}

// countInsight counts. It reads every company.
func (s *Store) countInsight(ctx context.Context, silent time.Time) (in agent.Insight, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		err := tx.QueryRowContext(ctx, `
			SELECT count(*), coalesce(sum(flags & ?1 <> 0), 0), coalesce(sum(flags & ?2 <> 0), 0), coalesce(sum(flags & ?3 <> 0), 0),
				coalesce(sum(used > ?4 AND used < ?5), 0)
			FROM company INDEXED BY company_name`, flagGuessed, flagGateway, flagTwice, noSign, silent.Add(time.Second-1).Unix()).
			Scan(&in.Companies, &in.Guessed, &in.Gateways, &in.Duplicates, &in.Silent)
		if err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM company INDEXED BY company_step WHERE step > 0 AND flags & ? = 0`, flagClosed).
			Scan(&in.Relationships); err != nil {
			return err
		}
		in.Agreements, err = listIn(ctx, tx, func(rows *sqlite.Rows, c *agent.AgreementCount) error { return rows.Scan(&c.Code, &c.Companies) },
			`SELECT agreement, count(*) FROM company WHERE agreement <> '' AND flags & ? = 0 GROUP BY agreement ORDER BY agreement`, flagClosed)
		if err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM company WHERE step > 0 AND agreement = '' AND flags & ? = ?`, flagClosed|flagPaired, flagPaired).
			Scan(&in.Unagreed); err != nil {
			return err
		}
		rows, err := listIn(ctx, tx, scanCompany, `SELECT `+companyColumns+` FROM company WHERE since > ? ORDER BY since, domain LIMIT 5`, noSign)
		if err != nil {
			return err
		}
		for i := range rows {
			in.Oldest = append(in.Oldest, rows[i].company())
		}
		if err := groupsOf(ctx, tx, in.Oldest); err != nil {
			return err
		}
		mine, err := hers(ctx, tx)
		if err != nil {
			return err
		}
		if in.Facts, err = factInsights(ctx, tx, mine); err != nil {
			return err
		}
		return mails(ctx, tx, mine, &in)
	})
	return in, err
}

// ours are the origins that count as what she told or states.
const ours = `origin IN ('told', 'stated')`

// factInsights counts who holds what, fact by fact: first what logs say, then what is
// stated where no log says anything, and last what is stated of an old value where
// logs have a new one. Each is read from an index in its order. mine are her facts.
func factInsights(ctx context.Context, tx *sqlite.Tx, mine map[string]string) ([]agent.FactInsight, error) {
	facts, err := listIn(ctx, tx, func(rows *sqlite.Rows, f *agent.FactInsight) error { return rows.Scan(&f.Fact) },
		`SELECT DISTINCT fact FROM holding WHERE `+ours+` UNION SELECT DISTINCT fact FROM statement WHERE `+ours+` ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	for i := range facts {
		f := &facts[i]
		var now any // NULL if she has noted none: nothing is older than that
		if fold, ok := mine[f.Fact]; ok {
			now = fold
		}
		var holds, old, guessed, more int
		err := tx.QueryRowContext(ctx, `
			SELECT count(*), coalesce(sum(old), 0) FROM (
				SELECT max(fold <> '' AND coalesce(fold <> ?2, 0)) AS old FROM holding WHERE fact = ?1 AND `+ours+` GROUP BY key)`,
			f.Fact, now).Scan(&f.Holds, &f.Old)
		if err != nil {
			return nil, err
		}
		err = tx.QueryRowContext(ctx, `
			SELECT count(*), coalesce(sum(old), 0), coalesce(sum(guessed), 0) FROM (
				SELECT max(fold <> '' AND coalesce(fold <> ?2, 0)) AS old, min(guessed) AS guessed FROM statement s
				WHERE fact = ?1 AND `+ours+` AND NOT EXISTS (SELECT 1 FROM holding h WHERE h.fact = ?1 AND h.key = s.domain AND `+ours+`) GROUP BY domain)`,
			f.Fact, now).Scan(&holds, &old, &guessed)
		if err != nil {
			return nil, err
		}
		err = tx.QueryRowContext(ctx, `
			SELECT count(DISTINCT domain) FROM statement s WHERE fact = ?1 AND `+ours+` AND fold <> '' AND fold <> ?2
				AND EXISTS (SELECT 1 FROM holding h WHERE h.fact = ?1 AND h.key = s.domain AND `+ours+`)
				AND NOT EXISTS (SELECT 1 FROM holding h WHERE h.fact = ?1 AND h.key = s.domain AND `+ours+` AND h.fold <> '' AND h.fold <> ?2)`,
			f.Fact, now).Scan(&more)
		if err != nil {
			return nil, err
		}
		f.Holds, f.Old, f.Guessed = f.Holds+holds, f.Old+old+more, guessed
	}
	return facts, nil
}

// mails counts the addresses that companies know.
func mails(ctx context.Context, tx *sqlite.Tx, mine map[string]string, in *agent.Insight) (err error) {
	in.Addresses, err = listIn(ctx, tx, func(rows *sqlite.Rows, c *agent.MailCount) error {
		err := rows.Scan(&c.Value.Text, &c.Companies, &c.Guessed, &in.Emails)
		c.Current = mine[agent.MailFact] == c.Value.Text
		return err
	}, `
		SELECT fold, count(*) AS n, sum(guessed), count(*) OVER () FROM (
			SELECT fold, domain, min(guessed) AS guessed FROM (
				SELECT fold, domain, guessed FROM statement WHERE fact = ?1 AND `+ours+` AND fold <> ''
				UNION ALL SELECT fold, key, 0 FROM holding WHERE fact = ?1 AND `+ours+` AND fold <> '')
			GROUP BY fold, domain)
		GROUP BY fold ORDER BY n DESC, fold LIMIT 10`, agent.MailFact)
	return err
}
