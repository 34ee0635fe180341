package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/internal/gateway"
)

// queueErasure sets to NULL what an erased entry of second's names. There is no index
// by id, which would cost each append; to erase is rare, and a relationship is short.
func queueErasure(b *pgx.Batch, e *firsthand.Entry) {
	if e.Side != firsthand.Second {
		return
	}
	gone := e.Erases()
	if len(gone) == 0 {
		return
	}
	ids := make([][]byte, len(gone))
	for i := range gone {
		ids[i] = gone[i][:]
	}
	rel := e.Relationship()
	b.Queue(`UPDATE entry SET salt = NULL, body = NULL WHERE rel = $1 AND id = ANY ($2) AND body IS NOT NULL`, rel[:], ids)
}

// erases reports whether c removes what somebody said.
func erases(c *gateway.Commit) bool {
	if len(c.DropDrafts) > 0 || len(c.Replace) > 0 {
		return true
	}
	for i := range c.Entries {
		if e := &c.Entries[i]; e.Side == firsthand.Second && len(e.Erases()) > 0 {
			return true
		}
	}
	return false
}

// vacuumEvery is how often tables are vacuumed at most because something was erased.
const vacuumEvery = time.Minute

// vacuumAll removes what was erased from the tables' pages, some time after it was.
// It passes over the pages on which nothing has changed, and leaves indexes alone,
// in which there are no bodies.
func (s *Store) vacuumAll(ctx context.Context) {
	for {
		select {
		case <-s.erased:
		case <-ctx.Done():
			return
		}
		if err := s.vacuum(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("vacuum after erasing", "err", err)
		}
		pause := time.NewTimer(vacuumEvery)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}

func (s *Store) vacuum(ctx context.Context) error {
	for _, table := range []string{"entry", "draft"} {
		if _, err := s.pool.Exec(ctx, `VACUUM (INDEX_CLEANUP off, TRUNCATE off, SKIP_LOCKED) `+table); err != nil {
			return err
		}
	}
	return nil
}
