package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A result is what a load came to.
type result struct {
	took    []time.Duration // of each write, sorted
	elapsed time.Duration
	cpu     string // of the server, for a write
	memory  string // of the server, at most
}

func (r *result) rate() float64 { return float64(len(r.took)) / r.elapsed.Seconds() }

func (r *result) at(q float64) time.Duration { return r.took[int(q*float64(len(r.took)-1))] }

// maxWrites bounds a load, beside its time.
const maxWrites = 200_000

// run lets the writers write for a while, all at the same time.
func run(ctx context.Context, s *server, writers []func() error, span time.Duration) (*result, error) {
	took := make([][]time.Duration, len(writers))
	errs := make([]error, len(writers))
	before, _ := usage(s.cmd.Process.Pid)
	began := time.Now()
	var wg sync.WaitGroup
	for i, write := range writers {
		wg.Go(func() {
			for ctx.Err() == nil && time.Since(began) < span && len(took[i]) < maxWrites/len(writers) {
				start := time.Now()
				if err := write(); errors.Is(err, errAllWritten) {
					return
				} else if err != nil {
					errs[i] = err
					return
				}
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	r := &result{elapsed: time.Since(began), took: slices.Concat(took...), cpu: "–", memory: "–"}
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return nil, err
	}
	if len(r.took) == 0 {
		return nil, errors.New("nothing was written")
	}
	slices.Sort(r.took)
	if cpu, peak := usage(s.cmd.Process.Pid); peak > 0 {
		r.cpu = fmt.Sprintf("%.0f µs", float64(cpu-before)/float64(time.Microsecond)/float64(len(r.took)))
		r.memory = fmt.Sprintf("%d MB", peak>>20)
	}
	return r, nil
}

// errAllWritten says that a writer has no more.
var errAllWritten = errors.New("all written")

// usage returns processor time and most memory of a process; zero where that
// can't be known.
func usage(pid int) (cpu time.Duration, peak int64) {
	if runtime.GOOS != "linux" {
		return 0, 0
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		ticks, _ := strconv.ParseInt(f, 10, 64)
		cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			peak, _ = strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return cpu, peak << 10
}
