//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"firsthand/fault"
)

// maxSocketPath is what fits into a socket address on every system.
const maxSocketPath = 103

// Listen returns a listener on a socket at path that only this user can reach.
// The folder of path is made if need be; it must be this user's, and closed to
// all others. Beside the socket lies a lock file, which the listener holds locked
// until it is closed: so of two servers one gets [fault.Conflict], and a socket
// that a killed server left behind can be removed without a doubt.
func Listen(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fault.Tell(fault.Invalid, fmt.Sprintf("the name of the socket is too long: %s", path),
			fmt.Sprintf("keep the data in a folder with a shorter name; the socket's name can have %d bytes", maxSocketPath))
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := private(dir); err != nil {
		return nil, err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	l, err := listenLocked(path)
	if err != nil {
		lock.Close()
		return nil, err
	}
	return &listener{UnixListener: l, lock: lock}, nil
}

// private refuses a folder in which somebody else could put or find a socket.
func private(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || owner(info) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return fault.Tell(fault.Denied, fmt.Sprintf("%s is open to other users", dir), fmt.Sprintf("make it your own: chmod 700 %s", dir))
	}
	return nil
}

func owner(info fs.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}

// lockFile opens the file and locks it for as long as it is open. The system
// unlocks it when its process dies, however that happens. The file stays: who
// removed it could remove it from under another's lock.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fault.Tell(fault.Conflict, "a server is already running here", "stop it first, or give this one another folder")
	}
	return nil, fmt.Errorf("lock %s: %w", name, err)
}

// listenLocked listens on path, once the lock says that nobody else does.
func listenLocked(path string) (*net.UnixListener, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	case info.Mode().Type() != fs.ModeSocket:
		return nil, fault.Tell(fault.Conflict, fmt.Sprintf("%s is in the way: not a socket", path), "move it elsewhere")
	default:
		if err := os.Remove(path); err != nil { // left by a server that was killed
			return nil, err
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// Between the two calls only the folder protects the socket, and it does.
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// A listener is a socket whose path nobody else may use.
type listener struct {
	*net.UnixListener
	lock *os.File
}

// Accept returns the next connection of this user's processes. The permissions
// let no others come this far; where the system can tell, it is asked too.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, err := peer(conn); err == nil && uid == os.Geteuid() {
			return conn, nil
		}
		conn.Close()
	}
}

// Close removes the socket, and then lets another server have its place.
func (l *listener) Close() error {
	return errors.Join(l.UnixListener.Close(), l.lock.Close())
}

// dial connects to the server at path, or returns errNoServer. A socket that is
// somebody else's is refused: it would be told secrets.
func dial(ctx context.Context, path string) (net.Conn, error) {
	if len(path) > maxSocketPath {
		return nil, errNoServer // as Listen can't have made it
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoServer
	}
	if err != nil {
		return nil, err
	}
	if info.Mode().Type() != fs.ModeSocket || owner(info) != os.Geteuid() {
		return nil, fault.Tell(fault.Denied, fmt.Sprintf("%s is not your server's socket", path), "run this as the user whose server it is")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
		return nil, errNoServer
	}
	return conn, err
}
