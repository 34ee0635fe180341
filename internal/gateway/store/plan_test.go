package store

import (
	"strings"
	"testing"

	"firsthand/internal/sqlite"
)

// What is asked in the background and by each call goes by an index: a full scan
// of a table would grow with the company.
func TestQueriesUseIndexes(t *testing.T) {
	s, err := Create(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, query := range []string{
		queryReady,
		queryReadyTickets,
		queryDue,
		queryHead,
		queryPage,
		queryBehind,
		queryOfRecord,
		queryChallenged,
		queryAudits,
		queryFrozen,
		queryOwed,
		queryFailed,
		queryEnded,
		queryTook,
		queryLines,
		queryDuties,
	} {
		err := s.db.View(t.Context(), func(tx *sqlite.Tx) error {
			n := strings.Count(query, "?")
			rows, err := tx.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, n)...)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					return err
				}
				if table, ok := strings.CutPrefix(detail, "SCAN "); ok && !strings.Contains(table, "USING") && table != "r" {
					t.Errorf("%s\n%s", detail, query)
				}
				t.Log(detail)
			}
			return rows.Err()
		})
		if err != nil {
			t.Errorf("%v\n%s", err, query)
		}
	}
}
