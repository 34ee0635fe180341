// Package webtest has what tests of the pages need: a house with an agent that is
// made of data, sets of data from empty to hostile, a browser without a screen,
// and the list of all pages with something to see.
package webtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"firsthand/fault"
	"firsthand/internal/locale"
	"firsthand/internal/web"
	"firsthand/terms"
)

// Passphrase opens the houses of this package, and KitText is their kit.
const (
	Passphrase = "correct horse battery staple"
	KitText    = "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"
)

// Now is when everything here happens.
var Now = time.Date(2026, 11, 26, 15, 4, 0, 0, time.UTC)

// A House is a [web.House] and its safe, in memory.
type House struct {
	Agent *Agent

	mu         sync.Mutex
	state      web.State
	passphrase string
	inside     int
	until      context.Context // ends when it is locked
	end        context.CancelFunc
	Backups    []web.Backup
	Tried      int // passphrases that were tried
	Keys       int
}

// NewHouse returns a house in a state.
func NewHouse(state web.State, a *Agent) *House {
	return &House{Agent: a, state: state, passphrase: Passphrase, Keys: 63}
}

func (h *House) State() web.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}

func (h *House) NewKit() (web.Kit, error) {
	return web.Kit{Page: "# Firsthand: recovery kit\n#\n# Print this page.\n" + KitText + "\n", Text: KitText}, nil
}

func (h *House) Create(_ context.Context, passphrase []byte, _ web.Kit) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != web.Empty {
		return fault.Conflict
	}
	h.state, h.passphrase = web.Open, string(passphrase)
	return nil
}

func (h *House) Restore(_ context.Context, backup io.Reader, passphrase []byte, kit string) error {
	text, err := io.ReadAll(backup)
	if err != nil {
		return err
	}
	if string(text) != "a backup" || string(passphrase) != Passphrase && kit != KitText {
		return fault.Tell(fault.Denied, "this does not open the backup", "is it of another time?")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state = web.Locked
	return nil
}

var errWrong = fault.Tell(fault.Denied, "this is not the passphrase", "is Caps Lock on?")

func (h *House) Unlock(_ context.Context, passphrase []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Tried++
	if string(passphrase) != h.passphrase {
		return errWrong
	}
	h.state = web.Open
	return nil
}

func (h *House) Confirm(_ context.Context, passphrase []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Tried++
	if string(passphrase) != h.passphrase {
		return errWrong
	}
	return nil
}

func (h *House) Lock() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state == web.Open {
		h.state = web.Locked
	}
	if h.end != nil {
		h.end()
		h.until, h.end = nil, nil
	}
}

func (h *House) Enter(ctx context.Context) (web.Room, func(), error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state != web.Open {
		return web.Room{}, nil, fault.Unavailable
	}
	h.inside++
	if h.until == nil {
		h.until, h.end = context.WithCancel(context.Background())
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(h.until, cancel)
	return web.Room{Context: ctx, Agent: h.Agent, Safe: h}, func() {
		stop()
		cancel()
		h.mu.Lock()
		defer h.mu.Unlock()
		h.inside--
	}, nil
}

// Move puts another agent into the house.
func (h *House) Move(a *Agent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Agent = a
}

// Inside is how many have entered and not left.
func (h *House) Inside() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.inside
}

func (h *House) Backup(context.Context) (web.Backup, error) {
	b := web.Backup{Made: Now, Relationships: 3, Entries: 41, Size: 8, File: io.NopCloser(bytes.NewReader([]byte("a backup")))}
	h.Backups = append(h.Backups, b)
	return b, nil
}

func (h *House) Export(_ context.Context, w io.Writer) error {
	_, err := fmt.Fprint(w, "a life")
	return err
}

func (h *House) CheckFile(context.Context) (int, error) { return 41, nil }

func (h *House) SetPassphrase(_ context.Context, passphrase []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.passphrase = string(passphrase)
	return nil
}

func (h *House) Refill(_ context.Context, kit string) error {
	if kit != KitText {
		return fault.Tell(fault.Denied, "this recovery kit is not the one of your file", "look for the kit that was made last")
	}
	h.Keys = 64
	return nil
}

func (h *House) NextKeys(context.Context) (int, error) { return h.Keys, nil }

func (h *House) LastBackup(context.Context) (web.Backup, error) {
	if len(h.Backups) == 0 {
		return web.Backup{}, nil
	}
	return h.Backups[len(h.Backups)-1], nil
}

// A Clock is one that tests turn.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a Clock at Now.
func NewClock() *Clock { return &Clock{at: Now} }

// Now returns its time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Turn turns it on by d.
func (c *Clock) Turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// NewServer returns a server of pages for a house.
func NewServer(t testing.TB, h web.House, clock *Clock, langs ...*locale.Language) *web.Server {
	t.Helper()
	if langs == nil {
		langs = locale.All()
	}
	return newServer(t, web.Options{House: h, Languages: langs, Now: clock.Now})
}

// NewSecureServer returns one as it is under TLS, at a name of its own.
func NewSecureServer(t testing.TB, h web.House, host string) *web.Server {
	t.Helper()
	return newServer(t, web.Options{House: h, Languages: locale.All(), Now: NewClock().Now, Secure: true, Hosts: []string{host}})
}

func newServer(t testing.TB, o web.Options) *web.Server {
	t.Helper()
	o.Roster, o.Zone, o.Log = terms.Default(), time.UTC, slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
