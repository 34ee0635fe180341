package store

import (
	"maps"
	"slices"
)

// With secure_delete SQLite overwrites what is deleted. But where rows come in no
// order it has moved them from page to page before, and what a page had in its gap
// then stays there: a copy of what is deleted later somewhere else. So where
// something was erased from such a table, all of it is written anew, in order, on
// pages that are empty; those that it had are overwritten whole.
//
// Accounts come in the order of their IDs and stay where they are; their index by
// company is made anew. It is the one thing here that takes longer the more she has
// brought: some five seconds for a million accounts.
var scrubbing = map[string][]string{
	"company":       rewrite("company", "n"),
	"company_own":   rewrite("company_own", "domain"),
	"company_group": rewrite("company_group", "name, domain"),
	"statement":     rewrite("statement", "fact, domain, fold, origin"),
	"found":         rewrite("found", "import, domain"),
	"account":       {`REINDEX account_domain`},
	"contract":      rewrite("contract", "id"),
}

// everything is all that an import may have left its mark on.
var everything = slices.Collect(maps.Keys(scrubbing))

// rewrite returns what writes a table anew. The copy is in memory.
func rewrite(table, order string) []string {
	return []string{
		`CREATE TEMP TABLE copy_` + table + ` AS SELECT * FROM main.` + table + ` ORDER BY ` + order,
		`DELETE FROM main.` + table,
		`INSERT INTO main.` + table + ` SELECT * FROM copy_` + table,
		`DROP TABLE temp.copy_` + table,
	}
}

// eraseFrom notes that something was erased from tables.
func (w *writer) eraseFrom(tables ...string) {
	w.erased = true
	if w.scrubs == nil {
		w.scrubs = make(map[string]bool)
	}
	for _, t := range tables {
		w.scrubs[t] = true
	}
}

// scrub removes what is left of what was erased, at the end of a commit.
func (w *writer) scrub() error {
	if testOnlyBugs.noScrub {
		return nil
	}
	for _, table := range slices.Sorted(maps.Keys(w.scrubs)) {
		for _, query := range scrubbing[table] {
			if _, err := w.exec(query); err != nil {
				return err
			}
		}
	}
	return nil
}
