package metrics

import (
	"context"
	"errors"
	"net/http"
	"time"

	"firsthand/wire"
)

// Calls has the calls of h counted and timed. Its route is what name says, which has
// to be one of [Routes]; one that waited for news by [Waits] is counted as wait,
// since how long that takes says nothing of the gateway.
func (m *Metrics) Calls(name func(*http.Request) string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{ResponseWriter: w, status: http.StatusOK}
		route := name(r)
		inHand := m.inHand.WithLabelValues(route)
		inHand.Inc()
		start := time.Now()
		defer func() { // also of one that panics
			inHand.Dec()
			if c.waited {
				route = "wait"
			}
			m.calls.WithLabelValues(route, class(c.status)).Inc()
			m.took.WithLabelValues(route).Observe(time.Since(start).Seconds())
		}()
		h.ServeHTTP(c, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	})
}

// class is what is told of a status: its class, and apart that a caller was too fast.
func class(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "429"
	case status < 200:
		return "1xx"
	case status < 300:
		return "2xx"
	case status < 400:
		return "3xx"
	case status < 500:
		return "4xx"
	}
	return "5xx"
}

// A call is one that is being answered.
type call struct {
	http.ResponseWriter
	status int
	wrote  bool
	waited bool
}

type callKey struct{}

// WriteHeader notes the status.
func (c *call) WriteHeader(status int) {
	if !c.wrote && status >= 200 {
		c.status, c.wrote = status, true
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets [http.ResponseController] reach what is below.
func (c *call) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Waits returns s, whose calls are noted as waiting where they asked for it, and
// brought nothing.
func Waits(s wire.Server) wire.Server { return waits{s} }

type waits struct{ wire.Server }

func (w waits) Sync(ctx context.Context, r wire.Request) (wire.Response, error) {
	if c, ok := ctx.Value(callKey{}).(*call); ok && r.Wait > 0 && len(r.Entries) == 0 {
		c.waited = true
	}
	return w.Server.Sync(ctx, r)
}

func isCanceled(err error) bool    { return errors.Is(err, context.Canceled) }
func isUnsupported(err error) bool { return errors.Is(err, errors.ErrUnsupported) }
