package pgstore

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// Append implements [firsthand.Log].
func (s *Store) Append(ctx context.Context, entries ...firsthand.Entry) error {
	return s.Commit(ctx, gateway.Commit{Entries: entries})
}

const queryHead = `SELECT seq, id FROM entry WHERE rel = $1 AND side = $2 ORDER BY seq DESC LIMIT 1`

// Head implements [firsthand.Log].
func (s *Store) Head(ctx context.Context, rel firsthand.ID, side firsthand.Side) (h firsthand.Head, err error) {
	err = s.pool.QueryRow(ctx, queryHead, rel[:], number(side)).Scan(&h.Seq, id32{&h.ID})
	if errors.Is(err, pgx.ErrNoRows) {
		return h, nil
	}
	return h, unavailable(err)
}

// A page is how much of a log is read at once: no connection is in use while the
// caller looks at an entry, and memory stays small. The first is short, because often
// one entry is all that is wanted.
const (
	firstPage   = 4
	pageEntries = 256
)

// Entries implements [firsthand.Log].
func (s *Store) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	return func(yield func(firsthand.Entry, error) bool) {
		for size := firstPage; ; size = min(16*size, pageEntries) {
			page, err := s.page(ctx, rel, side, after, size)
			if err != nil {
				yield(firsthand.Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				after = e.Seq
			}
			if len(page) < size {
				return
			}
		}
	}
}

const queryPage = `SELECT signed, salt, body FROM entry WHERE rel = $1 AND side = $2 AND seq > $3 ORDER BY seq LIMIT $4`

func (s *Store) page(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64, size int) (page []firsthand.Entry, err error) {
	return list(ctx, s, scanEntry, queryPage, rel[:], number(side), after, size)
}

func scanEntry(row pgx.CollectableRow) (firsthand.Entry, error) {
	var signed, salt, body []byte
	if err := row.Scan(&signed, &salt, &body); err != nil {
		return firsthand.Entry{}, err
	}
	return parse(signed, salt, body)
}

// parse reads an entry that was checked when it was written. What doesn't parse is
// corruption.
func parse(signed, salt, body []byte) (firsthand.Entry, error) {
	e, err := firsthand.ParseEntry(signed)
	if err != nil {
		return e, fmt.Errorf("%w: an entry in the database: %v", fault.Internal, err)
	}
	if len(body) > 0 { // else it was erased
		e.Salt, e.Body = salt, body
	}
	return e, nil
}

const queryLogs = `SELECT signed, salt, body FROM entry WHERE rel = $1 ORDER BY side, seq`

// Load implements [gateway.Shared], in one round trip.
func (s *Store) Load(ctx context.Context, rel firsthand.ID) (row gateway.Relationship, first, second []firsthand.Entry, err error) {
	var b pgx.Batch
	b.Queue(queryRow, rel[:])
	b.Queue(queryLogs, rel[:])
	results := s.pool.SendBatch(ctx, &b)
	defer results.Close() // what matters was read
	rows, err := results.Query()
	if err == nil {
		row, err = pgx.CollectExactlyOneRow(rows, oneRelationship)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return row, nil, nil, fmt.Errorf("relationship: %w", fault.NotExist)
	}
	if err != nil {
		return row, nil, nil, unavailable(err)
	}
	if rows, err = results.Query(); err != nil {
		return row, nil, nil, unavailable(err)
	}
	all, err := pgx.CollectRows(rows, scanEntry)
	for i := range all {
		if all[i].Side == firsthand.Second {
			return row, all[:i:i], all[i:], unavailable(err)
		}
	}
	return row, all, nil, unavailable(err)
}

const queryGlance = `SELECT ` + relationshipColumns + `, ends FROM relationship WHERE id = $1`

// Glance implements [gateway.Shared].
func (s *Store) Glance(ctx context.Context, rel firsthand.ID) (row gateway.Relationship, ends []byte, err error) {
	rows, err := s.pool.Query(ctx, queryGlance, rel[:])
	if err != nil {
		return row, nil, unavailable(err)
	}
	row, err = pgx.CollectExactlyOneRow(rows, func(r pgx.CollectableRow) (gateway.Relationship, error) {
		return scanRelationship(r, &ends)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = fmt.Errorf("relationship: %w", fault.NotExist)
	}
	return row, ends, unavailable(err)
}

const queryVersion = `SELECT version FROM relationship WHERE id = $1`

// Version implements [gateway.Shared].
func (s *Store) Version(ctx context.Context, rel firsthand.ID) (version int64, err error) {
	err = s.pool.QueryRow(ctx, queryVersion, rel[:]).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return version, unavailable(err)
}

// id32 scans a blob of 32 bytes.
type id32 struct{ to *firsthand.ID }

// ScanBytes implements pgtype.BytesScanner.
func (v id32) ScanBytes(b []byte) error {
	if len(b) != 32 {
		return fmt.Errorf("%w: not an id of 32 bytes", fault.Internal)
	}
	copy(v.to[:], b)
	return nil
}
