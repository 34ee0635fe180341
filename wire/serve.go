package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Times and sizes of the HTTP server. A slow caller costs a connection for as
// long as readTimeout; everything else of his costs less.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 30 * time.Second // for header and body
	writeTimeout  = readTimeout + MaxWait + 30*time.Second
	idleTimeout   = 2 * time.Minute // longer than the agent's: who opened it closes it
	maxHeader     = 8 << 10
	drainTimeout  = 20 * time.Second
)

// NewServer returns an HTTP server for h with the time and size limits that h
// relies on. On Shutdown it drains h. Where h is only a part of what it serves,
// the caller replaces its Handler.
func (h *Handler) NewServer() *http.Server {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		// What net/http logs names the callers' addresses.
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	s.RegisterOnShutdown(h.Drain)
	return s
}

// Serve serves on l until ctx ends. Then it takes no more connections, lets the
// calls that it has end, and returns nil; those that don't end in 20 seconds are
// cut off, which is an error.
func Serve(ctx context.Context, s *http.Server, l net.Listener) error {
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := s.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("drain: %w", err), s.Close())
	}
	<-done // Serve has returned: http.ErrServerClosed
	return err
}
