package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// companyFlags are bits in a company's row.
const (
	flagGuessed = 1 << iota
	flagGateway
	flagTwice // two accounts or more
	flagPaired
	flagBound
	flagClosed
)

// steps are those of the ladder, by their number in a company's row.
var steps = []string{"", "nameless", "pseudonym", "reachable", "known"}

// noSign is what a company's row has in place of the zero time.
const noSign = -1 << 40

// nothingDue is what a company's row has for no date: it sorts after all dates.
const nothingDue = "~"

// A companyRow is a row of the cache of companies, as it is stored.
type companyRow struct {
	domain, name, agreement, channel, due                   string
	flags, step, held, accounts, asks, waiting, since, used int64
	rel                                                     firsthand.ID
}

// rowOf returns how c is stored. What is in the row and in no column follows from
// the columns.
func rowOf(c *agent.Company) companyRow {
	r := companyRow{domain: c.Domain, name: c.Name, agreement: c.Agreement, channel: c.Channel, due: string(c.Due), rel: c.Rel,
		step: int64(max(0, slices.Index(steps, c.Step))), held: int64(c.Held), accounts: int64(c.Accounts),
		asks: int64(c.Asks), waiting: int64(c.Waiting), since: seconds(c.Since), used: seconds(c.Used)}
	if r.due == "" {
		r.due = nothingDue
	}
	for _, f := range [...]struct {
		flag int64
		on   bool
	}{{flagGuessed, c.Guessed}, {flagGateway, c.Gateway}, {flagTwice, c.Accounts > 1}, {flagPaired, c.Paired}, {flagBound, c.Bound}, {flagClosed, c.Closed}} {
		if f.on {
			r.flags |= f.flag
		}
	}
	return r
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return noSign
	}
	return t.Unix()
}

// company is the inverse of rowOf.
func (r *companyRow) company() agent.Company {
	c := agent.Company{Domain: r.domain, Name: r.name, Agreement: r.agreement, Channel: r.channel, Rel: r.rel,
		Step: steps[r.step], Held: int(r.held), Accounts: int(r.accounts), Asks: int(r.asks), Waiting: int(r.waiting),
		Guessed: r.flags&flagGuessed != 0, Gateway: r.flags&flagGateway != 0,
		Paired: r.flags&flagPaired != 0, Bound: r.flags&flagBound != 0, Closed: r.flags&flagClosed != 0}
	if r.due != nothingDue {
		c.Due = firsthand.Date(r.due)
	}
	if r.since != noSign {
		c.Since = time.Unix(r.since, 0).UTC()
	}
	if r.used != noSign {
		c.Used = time.Unix(r.used, 0).UTC()
	}
	return c
}

const companyColumns = `domain, name, flags, rel, step, agreement, channel, held, accounts, asks, waiting, due, since, used`

func scanCompany(rows *sqlite.Rows, r *companyRow) error {
	var rel sql.RawBytes
	err := rows.Scan(&r.domain, &r.name, &r.flags, &rel, &r.step, &r.agreement, &r.channel, &r.held, &r.accounts, &r.asks, &r.waiting,
		&r.due, &r.since, &r.used)
	copy(r.rel[:], rel)
	if err == nil && (r.step < 0 || int(r.step) >= len(steps)) {
		err = errDamaged
	}
	return err
}

// orders are the columns of each order, rising and falling. Each pair is one index,
// read in one direction or the other.
var orders = map[string][2]string{
	agent.ByName: {`fold, domain`, `fold DESC, domain DESC`},
	agent.ByHeld: {`held, fold DESC, domain DESC`, `held DESC, fold, domain`},
	agent.ByUsed: {`used, fold DESC, domain DESC`, `used DESC, fold, domain`},
	agent.ByStep: {`step, fold DESC, domain DESC`, `step DESC, fold, domain`},
	agent.ByDue:  {`due, fold, domain`, `due DESC, fold DESC, domain DESC`},
}

// A choice is what a query chooses from the list. The texts are few, so that each
// stays prepared.
type choice struct {
	where string // of a row by itself
	args  []any
	sets  []set // in all of which its domain is
}

