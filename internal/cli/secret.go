package cli

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"firsthand/fault"
)

// maxSecret limits a secret, so that a wrong file name doesn't become one.
const maxSecret = 4 << 10

// A Secret says where a passphrase or the like comes from: the file that a flag
// names, else the one that a variable names, else a prompt. Never from the flag
// or the variable itself: other programs see those.
type Secret struct {
	Prompt string `json:"prompt"` // "Passphrase"
	Flag   string `json:"flag"`   // the flag's name, for the hint: "passphrase-file"; "" if there is none
	File   string `json:"file"`   // the flag's value, "" if it wasn't given; "-" is standard input
	Var    string `json:"var"`    // "FIRSTHAND_PASSPHRASE_FILE"; "" if there is none
	Twice  bool   `json:"twice"`  // a new secret: asked for twice
}

// Secret returns the secret s: the file's content without the line break that
// ends it, or what was typed. In a server the client reads it, from its own files
// and terminal. The caller owns the memory and should clear it after use.
func (e *Env) Secret(ctx context.Context, s Secret) ([]byte, error) {
	if e.client != nil {
		return e.client.secret(ctx, s)
	}
	file := s.File
	if file == "" {
		file = e.getenv(s.Var)
	}
	if file != "" {
		return e.secretFile(file, s)
	}
	if e.Prompt == nil {
		return nil, fault.Tell(fault.Invalid, "nobody is there to ask for: "+s.Prompt, s.ways())
	}
	return e.secretPrompt(ctx, s)
}

// ways says how else to give s.
func (s Secret) ways() string {
	var ways []string
	if s.Flag != "" {
		ways = append(ways, "--"+s.Flag+" FILE")
	}
	if s.Var != "" {
		ways = append(ways, s.Var+"=FILE")
	}
	if len(ways) == 0 {
		return "run it at a terminal"
	}
	return "give it in a file, with " + strings.Join(ways, " or ")
}

func (e *Env) secretFile(name string, s Secret) ([]byte, error) {
	hint := fmt.Sprintf("the file that is named has nothing in it but this: %s", s.Prompt)
	f, err := e.Open(name)
	if err != nil {
		if fault.HintOf(err) != "" {
			return nil, err
		}
		return nil, fault.Tell(fault.KindOf(err), err.Error(), hint)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxSecret:
		return nil, fault.Tell(fault.Invalid, fmt.Sprintf("%s is too long to be a secret", name), hint)
	}
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
	if len(b) == 0 {
		return nil, fault.Tell(fault.Invalid, name+" is empty", hint)
	}
	return b, nil
}

func (e *Env) secretPrompt(ctx context.Context, s Secret) ([]byte, error) {
	b, err := e.Prompt(ctx, s.Prompt+": ")
	switch {
	case err != nil:
		return nil, err
	case len(b) == 0:
		return nil, fault.Tell(fault.Invalid, "nothing was typed", "run it again")
	case !s.Twice:
		return b, nil
	}
	again, err := e.Prompt(ctx, s.Prompt+" again: ")
	defer clear(again)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(b, again) == 0 {
		clear(b)
		return nil, fault.Tell(fault.Invalid, "the two are not the same", "run it again, and type the same twice")
	}
	return b, nil
}

// promptTerminal asks on the terminal that is standard input. However it ends,
// the terminal shows again what is typed.
func promptTerminal(ctx context.Context, prompt string) ([]byte, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	type line struct {
		text []byte
		err  error
	}
	fmt.Fprint(os.Stderr, prompt)
	defer fmt.Fprintln(os.Stderr) // the line break that was typed isn't shown either
	typed := make(chan line, 1)   // nothing interrupts the read: it is left behind
	go func() {
		text, err := term.ReadPassword(fd)
		typed <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(fd, before))
	case l := <-typed:
		if errors.Is(l.err, io.EOF) {
			return nil, fault.Tell(fault.Invalid, "nothing was typed", "run it again")
		}
		return l.text, l.err
	}
}
