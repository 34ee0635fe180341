// Command peer puts our gateway beside PocketBase, a small server with the same
// database engine that many people run, under the same load in the same run.
//
//	go run -C tools/peer .
//
// Both take writes of about 1 KB over HTTP on loopback from this process, each in
// a process of its own, with an empty file on disk. What they do for a write
// differs, and the table says it: PocketBase checks a row and keeps it, committed
// without waiting for the disk; the gateway verifies two signatures, judges the
// entry, keeps it with what it causes, waits for the disk, and signs a receipt.
//
// It stops by itself, and what it wrote is removed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"time"
)

// childVar names the server that a child process is to be, and its folder.
const childVar = "FIRSTHAND_PEER_CHILD"

type child struct {
	Server string
	Dir    string
}

func main() {
	if text := os.Getenv(childVar); text != "" {
		if err := runChild(text); err != nil {
			fmt.Fprintln(os.Stderr, "peer: server:", err)
			os.Exit(1)
		}
		return
	}
	span := flag.Duration("for", 5*time.Second, "how long each load lasts")
	rounds := flag.Int("rounds", 1, "how often everything is done")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Println("| server | callers | writes/s | p50 | p99 | CPU a write | memory | ratio |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for range *rounds {
		if err := compare(ctx, *span); err != nil {
			fmt.Fprintln(os.Stderr, "peer:", err)
			os.Exit(1)
		}
	}
}

// compare loads both servers and prints their rows.
func compare(ctx context.Context, span time.Duration) error {
	for _, callers := range []int{8, 64} {
		var peer float64
		for _, server := range []string{"pocketbase", "gateway"} {
			r, err := measure(ctx, server, callers, span)
			if err != nil {
				return fmt.Errorf("%s, %d callers: %w", server, callers, err)
			}
			ratio := ""
			if server == "pocketbase" {
				peer = r.rate()
			} else {
				ratio = fmt.Sprintf("%.1f", r.rate()/peer)
			}
			fmt.Printf("| %s | %d | %.0f | %s | %s | %s | %s | %s |\n", server, callers, r.rate(),
				millis(r.at(0.5)), millis(r.at(0.99)), r.cpu, r.memory, ratio)
		}
	}
	return nil
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// measure starts a server, loads it, and stops it.
func measure(ctx context.Context, server string, callers int, span time.Duration) (r *result, err error) {
	dir, err := os.MkdirTemp("", "peer-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := start(ctx, child{Server: server, Dir: dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	load := loads[server]
	writers, err := load(ctx, s.base, callers)
	if err != nil {
		return nil, err
	}
	return run(ctx, s, writers, span)
}

// A server is a child process.
type server struct {
	base string
	cmd  *exec.Cmd
	in   io.Closer
}

// start starts this program again as a server, which says where it serves and
// ends when its standard input does.
func start(ctx context.Context, c child) (*server, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVar+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, in: in}
	if _, err := fmt.Fscanln(out, &s.base); err != nil {
		return nil, errors.Join(fmt.Errorf("the server says nothing: %w", err), s.stop())
	}
	go io.Copy(io.Discard, out)
	return s, nil
}

func (s *server) stop() error {
	s.in.Close()
	return s.cmd.Wait()
}

// runChild serves until its parent ends.
func runChild(text string) error {
	var c child
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	serve := servers[c.Server]
	if serve == nil {
		return fmt.Errorf("there is no server %q", c.Server)
	}
	return serve(ctx, l, c.Dir, func() { fmt.Printf("http://%s\n", l.Addr()) })
}

// servers serve on l with their file in dir until ctx ends. They call ready when
// they do.
var servers = map[string]func(ctx context.Context, l net.Listener, dir string, ready func()) error{
	"pocketbase": servePocketBase,
	"gateway":    serveGateway,
}

// loads return a function for each caller that makes one write.
var loads = map[string]func(ctx context.Context, base string, callers int) ([]func() error, error){
	"pocketbase": loadPocketBase,
	"gateway":    loadGateway,
}
