package connector

import (
	"errors"
	"time"

	"firsthand/fault"
)

// Later is an error of kind [fault.Unavailable] with the time for which the
// system asked to be left alone, as HTTP's Retry-After does.
type Later struct {
	Wait time.Duration
	Err  error
}

func (l *Later) Error() string { return l.Err.Error() }

// Unwrap makes the kind Unavailable, whatever that of Err.
func (l *Later) Unwrap() []error { return []error{fault.Unavailable, l.Err} }

// WaitOf returns for how long err asks to be left alone, or 0 if it doesn't say.
func WaitOf(err error) time.Duration {
	if l, ok := errors.AsType[*Later](err); ok {
		return max(l.Wait, 0)
	}
	return 0
}
