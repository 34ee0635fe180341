package pgstore

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"firsthand/internal/durable"
)

// The instance mark: each folder from which gateways are started has a file with its
// name and a random value, which stands in the database too, under that name, and is
// replaced at each start. A database that has another value than the file, or none,
// is a backup that was put back: then all relationships are marked as restored.
//
// A folder without the file has never been here, so from there it can't be noticed;
// nor is it noticed where the backup is younger than the last start of every process,
// but by one that was running all the time (beatOnce). Last, the agents notice.
const (
	instanceName    = "instance"
	settingInstance = "store.instance " // and the name of the folder
)

// checkInstance compares the marks and replaces them, in the order that the SQLite
// store's checkInstance has: the file gets the new mark beside the old one, then the
// database has it, then the file drops the old one.
func (s *Store) checkInstance(ctx context.Context) error {
	if s.o.Dir == "" {
		return nil
	}
	path := filepath.Join(s.o.Dir, instanceName)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	marks := strings.Fields(string(text))
	restored := false
	name, have := rand.Text(), ""
	if len(marks) > 1 {
		name = marks[0]
		if have, err = s.Setting(ctx, settingInstance+name); err != nil {
			return err
		}
		restored = !slices.Contains(marks[1:], have)
	}
	mark := rand.Text()
	both := []string{name, mark}
	if have != "" && !restored {
		both = append(both, have)
	}
	if err := durable.Replace(path, []byte(strings.Join(both, "\n")+"\n")); err != nil {
		return err
	}
	if restored {
		if err := s.markRestored(ctx); err != nil {
			return err
		}
		s.o.Log.Error("relationships marked as restored", "err", errPast)
	}
	var b pgx.Batch
	b.Queue(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, settingInstance+name, mark)
	if err := s.pool.SendBatch(ctx, &b).Close(); err != nil {
		return unavailable(err)
	}
	return durable.Replace(path, []byte(name+"\n"+mark+"\n"))
}

// markRestored has every relationship ask its agent before anything is signed.
func (s *Store) markRestored(ctx context.Context) error {
	_, err := s.pool.Exec(context.WithoutCancel(ctx), `UPDATE relationship SET restored = true, noticed = $1, version = version + 1`, s.o.Now())
	return unavailable(err)
}

// MarkRestored is for an operator who has put back a backup, where nothing here can
// notice it: all relationships are marked as restored.
func (s *Store) MarkRestored(ctx context.Context) error { return s.markRestored(ctx) }
