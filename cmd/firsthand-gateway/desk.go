package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"firsthand/fault"
	"firsthand/internal/cli"
	"firsthand/internal/desk"
	"firsthand/internal/desk/passkey"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/store"
)

var deskCmd = cli.Command[*app]{
	Name: "desk", Args: "what [name]", Short: "who may use the pages for staff",
	Long: `What is
  invite NAME     print a link, good once, by which somebody becomes a member of staff
  staff           who is
  remove NAME     a member, or an invitation`,
	Setup: func(fs *flag.FlagSet) run {
		by := byFlag(fs)
		role := fs.String("role", string(desk.Reader), "with invite: reader, agent or admin")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if len(args) == 0 {
				return cli.Usagef("")
			}
			what, name := args[0], strings.Join(args[1:], " ")
			if (what == "staff") != (name == "") {
				return cli.Usagef("")
			}
			switch what {
			case "invite":
				if a.config.Desk.Listen == "" {
					return fault.Tell(fault.Invalid, "this gateway has no desk", "add desk to gateway.json: see the type DeskConfig of internal/gateway")
				}
				path, err := desk.InviteMember(ctx, a.gateway, *by, name, desk.Role(*role), time.Now())
				if err != nil {
					return err
				}
				fmt.Fprintln(env.Stdout, strings.TrimSuffix(a.config.Desk.URL, "/")+path)
				return nil
			case "staff":
				return printStaff(ctx, a, env)
			case "remove":
				return desk.RemoveMember(ctx, a.gateway, *by, name)
			}
			return cli.Usagef("")
		}
	},
}

func printStaff(ctx context.Context, a *app, env *cli.Env) error {
	staff, err := desk.LoadStaff(ctx, a.gateway)
	if err != nil {
		return err
	}
	rows := [][]string{{"NAME", "ROLE", "SINCE"}}
	for _, m := range staff.Members {
		rows = append(rows, []string{m.Name, string(m.Role), m.Since.Format(time.DateOnly)})
	}
	for _, i := range staff.Invites {
		rows = append(rows, []string{i.Name, string(i.Role), "invited until " + i.Until.Format("2006-01-02 15:04")})
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(rows...))
	return err
}

// deskServer returns the server of the desk and where it listens; nil if there is to
// be none.
func (a *app) deskServer() (*http.Server, error) {
	c := &a.config
	o := desk.Options{Gateway: a.gateway, Company: c.Name, URL: c.Desk.URL, Now: time.Now, Log: a.log, Scratch: store.Scratch}
	for lane, known := range map[gateway.Lane]gateway.TicketsConfig{
		gateway.Records: {Type: c.Connector.Type, Config: c.Connector.Config}, gateway.Tickets: c.Tickets,
	} {
		var text bytes.Buffer
		if err := json.Indent(&text, known.Config, "", "  "); err != nil && len(known.Config) > 0 {
			return nil, err
		}
		o.Configured = append(o.Configured, desk.Configured{Lane: lane, Type: known.Type, Config: text.String()})
	}
	var err error
	if o.Passkeys, err = passkey.New(c.Desk.URL, c.Name); err != nil {
		return nil, err
	}
	if c.Desk.OIDC.Issuer != "" {
		p, err := desk.NewProvider(c.Desk.OIDC, c.Desk.URL, nil, time.Now)
		if err != nil {
			return nil, err
		}
		o.Provider = p
	}
	pages, err := desk.New(o)
	if err != nil {
		return nil, err
	}
	return &http.Server{Handler: pages, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}, nil
}
