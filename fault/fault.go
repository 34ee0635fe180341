// Package fault defines the kinds of error shared by all parts of the system.
//
// A [Kind] is itself an error, in the manner of syscall.Errno. Code that finds
// a problem wraps a Kind; code in between says what it was doing; code at an
// edge asks for the Kind and chooses a status, an exit code or a sentence.
// An error without a Kind is [Internal]: its text is for the operator's log.
//
// A [Refusal] says in addition which numbered rule of docs/protocol.md was
// broken. It crosses the wire, so both sides name the same rule.
package fault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// A Kind classes an error by what its receiver can do about it. The names are
// part of the wire format and never change.
type Kind uint8

const (
	Internal    Kind = iota // our own fault, or unclassified
	Invalid                 // the request makes no sense as it stands
	Denied                  // the caller may not do this
	NotExist                // no such thing, or none the caller may see
	Conflict                // the thing has changed since the caller looked
	Unavailable             // try again later
)

var names = [...]string{"internal", "invalid", "denied", "not exist", "conflict", "unavailable"}

// Error makes a Kind an error.
func (k Kind) Error() string {
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// KindOf returns the Kind that err wraps. The outermost wins.
func KindOf(err error) Kind {
	if k, ok := errors.AsType[Kind](err); ok {
		return k
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return NotExist
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Unavailable
	}
	return Internal
}

// A Refusal is an error that names the rule of docs/protocol.md that was
// broken. Kind classes it as usual.
type Refusal struct {
	Kind   Kind
	Rule   string // as in docs/protocol.md, for example "entry-signature"
	Detail string // for people who debug; holds no personal data
}

// Refuse returns a Refusal of kind k.
func Refuse(k Kind, rule, format string, args ...any) error {
	return &Refusal{Kind: k, Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

func (r *Refusal) Error() string { return r.Rule + ": " + r.Detail }

// Unwrap makes KindOf and errors.Is see the Kind.
func (r *Refusal) Unwrap() error { return r.Kind }

// RuleOf returns the rule that err was refused by, or "".
func RuleOf(err error) string {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Rule
	}
	return ""
}

// A Notice is an error whose text is meant for a person; Hint, if there is one,
// says what to do. Kind classes it as usual.
type Notice struct {
	Kind Kind
	Text string
	Hint string
}

// Tell returns a Notice: text says what is wrong, hint what to do about it.
func Tell(k Kind, text, hint string) error { return &Notice{Kind: k, Text: text, Hint: hint} }

func (n *Notice) Error() string { return n.Text }

// Unwrap makes KindOf and errors.Is see the Kind.
func (n *Notice) Unwrap() error { return n.Kind }

// HintOf returns what err tells a person to do, or "".
func HintOf(err error) string {
	if n, ok := errors.AsType[*Notice](err); ok {
		return n.Hint
	}
	return ""
}
