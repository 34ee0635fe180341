package sqlite

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// A setting is a pragma that is set on each connection as it opens, and then
// asked for, because SQLite silently ignores a misspelt one.
type setting struct{ name, value, want string }

// A page of an encrypted file is one block of the cipher: then whatever is damaged
// also hits the head of a page, or the pointer to the next one, and Check sees it.
// Where nothing is encrypted, larger pages are quicker by a tenth for who writes many
// entries at once.
const plainPage = 8192

// maxLog is how long the write-ahead log becomes, in bytes, before what is in it is
// moved into the file; by SQLite's own measure, in pages, it would depend on those.
const maxLog = 8 << 20

// settings returns what makes a commit durable and an erasure real, in the
// order in which it has to be set.
func (d *disk) settings(cacheKiB int, role role) []setting {
	page := plainPage
	if d.encrypted {
		page = block
	}
	s := []setting{
		{"busy_timeout", "5000", "5000"},    // first: what follows may have to wait
		{"page_size", fmt.Sprint(page), ""}, // has effect in a new file only
		{"wal_autocheckpoint", fmt.Sprint(maxLog / page), fmt.Sprint(maxLog / page)},
		{"cache_size", fmt.Sprint(-cacheKiB), fmt.Sprint(-cacheKiB)},
		{"secure_delete", "ON", "1"}, // overwrite what is deleted
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"}, // NORMAL loses acknowledged commits
		{"fullfsync", "ON", "1"},     // macOS: through the drive's own cache
		{"checkpoint_fullfsync", "ON", "1"},
		{"temp_store", "MEMORY", "2"}, // no temporary files in clear text
		{"foreign_keys", "ON", "1"},
		{"trusted_schema", "OFF", "0"},
		{"cell_size_check", "ON", "1"}, // notice damaged pages early
	}
	if role == reads {
		s = append(s, setting{"query_only", "ON", "1"})
	}
	for i := range s {
		switch {
		case s[i].name == "synchronous" && d.bugs.synchronous != "":
			s[i].value, s[i].want = d.bugs.synchronous, ""
		case s[i].name == "journal_mode" && d.bugs.journal != "":
			s[i].value, s[i].want = d.bugs.journal, ""
		case s[i].name == "foreign_keys" && d.bugs.misspelt:
			s[i].name = "foreign_kyes"
		}
	}
	return s
}

// A role is what a connection is for.
type role string

const (
	writes role = "&_txlock=immediate"
	reads  role = ""
)

// pool returns a pool of connections that are set up for role. It opens none.
// vfsName is what d is registered as.
func (d *disk) pool(vfsName, path string, key *Key, cacheKiB int, role role) (*sql.DB, error) {
	// rw, and not rwc: opening a file never creates it.
	name := "file:" + url.PathEscape(path) + "?mode=rw&vfs=" + vfsName + string(role)
	settings := d.settings(cacheKiB, role)
	return driver.Open(name, func(c *sqlite3.Conn) error {
		if key != nil {
			// The first pragma, and no part of the name, so that no log line
			// and no error can repeat it.
			if err := c.Exec("PRAGMA hexkey = '" + hex.EncodeToString(key[:]) + "'"); err != nil {
				return fmt.Errorf("set the key: %v", err) // not wrapped: it may hold the statement
			}
		}
		var set strings.Builder
		for _, s := range settings {
			fmt.Fprintf(&set, "PRAGMA %s = %s;", s.name, s.value)
		}
		if err := c.Exec(set.String()); err != nil {
			return err
		}
		// A plan depends on no parameter: else a statement that a partial index or a
		// list in JSON could have to do with is compiled anew for each use.
		if _, err := c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true); err != nil {
			return err
		}
		return check(c, settings)
	})
}

