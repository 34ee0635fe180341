package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/cli"
	"firsthand/internal/durable"
	"firsthand/internal/gateway"
)

var initCmd = cli.Command[*app]{
	Name: "init", Short: "make the folder: configuration, keys, database", Local: true,
	Long: `The next key is written to a file of its own, which you move to another place: it
is what replaces the company's key, also after a theft. --demo takes a small CRM that
comes with the program, with one customer in it, and plain HTTP on this machine.`,
	Setup: func(fs *flag.FlagSet) run {
		var c gateway.Config
		fs.StringVar(&c.Domain, "domain", "", "the company's `domain`")
		fs.StringVar(&c.Name, "name", "", "legal `entity`")
		fs.StringVar(&c.Jurisdiction, "jurisdiction", "", "the `law` it is under: BE, US-CA")
		fs.StringVar(&c.URL, "url", "", "the gateway's own `address`; https://DOMAIN if not given")
		fs.StringVar(&c.Listen, "listen", "", "`address` to listen on; :443 if not given")
		fs.StringVar(&c.Database.URLFile, "database", "", "`file` with the address of an empty PostgreSQL; a file in the folder if not given")
		nextKey := fs.String("next-key", "", "write the next key to this `file`; next.key in the folder if not given")
		demo := fs.Bool("demo", false, "a trial on this machine")
		mode := fs.String("mode", "auto", "with --demo: auto, or person who decides each change")
		return func(ctx context.Context, _ *app, env *cli.Env, args []string) error {
			if len(args) > 0 || c.Domain == "" || c.Name == "" || c.Jurisdiction == "" {
				return cli.Usagef("--domain, --name and --jurisdiction say who the company is")
			}
			return initialise(ctx, env, c, *nextKey, *demo, *mode)
		}
	},
}

// initialise makes everything, the configuration last: a folder without it was
// not finished, and can be removed.
func initialise(ctx context.Context, env *cli.Env, c gateway.Config, nextKey string, demo bool, mode string) error {
	d := dir(env)
	if _, err := os.Stat(configPath(env)); err == nil {
		return fault.Tell(fault.Conflict, configPath(env)+" is there already", "use another folder: --dir FOLDER")
	}
	c.Data, c.KeyFile, c.ChainFile, c.Terms = "data", "company.key", "chain.json", []string{"FIRSTHAND-SD-BASE"}
	if c.Database.URLFile != "" {
		c.Database.URLFile = env.Path(c.Database.URLFile)
	}
	if c.URL == "" {
		c.URL = "https://" + c.Domain
	}
	if c.Listen == "" {
		c.Listen = ":443"
	}
	if demo {
		if err := asDemo(&c, mode); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(d, c.Data), 0o700); err != nil {
		return err
	}
	if nextKey == "" {
		nextKey = filepath.Join(d, "next.key")
	}
	next, err := newKeyFile(env.Path(nextKey))
	if err != nil {
		return err
	}
	current, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		return err
	}
	if err := gateway.CreateKeys(filepath.Join(d, c.KeyFile), filepath.Join(d, c.ChainFile), current, next.Public().Hash()); err != nil {
		return err
	}
	made := c
	made.Data = filepath.Join(d, c.Data)
	if err := createDatabase(ctx, &made); err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, firsthand.EncodeJSON(configText(c)), "", "  "); err != nil {
		return err
	}
	if err := os.WriteFile(configPath(env), append(text.Bytes(), '\n'), 0o600); err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "configuration: %s\nnext key: %s (move it to another place)\n", configPath(env), env.Path(nextKey))
	if !demo {
		fmt.Fprintln(env.Stderr, "firsthand-gateway: still to be said in gateway.json: tls, or an address of loopback as listen; connector, the system with your customers; desk, the pages for staff. Then: firsthand-gateway check")
	}
	return nil
}

