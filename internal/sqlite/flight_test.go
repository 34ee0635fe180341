package sqlite_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing/fstest"

	"firsthand/internal/sqlite"
	"firsthand/internal/sqlite/sqlitetest"
)

// The schema of a small store: entries, what they say, and a projection that
// must agree with them.
var schema = fstest.MapFS{
	"0001_init.sql": {Data: []byte(`
		CREATE TABLE entry (
			log  TEXT    NOT NULL,
			seq  INTEGER NOT NULL,
			id   BLOB    NOT NULL UNIQUE,
			body BLOB    NOT NULL,
			UNIQUE (log, seq)
		) STRICT;`)},
	"0002_head.sql": {Data: []byte(`
		CREATE TABLE head (log TEXT PRIMARY KEY, seq INTEGER NOT NULL, id BLOB NOT NULL) STRICT;
		-- a comment at the end`)},
}

var testKey = sqlite.Key{1, 2, 3, 31: 32}

// An entry is one that was acknowledged, or is about to be.
type entry struct {
	log string
	seq int
}

// body is what e says: from one line to two pages, and always the same.
func (e entry) body() []byte {
	sum := sha256.Sum256([]byte(fmt.Sprint(e)))
	return []byte(strings.Repeat(string(sum[:]), 1+int(sum[0])*2))
}

func (e entry) insert(ctx context.Context, tx *sqlite.Tx) error {
	sum := sha256.Sum256(e.body())
	_, err := tx.ExecContext(ctx, `INSERT INTO entry (log, seq, id, body) VALUES (?, ?, ?, ?)`,
		e.log, e.seq, sum[:], e.body())
	return err
}

func (e entry) project(ctx context.Context, tx *sqlite.Tx) error {
	sum := sha256.Sum256(e.body())
	_, err := tx.ExecContext(ctx, `INSERT INTO head (log, seq, id) VALUES (?, ?, ?)
		ON CONFLICT (log) DO UPDATE SET seq = excluded.seq, id = excluded.id`, e.log, e.seq, sum[:])
	return err
}

// head returns the number of a log's last entry.
func head(ctx context.Context, tx *sqlite.Tx, log string) (seq int, err error) {
	err = tx.QueryRowContext(ctx, `SELECT seq FROM head WHERE log = ?`, log).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return seq, err
}

// A flight is what is done while the power may go, and how the results are
// verified.
type flight struct {
	opts    sqlite.Options
	logs, n int  // logs written at the same time, and entries in each
	every   int  // pages in the log after which it is moved and begun anew; 0 is the default
	fail    int  // the sync that fails; 0 is none
	early   bool // planted: acknowledge before the commit
	apart   bool // planted: the projection has a transaction of its own
}

func (f flight) options(d *sqlitetest.Disk) sqlite.Options {
	o := f.opts
	o.Path, o.VFS, o.Migrations = "/data/test.db", d.VFS(), schema
	o.Readers = 1
	return o
}

// fileExists is acknowledged once Create has returned.
type fileExists struct{}

// workload creates the file, appends to all logs, truncates, and reopens it
// half way. Where a sync fails, it does what a program has to do: it closes the
// file, opens it again, and goes on from what it finds.
func (f flight) workload(d *sqlitetest.Disk) (err error) {
	ctx := context.Background()
	if f.fail > 0 {
		f.failSync(d)
	}
	db, err := sqlite.Create(ctx, f.options(d))
	if err == nil {
		d.Ack(fileExists{})
	}
	for tries := 1; errors.Is(err, errPlanted) && tries < 3; tries++ {
		if db, err = sqlite.Open(ctx, f.options(d)); errors.Is(err, fs.ErrNotExist) {
			db, err = sqlite.Create(ctx, f.options(d))
		}
	}
	if err != nil {
		return err
	}
	for half := range 2 {
		err := f.appendAll(ctx, d, db, (half+1)*f.n/2)
		if err == nil && half == 0 {
			err = db.Truncate(ctx)
		}
		if err == nil {
			err = db.Close()
		} else {
			db.Close() // the error is the same
		}
		if err != nil && !errors.Is(err, errPlanted) {
			return err
		}
		if db, err = sqlite.Open(ctx, f.options(d)); errors.Is(err, errPlanted) {
			db, err = sqlite.Open(ctx, f.options(d)) // it fails once
		}
		if err != nil {
			return err
		}
		if err := f.appendAll(ctx, d, db, (half+1)*f.n/2); err != nil {
			return err // it fails once
		}
	}
	return db.Close()
}

