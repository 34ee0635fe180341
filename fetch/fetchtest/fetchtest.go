// Package fetchtest holds the addresses that package fetch must refuse, and a
// small internet in one process on which to try them.
//
// Every feature that calls an address which somebody else supplied runs the
// whole list through itself, since it is the feature that forgets: a logo, an
// import, a "send a test". Its test is one call of [Run].
//
// Nothing leaves this machine, not even where a check is broken. The resolver
// and the dialer are replaced: public addresses lead to a server in this
// process, and all others to a sentinel on loopback, at which nobody may arrive.
package fetchtest

import (
	"context"
	"testing"

	"firsthand/fetch"
)

// A Feature calls url by means of c or of a Client isolated from it.
type Feature func(ctx context.Context, c *fetch.Client, url string) error

// A Vector is one attempt to make a Feature call where it should not, or one
// that looks like it and must succeed.
type Vector struct {
	Name string
	URL  string // {port} is the sentinel's, {tls} and {plain} those of honest servers

	// Answers are what the resolver says about the host, the first time, the
	// second and so on; the last is repeated. An answer is a list of addresses
	// with spaces in between. Names without answers are in zone.
	Answers []string

	// Loopback asks for a Client with AllowLoopback.
	Loopback bool

	// Want says what becomes of each call: Answered, Unavailable, or the rule
	// that refuses it. As many calls are made.
	Want []string
}

// What may become of a call, apart from a rule.
const (
	Answered    = "answered"
	Unavailable = "unavailable"
)

// Run plays all vectors through f. It fails t where a call arrives at an
// address that is refused, or where one that must be refused succeeds. That
// the others succeed is not asked, because the server does not say what f
// wants to hear.
func Run(t *testing.T, f Feature) {
	n := New(t)
	for _, v := range Vectors() {
		errs, breaches := n.Play(t.Context(), v, f)
		for _, b := range breaches {
			t.Errorf("%s: arrived at %s", v.Name, b)
		}
		for i, err := range errs {
			if err == nil && v.Want[i] != Answered {
				t.Errorf("%s: call %d succeeded, want %s", v.Name, i+1, v.Want[i])
			}
		}
	}
}