// configText returns the members of c that init writes; the others have defaults.
func configText(c gateway.Config) any {
	type connector struct {
		Type   string          `json:"type"`
		Config json.RawMessage `json:"config"`
		Poll   int             `json:"poll_seconds,omitempty"`
	}
	var conn *connector
	if c.Connector.Type != "" {
		conn = &connector{c.Connector.Type, c.Connector.Config, c.Connector.PollSeconds}
	}
	var database *gateway.DatabaseConfig
	if c.Database.URLFile != "" {
		database = &c.Database
	}
	return struct {
		Domain       string `json:"domain"`
		Name         string `json:"name"`
		Jurisdiction string `json:"jurisdiction"`
		URL          string `json:"url"`
		Listen       string `json:"listen"`
		Data         string `json:"data"`

		Database  *gateway.DatabaseConfig `json:"database,omitempty"`
		KeyFile   string                  `json:"key_file"`
		ChainFile string                  `json:"chain_file"`
		Terms     []string                `json:"terms"`
		Connector *connector              `json:"connector,omitempty"`
	}{c.Domain, c.Name, c.Jurisdiction, c.URL, c.Listen, c.Data, database, c.KeyFile, c.ChainFile, c.Terms, conn}
}

// asDemo turns c into a trial on this machine: plain HTTP on the domain, which is
// localhost:PORT, and a small CRM with Mia in it.
func asDemo(c *gateway.Config, mode string) error {
	host, port, _ := strings.Cut(c.Domain, ":")
	if host != "localhost" || port == "" {
		return fault.Tell(fault.Invalid, "a trial has a domain on this machine", "--domain localhost:8420")
	}
	c.URL, c.Listen = "http://"+c.Domain, "127.0.0.1:"+port
	c.Connector.Type = "memory"
	c.Connector.Config = json.RawMessage(firsthand.EncodeJSON(map[string]any{
		"file": "crm.journal", "mode": mode,
		"seed": []any{map[string]any{
			"number": "4711", "contacts": []string{"mia@old.example"},
			"facts": map[string]string{"name": "Mia Peeters", "email": "mia@old.example"},
		}},
	}))
	c.Connector.PollSeconds = 1
	return nil
}

const nextKeyMark = "firsthand-company-next-key-v1\n"

// newKeyFile makes a key and writes it to a new file.
func newKeyFile(path string) (*firsthand.Signer, error) {
	key, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := durable.Create(path, []byte(nextKeyMark+firsthand.ID(key.Seed()).String()+"\n")); err != nil {
		return nil, fault.Tell(fault.Invalid, "the next key can't be written: "+err.Error(), "name a new file")
	}
	return key, nil
}

// readKeyFile reads what newKeyFile wrote. Its error doesn't repeat it.
func readKeyFile(text []byte) (*firsthand.Signer, error) {
	line, ok := strings.CutPrefix(string(text), nextKeyMark)
	seed, err := firsthand.ParseID(strings.TrimSpace(line))
	if !ok || err != nil || seed.IsZero() {
		return nil, fault.Tell(fault.Invalid, "this is no next key", "it is the file that init or the last rotate wrote")
	}
	return firsthand.SignerFromSeed(seed), nil
}

var rotateCmd = cli.Command[*app]{
	Name: "rotate", Short: "replace the company's key by the next, in every relationship",
	Setup: func(fs *flag.FlagSet) run {
		next := fs.String("next-key", "", "`file` with the next key, which is only read")
		after := fs.String("new-next-key", "", "write the key after it to this new `file`; move it to another place")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if *next == "" || *after == "" {
				return cli.Usagef("--next-key names the key to use, --new-next-key where the one after it goes")
			}
			text, err := env.Secret(ctx, cli.Secret{Prompt: "Next key", Flag: "next-key", File: *next})
			if err != nil {
				return err
			}
			key, err := readKeyFile(append(text, '\n'))
			if err != nil {
				return err
			}
			newNext, err := newKeyFile(env.Path(*after))
			if err != nil {
				return err
			}
			if err := a.gateway.Rotate(ctx, key, newNext.Public().Hash()); err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "rotated; the key after it: %s (move it to another place)\n", env.Path(*after))
			return a.settle(ctx)
		}
	},
}
