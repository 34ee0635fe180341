//go:build unix

package systems

import "syscall"

// as returns what makes a command run as another user; nil for nil.
func as(c *credential) *syscall.SysProcAttr {
	if c == nil {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: c.Uid, Gid: c.Gid}}
}
