package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// usage is what a process has taken so far.
type usage struct {
	cpu       time.Duration // of all its threads, with the kernel's part
	peak, now int64         // resident memory, in bytes
	written   int64         // bytes that went to files
}

// usageOf reads the usage of a process.
func usageOf(pid int) (u usage, err error) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return u, err
	}
	if u.cpu, err = ticks(statFields(stat)[11:13]); err != nil { // utime and stime
		return u, err
	}
	if err := number(dir+"status", "VmHWM", 1<<10, &u.peak); err != nil {
		return u, err
	}
	if err := number(dir+"status", "VmRSS", 1<<10, &u.now); err != nil {
		return u, err
	}
	return u, number(dir+"io", "write_bytes", 1, &u.written)
}

// statFields returns what stands in a stat file behind the name of the program, which is in
// brackets and may hold anything.
func statFields(stat []byte) []string {
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// ticks adds times in hundredths of a second.
func ticks(fields []string) (sum time.Duration, err error) {
	for _, f := range fields {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum, nil
}

// familyCPU returns the processor time of a process and its children, those that have
// ended too.
func familyCPU(pid int) (sum time.Duration, err error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, name := range all {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		fields, own := statFields(stat), name == fmt.Sprintf("/proc/%d/stat", pid)
		if !own && fields[1] != strconv.Itoa(pid) {
			continue
		}
		of := fields[11:13]
		if own {
			of = fields[11:15] // with those of children that were waited for
		}
		t, err := ticks(of)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

// number reads the number on the line with that name, times unit.
func number(file, name string, unit int64, to *int64) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if key, value, _ := strings.Cut(line, ":"); key == name {
			n, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			*to = n * unit
			return err
		}
	}
	return nil
}

// limit gives a server that percentage of a processor and no more; 0 is no limit.
func (s *server) limit(tb testing.TB, percent int) {
	tb.Helper()
	if percent == 0 {
		return
	}
	const groups, period = "/sys/fs/cgroup/cpu", 10_000 // microseconds
	group := filepath.Join(groups, fmt.Sprintf("firsthand-bench-%d", s.pid))
	if err := os.Mkdir(group, 0o755); err != nil {
		tb.Skip(err)
	}
	write := func(file string, value int) {
		if err := os.WriteFile(file, []byte(strconv.Itoa(value)), 0o600); err != nil {
			tb.Error(err)
		}
	}
	tb.Cleanup(func() {
		write(filepath.Join(groups, "cgroup.procs"), s.pid)
		os.Remove(group)
	})
	write(filepath.Join(group, "cpu.cfs_period_us"), period)
	write(filepath.Join(group, "cpu.cfs_quota_us"), period*percent/100)
	write(filepath.Join(group, "cgroup.procs"), s.pid)
}
