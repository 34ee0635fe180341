//go:build !linux

package systems

import "os/exec"

func own(*exec.Cmd) {}

func ownPolitely(*exec.Cmd) {}

func end(cmd *exec.Cmd) { cmd.Process.Kill() }

// lock doesn't: two programs may do the same work.
func lock(string) (unlock func(), err error) { return func() {}, nil }
