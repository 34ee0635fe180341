package pgstore

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"firsthand"
	"firsthand/internal/gateway"
)

// channel is what processes tell each other on: who tells, and the IDs of
// relationships in which second has written.
const channel = "firsthand"

// maxTold is how many IDs one message has: PostgreSQL takes 8,000 bytes.
const maxTold = 160

// committed has others hear what c has changed. It is not told in the transaction
// itself: telling takes a lock that all tellers share, through the wait for the disk.
func (s *Store) committed(c *gateway.Commit) {
	if erases(c) {
		select {
		case s.erased <- struct{}{}:
		default:
		}
	}
	if s.alone.Load() {
		return
	}
	for i := range c.Entries {
		if e := &c.Entries[i]; e.Side == firsthand.Second {
			rel := e.Relationship()
			select {
			case s.tell <- rel[:]:
			default: // they hear of it when the agent asks again
			}
			return
		}
	}
}

// tellAll tells what has been committed, in as few messages as there is time for.
func (s *Store) tellAll(ctx context.Context) {
	for {
		var ids [][]byte
		select {
		case id := <-s.tell:
			ids = append(ids, id)
		case <-ctx.Done():
			return
		}
		for more := true; more && len(ids) < maxTold; {
			select {
			case id := <-s.tell:
				ids = append(ids, id)
			default:
				more = false
			}
		}
		if err := s.notify(ctx, ids); err != nil && ctx.Err() == nil {
			s.o.Log.Warn("tell other processes", "err", err)
		}
	}
}

func (s *Store) notify(ctx context.Context, ids [][]byte) error {
	text := s.id
	for _, id := range ids {
		text += " " + base64.RawURLEncoding.EncodeToString(id)
	}
	var b pgx.Batch
	b.Queue(`SELECT set_config('synchronous_commit', 'off', true)`)
	b.Queue(`SELECT pg_notify($1, $2)`, channel, text)
	return unavailable(s.pool.SendBatch(ctx, &b).Close())
}

// News implements [gateway.Shared].
func (s *Store) News(ctx context.Context, heard func(firsthand.ID)) {
	for pause := time.Second; ctx.Err() == nil; pause = min(2*pause, 30*time.Second) {
		began := time.Now()
		err := s.listen(ctx, heard)
		if ctx.Err() != nil {
			return
		}
		s.o.Log.Warn("listen to other processes", "err", err)
		if time.Since(began) > time.Minute {
			pause = time.Second
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// listen hears what others tell, on a connection of its own.
func (s *Store) listen(ctx context.Context, heard func(firsthand.ID)) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // it has nothing more to say
	if _, err := conn.Exec(ctx, `LISTEN `+channel); err != nil {
		return err
	}
	heard(firsthand.ID{}) // what was told before, nobody heard
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		from, ids, _ := strings.Cut(n.Payload, " ")
		if from == s.id {
			continue
		}
		s.alone.Store(false)
		for text := range strings.FieldsSeq(ids) {
			if id, err := firsthand.ParseID(text); err == nil {
				heard(id)
			}
		}
	}
}
