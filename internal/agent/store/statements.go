package store

import (
	"context"
	"iter"
	"time"

	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

const statementColumns = `fact, domain, value, since, guessed, kind, import`

func scanStatement(rows *sqlite.Rows, s *agent.Statement) error {
	var value string
	if err := rows.Scan(&s.Fact, &s.Domain, &value, (*string)(&s.Since), &s.Guessed, &s.Kind, &s.Import); err != nil {
		return err
	}
	return parseValue(value, &s.Value)
}

// Statements implements [agent.Store].
func (s *Store) Statements(ctx context.Context, fact, domain string) iter.Seq2[agent.Statement, error] {
	return func(yield func(agent.Statement, error) bool) {
		const order = ` ORDER BY fact, domain, fold`
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
func (s *Store) Suggestions(ctx context.Context, limit int) (all []agent.Suggestion, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		mine, err := hers(ctx, tx)
		if err != nil {
			return err
		}
		all, err = listIn(ctx, tx, func(rows *sqlite.Rows, sg *agent.Suggestion) error {
			var fold, value string
			if err := rows.Scan(&sg.Fact, &fold, &value, &sg.Companies, &sg.Kind, &sg.Import); err != nil {
				return err
			}
			sg.Current = mine[sg.Fact] == fold
			return parseValue(value, &sg.Value)
		}, `
			SELECT fact, fold, min(value), count(*) AS n, max(kind), max(import) FROM statement WHERE guessed = 1
			GROUP BY fact, fold ORDER BY n DESC, fact, fold LIMIT ?`, orAll(limit))
		return err
	})
	return all, err
}

// Insight implements [agent.Store].
func (s *Store) Insight(ctx context.Context, silent time.Time) (in agent.Insight, err error) {
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

// held is who holds what, by logs and by statements: one row for each company, fact
// and value.
const held = `
	SELECT fact, key, fold, value, 0 AS guessed FROM holding WHERE origin IN ('told', 'stated')
	UNION ALL SELECT fact, domain, fold, value, guessed FROM statement`

// factInsights counts who holds what. mine are her facts, which SQLite gets as a
// JSON object.
func factInsights(ctx context.Context, tx *sqlite.Tx, mine map[string]string) ([]agent.FactInsight, error) {
	return listIn(ctx, tx, func(rows *sqlite.Rows, f *agent.FactInsight) error {
		return rows.Scan(&f.Fact, &f.Holds, &f.Old, &f.Guessed)
	}, `
		WITH mine (fact, fold) AS MATERIALIZED (SELECT key, value FROM json_each(?)),
		each (fact, old, guessed) AS (
			SELECT h.fact, max(h.fold <> '' AND coalesce(h.fold <> m.fold, 0)), min(h.guessed)
			FROM (`+held+`) h LEFT JOIN mine m ON m.fact = h.fact GROUP BY h.fact, h.key)
		SELECT fact, count(*), sum(old), sum(guessed) FROM each GROUP BY fact ORDER BY fact`, jsonText(mine))
}

// mails counts the addresses that companies know.
func mails(ctx context.Context, tx *sqlite.Tx, mine map[string]string, in *agent.Insight) error {
	const known = `
		SELECT fold, count(*) AS n, sum(guessed) AS guessed, min(value) AS value FROM (
			SELECT h.fold, h.key, min(h.guessed) AS guessed, min(h.value) AS value FROM (` + held + `) h
			WHERE h.fact = '` + agent.MailFact + `' AND h.fold <> '' GROUP BY h.fold, h.key)
		GROUP BY fold`
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM (`+known+`)`).Scan(&in.Emails); err != nil {
		return err
	}
	var err error
	in.Addresses, err = listIn(ctx, tx, func(rows *sqlite.Rows, c *agent.MailCount) error {
		var fold, value string
		if err := rows.Scan(&fold, &c.Companies, &c.Guessed, &value); err != nil {
			return err
		}
		c.Current = mine[agent.MailFact] == fold
		return parseValue(value, &c.Value)
	}, known+` ORDER BY n DESC, fold LIMIT 10`)
	return err
}