// check refuses a connection on which a commit could be lost.
func check(c *sqlite3.Conn, settings []setting) error {
	version, err := ask(c, "SELECT sqlite_version()")
	if err != nil {
		return err
	}
	if !recent(version) {
		return fmt.Errorf("SQLite %s has known errors: 3.53.2 or newer is needed", version)
	}
	if on, err := c.Config(sqlite3.DBCONFIG_ENABLE_QPSG); err != nil || !on {
		return errors.Join(errors.New("plans would depend on parameters"), err)
	}
	for _, s := range settings {
		got, err := ask(c, "PRAGMA "+s.name)
		if err != nil {
			return err
		}
		if got != s.want && s.want != "" {
			return fmt.Errorf("pragma %s is %q, want %q", s.name, got, s.want)
		}
	}
	return nil
}

// recent reports whether a version of SQLite is 3.53.2 or newer. Before
// 3.51.3, two connections can corrupt a write-ahead log, and before 3.53.2
// full-text search has memory errors.
func recent(version string) bool {
	var major, minor, patch int
	n, _ := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch)
	return n == 3 && major == 3 && (minor > 53 || minor == 53 && patch >= 2)
}

// ask returns the first column of the first row as text; "" if there is no row.
func ask(c *sqlite3.Conn, query string) (string, error) {
	s, _, err := c.Prepare(query)
	if err != nil {
		return "", err
	}
	var answer string
	if s.Step() {
		answer = s.ColumnText(0)
	}
	err = s.Err()
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	return answer, err
}

// maxStmts is how many statements a connection keeps prepared. A store has
// fewer: a query with its parameters is one text.
const maxStmts = 128

// A conn is one connection with the statements prepared on it. One goroutine
// at a time uses it.
type conn struct {
	c     *sql.Conn
	stmts map[string]*stmt
}

// A stmt is a prepared statement.
type stmt struct {
	*sql.Stmt
	busy bool // its rows are being read
	once bool // not kept
}

func newConn(ctx context.Context, pool *sql.DB) (*conn, error) {
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: make(map[string]*stmt)}, nil
}

// close gives the connection back to its pool.
func (c *conn) close() error {
	var first error
	for _, s := range c.stmts {
		if err := s.Close(); first == nil {
			first = err
		}
	}
	if err := c.c.Close(); first == nil {
		first = err
	}
	return first
}

// discard closes the connection itself, so that it is not used again. What
// goes wrong with that has no consequences.
func (c *conn) discard() {
	for _, s := range c.stmts {
		s.Close()
	}
	c.c.Raw(func(any) error { return sqldriver.ErrBadConn })
}

// prepare returns query prepared; kept from last time unless its rows are
// still being read, as in a recursion.
func (c *conn) prepare(query string) (*stmt, error) {
	kept := c.stmts[query]
	if kept != nil && !kept.busy {
		return kept, nil
	}
	// Not the caller's context: the statement outlives the call.
	p, err := c.c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s := &stmt{Stmt: p, once: kept != nil}
	if !s.once {
		c.forget()
		c.stmts[query] = s
	}
	return s, nil
}

// forget makes room for one more statement: any will do, since it happens only
// to programs that build their SQL at run time.
func (c *conn) forget() {
	if len(c.stmts) < maxStmts {
		return
	}
	for query, s := range c.stmts {
		if !s.busy {
			s.Close() // only frees memory
			delete(c.stmts, query)
			return
		}
	}
}

// exec runs a statement of our own, which nothing may interrupt.
func (c *conn) exec(query string) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background())
	return err
}

// state asks SQLite whether a transaction is open, how many rows have changed
// on this connection so far, and how many deferred foreign keys are unmet.
func (c *conn) state() (open bool, changes, unmet int64, err error) {
	err = c.c.Raw(func(dc any) error {
		raw := dc.(driver.Conn).Raw()
		open = !raw.GetAutocommit()
		changes = raw.TotalChanges()
		unmet, _, err = raw.Status(sqlite3.DBSTATUS_DEFERRED_FKS, false)
		return err
	})
	return open, changes, unmet, err
}
