package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"firsthand/connector"
	"firsthand/connector/carddav"
	"firsthand/connector/email"
	"firsthand/connector/memory"
	"firsthand/connector/rt"
	"firsthand/connector/tryton"
	"firsthand/connector/webhook"
	"firsthand/fault"
	"firsthand/internal/cli"
	"firsthand/internal/gateway"
)

// connectors are those that a configuration can name. The list is code, not
// registration by import.
var connectors = map[string]func(config json.RawMessage, dir string) (connector.Connector, error){
	"carddav":         carddavIn,
	"email":           emailIn,
	"memory":          memoryIn,
	"request-tracker": trackerIn,
	"tryton":          trytonIn,
	"webhook":         webhookIn,
}

// carddavIn opens an address book. The file with its password is looked for beside
// the configuration.
func carddavIn(config json.RawMessage, dir string) (connector.Connector, error) {
	var c carddav.Config
	if err := parseConnector(config, &c); err != nil {
		return nil, err
	}
	beside(dir, &c.PasswordFile)
	if c.Binding != nil {
		beside(dir, &c.Binding.Mail.PasswordFile)
	}
	return carddav.Open(c)
}

// emailIn opens a mailbox. The file with its password is looked for beside the
// configuration.
func emailIn(config json.RawMessage, dir string) (connector.Connector, error) {
	var c email.Config
	if err := parseConnector(config, &c); err != nil {
		return nil, err
	}
	beside(dir, &c.PasswordFile)
	m, err := email.Open(c)
	if err != nil {
		return nil, err // and not a nil *email.Mailbox in an interface
	}
	return m, nil
}

// memoryIn opens the small CRM. Its file is looked for beside the configuration.
func memoryIn(config json.RawMessage, dir string) (connector.Connector, error) {
	var c memory.Config
	if err := parseConnector(config, &c); err != nil {
		return nil, err
	}
	beside(dir, &c.File)
	return memory.Open(c)
}

// trytonIn opens the connector to a Tryton. The files with passwords are looked for
// beside the configuration.
func trytonIn(config json.RawMessage, dir string) (connector.Connector, error) {
	var c tryton.Config
	if err := parseConnector(config, &c); err != nil {
		return nil, err
	}
	beside(dir, &c.PasswordFile)
	if c.SMTP != nil {
		beside(dir, &c.SMTP.PasswordFile)
	}
	return tryton.Open(c)
}

// webhookIn opens a webhook. The files with its keys are looked for beside the
// configuration.
func webhookIn(config json.RawMessage, dir string) (connector.Connector, error) {
	var c webhook.Config
	if err := parseConnector(config, &c); err != nil {
		return nil, err
	}
	beside(dir, &c.SecretFile, &c.KeyFile)
	return webhook.Open(c)
}

// trackerIn opens a Request Tracker. The file with its token is looked for beside the
// configuration.
func trackerIn(config json.RawMessage, dir string) (connector.Connector, error) {
	var c rt.Config
	if err := parseConnector(config, &c); err != nil {
		return nil, err
	}
	beside(dir, &c.TokenFile)
	return rt.Open(c)
}

// beside has relative paths begin at dir.
func beside(dir string, paths ...*string) {
	for _, path := range paths {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
}

// An app is the company's gateway, opened.
type app struct {
	config    gateway.Config
	store     database
	connector connector.Connector // nil if the configuration names none, and so
	tickets   connector.Connector
	gateway   *gateway.Gateway
	log       *slog.Logger
}

// dir returns the folder of gateway.json.
func dir(env *cli.Env) string {
	if d := env.Getenv("FIRSTHAND_GATEWAY_DIR"); d != "" {
		return env.Path(d)
	}
	return env.Dir
}

func configPath(env *cli.Env) string { return filepath.Join(dir(env), "gateway.json") }

func socketPath(env *cli.Env) (string, error) { return filepath.Join(dir(env), "run", "socket"), nil }

// plain reports whether c may serve HTTP without TLS: on loopback alone, where a
// proxy or a trial is.
func plain(c *gateway.Config) bool {
	host, _, err := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	return err != nil || host == "localhost" || ip != nil && ip.IsLoopback() // what is no address is refused as such
}

// loadConfig reads gateway.json.
func loadConfig(env *cli.Env) (gateway.Config, error) {
	c, err := gateway.LoadConfig(configPath(env))
	if fault.KindOf(err) == fault.NotExist {
		err = fault.Tell(fault.NotExist, "there is no gateway.json in "+dir(env), "name the folder with --dir, or make one: firsthand-gateway init")
	}
	return c, err
}

// openApp opens the gateway for one command, when no server runs.
func openApp(ctx context.Context, env *cli.Env) (*app, func() error, error) {
	quiet := func(gateway.LogConfig) *slog.Logger {
		return slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	return open(ctx, env, quiet, nil)
}

// open opens what the configuration says. It logs to what newLog makes of it, and is
// measured by meter unless that is nil.
func open(ctx context.Context, env *cli.Env, newLog func(gateway.LogConfig) *slog.Logger, meter gateway.Meter) (*app, func() error, error) {
	c, err := loadConfig(env)
	if err != nil {
		return nil, nil, err
	}
	if err := c.Check(plain(&c)); err != nil {
		return nil, nil, err
	}
	a := &app{config: c, log: newLog(c.Log)}
	if a.store, err = openDatabase(ctx, &c, a.log); err != nil {
		return nil, nil, err
	}
	done := func() (err error) {
		for _, c := range []connector.Connector{a.connector, a.tickets} {
			if x, ok := c.(io.Closer); ok {
				err = errors.Join(err, x.Close())
			}
		}
		return errors.Join(err, a.store.Close())
	}
	if err := a.connect(); err != nil {
		return nil, nil, errors.Join(err, done())
	}
	o, err := c.Options()
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	o.Store, o.Connector, o.Tickets, o.Log, o.Meter = a.store, a.connector, a.tickets, a.log, meter
	if a.gateway, err = gateway.New(o); err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return a, done, nil
}

// connect opens the connectors that the configuration names.
func (a *app) connect() (err error) {
	c, dir := &a.config, a.config.Dir()
	if c.Connector.Type == "" {
		return nil
	}
	if a.connector, err = connect("connector", c.Connector.Type, c.Connector.Config, dir); err != nil || c.Tickets.Type == "" {
		return err
	}
	a.tickets, err = connect("tickets", c.Tickets.Type, c.Tickets.Config, dir)
	return err
}

// connect opens one connector, of a member of the configuration.
func connect(member, kind string, config json.RawMessage, dir string) (connector.Connector, error) {
	if err := known(member, kind); err != nil {
		return nil, err
	}
	return connectors[kind](config, dir)
}

// known refuses a type of connector that this program doesn't have.
func known(member, kind string) error {
	if _, ok := connectors[kind]; ok {
		return nil
	}
	return fault.Tell(fault.Invalid, fmt.Sprintf("%s.type: there is no %q", member, kind),
		"this program has "+strings.Join(slices.Sorted(maps.Keys(connectors)), ", "))
}
