//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package cli

import (
	"context"
	"net"

	"firsthand/fault"
)

// Listen fails: this system has no socket whose reach we know how to limit to
// one user. Commands work on the file, while no server has it open.
func Listen(path string) (net.Listener, error) {
	return nil, fault.Tell(fault.Unavailable, "commands can't reach a running server on this system", "")
}

func dial(ctx context.Context, path string) (net.Conn, error) { return nil, errNoServer }
