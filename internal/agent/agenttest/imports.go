package agenttest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"firsthand/fault"
	"firsthand/internal/agent"
)

// counting returns the accounts of kept imports that count, in the order of IDs: of
// the same account several times, the last.
func (l *life) counting() []agent.Account { return l.countingBefore(1 << 62) }

// countingBefore is counting as if only imports with lower numbers than id were there.
func (l *life) countingBefore(id int64) (all []agent.Account) {
	last := make(map[int64]agent.Account)
	for _, i := range slices.Sorted(maps.Keys(l.accounts)) {
		if l.imports[i].State == agent.Kept && i < id {
			for _, acc := range l.accounts[i] {
				last[acc.Key()] = acc
			}
		}
	}
	all = slices.Collect(maps.Values(last))
	slices.SortFunc(all, byID)
	return all
}

func byID(a, b agent.Account) int { return cmp.Compare(a.ID, b.ID) }

// changeAccounts applies fn to every account of every import.
func (l *life) changeAccounts(fn func(*agent.Account)) {
	for id, accounts := range l.accounts {
		changed := slices.Clone(accounts)
		for i := range changed {
			fn(&changed[i])
		}
		l.accounts[id] = changed
	}
}

// keep makes a preview count. What she said of an account goes over to the same
// account in a newer import.
func (l *life) keep(id int64) error {
	im, ok := l.imports[id]
	if !ok || im.State == agent.Reading {
		return fmt.Errorf("%w: no import %d to keep", fault.NotExist, id)
	}
	if im.State == agent.Kept {
		return nil
	}
	before := make(map[int64]agent.Account)
	for _, acc := range l.countingBefore(id) {
		before[acc.Key()] = acc
	}
	accounts := slices.Clone(l.accounts[id])
	for i := range accounts {
		acc := &accounts[i]
		old, ok := before[acc.Key()]
		if ok && old.Assigned && !acc.Assigned {
			acc.Domain, acc.Assigned = old.Domain, true
		}
		acc.Quiet = acc.Quiet || ok && old.Quiet
	}
	l.accounts[id] = accounts
	im.State = agent.Kept
	l.imports[id] = im
	delete(l.cards, id)
	l.recount(id)
	return nil
}

// preview returns the companies of an import, by domain. New says whether nothing
// else says that they are hers.
func (l *life) preview(id int64) (rows []agent.PreviewRow) {
	known := make(map[string]bool)
	for _, c := range l.companies() {
		known[c.Domain] = true
	}
	byDomain := make(map[string]*agent.PreviewRow)
	keys := make(map[string]map[int64]bool)
	for _, acc := range l.accounts[id] {
		if acc.Domain == "" {
			continue
		}
		row := byDomain[acc.Domain]
		if row == nil {
			row = &agent.PreviewRow{Domain: acc.Domain, New: !known[acc.Domain]}
			byDomain[acc.Domain], keys[acc.Domain] = row, make(map[int64]bool)
		}
		keys[acc.Domain][acc.Key()] = true
		row.Accounts = len(keys[acc.Domain])
		if acc.Name != "" && (row.Name == "" || acc.Name < row.Name) {
			row.Name = acc.Name
		}
		if acc.Host != "" && !slices.Contains(row.Hosts, acc.Host) {
			row.Hosts = append(row.Hosts, acc.Host)
			slices.Sort(row.Hosts)
		}
	}
	for _, domain := range slices.Sorted(maps.Keys(byDomain)) {
		rows = append(rows, *byDomain[domain])
	}
	return rows
}

// recount counts the companies of an import anew. New is counted while it is a
// preview.
func (l *life) recount(id int64) {
	im := l.imports[id]
	n := &im.Counts
	n.Companies, n.Merged, n.Unsure = 0, 0, 0
	fresh := 0
	for _, row := range l.preview(id) {
		n.Companies++
		n.Merged += max(0, len(row.Hosts)-1)
		fresh += one(row.New)
	}
	if im.State == agent.Preview {
		n.New = fresh
	}
	for _, acc := range l.accounts[id] {
		n.Unsure += one(acc.Domain == "")
	}
	l.imports[id] = im
}

// change applies fn to a copy of m's life, which becomes m's life unless fn fails.
func (m *Memory) change(ctx context.Context, fn func(*life) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.life.copy()
	if err := fn(next); err != nil {
		return err
	}
	m.life = next
	return nil
}

