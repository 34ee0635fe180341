package cli_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/internal/cli"
)

func hint(err error) string { return fault.HintOf(err) }

func TestSecretOnlyFromTheTerminal(t *testing.T) {
	_, err := (&cli.Env{}).Secret(t.Context(), cli.Secret{Prompt: "Code"})
	if got := hint(err); got != "run it at a terminal" {
		t.Errorf("hint = %q", got)
	}
}

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("flag", "from the flag \n")
	write("variable", "from the variable\r\n")
	write("lines", "two\nlines\n\n")
	write("empty", "\n")
	write("long", strings.Repeat("x", 5000))
	types := func(lines ...string) func(context.Context, string) ([]byte, error) {
		return func(context.Context, string) ([]byte, error) {
			if len(lines) == 0 {
				return nil, errors.New("asked once too often")
			}
			line := lines[0]
			lines = lines[1:]
			return []byte(line), nil
		}
	}
	tests := []struct {
		name           string
		file, variable string // what the flag and the variable name
		twice          bool
		typed          []string // nil: no terminal
		want, wantErr  string
	}{
		{name: "the flag wins", file: "flag", variable: "variable", typed: []string{"typed"}, want: "from the flag "},
		{name: "the variable names a file", variable: "variable", typed: []string{"typed"}, want: "from the variable"},
		{name: "typed", typed: []string{"typed"}, want: "typed"},
		{name: "typed twice", twice: true, typed: []string{"typed", "typed"}, want: "typed"},
		{name: "from a file it needs no second time", twice: true, file: "flag", want: "from the flag "},
		{name: "only the last line break is not part of it", file: "lines", want: "two\nlines\n"},
		{name: "standard input", file: "-", want: "from input"},
		{name: "not the same", twice: true, typed: []string{"a", "b"}, wantErr: "the two are not the same"},
		{name: "nothing typed", typed: []string{""}, wantErr: "nothing was typed"},
		{name: "nobody there", wantErr: "nobody is there to ask for: Passphrase"},
		{name: "missing", file: "missing", typed: []string{"typed"}, wantErr: "no such file"},
		{name: "empty", file: "empty", wantErr: "empty is empty"},
		{name: "not a secret", file: "long", wantErr: "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := &cli.Env{Stdin: strings.NewReader("from input\n"), Dir: dir, Getenv: func(name string) string {
				if name == "TOY_PASSPHRASE_FILE" {
					return tt.variable
				}
				return "from the environment itself"
			}}
			if tt.typed != nil {
				env.Prompt = types(tt.typed...)
			}
			got, err := env.Secret(t.Context(), cli.Secret{
				Prompt: "Passphrase", Flag: "passphrase-file", File: tt.file, Var: "TOY_PASSPHRASE_FILE", Twice: tt.twice})
			if string(got) != tt.want || (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("Secret = %q, %v, want %q, %q", got, err, tt.want, tt.wantErr)
			}
			if tt.name == "nobody there" && hint(err) != "give it in a file, with --passphrase-file FILE or TOY_PASSPHRASE_FILE=FILE" {
				t.Errorf("hint = %q", hint(err))
			}
		})
	}
}
