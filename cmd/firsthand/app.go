package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/letter"
	"firsthand/internal/agent/channel/mail"
	"firsthand/internal/agent/channel/manual"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/archive"
	"firsthand/internal/agent/importer/bank"
	"firsthand/internal/agent/importer/exports"
	mailbox "firsthand/internal/agent/importer/mail"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/agent/importer/vcard"
	"firsthand/internal/agent/mask"
	"firsthand/internal/agent/store"
	"firsthand/internal/cli"
	"firsthand/terms"
	"firsthand/wire"
)

// An app is her life, opened. In a server whose file is locked only home is set.
type app struct {
	agent *agent.Agent
	store *store.Store
	dir   string // of her file
	home  *home  // of a server; nil in a command that runs by itself
}

// dataDir returns the folder of her file: FIRSTHAND_DIR, or the user's data
// folder (XDG Base Directory; the platform's own elsewhere).
func dataDir(env *cli.Env) (string, error) {
	if dir := env.Getenv("FIRSTHAND_DIR"); dir != "" {
		return env.Path(dir), nil
	}
	if dir := env.Getenv("STATE_DIRECTORY"); dir != "" { // systemd
		return env.Path(dir), nil
	}
	if dir := env.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(env.Path(dir), "firsthand"), nil
	}
	if runtime.GOOS == "linux" || runtime.GOOS == "freebsd" {
		if home := env.Getenv("HOME"); home != "" {
			return filepath.Join(home, ".local", "share", "firsthand"), nil
		}
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fault.Tell(fault.Invalid, "no folder for your file: "+err.Error(), "name one: --dir FOLDER")
	}
	return filepath.Join(dir, "firsthand"), nil
}

func socketPath(env *cli.Env) (string, error) {
	dir, err := dataDir(env)
	return filepath.Join(dir, "run", "socket"), err
}

// opener returns what opens her file: the key file if one is named, else the
// passphrase.
func opener(ctx context.Context, env *cli.Env) (store.Opener, error) {
	if name := env.Getenv("FIRSTHAND_KEY_FILE"); name != "" {
		text, err := os.ReadFile(env.Path(name))
		if err != nil {
			return nil, fault.Tell(fault.NotExist, "no key file: "+err.Error(), "make one: firsthand unlock --new-key-file FILE")
		}
		return store.KeyFile(string(text)), nil
	}
	pass, err := env.Secret(ctx, passphrase("Passphrase", false))
	if err != nil {
		return nil, err
	}
	return store.Passphrase(pass), nil
}

func passphrase(prompt string, twice bool) cli.Secret {
	return cli.Secret{Prompt: prompt, Flag: "passphrase-file", Var: "FIRSTHAND_PASSPHRASE_FILE", Twice: twice}
}

// openApp opens her file for one command, when no server runs.
func openApp(ctx context.Context, env *cli.Env) (*app, func() error, error) {
	dir, err := dataDir(env)
	if err != nil {
		return nil, nil, err
	}
	if !store.Exists(dir) {
		return nil, nil, fault.Tell(fault.NotExist, "there is no file of yours in "+dir, "make it: firsthand init; if yours is elsewhere, name its folder: --dir FOLDER")
	}
	by, err := opener(ctx, env)
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(ctx, dir, by)
	if err != nil {
		return nil, nil, err
	}
	log := slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return newApp(env, dir, s, log), func() error { return tidied(env, s.Close()) }, nil
}

// tidied says of a file that was closed on a full disk that nothing is lost by it. What
// the command did is done.
func tidied(env *cli.Env, err error) error {
	if !errors.Is(err, store.ErrUntidy) {
		return err
	}
	say(env, "%s %s", err, fault.HintOf(err))
	return nil
}

// newApp puts her life together, as it is for real use.
func newApp(env *cli.Env, dir string, s *store.Store, log *slog.Logger) *app {
	return &app{store: s, dir: dir, agent: newAgent(newFetch(env), new(mail.Post), time.Now, s, log)}
}

// newAgent puts the agent together that acts on s. All that it calls it reaches by
// client, but mails, which post carries.
func newAgent(client *fetch.Client, post *mail.Post, now func() time.Time, s *store.Store, log *slog.Logger) *agent.Agent {
	return agent.New(agent.Options{
		Store:  s,
		Caller: wire.NewClient(client, now),
		Roster: terms.Default(),
		Now:    now,
		Rand:   io.Reader(rand.Reader),
		Log:    log,

		Channels: []channel.Channel{mail.Mail{}, manual.Manual{}, letter.Letter{}},
		Mail:     post,
		Formats:  formats(),
		NewMasks: func(c mask.Config) (mask.Provider, error) { return mask.New(c, client) },
		OpenListing: func(ctx context.Context, pathOrURL string) (*directory.File, error) {
			return directory.Open(ctx, client, pathOrURL)
		},
	})
}

// formats are the kinds of files that can be brought: by themselves, and packed.
func formats() []importer.Format {
	all := slices.Concat(passwords.Formats(), bank.Formats(), exports.Formats(), []importer.Format{vcard.Format{}, mailbox.Format{}})
	return append(all, archive.Format{Of: all})
}

// newCaller returns the client by which gateways are reached.
func newCaller(env *cli.Env) agent.Caller { return wire.NewClient(newFetch(env), nil) }

// newFetch returns the client for all calls. Loopback is only for trials: by default
// no packet goes to an address of this machine or network.
func newFetch(env *cli.Env) *fetch.Client {
	return fetch.New(fetch.Options{AllowLoopback: env.Getenv("FIRSTHAND_ALLOW_LOOPBACK") == "1"})
}
