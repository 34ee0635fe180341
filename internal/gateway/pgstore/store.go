// Package pgstore keeps what a gateway knows in a PostgreSQL database, which several
// gateways may use at once.
//
// What is one row or one index of the SQLite store is one here, so that the two can
// be read side by side; the differences come from there being others. Each commit
// raises the version of the relationship that it changes, and says from which it was
// made (commit.go). A process says every few seconds that it is there, and what it
// holds is free again when it no longer does (process.go). What one process has
// written wakes those who wait at another (news.go).
//
// The database is a primary that makes durable what it has committed. That is asked
// of it when it is opened. It is never read from a replica: what was committed on one
// connection has to be seen on the next.
//
// Someone who can alter the database, or read it, can do as in the SQLite store. The
// erased body of an entry stays in the table's pages until it is vacuumed, which is
// done soon (erase.go), and in the database's log and backups for as long as the
// operator keeps those.
package pgstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A Store is one database, as one process uses it. It implements [gateway.Shared].
type Store struct {
	pool *pgxpool.Pool
	o    Options
	id   string // of this process, as long as it has the database open

	queue  chan *request // commits that wait for a committer
	erased chan struct{} // has a token if something was erased since the last vacuum
	tell   chan []byte   // IDs of relationships that other processes are to hear of

	alone atomic.Bool  // no other process uses the database, as far as is known
	beat  atomic.Int64 // the last that this process has told

	stop context.CancelFunc
	work sync.WaitGroup // what runs until stop
	once sync.Once
}

var _ gateway.Shared = (*Store)(nil)

// Options say how to open a database.
type Options struct {
	// URL is where the database is: postgres://user:password@host/name. Over the
	// network it has to be encrypted, and the server to prove who it is:
	// ?sslmode=verify-full.
	URL string
	// Dir is where the file with the instance mark lies; see instance.go. If it is
	// empty, a backup that was put back is noticed only while the process runs.
	Dir string

	Now func() time.Time // default: time.Now
	Log *slog.Logger     // default: nothing is logged

	Conns int           // how many connections there may be; default 16
	Lease time.Duration // for which a process is believed that it is there; default 20 s
}

// Create makes the tables in a database that has none; [fault.Conflict] if it has.
func Create(ctx context.Context, o Options) (*Store, error) { return open(ctx, o, true) }

// Open opens a database that Create has made; [fault.NotExist] if it has no tables.
func Open(ctx context.Context, o Options) (*Store, error) { return open(ctx, o, false) }

func open(ctx context.Context, o Options, create bool) (*Store, error) {
	s, err := connect(ctx, o)
	if err != nil {
		return nil, err
	}
	err = s.check(ctx)
	if err == nil {
		err = s.migrate(ctx, create)
	}
	if err == nil {
		err = s.refuseMoving(ctx)
	}
	if err == nil {
		err = s.checkInstance(ctx)
	}
	if err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		s.pool.Close()
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return s, nil
}

// connect returns a Store that does nothing yet by itself.
func connect(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Conns == 0 {
		o.Conns = 16
	}
	if o.Lease == 0 {
		o.Lease = 20 * time.Second
	}
	c, err := config(o)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, unavailable(err)
	}
	return &Store{pool: pool, o: o, id: rand.Text(), queue: make(chan *request, 1024),
		erased: make(chan struct{}, 1), tell: make(chan []byte, 4096)}, nil
}

// CheckURL judges an address of a database without calling anybody.
func CheckURL(address string) error {
	_, err := config(Options{URL: address, Conns: 1})
	return err
}

