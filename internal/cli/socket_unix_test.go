//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package cli_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/internal/cli"
)

func TestListen(t *testing.T) {
	dir, err := os.MkdirTemp("", "toy")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "run", "socket")
	l, err := cli.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Lstat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	if _, err := cli.Listen(path); fault.KindOf(err) != fault.Conflict {
		t.Errorf("second server: %v, want conflict", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}

	// What a killed server left behind is replaced.
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	env := &cli.Env{Stdin: strings.NewReader(""), Dir: "/"}
	if _, done, err := cli.Forward(t.Context(), path, []string{"echo"}, env); done || err != nil {
		t.Errorf("Forward to a stale socket = %v, %v, want false, nil", done, err)
	}
	if l, err = cli.Listen(path); err != nil {
		t.Fatalf("over a stale socket: %v", err)
	}
	l.Close()

	// A file that isn't a socket is not.
	if err := os.WriteFile(path, []byte("diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cli.Listen(path); err == nil {
		t.Error("replaced a file")
	}
	if _, _, err := cli.Forward(t.Context(), path, []string{"echo"}, env); fault.KindOf(err) != fault.Denied {
		t.Errorf("Forward to a file: %v, want denied", err)
	}
	if text, err := os.ReadFile(path); string(text) != "diary" {
		t.Errorf("file = %q, %v", text, err)
	}

	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := cli.Listen(path); fault.KindOf(err) != fault.Denied || hint(err) == "" {
		t.Errorf("in an open folder: %v, want denied", err)
	}
	long := filepath.Join(dir, strings.Repeat("x", 100))
	if _, err := cli.Listen(long); fault.KindOf(err) != fault.Invalid {
		t.Errorf("name too long: %v, want invalid", err)
	}
	if _, done, err := cli.Forward(t.Context(), long, nil, env); done || err != nil {
		t.Errorf("Forward to a name too long = %v, %v, want false, nil", done, err)
	}
}

// What belongs to another user is neither used nor trusted. Only root can make
// such a thing.
func TestSocketOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	dir, err := os.MkdirTemp("", "toy")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "socket")
	l, err := cli.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Lchown(path, 1, 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cli.Forward(t.Context(), path, []string{"echo"}, &cli.Env{Dir: "/"}); fault.KindOf(err) != fault.Denied {
		t.Errorf("Forward to another's socket: %v, want denied", err)
	}
	if err := os.Chown(dir, 1, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := cli.Listen(path + "2"); fault.KindOf(err) != fault.Denied {
		t.Errorf("Listen in another's folder: %v, want denied", err)
	}
}
