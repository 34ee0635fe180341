package systems

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Postgres is a PostgreSQL server with a user postgres, who may do everything.
type Postgres struct {
	Port     int
	Password string

	bin, dir string
	settings []string
	process  *process
}

// StartPostgres makes a server with nothing in it, in a folder that exists, and
// starts it; or starts the one that is there. settings are of its configuration: "shared_buffers=256MB"; what is not
// named is as PostgreSQL has it, so what it says is committed is on the disk.
//
// PostgreSQL refuses to run as root. There it runs as the user postgres, or nobody,
// who is given the folder, and who must be able to reach it.
func StartPostgres(ctx context.Context, dir string, settings ...string) (*Postgres, error) {
	bin, err := postgresPrograms()
	if err != nil {
		return nil, err
	}
	p := &Postgres{Password: rand.Text(), bin: bin, dir: dir, settings: settings}
	if p.Port, err = freePort(); err != nil {
		return nil, err
	}
	secret := filepath.Join(dir, "password")
	if _, err := os.Stat(p.data()); err == nil {
		text, err := os.ReadFile(secret)
		if err != nil {
			return nil, err
		}
		p.Password = strings.TrimSpace(string(text))
		return p, p.Start(ctx)
	}
	if err := os.WriteFile(secret, []byte(p.Password+"\n"), 0o600); err != nil {
		return nil, err
	}
	if owner := notRoot(); owner != nil {
		for _, path := range []string{dir, secret} {
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				return nil, err
			}
		}
	}
	cmd := p.command(ctx, "initdb", "-D", p.data(), "-U", "postgres", "--pwfile", secret, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8")
	if err := run(cmd); err != nil {
		return nil, err
	}
	return p, p.Start(ctx)
}

// postgresPrograms returns the folder with the newest server's programs. Debian
// keeps them out of the way, so that several versions can be installed.
func postgresPrograms() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	newest, version := "", 0
	for _, path := range found {
		if n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))); err == nil && n > version {
			newest, version = filepath.Dir(path), n
		}
	}
	if newest != "" {
		return newest, nil
	}
	path, err := program("initdb")
	return filepath.Dir(path), err
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// command returns a command of PostgreSQL's that runs as who may run it.
func (p *Postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(p.bin, name), args...)
	cmd.Dir = p.dir
	cmd.SysProcAttr = as(notRoot())
	return cmd
}

// Start starts the server again that was stopped, or killed, where it was.
func (p *Postgres) Start(ctx context.Context) error {
	// What a server that was killed has left; it would mend that by itself where it
	// can tell that its process is gone, which another with its number may be.
	if err := os.Remove(filepath.Join(p.data(), "postmaster.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	args := []string{"-D", p.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(p.Port), "-k", ""}
	for _, s := range slices.Concat([]string{"logging_collector=off", "log_checkpoints=off"}, p.settings) {
		args = append(args, "-c", s)
	}
	var err error
	p.process, err = start(ctx, p.command(ctx, "postgres", args...), func(ctx context.Context) error {
		return exec.CommandContext(ctx, filepath.Join(p.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(p.Port)).Run()
	})
	return err
}

// Kill ends the server as a power cut does that leaves the disk: nothing is
// finished. It can be started again.
func (p *Postgres) Kill() { p.process.Stop() }

// Stop ends the server. What it wrote stays in the folder.
func (p *Postgres) Stop() { p.process.Stop() }

// URL returns the address of a database of the server, with the password in it.
func (p *Postgres) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", p.Password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// PID returns the number of the server's first process, for measuring.
func (p *Postgres) PID() int { return p.process.cmd.Process.Pid }

// A credential is another user.
type credential struct{ Uid, Gid uint32 }

// notRoot returns who is to run what refuses root; nil where we aren't root.
func notRoot() *credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &credential{uint32(uid), uint32(gid)}
		}
	}
	return nil
}
