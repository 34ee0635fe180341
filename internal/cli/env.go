package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"firsthand/fault"
)

// An Env is the surroundings of one command: where it reads and writes. In a
// server it is that of the client. Commands use it in place of package os.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Dir            string                   // absolute: where relative names of files begin
	Getenv         func(name string) string // nil: no variable is set; a command's is never nil

	// Prompt asks the person at the terminal and returns what she types, which
	// isn't shown. Nil where nobody is there to answer.
	Prompt func(ctx context.Context, prompt string) ([]byte, error)

	// server side: the client that the command runs for
	client *client
}

// OS returns the Env of this process.
func OS() *Env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "" // deleted under our feet; relative names won't be found
	}
	e := &Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Dir: dir, Getenv: os.Getenv}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		e.Prompt = promptTerminal
	}
	return e
}

func (e *Env) getenv(name string) string {
	if e.Getenv == nil || name == "" {
		return ""
	}
	return e.Getenv(name)
}

// Path returns the absolute name of a file that an argument or flag names.
func (e *Env) Path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(e.Dir, name)
}

// Open opens the file that an argument or flag names for reading; "-" is standard
// input.
func (e *Env) Open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(e.Stdin), nil
	}
	path := e.Path(name)
	if e.client != nil && ofOneProcess(path) {
		return nil, fault.Tell(fault.Invalid, name+" is a file of your shell, which the running server can't read",
			"use - and give it on standard input, or give the file by its name")
	}
	return os.Open(path)
}

// ofOneProcess reports whether path means another file in each process, as what
// a shell makes of <(command) does. The server would read its own.
func ofOneProcess(path string) bool {
	path = filepath.ToSlash(path)
	for _, prefix := range []string{"/dev/fd/", "/dev/stdin", "/proc/self/", "/proc/thread-self/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}
