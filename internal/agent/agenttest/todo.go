package agenttest

import (
	"context"
	"iter"
	"time"

	"firsthand/internal/agent"
	"firsthand/internal/agent/directory"
)

// Companies implements [agent.Store].
func (m *Memory) Companies(ctx context.Context, q agent.CompanyQuery) (rows []agent.Company, total int, err error) {
	return nil, 0, nil
}

// CompanyRelationships implements [agent.Store].
func (m *Memory) CompanyRelationships(ctx context.Context, domain string) (found []agent.Relationship, err error) {
	all, err := m.Relationships(ctx)
	for _, r := range all {
		if agent.CompanyKey(r.Domain) == domain {
			found = append(found, r)
		}
	}
	return found, err
}

// Owned implements [agent.Store].
func (m *Memory) Owned(ctx context.Context) iter.Seq2[agent.OwnCompany, error] {
	return func(func(agent.OwnCompany, error) bool) {}
}

// Groups implements [agent.Store].
func (m *Memory) Groups(ctx context.Context) ([]agent.GroupCount, error) { panic("TODO") }

// RebuildCompanies implements [agent.Store].
func (m *Memory) RebuildCompanies(ctx context.Context) (differed []string, err error) {
	return nil, nil
}

// AddImport implements [agent.Store].
func (m *Memory) AddImport(ctx context.Context, i agent.Import) (id int64, err error) { panic("TODO") }

// AddFound implements [agent.Store].
func (m *Memory) AddFound(ctx context.Context, id int64, accounts []agent.Account, cards []agent.CardFound) error {
	panic("TODO")
}

// FinishImport implements [agent.Store].
func (m *Memory) FinishImport(ctx context.Context, i agent.Import) (agent.Import, error) {
	panic("TODO")
}

// Imports implements [agent.Store].
func (m *Memory) Imports(ctx context.Context) ([]agent.Import, error) { panic("TODO") }

// CompanyAccounts implements [agent.Store].
func (m *Memory) CompanyAccounts(ctx context.Context, domain string) ([]agent.Account, error) {
	panic("TODO")
}

// Accounts implements [agent.Store].
func (m *Memory) Accounts(ctx context.Context, id, after int64, limit int) ([]agent.Account, error) {
	panic("TODO")
}

// Unsure implements [agent.Store].
func (m *Memory) Unsure(ctx context.Context, id int64, offset, limit int) ([]agent.Account, int, error) {
	panic("TODO")
}

// PreviewCompanies implements [agent.Store].
func (m *Memory) PreviewCompanies(ctx context.Context, id int64, offset, limit int) ([]agent.PreviewRow, int, error) {
	panic("TODO")
}

// Cards implements [agent.Store].
func (m *Memory) Cards(ctx context.Context, id int64) ([]agent.CardFound, error) { panic("TODO") }

// Statements implements [agent.Store].
func (m *Memory) Statements(ctx context.Context, fact, domain string) iter.Seq2[agent.Statement, error] {
	return func(func(agent.Statement, error) bool) {}
}

// Suggestions implements [agent.Store].
func (m *Memory) Suggestions(ctx context.Context, limit int) ([]agent.Suggestion, error) {
	panic("TODO")
}

// Insight implements [agent.Store].
func (m *Memory) Insight(ctx context.Context, silent time.Time) (agent.Insight, error) { panic("TODO") }

// Listings implements [agent.Store].
func (m *Memory) Listings(ctx context.Context) ([]agent.Listing, error) { panic("TODO") }

// Records implements [agent.Store].
func (m *Memory) Records(ctx context.Context, hosts ...string) ([]directory.Record, error) {
	panic("TODO")
}

// Shares implements [agent.Store].
func (m *Memory) Shares(ctx context.Context) ([]directory.Record, error) { panic("TODO") }
