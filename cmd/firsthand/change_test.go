package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/internal/cli"
)

// What comes in by her pages while a command waits for her answer goes nowhere unseen.
func TestConfirmedIsWhatWasShown(t *testing.T) {
	ctx, dir := t.Context(), filepath.Join(t.TempDir(), "mia")
	kit, err := store.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	_, recipient, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Create(ctx, dir, store.CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	env := &cli.Env{Getenv: func(string) string { return "" }}
	a := newApp(env, dir, s, slog.New(slog.DiscardHandler))
	old := firsthand.Text("mia@old.example")
	state := func(domain string) {
		t.Helper()
		if err := a.agent.State(ctx, agent.Statement{Domain: domain, Fact: "email", Value: old}); err != nil {
			t.Fatal(err)
		}
	}
	state("acme.example")
	m := agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@new.example")}}, Basis: firsthand.Basis{Right: "GDPR 16"}}
	for _, tt := range []struct {
		meanwhile string
		refused   bool
	}{{"bolt.example", true}, {"", false}} {
		p, err := a.agent.Plan(ctx, m)
		if err != nil {
			t.Fatal(err)
		}
		env.Prompt = func(context.Context, string) ([]byte, error) {
			if tt.meanwhile != "" {
				state(tt.meanwhile)
			}
			return []byte("yes"), nil
		}
		err = a.confirm(ctx, env, m, p)
		if refused := err != nil && fault.KindOf(err) == fault.Conflict && fault.HintOf(err) != ""; refused != tt.refused || err != nil && !refused {
			t.Errorf("with %q meanwhile: %v", tt.meanwhile, err)
		}
	}
}