// AddImport implements [agent.Store].
func (m *Memory) AddImport(ctx context.Context, i agent.Import) (id int64, err error) {
	err = m.change(ctx, func(l *life) error {
		l.lastImport++
		id = l.lastImport
		l.imports[id] = agent.Import{ID: id, Format: i.Format, File: i.File, At: plain(i.At), State: agent.Reading}
		return nil
	})
	return id, err
}

// AddFound implements [agent.Store].
func (m *Memory) AddFound(ctx context.Context, id int64, accounts []agent.Account, cards []agent.CardFound) error {
	return m.change(ctx, func(l *life) error {
		if l.imports[id].State != agent.Reading {
			return fmt.Errorf("%w: no import %d being read", fault.NotExist, id)
		}
		next := l.lastFound(id)
		for _, acc := range accounts {
			next++
			acc.ID, acc.Import, acc.Created, acc.Used = next, id, plain(acc.Created), plain(acc.Used)
			l.accounts[id] = append(l.accounts[id], acc)
		}
		for _, c := range cards {
			next++
			c.ID, c.Import = next, id
			l.cards[id] = append(l.cards[id], c)
		}
		return nil
	})
}

// FinishImport implements [agent.Store].
func (m *Memory) FinishImport(ctx context.Context, i agent.Import) (done agent.Import, err error) {
	err = m.change(ctx, func(l *life) error {
		im := l.imports[i.ID]
		if im.State != agent.Reading {
			return fmt.Errorf("%w: no import %d being read", fault.NotExist, i.ID)
		}
		im.State, im.Counts, im.Bad, im.Digest = agent.Preview, i.Counts, slices.Clone(i.Bad), i.Digest
		l.imports[i.ID] = im
		l.recount(i.ID)
		done = l.imports[i.ID]
		return nil
	})
	return done, err
}

// Imports implements [agent.Store].
func (m *Memory) Imports(ctx context.Context) ([]agent.Import, error) {
	return read(ctx, m, func(l *life) (all []agent.Import) {
		for _, id := range slices.Backward(slices.Sorted(maps.Keys(l.imports))) {
			all = append(all, l.imports[id])
		}
		return all
	})
}

// CompanyAccounts implements [agent.Store].
func (m *Memory) CompanyAccounts(ctx context.Context, domain string) ([]agent.Account, error) {
	return read(ctx, m, func(l *life) []agent.Account {
		return slices.DeleteFunc(l.counting(), func(acc agent.Account) bool { return acc.Domain != domain })
	})
}

// Accounts implements [agent.Store].
func (m *Memory) Accounts(ctx context.Context, id, after int64, limit int) ([]agent.Account, error) {
	return read(ctx, m, func(l *life) []agent.Account {
		return page(slices.DeleteFunc(slices.Clone(l.accounts[id]), func(acc agent.Account) bool { return acc.ID <= after }), 0, limit)
	})
}

// Unsure implements [agent.Store].
func (m *Memory) Unsure(ctx context.Context, id int64, offset, limit int) (rows []agent.Account, total int, err error) {
	rows, err = read(ctx, m, func(l *life) []agent.Account {
		return slices.DeleteFunc(slices.Clone(l.accounts[id]), func(acc agent.Account) bool { return acc.Domain != "" })
	})
	return page(rows, offset, limit), len(rows), err
}

// PreviewCompanies implements [agent.Store].
func (m *Memory) PreviewCompanies(ctx context.Context, id int64, offset, limit int) ([]agent.PreviewRow, int, error) {
	rows, err := read(ctx, m, func(l *life) []agent.PreviewRow { return l.preview(id) })
	total := len(rows)
	rows = page(rows, offset, limit)
	for i := range rows {
		rows[i].Hosts = page(rows[i].Hosts, 0, agent.MaxHosts)
	}
	return rows, total, err
}

// Cards implements [agent.Store].
func (m *Memory) Cards(ctx context.Context, id int64) ([]agent.CardFound, error) {
	return read(ctx, m, func(l *life) []agent.CardFound { return slices.Clone(l.cards[id]) })
}

// endReading removes imports that were being read when the program ended.
func (l *life) endReading() {
	l.dropLooseBlobs()
	for id, i := range l.imports {
		if i.State == agent.Reading {
			delete(l.imports, id)
			delete(l.accounts, id)
			delete(l.cards, id)
			delete(l.payments, id)
			delete(l.bounds, id)
		}
	}
}