// A set is of domains, in two spellings: as a list, for what is in few, and as a
// question to each row, where a page is soon full. Both have the same parameters.
type set struct {
	list, has string
	args      []any
}

func choose(q *agent.CompanyQuery) (c choice) {
	and := func(condition string, with ...any) {
		c.where, c.args = c.where+` AND `+condition, append(c.args, with...)
	}
	if q.Search != "" {
		// As bytes: of a text, SQLite would make a copy for each row.
		s := []byte(agent.FoldName(q.Search))
		and(`(instr(CAST(fold AS BLOB), ?) > 0 OR instr(CAST(company.domain AS BLOB), ?) > 0)`, s, s)
	}
	switch q.Show {
	case agent.ShowGuessed:
		and(`flags & ? <> 0`, flagGuessed)
	case agent.ShowConfirmed:
		and(`flags & ? = 0`, flagGuessed)
	case agent.ShowAgreed:
		and(`agreement <> '' AND flags & ? = 0`, flagClosed)
	case agent.ShowGateway:
		and(`flags & ? <> 0`, flagGateway)
	case agent.ShowLate:
		and(`due < ?`, string(q.Today))
	case agent.ShowDuplicates:
		and(`flags & ? <> 0`, flagTwice)
	case agent.ShowSilent:
		// Rows have seconds, so that a moment within one is the next.
		and(`used > ? AND used < ?`, noSign, q.Silent.Add(time.Second-1).Unix())
	}
	if q.Group != "" {
		c.sets = append(c.sets, set{
			`SELECT domain FROM company_group WHERE name = ?`,
			`EXISTS (SELECT 1 FROM company_group g WHERE name = ? AND g.domain = company.domain)`,
			[]any{q.Group}})
	}
	if q.Holds != "" {
		value, args := ``, []any{q.Holds}
		if q.Value != "" {
			value, args = ` AND s.fold = ?`, append(args, agent.FoldText(q.Value))
		}
		held, stated := `FROM holding s WHERE fact = ?`+value+` AND `+ours, `FROM statement s WHERE fact = ?`+value+` AND `+ours
		c.sets = append(c.sets, set{
			`SELECT key ` + held + ` UNION ALL SELECT domain ` + stated,
			`(EXISTS (SELECT 1 ` + held + ` AND s.key = company.domain) OR EXISTS (SELECT 1 ` + stated + ` AND s.domain = company.domain))`,
			append(args, args...)})
	}
	return c
}

// A plan is how the companies of sets are found.
type plan int

const (
	counted plan = iota // all are read, and looked for in a list
	sorted              // those in the list are read, and sorted
	walked              // they are read in their order, and each is asked, until the page is full
)

// planFor returns the cheaper way to a page that ends at row end of total, among all
// companies. To look for one that is in a list, and to sort it, costs about twice as
// much as to ask the next one.
func planFor(end, total, all int) plan {
	if total == 0 || 2*total <= min(all, end*all/total) {
		return sorted
	}
	return walked
}

// query returns the condition of a query and its parameters. A plus before a column
// keeps SQLite from going by that: the rows are to come in the order of the list.
func (c *choice) query(p plan) (where string, args []any) {
	where, args = c.where, slices.Clone(c.args)
	for _, s := range c.sets {
		switch p {
		case counted:
			where += ` AND +company.domain IN (` + s.list + `)`
		case sorted:
			where += ` AND company.domain IN (` + s.list + `)`
		case walked:
			where += ` AND ` + s.has
		}
		args = append(args, s.args...)
	}
	if where != "" {
		where = ` WHERE ` + strings.TrimPrefix(where, ` AND `)
	}
	return where, args
}

