package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/internal/sqlite"
)

// A Report says what was read and found in order.
type Report struct {
	Relationships int
	Entries       int
	Erased        int // entries without their body
}

// Check reads everything and returns the first thing that is wrong: with the
// database, or with an entry, which is compared with its hash, its body, and the
// entry before it. Signatures are checked by [firsthand.Verify], relationship by
// relationship.
func (s *Store) Check(ctx context.Context) (Report, error) {
	a, err := audit(ctx, s.db)
	return a.Report, err
}

// An audited database is one that was read whole.
type audited struct {
	Report
	heads []LogHead // of all logs, sorted
}

// A LogHead is where one log ends.
type LogHead struct {
	Rel  firsthand.ID   `json:"rel"`
	Side firsthand.Side `json:"side"`
	Seq  int64          `json:"seq"`
	ID   firsthand.ID   `json:"id"`
}

// compare orders by relationship and side.
func (h LogHead) compare(o LogHead) int {
	if n := slices.Compare(h.Rel[:], o.Rel[:]); n != 0 {
		return n
	}
	switch {
	case h.Side < o.Side:
		return -1
	case h.Side > o.Side:
		return 1
	}
	return 0
}

func audit(ctx context.Context, db *sqlite.DB) (a audited, err error) {
	if err := db.Check(ctx); err != nil {
		return a, err
	}
	err = db.View(ctx, func(tx *sqlite.Tx) error {
		heads, err := a.entries(ctx, tx)
		if err != nil {
			return err
		}
		for l, h := range heads {
			a.heads = append(a.heads, LogHead{l.rel, l.side, h.Seq, h.ID})
		}
		slices.SortFunc(a.heads, LogHead.compare)
		return a.rows(ctx, tx)
	})
	return a, err
}

// entries reads all entries, in the order in which they were appended: so the
// disk is read from front to back, and each log still grows entry by entry.
func (a *audited) entries(ctx context.Context, tx *sqlite.Tx) (map[log]firsthand.Head, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+rowColumns+` FROM entry e LEFT JOIN body b ON b.entry = e.n ORDER BY e.n`)
	if err != nil {
		return nil, err
	}
	heads := make(map[log]firsthand.Head)
	var r row
	for rows.Next() {
		if err := r.scan(rows); err != nil {
			return nil, err
		}
		e, err := r.entry()
		if err != nil {
			return nil, err
		}
		at := log{e.Relationship(), e.Side}
		if h := heads[at]; e.Seq != h.Seq+1 || e.Prev != h.ID {
			return nil, broken(true, e.Side, h.Seq, at.rel)
		}
		heads[at] = e.Head()
		a.Entries++
		if !e.HasBody() {
			a.Erased++
		}
	}
	return heads, rows.Err()
}

// rows reads all other rows.
func (a *audited) rows(ctx context.Context, tx *sqlite.Tx) error {
	relationships, err := listIn(ctx, tx, scanRelationship, readRelationship)
	a.Relationships = len(relationships)
	if err != nil {
		return err
	}
	if _, err := listIn(ctx, tx, scanEvidence, `SELECT `+evidenceColumns+` FROM evidence`); err != nil {
		return err
	}
	if _, err := listIn(ctx, tx, scanFact, `SELECT name, value, updated FROM fact`); err != nil {
		return err
	}
	if _, err := readRecipients(ctx, tx); err != nil {
		return err
	}
	if err := errors.Join(readCompanies(ctx, tx), readEvery(ctx, tx, scanWaiting, allWaiting),
		readEvery(ctx, tx, scanMask, `SELECT `+maskColumns+` FROM mask`), readEvery(ctx, tx, scanLeak, `SELECT `+leakColumns+` FROM leak`)); err != nil {
		return err
	}
	if err := readMail(ctx, tx); err != nil {
		return err
	}
	holdings, err := readHoldings(ctx, tx, ``)
	values := make(map[string]firsthand.Value)
	for i := range holdings {
		_, herr := holdings[i].holder(values)
		err = errors.Join(err, herr)
	}
	return err
}

// readCompanies reads all rows about companies, one after the other: there may be
// a million.
func readCompanies(ctx context.Context, tx *sqlite.Tx) error {
	return errors.Join(
		readEvery(ctx, tx, scanCompany, `SELECT `+companyColumns+` FROM company`),
		readEvery(ctx, tx, scanStatement, `SELECT `+statementColumns+` FROM statement`),
		readEvery(ctx, tx, scanImport, `SELECT `+importColumns+` FROM import`),
		readEvery(ctx, tx, scanAccount, `SELECT `+accountColumns+` FROM account`),
		readEvery(ctx, tx, scanCard, `SELECT `+cardColumns+` FROM card`),
		readEvery(ctx, tx, scanListing, `SELECT name, about FROM listing_set`),
		readEvery(ctx, tx, scanRecord, `SELECT record FROM listing`),
	)
}

func readEvery[T any](ctx context.Context, tx *sqlite.Tx, scan func(*sqlite.Rows, *T) error, query string) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	for rows.Next() {
		var t T
		if err := scan(rows, &t); err != nil {
			return err
		}
	}
	return rows.Err()
}

// heads returns where each log ends, sorted, as the database has it.
func heads(ctx context.Context, db *sqlite.DB) (all []LogHead, err error) {
	err = db.View(ctx, func(tx *sqlite.Tx) (err error) {
		// With max, SQLite takes id from the row that has it.
		all, err = listIn(ctx, tx, func(rows *sqlite.Rows, h *LogHead) error {
			var rel, id sql.RawBytes
			err := rows.Scan(&rel, (*string)(&h.Side), &h.Seq, &id)
			copy(h.Rel[:], rel)
			copy(h.ID[:], id)
			return err
		}, `SELECT relationship, side, max(seq), id FROM entry GROUP BY relationship, side`)
		return err
	})
	slices.SortFunc(all, LogHead.compare)
	return all, err
}

// sameHeads returns an error unless two lists of heads are one.
func sameHeads(got, want []LogHead) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d logs, want %d", len(got), len(want))
	}
	for i, h := range got {
		if h != want[i] {
			return fmt.Errorf("the %s log of %s ends at %d %s, want %s of %s at %d %s",
				h.Side, h.Rel, h.Seq, h.ID, want[i].Side, want[i].Rel, want[i].Seq, want[i].ID)
		}
	}
	return nil
}
