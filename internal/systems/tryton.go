package systems

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// The users that a Tryton of ours has, their passwords, and the name of its database.
const (
	TrytonDatabase = "vendor"
	TrytonService  = "firsthand" // groups Party Administration and Sale Opportunity
	TrytonEmployee = "anna"      // Anna Claes, of the company
	TrytonPassword = "quick-Wand7, Box3"
	trytonAdmin    = "admin"
)

// A Tryton is Tryton 6 with the modules party and sale_opportunity, on loopback. It has a company that counts in euros, Anna who works there, and a few
// countries.
type Tryton struct {
	URL  string // of its JSON-RPC, without the database
	Page string // where people use it in a browser; "" where tryton-sao isn't installed

	dir string
	*process
}

// StartTryton starts a Tryton whose files are in dir. Its database is SQLite: one takes
// half a minute to make, so the first is kept in the user's cache and copied from then
// on. Or it is on the PostgreSQL that a URI like postgresql://user:password@127.0.0.1:5432
// names, where an empty one by the name of [TrytonDatabase] must be; that takes minutes.
func StartTryton(ctx context.Context, dir, postgres string) (*Tryton, error) {
	if _, err := program("trytond-admin"); err != nil {
		return nil, err
	}
	if postgres != "" {
		t, err := newTryton(dir, postgres)
		if err != nil {
			return nil, err
		}
		if err := t.make(ctx); err != nil {
			return nil, fmt.Errorf("prepare Tryton: %w", err)
		}
		return t, t.Start(ctx)
	}
	template, err := trytonTemplate(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare Tryton: %w", err)
	}
	text, err := os.ReadFile(template)
	if err != nil {
		return nil, err
	}
	t, err := newTryton(dir, sqlite)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(t.database(), text, 0o600); err != nil {
		return nil, err
	}
	return t, t.Start(ctx)
}

const sqlite = "sqlite://"

// trytonPages is where Debian's package tryton-sao has Tryton's pages.
const trytonPages = "/usr/share/tryton-sao/www"

// newTryton returns one that isn't started, with its configuration.
func newTryton(dir, uri string) (*Tryton, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	t := &Tryton{dir: dir, URL: "http://127.0.0.1:" + strconv.Itoa(port)}
	for _, sub := range []string{"db", "att"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	pages := ""
	if _, err := os.Stat(trytonPages); err == nil {
		pages, t.Page = "root = "+trytonPages+"\n", t.URL+"/#"+TrytonDatabase
	}
	conf := fmt.Sprintf("[web]\nlisten = 127.0.0.1:%d\n%s[database]\nuri = %s\npath = %s\n[attachment]\nfilestore = true\npath = %s\n[password]\npasslib = %s\n",
		port, pages, uri, filepath.Join(dir, "db"), filepath.Join(dir, "att"), filepath.Join(dir, "passlib"))
	return t, errors.Join(
		os.WriteFile(t.config(), []byte(conf), 0o600),
		// There is nothing to guess here, and much signing in.
		os.WriteFile(filepath.Join(dir, "passlib"), []byte("[passlib]\nschemes = pbkdf2_sha512\npbkdf2_sha512__default_rounds = 1000\n"), 0o600),
		os.WriteFile(t.PasswordFile(), []byte(TrytonPassword+"\n"), 0o600))
}

func (t *Tryton) config() string   { return filepath.Join(t.dir, "trytond.conf") }
func (t *Tryton) database() string { return filepath.Join(t.dir, "db", TrytonDatabase+".sqlite") }

// PasswordFile is a file with the password of all its users.
func (t *Tryton) PasswordFile() string { return filepath.Join(t.dir, "password") }

// Start starts it, again after Stop, at the same port, and returns when it answers.
func (t *Tryton) Start(ctx context.Context) (err error) {
	server, err := program("trytond")
	if err != nil {
		return err
	}
	t.process, err = start(ctx, exec.Command(server, "-c", t.config(), "-d", TrytonDatabase), func(ctx context.Context) error {
		_, err := t.As(ctx, trytonAdmin)
		return err
	})
	return err
}

// trytonTemplate returns the file of a prepared database.
func trytonTemplate(ctx context.Context) (string, error) {
	key, err := trytonKey()
	if err != nil {
		return "", err
	}
	dir, err := prepared("tryton-"+key, func(dir string) error {
		t, err := newTryton(dir, sqlite)
		if err != nil {
			return err
		}
		return t.make(ctx)
	})
	return filepath.Join(dir, "db", TrytonDatabase+".sqlite"), err
}

// trytonKey names what decides how a prepared database looks.
func trytonKey() (string, error) {
	server, err := program("trytond")
	if err != nil {
		return "", err
	}
	version, err := exec.Command(server, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("trytond --version: %w", err)
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s", version, trytonSetup)
	modules, err := filepath.Glob("/usr/lib/python3/dist-packages/trytond/modules/*/tryton.cfg") // as Debian has them
	if err != nil {
		return "", err
	}
	for _, name := range modules {
		text, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %x", name, sha256.Sum256(text))
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8]), nil
}

// make makes the database, and what a company has in it.
func (t *Tryton) make(ctx context.Context) error {
	admin, err := program("trytond-admin")
	if err != nil {
		return err
	}
	if err := os.WriteFile(t.database(), nil, 0o600); err != nil { // SQLite's must be there before
		return err
	}
	for _, args := range [][]string{
		{"--all", "--email", "admin@vendor.example", "-p"},
		{"-u", "party", "sale_opportunity", "--activate-dependencies"},
	} {
		cmd := exec.CommandContext(ctx, admin, append([]string{"-c", t.config(), "-d", TrytonDatabase}, args...)...)
		cmd.Env = append(os.Environ(), "TRYTONPASSFILE="+t.PasswordFile())
		if err := run(cmd); err != nil {
			return err
		}
	}
	if err := t.Start(ctx); err != nil {
		return err
	}
	defer t.Stop()
	s, err := t.As(ctx, trytonAdmin)
	if err != nil {
		return err
	}
	return s.setUp(ctx)
}
