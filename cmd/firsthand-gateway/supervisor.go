package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"
)

// A supervisor is who started the program and wants to know how it is, by the
// protocol of sd_notify(3): one datagram for each thing that is told. Where nobody
// wants to know, its methods do nothing.
type supervisor struct {
	socket   string        // "" if there is none
	watchdog time.Duration // within which it wants to hear something; 0 if it doesn't
}

func newSupervisor() supervisor {
	s := supervisor{socket: os.Getenv("NOTIFY_SOCKET")}
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	pid := os.Getenv("WATCHDOG_PID")
	if err == nil && usec > 0 && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		s.watchdog = time.Duration(usec) * time.Microsecond
	}
	return s
}

// tell sends lines such as "READY=1".
func (s supervisor) tell(log *slog.Logger, state string) {
	if s.socket == "" {
		return
	}
	conn, err := net.Dial("unixgram", s.socket) // an @ at its begin is Go's word for the abstract too
	if err == nil {
		defer conn.Close()
		_, err = conn.Write([]byte(state))
	}
	if err != nil {
		log.Warn("cannot tell the supervisor", "err", err)
	}
}

// watch tells twice in each watchdog's time that the program lives, as long as alive
// returns, until ctx ends. What alive says doesn't matter: a store that answers with
// an error is not mended by a restart, but one that doesn't return may be.
func (s supervisor) watch(ctx context.Context, alive func(context.Context)) {
	if s.socket == "" || s.watchdog == 0 {
		return
	}
	tick := time.NewTicker(s.watchdog / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		alive(ctx)
		s.tell(slog.New(slog.DiscardHandler), "WATCHDOG=1")
	}
}
