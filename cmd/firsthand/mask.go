package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/mask"
	"firsthand/internal/cli"
)

var maskCmd = cli.Command[*app]{
	Name: "mask", Args: "[verb company]", Short: "e-mail addresses that one company has each: make, pause, retire",
	Long: `mask                                  list them, and mail to them from elsewhere
mask provider domain mia.example      make them at a domain of yours that takes mail to any name
mask provider subaddress mia@post.example   as mia+acme.x7k2q9ab@post.example
mask provider simplelogin https://app.simplelogin.io   at a service with that interface; its key is asked for
mask provider none                    make no more
mask make acme.example                make one for a company, which isn't told yet: disclose, or change
mask pause acme.example, mask resume acme.example
mask retire acme.example              end it for good; it has to be paused first
mask judge acme.example sender.example theirs   mail from there is the company's; leak: it is not`,
	Setup: func(fs *flag.FlagSet) run {
		key := fs.String("service-key-file", "", "`file` with the service's key, instead of being asked for it")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			verb := strings.Join(args[:min(1, len(args))], "")
			switch {
			case len(args) == 0:
				return a.listMasks(ctx, env, *asJSON)
			case verb == "provider" && len(args) >= 2:
				c, err := maskConfig(ctx, env, args[1:], *key)
				if err != nil {
					return err
				}
				return a.agent.SetMaskConfig(ctx, c)
			case verb == "make" && len(args) == 2:
				m, err := a.agent.MakeMask(ctx, args[1])
				if err != nil {
					return err
				}
				fmt.Fprintln(env.Stdout, cli.Printable(m.Address))
				return nil
			case len(args) == 2 && slices.Contains([]string{"pause", "resume", "retire"}, verb):
				return a.switchMask(ctx, env, verb, args[1])
			case verb == "judge" && len(args) == 4:
				return a.judgeLeak(ctx, args[1], args[2], args[3])
			}
			return cli.Usagef("")
		}
	},
}

// maskConfig reads where masks are made.
func maskConfig(ctx context.Context, env *cli.Env, args []string, keyFile string) (c mask.Config, err error) {
	c.Kind = args[0]
	switch {
	case c.Kind == "none" && len(args) == 1:
		c.Kind = ""
	case len(args) != 2:
		err = cli.Usagef("say which: provider %s ADDRESS", c.Kind)
	case c.Kind == mask.SimpleLogin:
		c.URL = args[1]
		key, kerr := env.Secret(ctx, cli.Secret{Prompt: "Key of the service", Flag: "service-key-file", File: keyFile})
		c.Key, err = strings.TrimSpace(string(key)), kerr
	default:
		c.Base = args[1]
	}
	return c, err
}

func (a *app) listMasks(ctx context.Context, env *cli.Env, asJSON bool) error {
	masks, err := a.agent.Masks(ctx, "")
	if err != nil {
		return err
	}
	leaks, err := a.agent.Leaks(ctx, "")
	if err != nil {
		return err
	}
	type leak struct {
		From    string `json:"from"`
		N       int    `json:"n"`
		Verdict string `json:"verdict,omitempty"`
	}
	type row struct {
		Domain  string `json:"domain"`
		Address string `json:"address"`
		State   string `json:"state"`
		Kind    string `json:"kind"`
		Leaks   []leak `json:"leaks"`
	}
	rows, lines := []row{}, [][]string{{"COMPANY", "ADDRESS", "STATE", "MAIL FROM ELSEWHERE"}}
	for _, m := range masks {
		r := row{m.Domain, m.Address, m.State, m.Kind, []leak{}}
		var from []string
		for _, l := range leaks {
			if l.Token == m.Token {
				r.Leaks = append(r.Leaks, leak{l.From, l.N, l.Verdict})
				from = append(from, strings.TrimSpace(fmt.Sprintf("%s (%d) %s", l.From, l.N, l.Verdict)))
			}
		}
		rows = append(rows, r)
		lines = append(lines, []string{m.Domain, m.Address, m.State, strings.Join(from, ", ")})
	}
	if asJSON {
		return printJSON(env, rows)
	}
	if len(rows) == 0 {
		fmt.Fprintln(env.Stderr, "firsthand: no company has an address for itself")
		return nil
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(lines...))
	return err
}

// lastMask returns the mask that a company has, or had last.
func (a *app) lastMask(ctx context.Context, domain string) (agent.Mask, error) {
	masks, err := a.agent.Masks(ctx, domain)
	if err == nil && len(masks) == 0 {
		err = fault.Tell(fault.NotExist, domain+" has no address for itself", "firsthand mask make "+domain)
	}
	if err != nil {
		return agent.Mask{}, err
	}
	return masks[0], nil
}

func (a *app) switchMask(ctx context.Context, env *cli.Env, verb, domain string) error {
	m, err := a.lastMask(ctx, domain)
	if err != nil {
		return err
	}
	if verb == "retire" {
		return a.agent.RetireMask(ctx, m.Token)
	}
	held, err := a.agent.PauseMask(ctx, m.Token, verb == "pause")
	if err == nil && verb == "pause" && !held {
		fmt.Fprintln(env.Stderr, "firsthand: mail to it still reaches your mailbox, and is left alone here")
	}
	return err
}

func (a *app) judgeLeak(ctx context.Context, domain, from, verdict string) error {
	leaks, err := a.agent.Leaks(ctx, domain)
	if err != nil {
		return err
	}
	token := ""
	for _, l := range leaks {
		if l.From == from {
			token = l.Token
		}
	}
	return a.agent.JudgeLeak(ctx, token, from, verdict)
}