// Companies implements [agent.Store].
func (s *Store) Companies(ctx context.Context, q agent.CompanyQuery) (page []agent.Company, total int, err error) {
	if err := q.Check(); err != nil {
		return nil, 0, err
	}
	if q.Sort == "" {
		q.Sort = agent.ByName
	}
	order := orders[q.Sort][0]
	if q.Desc {
		order = orders[q.Sort][1]
	}
	limit := q.Limit
	if limit <= 0 {
		limit = -1
	}
	if q.Search != "" && limit > 0 {
		names, err := s.names(ctx)
		if err != nil {
			return nil, 0, err
		}
		found := names.find(agent.FoldName(q.Search))
		rest := q
		rest.Search = ""
		if all := choose(&rest); len(found) == 0 || all.where == "" && len(all.sets) == 0 && q.Sort == agent.ByName {
			if q.Desc {
				slices.Reverse(found)
			}
			page, err = s.companiesAt(ctx, order, found[min(q.Offset, len(found)):min(q.Offset+limit, len(found))])
			return page, len(found), err
		}
	}
	c := choose(&q)
	how := walked
	if len(c.sets) > 0 {
		all, err := s.total(ctx, &choice{})
		if err != nil {
			return nil, 0, err
		}
		if total, err = s.total(ctx, &c); err != nil {
			return nil, 0, err
		}
		end := total
		if limit > 0 {
			end = min(total, q.Offset+limit)
		}
		how = planFor(end, total, all)
	}
	where, args := c.query(how)
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := listIn(ctx, tx, scanCompany, `SELECT `+companyColumns+` FROM company`+where+` ORDER BY `+order+` LIMIT ? OFFSET ?`,
			append(args, limit, q.Offset)...)
		if err != nil {
			return err
		}
		page = make([]agent.Company, len(rows))
		for i := range rows {
			page[i] = rows[i].company()
		}
		return groupsOf(ctx, tx, page)
	})
	switch last := q.Offset + len(page); {
	case err != nil:
		return nil, 0, err
	case len(page) == limit || len(page) == 0 && q.Offset > 0:
		total, err = s.total(ctx, &c)
		total = max(total, q.Offset*min(1, len(page))+len(page)) // it was counted at another moment
	default: // a page that isn't full shows where the list ends
		total = last
	}
	return page, total, err
}

// total counts how many companies are chosen.
func (s *Store) total(ctx context.Context, c *choice) (int, error) {
	where, args := c.query(counted)
	return s.totals.get(s.db, fmt.Sprintf("%s %q", where, args), func() (n int, err error) {
		err = s.db.View(ctx, func(tx *sqlite.Tx) error {
			return tx.QueryRowContext(ctx, `SELECT count(*) FROM company`+where, args...).Scan(&n)
		})
		return n, err
	})
}

// CompaniesAt implements [agent.Store].
func (s *Store) CompaniesAt(ctx context.Context, domains ...string) ([]agent.Company, error) {
	return s.companiesAt(ctx, `domain`, domains)
}

func (s *Store) companiesAt(ctx context.Context, order string, domains []string) (all []agent.Company, err error) {
	if len(domains) == 0 {
		return nil, nil
	}
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := listIn(ctx, tx, scanCompany, `SELECT `+companyColumns+` FROM company WHERE domain IN (`+inList+`) ORDER BY `+order, jsonList(domains))
		for i := range rows {
			all = append(all, rows[i].company())
		}
		if err != nil {
			return err
		}
		return groupsOf(ctx, tx, all)
	})
	return all, err
}

