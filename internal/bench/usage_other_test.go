//go:build !linux

package bench_test

import (
	"testing"
	"time"
)

type usage struct {
	cpu       time.Duration
	peak, now int64
	written   int64
}

// usageOf knows nothing here: then only times are reported.
func usageOf(int) (usage, error) { return usage{}, nil }

// familyCPU knows nothing either.
func familyCPU(int) (time.Duration, error) { return 0, nil }

func (s *server) limit(tb testing.TB, percent int) {
	if percent != 0 {
		tb.Skip("there is no limit here")
	}
}
