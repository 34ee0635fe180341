package sqlite

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/ncruces/go-sqlite3"
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
	writes role = "writes"
	reads  role = "reads"
)

// connect opens a connection that is set up for role. vfsName is what d is
// registered as. When ctx ends, it is given up.
func (d *disk) connect(ctx context.Context, vfsName, path string, key *Key, cacheKiB int, role role) (_ *conn, err error) {
	// rw, and not rwc: opening a file never creates it.
	c, err := sqlite3.OpenContext(ctx, "file:"+url.PathEscape(path)+"?mode=rw&vfs="+vfsName)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.Close() // what goes wrong with that is not what went wrong
		}
	}()
	defer c.SetInterrupt(context.Background())
	c.SetInterrupt(ctx)
	if key != nil {
		// The first pragma, and no part of the name, so that no log line
		// and no error can repeat it.
		if err := c.Exec("PRAGMA hexkey = '" + hex.EncodeToString(key[:]) + "'"); err != nil {
			return nil, fmt.Errorf("set the key: %v", err) // not wrapped: it may hold the statement
		}
	}
	settings := d.settings(cacheKiB, role)
	var set strings.Builder
	for _, s := range settings {
		fmt.Fprintf(&set, "PRAGMA %s = %s;", s.name, s.value)
	}
	if err := c.Exec(set.String()); err != nil {
		return nil, err
	}
	// A plan depends on no parameter: else a statement that a partial index or a
	// list in JSON could have to do with is compiled anew for each use.
	if _, err := c.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true); err != nil {
		return nil, err
	}
	if err := check(c, settings); err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: make(map[string]*stmt)}, nil
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
	c     *sqlite3.Conn
	stmts map[string]*stmt
}

// close closes the connection with its statements. After an error it is of no
// use either.
func (c *conn) close() error {
	c.c.SetInterrupt(context.Background()) // whoever used it last may have been interrupted
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

// prepare returns query prepared; kept from last time unless its rows are
// still being read, as in a recursion.
func (c *conn) prepare(query string) (*stmt, error) {
	kept := c.stmts[query]
	if kept != nil && !kept.busy {
		return kept, nil
	}
	// Not the caller's context: the statement outlives the call.
	c.c.SetInterrupt(context.Background())
	s, err := newStmt(c.c, query)
	if err != nil {
		return nil, err
	}
	s.once = kept != nil
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
	c.c.SetInterrupt(context.Background())
	return s.Exec()
}

// script runs one or more statements, which are not kept prepared.
func (c *conn) script(ctx context.Context, text string) error {
	c.c.SetInterrupt(ctx)
	return c.c.Exec(text)
}

// outside returns what runs statements that belong to no transaction of
// others, and so may be interrupted.
func (c *conn) outside() *Tx { return &Tx{c: c, reader: true} }

// state asks SQLite whether a transaction is open, how many rows have changed
// on this connection so far, and how many deferred foreign keys are unmet.
func (c *conn) state() (open bool, changes, unmet int64, err error) {
	unmet, _, err = c.c.Status(sqlite3.DBSTATUS_DEFERRED_FKS, false)
	return !c.c.GetAutocommit(), c.c.TotalChanges(), unmet, err
}
