package bench_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
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
	// The name of the program, in brackets, may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	for _, f := range fields[11:13] { // utime and stime, in ticks of a hundredth of a second
		ticks, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(ticks) * 10 * time.Millisecond
	}
	if err := number(dir+"status", "VmHWM", 1<<10, &u.peak); err != nil {
		return u, err
	}
	if err := number(dir+"status", "VmRSS", 1<<10, &u.now); err != nil {
		return u, err
	}
	return u, number(dir+"io", "write_bytes", 1, &u.written)
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