var errPlanted = errors.New("planted failure of a sync")

// failSync has one sync fail.
func (f flight) failSync(d *sqlitetest.Disk) {
	var mu sync.Mutex
	n := 0
	d.FailSync(func(string) error {
		mu.Lock()
		defer mu.Unlock()
		if n++; n == f.fail {
			return errPlanted
		}
		return nil
	})
}

// appendAll appends to all logs until each has n entries.
func (f flight) appendAll(ctx context.Context, d *sqlitetest.Disk, db *sqlite.DB, n int) error {
	if f.every > 0 {
		if err := sqlite.ExecOutside(ctx, db, fmt.Sprint("PRAGMA wal_autocheckpoint = ", f.every)); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, f.logs)
	for i := range f.logs {
		wg.Go(func() {
			log, from := fmt.Sprint("log ", i), 0
			errs[i] = db.View(ctx, func(tx *sqlite.Tx) (err error) {
				from, err = head(ctx, tx, log)
				return err
			})
			if from > 0 {
				d.Ack(entry{log, from}) // what can be read is durable
			}
			for seq := from + 1; seq <= n && errs[i] == nil; seq++ {
				errs[i] = f.append(ctx, d, db, entry{log, seq})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (f flight) append(ctx context.Context, d *sqlitetest.Disk, db *sqlite.DB, e entry) error {
	err := db.Update(ctx, func(tx *sqlite.Tx) error {
		if err := e.insert(ctx, tx); err != nil {
			return err
		}
		if f.early {
			d.Ack(e)
		}
		if f.apart {
			return nil
		}
		return e.project(ctx, tx)
	})
	if err == nil && f.apart {
		err = db.Update(ctx, func(tx *sqlite.Tx) error { return e.project(ctx, tx) })
	}
	if err == nil && !f.early {
		d.Ack(e)
	}
	return err
}

// verify opens what is left and compares it with what was acknowledged.
func (f flight) verify(d *sqlitetest.Disk, acked []any) (err error) {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, f.options(d))
	if errors.Is(err, fs.ErrNotExist) && len(acked) == 0 {
		return nil // the power went before Create was done
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Check(ctx); err != nil {
		return err
	}
	return db.View(ctx, func(tx *sqlite.Tx) error { return f.compare(ctx, tx, acked) })
}

func (f flight) compare(ctx context.Context, tx *sqlite.Tx, acked []any) error {
	found, err := f.count(ctx, tx)
	if err != nil {
		return err
	}
	want := make(map[string]int) // at least so many in each log
	for _, a := range acked {
		if e, ok := a.(entry); ok {
			want[e.log] = max(want[e.log], e.seq)
		}
	}
	for log, n := range found {
		if n < want[log] || n > want[log]+1 {
			return fmt.Errorf("%s: %d entries found, %d acknowledged", log, n, want[log])
		}
	}
	return nil
}

// count returns how many entries each log has, after checking that each is what
// it was, none is missing, and the projection agrees.
func (f flight) count(ctx context.Context, tx *sqlite.Tx) (map[string]int, error) {
	rows, err := tx.QueryContext(ctx, `SELECT log, seq, body FROM entry ORDER BY log, seq`)
	if err != nil {
		return nil, err
	}
	found := make(map[string]int)
	for i := range f.logs {
		found[fmt.Sprint("log ", i)] = 0
	}
	for rows.Next() {
		var e entry
		var body []byte
		if err := rows.Scan(&e.log, &e.seq, &body); err != nil {
			return nil, err
		}
		if found[e.log]++; e.seq != found[e.log] || string(body) != string(e.body()) {
			return nil, fmt.Errorf("entry %v is wrong, or one before it is missing", e)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for log, n := range found {
		seq, err := head(ctx, tx, log)
		if err != nil {
			return nil, err
		}
		if seq != n {
			return nil, fmt.Errorf("%s: head is %d, last entry is %d", log, seq, n)
		}
	}
	return found, nil
}

func (f flight) plan() sqlitetest.Plan {
	return sqlitetest.Plan{Workload: f.workload, Verify: f.verify}
}

// background is the context of what has no test to belong to.
var background = context.Background()
