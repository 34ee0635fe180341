//go:build !linux

package systems

import "os/exec"

func own(*exec.Cmd) {}

func end(cmd *exec.Cmd) { cmd.Process.Kill() }