// config reads the address. Its error doesn't repeat it: there is a password in it.
func config(o Options) (*pgxpool.Config, error) {
	bad := func(text, hint string) error { return fault.Tell(fault.Invalid, text, hint) }
	if !strings.HasPrefix(o.URL, "postgres://") && !strings.HasPrefix(o.URL, "postgresql://") {
		return nil, bad("The address of the database is not one.", "It looks like this: postgres://user:password@host/name?sslmode=verify-full")
	}
	c, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, bad("The address of the database can't be read.", "It looks like this: postgres://user:password@host/name?sslmode=verify-full")
	}
	hosts := []*pgconn.FallbackConfig{{Host: c.ConnConfig.Host, TLSConfig: c.ConnConfig.TLSConfig}}
	for _, h := range append(hosts, c.ConnConfig.Fallbacks...) {
		ip := net.ParseIP(h.Host)
		local := strings.HasPrefix(h.Host, "/") || h.Host == "localhost" || ip != nil && ip.IsLoopback()
		proved := h.TLSConfig != nil && (!h.TLSConfig.InsecureSkipVerify || h.TLSConfig.VerifyPeerCertificate != nil)
		if !local && !proved {
			return nil, bad("The database is on another machine, and its address doesn't ask it to prove who it is.", "Add sslmode=verify-full, and sslrootcert=FILE where its authority is your own.")
		}
	}
	c.MaxConns = int32(o.Conns)
	c.ConnConfig.ConnectTimeout = 10 * time.Second
	c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	for name, value := range map[string]string{
		"application_name": "firsthand-gateway", "timezone": "UTC",
		// Whatever the database or the role has as its default.
		"synchronous_commit": "on", "default_transaction_isolation": "read committed",
		// All that is asked is small, always the same, and goes by an index. A plan that was made when
		// a table was small is kept, and must be the one for a table that is large.
		"jit": "off", "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
	} {
		c.ConnConfig.RuntimeParams[name] = value
	}
	return c, nil
}

// check asks the database for what durability depends on.
func (s *Store) check(ctx context.Context) error {
	for name, want := range map[string]string{"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "server_encoding": "UTF8"} {
		var is string
		if err := s.pool.QueryRow(ctx, `SELECT current_setting($1)`, name).Scan(&is); err != nil {
			return unavailable(err)
		}
		if is != want {
			return fault.Tell(fault.Invalid, fmt.Sprintf("The database has %s = %s.", name, is), "It has to be "+want+": what a customer has a receipt for must not be lost.")
		}
	}
	return nil
}

// committers is how many transactions commit at once: while one waits for the disk,
// another is on its way there.
const committers = 3

// start begins what runs until Close.
func (s *Store) start(ctx context.Context) error {
	if err := s.arrive(ctx); err != nil {
		return err
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	for range committers {
		s.work.Go(func() { s.commitAll(ctx) })
	}
	s.work.Go(func() { s.beatAll(ctx) })
	s.work.Go(func() { s.tellAll(ctx) })
	s.work.Go(func() { s.vacuumAll(ctx) })
	return nil
}

// Close ends what is under way, gives back what was held, and closes the connections.
func (s *Store) Close() (err error) {
	s.once.Do(func() {
		if s.stop != nil {
			s.stop()
			s.work.Wait()
			err = s.leave(context.Background())
		}
		s.pool.Close()
	})
	return err
}

// Check asks whether the database answers. Damage is looked for by PostgreSQL's own
// programs, and by Verify.
func (s *Store) Check(ctx context.Context) error { return unavailable(s.pool.Ping(ctx)) }

// unavailable gives an error of the database its kind: it can't be reached or has no
// room, or it is what it is. nil stays nil.
func unavailable(err error) error {
	var pg *pgconn.PgError
	switch {
	case err == nil, fault.KindOf(err) != fault.Internal, errors.Is(err, pgx.ErrNoRows), errors.Is(err, os.ErrInvalid):
		return err
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &pg):
		switch pg.Code[:2] {
		case "08", "53", "57", "58": // connections, room, an operator, the machine
			return fmt.Errorf("%w: %w", fault.Unavailable, err)
		}
		return err
	}
	return fmt.Errorf("%w: %w", fault.Unavailable, err) // of the network
}