// groupsOf fills in the groups of companies.
func groupsOf(ctx context.Context, tx *sqlite.Tx, companies []agent.Company) error {
	at := make(map[string]*agent.Company, len(companies))
	domains := make([]string, len(companies))
	for i := range companies {
		at[companies[i].Domain], domains[i] = &companies[i], companies[i].Domain
	}
	for part := range slices.Chunk(domains, manyDomains) {
		rows, err := tx.QueryContext(ctx, `SELECT domain, name FROM company_group WHERE domain IN (SELECT value FROM json_each(?)) ORDER BY domain, name`, jsonList(part))
		if err != nil {
			return err
		}
		for rows.Next() {
			var domain, name string
			if err := rows.Scan(&domain, &name); err != nil {
				return err
			}
			at[domain].Groups = append(at[domain].Groups, name)
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

// manyDomains is how many are given to one statement, as a JSON list.
const manyDomains = 500

func jsonText(v any) string { return string(firsthand.EncodeJSON(v)) }

// jsonList returns a list for json_each. None is an empty one: nil would be the JSON null,
// of which json_each makes a row.
func jsonList[T any](all []T) string {
	if len(all) == 0 {
		return "[]"
	}
	return jsonText(all)
}

// CompanyRelationships implements [agent.Store].
func (s *Store) CompanyRelationships(ctx context.Context, domain string) ([]agent.Relationship, error) {
	return list(ctx, s, scanRelationship, readRelationship+`WHERE key = ? ORDER BY opened, r.n`, domain)
}

// CompanyHolders implements [agent.Store].
func (s *Store) CompanyHolders(ctx context.Context, domain string) (all []agent.Holder, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		rows, err := readHoldings(ctx, tx, `WHERE relationship IN (SELECT id FROM relationship WHERE key = ?) ORDER BY fact, domain, relationship, n`, domain)
		values := make(map[string]firsthand.Value)
		for i := range rows {
			h, herr := rows[i].holder(values)
			all, err = append(all, h), errors.Join(err, herr)
		}
		return err
	})
	return all, err
}

// Owned implements [agent.Store].
func (s *Store) Owned(ctx context.Context) iter.Seq2[agent.OwnCompany, error] {
	return func(yield func(agent.OwnCompany, error) bool) {
		var all []agent.OwnCompany
		err := s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
			all, err = readOwned(ctx, tx, `SELECT domain FROM company_own UNION SELECT domain FROM company_group`)
			return err
		})
		if err != nil {
			yield(agent.OwnCompany{}, err)
			return
		}
		for _, own := range all {
			if !yield(own, nil) {
				return
			}
		}
	}
}

// Own implements [agent.Store].
func (s *Store) Own(ctx context.Context, domains ...string) (own map[string]agent.OwnCompany, err error) {
	own = make(map[string]agent.OwnCompany, len(domains))
	err = s.db.View(ctx, func(tx *sqlite.Tx) error {
		all, err := readOwned(ctx, tx, `SELECT DISTINCT value FROM json_each(?)`, jsonList(domains))
		for _, o := range all {
			own[o.Domain] = o
		}
		return err
	})
	return own, err
}

// readOwned returns what is hers of the companies whose domains a query finds,
// sorted.
func readOwned(ctx context.Context, tx *sqlite.Tx, domains string, args ...any) (all []agent.OwnCompany, err error) {
	all, err = listIn(ctx, tx, func(rows *sqlite.Rows, own *agent.OwnCompany) error {
		return rows.Scan(&own.Domain, &own.Name, &own.Confirmed, &own.Channel, &own.Gateway, &own.Address, &own.Lang)
	}, `WITH d (domain) AS (`+domains+`)
		SELECT d.domain, coalesce(o.name, ''), coalesce(o.confirmed, 0), coalesce(o.channel, ''), coalesce(o.gateway, 0), coalesce(o.address, ''), coalesce(o.lang, '')
		FROM d LEFT JOIN company_own o ON o.domain = d.domain ORDER BY d.domain`, args...)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(all))
	for i, own := range all {
		at[own.Domain] = i
	}
	rows, err := tx.QueryContext(ctx, `WITH d (domain) AS (`+domains+`)
		SELECT g.domain, g.name FROM d JOIN company_group g ON g.domain = d.domain ORDER BY g.domain, g.name`, args...)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var domain, name string
		if err := rows.Scan(&domain, &name); err != nil {
			return nil, err
		}
		own := &all[at[domain]]
		own.Groups = append(own.Groups, name)
	}
	return all, rows.Err()
}

// Groups implements [agent.Store].
func (s *Store) Groups(ctx context.Context) ([]agent.GroupCount, error) {
	all, err := s.groups.get(s.db, "", func() ([]agent.GroupCount, error) {
		return list(ctx, s, func(rows *sqlite.Rows, g *agent.GroupCount) error { return rows.Scan(&g.Name, &g.Companies) },
			`SELECT name, count(*) FROM company_group GROUP BY name ORDER BY name`)
	})
	return slices.Clone(all), err
}
