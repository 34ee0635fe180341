package pgstore

import (
	"context"
	"io/fs"
	"testing"

	"github.com/jackc/pgx/v5"

	"firsthand/internal/gateway"
)

// OptionsOf returns how s was opened.
func OptionsOf(s *Store) Options { return s.o }

// Hot are the queries of calls and deliveries, and Across those that go over all
// relationships.
var (
	Hot = map[string]string{
		"row": queryRow, "glance": queryGlance, "version": queryVersion, "logs": queryLogs, "page": queryPage, "head": queryHead,
		"deliveries": queryDeliveries, "delivery": queryDelivery, "challenges": queryChallenges, "drafts": queryDrafts,
		"evidence": queryEvidence, "audit": queryAudit,
		"insert entries": insertEntries, "put deliveries": putDeliveries, "update rows": updateRows, "update row": updateRow,
	}
	Across = map[string]string{
		"ready": queryReady, "ready tickets": queryReadyTickets, "due": queryDue, "behind": queryBehind, "of record": queryOfRecord, "challenged": queryChallenged,
		"relationships": queryRelationships,
	}
)

// CreateAt makes the tables as they were after n steps.
func CreateAt(t testing.TB, o Options, n int) {
	t.Helper()
	s, err := connect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.pool.Close()
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err == nil {
		err = pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error { return migrateFrom(t.Context(), tx, steps[:n], 0) })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Kill ends s as the end of its process does: nothing is given back.
func Kill(s *Store) {
	s.once.Do(func() {
		s.stop()
		s.work.Wait()
		s.pool.Close()
	})
}

// CommitTogether commits in one transaction what came at the same time.
func CommitTogether(s *Store, commits ...gateway.Commit) (errs []error) {
	group := make([]*request, len(commits))
	for i := range commits {
		group[i] = &request{commit: &commits[i], done: make(chan error, 1)}
	}
	s.commitGroup(group)
	for _, r := range group {
		errs = append(errs, <-r.done)
	}
	return errs
}

// Expire has the time pass for which s is believed to be there.
func Expire(t testing.TB, by, s *Store) {
	t.Helper()
	if _, err := by.pool.Exec(context.Background(), `UPDATE process SET until = now() WHERE id = $1`, s.id); err != nil {
		t.Fatal(err)
	}
}

// Beat says that s is there.
func Beat(t testing.TB, s *Store) {
	t.Helper()
	if err := s.beatOnce(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// Vacuum removes from the tables what was erased.
func Vacuum(t testing.TB, s *Store) {
	t.Helper()
	if err := s.vacuum(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func steps(t testing.TB) []string {
	t.Helper()
	all, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Forms returns how many forms the tables have had.
func Forms(t testing.TB) int { return len(steps(t)) }

// Raise brings tables of the first form to a later one.
func Raise(t testing.TB, url string, form int) {
	t.Helper()
	s, err := connect(t.Context(), Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer s.pool.Close()
	if err := pgx.BeginFunc(t.Context(), s.pool, func(tx pgx.Tx) error {
		return migrateFrom(t.Context(), tx, steps(t)[:form], 1)
	}); err != nil {
		t.Fatal(err)
	}
}
