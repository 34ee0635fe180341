// Package systems starts the systems that companies have, such as helpdesks and
// databases, as a distribution installs them: on loopback, in a folder of their own,
// for tests and for the demo. What isn't installed is [errors.ErrUnsupported].
//
// A system belongs to who started it: it ends with Stop, and on Linux also when the
// program that started it ends in any other way.
package systems

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long a system may take until it answers.
const patience = 60 * time.Second

// program returns the path of an installed program.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: %w", name, errors.ErrUnsupported)
	}
	return path, nil
}

// run runs cmd to its end. An error has the end of what it printed.
func run(cmd *exec.Cmd) error {
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	own(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd.Path, err, out.String())
	}
	return nil
}

// A process is a server of ours, with all the processes that it has started.
type process struct {
	cmd  *exec.Cmd
	out  tail
	done chan struct{} // closed when it has ended
	stop sync.Once
}

// start starts cmd and waits until ready returns nil, the process ends, or
// patience does.
func start(ctx context.Context, cmd *exec.Cmd, ready func(context.Context) error) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	own(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		cmd.Wait()
		close(p.done)
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := ready(ctx)
		if err == nil {
			return p, nil
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("%s ended: %s", cmd.Path, p.out.String())
		case <-ctx.Done():
			p.Stop()
			return nil, fmt.Errorf("%s does not answer: %w: %s", cmd.Path, err, p.out.String())
		case <-time.After(pause):
		}
	}
}

// Stop ends the process and what it has started.
func (p *process) Stop() {
	p.stop.Do(func() {
		end(p.cmd)
		<-p.done
	})
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf.Write(p)
	if over := t.buf.Len() - 8<<10; over > 0 {
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.buf.String())
}

var lastPort atomic.Int64

// freePort returns a port that nobody listens on now, and that no call of anybody
// goes out from: a system that is stopped finds it free when it starts again.
// Other processes look for theirs elsewhere.
func freePort() (int, error) {
	for range 2000 {
		port := 10_000 + (os.Getpid()*64+int(lastPort.Add(1)))%22_000
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("no port is free")
}

// answers reports whether something accepts connections at a port of this machine.
func answers(ctx context.Context, port int) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return conn.Close()
}
