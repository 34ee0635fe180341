package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/internal/cli"
	"firsthand/internal/web"
)

// A home is her file in a server: none yet, locked, or open. Commands and pages
// open it, by the passphrase or the kit; pages lock it. It implements [web.House].
type home struct {
	dir  string
	env  *cli.Env // the server's own
	log  *slog.Logger
	link func() string // a link to the pages; nil where none are served

	make func(*store.Store) *app                   // puts her life together on an open store
	made func(context.Context, *agent.Agent) error // what a file that was just made needs; nil for nothing

	opened chan *app // tells serve, which runs what an open file needs

	mu      sync.Mutex // held while the file is opened
	app     *app       // nil unless it is open
	until   context.Context
	lock    context.CancelFunc
	inside  *sync.WaitGroup // pages and commands that use app
	closing chan struct{}   // closed once the file that was open last is closed
}

func newHome(env *cli.Env, dir string, log *slog.Logger) *home {
	h := &home{dir: dir, env: env, log: log, opened: make(chan *app, 1), closing: make(chan struct{})}
	h.make = func(s *store.Store) *app { return newApp(env, dir, s, log) }
	close(h.closing)
	return h
}

// State implements [web.House].
func (h *home) State() web.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.app != nil:
		return web.Open
	case store.Exists(h.dir):
		return web.Locked
	}
	return web.Empty
}

// take makes the open store the home's. h.mu is held.
func (h *home) take(s *store.Store) {
	h.app = h.make(s)
	h.app.home = h
	h.until, h.lock = context.WithCancel(context.Background())
	h.inside, h.closing = new(sync.WaitGroup), make(chan struct{})
	h.opened <- h.app
}

// open opens the file by o; if it is open that is all right.
func (h *home) open(ctx context.Context, o store.Opener) error {
	h.mu.Lock()
	for h.app == nil && !ended(h.closing) { // it was locked a moment ago
		closing := h.closing
		h.mu.Unlock()
		select {
		case <-closing:
		case <-ctx.Done():
			return ctx.Err()
		}
		h.mu.Lock()
	}
	defer h.mu.Unlock()
	if h.app != nil {
		return h.app.store.Opens(o)
	}
	s, err := store.Open(context.WithoutCancel(ctx), h.dir, o)
	if err == nil {
		h.take(s)
	}
	return err
}

func ended(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Unlock implements [web.House].
func (h *home) Unlock(ctx context.Context, passphrase []byte) error {
	return h.open(ctx, store.Passphrase(passphrase))
}

// Confirm implements [web.House].
func (h *home) Confirm(_ context.Context, passphrase []byte) error {
	h.mu.Lock()
	a := h.app
	h.mu.Unlock()
	if a == nil {
		return errLocked
	}
	return a.store.Opens(store.Passphrase(passphrase))
}

// NewKit implements [web.House].
func (h *home) NewKit() (web.Kit, error) {
	kit, err := store.NewKit()
	if err != nil {
		return web.Kit{}, err
	}
	return web.Kit{Page: kit.Page(time.Now()), Text: kit.Text()}, nil
}

// Create implements [web.House].
func (h *home) Create(ctx context.Context, passphrase []byte, kit web.Kit) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	k, err := store.ParseKit(kit.Text)
	if err != nil {
		return err
	}
	s, err := store.Create(context.WithoutCancel(ctx), h.dir, store.CreateOptions{Passphrase: passphrase, KitRecipient: k.Recipient()})
	if err != nil {
		return err
	}
	h.take(s)
	if err := h.app.agent.Refill(ctx, kit.Text); err != nil || h.made == nil {
		return err
	}
	return h.made(ctx, h.app.agent)
}

// Restore implements [web.House]. A backup is encrypted, so that it may lie in a
// file beside hers until it was read whole.
func (h *home) Restore(ctx context.Context, backup io.Reader, passphrase []byte, kit string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var o store.Opener = store.Passphrase(passphrase)
	if kit != "" {
		k, err := store.ParseKit(kit)
		if err != nil {
			return err
		}
		o = k
	}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(h.dir, "tmp-upload-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = io.Copy(f, backup)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	// Restore removes what has the name of a temporary file of the store.
	name := filepath.Join(h.dir, "upload.backup")
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	defer os.Remove(name)
	_, err = store.Restore(ctx, name, h.dir, o)
	return err
}

// Lock implements [web.House]. serve does the rest, see shut.
func (h *home) Lock() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.app != nil {
		h.app = nil
		h.lock()
	}
}

