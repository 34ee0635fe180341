package wire

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
)

// A refusal is a status and a body of JSON, with content type application/json:
//
//	{"kind":"denied","rule":"call-time","time":"2026-11-21T21:47:13Z"}
//
// kind is the text of a [fault.Kind]. rule is missing where none is known, and
// time, the gateway's clock, everywhere but with call-time. Nothing else of an
// error leaves the house. The status follows from kind, and is all there is
// where something between agent and gateway answered:
//
//	invalid 400   denied 403   not exist 404   conflict 409   internal 500
//	unavailable 503, but 429 with call-rate; both with Retry-After in seconds
type failure struct {
	Kind string    `json:"kind"`
	Rule string    `json:"rule,omitempty"`
	Time time.Time `json:"time,omitzero"`
}

const failureType = "application/json"

// defaultRetry is what Retry-After says where nothing better is known.
const defaultRetry = 5 * time.Second

var statuses = map[fault.Kind]int{
	fault.Internal:    http.StatusInternalServerError,
	fault.Invalid:     http.StatusBadRequest,
	fault.Denied:      http.StatusForbidden,
	fault.NotExist:    http.StatusNotFound,
	fault.Conflict:    http.StatusConflict,
	fault.Unavailable: http.StatusServiceUnavailable,
}

// A retryError says when a call that was refused may be repeated.
type retryError struct {
	error
	after time.Duration
}

func (e *retryError) Unwrap() error { return e.error }

// writeFailure answers with what may be told of err. It is the only place where
// an error becomes a status.
func writeFailure(w http.ResponseWriter, err error, now time.Time) {
	kind, rule := fault.KindOf(err), fault.RuleOf(err)
	f := failure{Kind: kind.Error()}
	if isRule(rule) {
		f.Rule = rule
	}
	if rule == "call-time" {
		f.Time = now.UTC().Truncate(time.Second)
	}
	status := statuses[kind]
	if kind == fault.Unavailable {
		after := defaultRetry
		if r, ok := errors.AsType[*retryError](err); ok {
			after = r.after
		}
		if rule == "call-rate" {
			status = http.StatusTooManyRequests
		}
		w.Header().Set("Retry-After", strconv.FormatInt(int64((after+time.Second-1)/time.Second), 10))
	}
	w.Header().Set("Content-Type", failureType)
	w.WriteHeader(status)
	w.Write(append(firsthand.EncodeJSON(f), '\n')) // the caller may have gone; there is nothing to do about it
}

// A GatewayError is a gateway's refusal of a call. It wraps the refusal with the
// kind and the rule that the gateway named.
type GatewayError struct {
	Refusal error
	// Time is the gateway's clock, told if the call was refused by call-time;
	// Ahead is by how much it was ahead of the agent's.
	Time  time.Time
	Ahead time.Duration
	// RetryAfter is how long the gateway asks to be left alone, 0 if it doesn't.
	RetryAfter time.Duration
}

func (e *GatewayError) Error() string { return "the gateway refused: " + e.Refusal.Error() }

// Unwrap makes fault.KindOf and fault.RuleOf see the refusal.
func (e *GatewayError) Unwrap() error { return e.Refusal }

// readFailure turns an answer that is not 200 into a GatewayError. What the
// gateway says is used only where it is one of the words above: all else could
// be text that somebody gets to read.
func readFailure(status int, header http.Header, body []byte, now time.Time) error {
	kind, rule := kindOfStatus(status), "answer-status"
	var f failure
	ours := header.Get("Content-Type") == failureType && len(body) <= maxHead && firsthand.ParseJSON(body, &f) == nil
	if k, ok := parseKind(f.Kind); ours && ok {
		kind = k
		if isRule(f.Rule) {
			rule = f.Rule
		}
	}
	if kind == fault.Internal {
		kind = fault.Unavailable // its own fault: to the agent that means later
	}
	e := &GatewayError{Refusal: fault.Refuse(kind, rule, "answered with %d", status), RetryAfter: parseRetry(header.Get("Retry-After"))}
	if ours && !f.Time.IsZero() {
		e.Time, e.Ahead = f.Time, f.Time.Sub(now)
	}
	return e
}

// kindOfStatus classes an answer that may not be a gateway's.
func kindOfStatus(status int) fault.Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault.Denied
	case status == http.StatusNotFound, status == http.StatusGone:
		return fault.NotExist
	case status == http.StatusConflict:
		return fault.Conflict
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return fault.Unavailable
	}
	return fault.Invalid
}

func parseKind(name string) (fault.Kind, bool) {
	for k := fault.Internal; k <= fault.Unavailable; k++ {
		if k.Error() == name {
			return k, true
		}
	}
	return 0, false
}

// isRule reports whether s can be the name of a rule.
func isRule(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// parseRetry reads Retry-After in seconds, at most a day: whoever asks for more
// is not obeyed.
func parseRetry(s string) time.Duration {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, 24*time.Hour)
}
