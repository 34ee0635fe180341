package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand/fault"
)

// arrive tells the others that this process is there.
func (s *Store) arrive(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO process (id, beat, until) VALUES ($1, 0, now() + $2)`, s.id, s.o.Lease)
	if err != nil {
		return unavailable(err)
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	if !s.alone.Load() {
		return s.notify(ctx, nil) // so that they tell us what they write
	}
	return nil
}

// leave gives back what this process has held.
func (s *Store) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var b pgx.Batch
	b.Queue(`DELETE FROM hold WHERE process = $1`, s.id)
	b.Queue(`DELETE FROM process WHERE id = $1`, s.id)
	return unavailable(s.pool.SendBatch(ctx, &b).Close())
}

// look finds out whether there are other processes.
func (s *Store) look(ctx context.Context) error {
	var others bool
	err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM process WHERE id <> $1 AND until > now())`, s.id).Scan(&others)
	if err == nil {
		s.alone.Store(!others)
	}
	return unavailable(err)
}

// beatAll says again and again that this process is there, four times in the time for
// which that is believed.
func (s *Store) beatAll(ctx context.Context) {
	tick := time.NewTicker(s.o.Lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if err := s.beatOnce(ctx); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("the database does not answer", "err", err)
		}
	}
}

// errPast says that the database is not the one that this process has left: it lacks
// something that had been committed.
var errPast = fmt.Errorf("%w: the database has gone back to what it was before", fault.Internal)

// beatOnce counts on from what this process has told last. A database that counts
// less is a backup that was put back, or a replica that lagged behind and is now the
// primary: so nothing is to be signed until the agents have told what they have.
func (s *Store) beatOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Lease/2)
	defer cancel()
	last := s.beat.Load() // or more, where it isn't known whether it counted
	var beat int64
	err := s.pool.QueryRow(ctx, `UPDATE process SET beat = beat + 1, until = now() + $3 WHERE id = $1 AND beat >= $2 RETURNING beat`,
		s.id, last, s.o.Lease).Scan(&beat)
	if errors.Is(err, pgx.ErrNoRows) {
		if err := s.markRestored(ctx); err != nil {
			return err
		}
		s.o.Log.Error("relationships marked as restored", "err", errPast)
		_, err := s.pool.Exec(ctx, `
			INSERT INTO process (id, beat, until) VALUES ($1, $2, now() + $3)
			ON CONFLICT (id) DO UPDATE SET beat = excluded.beat, until = excluded.until`, s.id, last, s.o.Lease)
		return unavailable(err)
	}
	if err != nil {
		return unavailable(err)
	}
	s.beat.Store(beat)
	return s.look(ctx)
}

// Hold implements [gateway.Shared]. The row is taken over from a process that is gone.
func (s *Store) Hold(ctx context.Context, what string) (bool, error) {
	var ours string
	err := s.pool.QueryRow(ctx, `
		INSERT INTO hold (what, process) SELECT $1, id FROM process WHERE id = $2 AND until > now()
		ON CONFLICT (what) DO UPDATE SET process = excluded.process
		WHERE hold.process = excluded.process OR NOT EXISTS (SELECT 1 FROM process WHERE id = hold.process AND until > now())
		RETURNING process`, what, s.id).Scan(&ours)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, unavailable(err)
}

// Release implements [gateway.Shared]. A power cut may undo it: then it is free when
// this process is gone, or holds it again.
func (s *Store) Release(ctx context.Context, what string) error {
	var b pgx.Batch
	b.Queue(`SELECT set_config('synchronous_commit', 'off', true)`)
	b.Queue(`DELETE FROM hold WHERE what = $1 AND process = $2`, what, s.id)
	return unavailable(s.pool.SendBatch(ctx, &b).Close())
}