// shut closes the file of a, once no page and no command uses it any more. The
// outbox has ended before.
func (h *home) shut(a *app) error {
	h.Lock()
	h.inside.Wait()
	err := a.store.Close()
	close(h.closing)
	return err
}

// enter returns the open app, which is not closed before leave is called; ctx ends
// when it is to be.
func (h *home) enter(ctx context.Context) (_ context.Context, a *app, leave func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.app == nil {
		return ctx, nil, nil, errLocked
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(h.until, cancel)
	inside := h.inside
	inside.Add(1)
	return ctx, h.app, func() {
		stop()
		cancel()
		inside.Done()
	}, nil
}

// Enter implements [web.House].
func (h *home) Enter(ctx context.Context) (web.Room, func(), error) {
	ctx, a, leave, err := h.enter(ctx)
	if err != nil {
		return web.Room{}, nil, err
	}
	return web.Room{Context: ctx, Agent: a.agent, Safe: &safe{a}}, leave, nil
}

// A safe is what pages do with the file as a whole. It implements [web.Safe].
type safe struct{ *app }

// lastBackup names the setting that says when a backup was made and tested.
const lastBackup = "last backup"

// noteBackup notes that one was.
func (a *app) noteBackup(ctx context.Context, b web.Backup) error {
	return a.store.Commit(ctx, agent.Commit{Settings: map[string]string{lastBackup: string(firsthand.EncodeJSON(b))}})
}

// Backup implements [web.Safe]. The backup is made beside her file, tested, and
// gone once it was sent.
func (s *safe) Backup(ctx context.Context) (b web.Backup, err error) {
	dir, err := os.MkdirTemp(s.dir, "backup-")
	if err != nil {
		return b, err
	}
	name := filepath.Join(dir, "firsthand.backup")
	m, err := s.store.Backup(ctx, name)
	if err == nil {
		b = web.Backup{Made: m.Made, Relationships: m.Relationships, Entries: m.Entries, Name: filepath.Base(name)}
		var f *os.File
		if f, err = os.Open(name); err == nil {
			b.File = &gone{f, dir}
		}
	}
	if err == nil {
		err = s.noteBackup(ctx, b)
	}
	if err != nil {
		return b, errors.Join(err, os.RemoveAll(dir))
	}
	return b, nil
}

// gone is a file that goes, with its folder, when it is closed.
type gone struct {
	*os.File
	dir string
}

func (g *gone) Close() error { return errors.Join(g.File.Close(), os.RemoveAll(g.dir)) }

// LastBackup implements [web.Safe].
func (s *safe) LastBackup(ctx context.Context) (b web.Backup, err error) {
	text, err := s.agent.Store.Setting(ctx, lastBackup)
	if err != nil || text == "" {
		return b, err
	}
	return b, json.Unmarshal([]byte(text), &b)
}

// Export implements [web.Safe].
func (s *safe) Export(ctx context.Context, w io.Writer) error {
	enc, err := s.store.Encrypt(ctx, w)
	if err != nil {
		return err
	}
	return errors.Join(s.agent.Export(ctx, enc), enc.Close())
}

// CheckFile implements [web.Safe].
func (s *safe) CheckFile(ctx context.Context) (entries int, err error) {
	report, err := s.store.Check(ctx)
	return int(report.Entries), err
}

// SetPassphrase implements [web.Safe].
func (s *safe) SetPassphrase(ctx context.Context, passphrase []byte) error {
	return s.store.SetPassphrase(ctx, passphrase)
}

// Refill implements [web.Safe].
func (s *safe) Refill(ctx context.Context, text string) error {
	kit, err := store.ParseKit(text)
	if err != nil {
		return err
	}
	if err := s.store.CheckKit(ctx, kit); err != nil {
		return err
	}
	return s.agent.Refill(ctx, kit.Text())
}

// NextKeys implements [web.Safe].
func (s *safe) NextKeys(ctx context.Context) (int, error) { return s.agent.Store.Labels(ctx) }

// errLocked says that somebody came to a server whose file is not open.
var errLocked = fault.Tell(fault.Unavailable, "the server is locked", "firsthand unlock")
