package needtest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
)

// A recorder stands in for t while a test runs that may fail: it notes what t
// would have been told. Embedding t is the one way to be a testing.TB.
type recorder struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	failed   bool
	text     string // of the first failure
	cleanups []func()
}

// Record runs f as a test of its own, and returns what it said first when it failed,
// and whether it did: so a suite can be shown to fail.
func Record(t testing.TB, f func(testing.TB)) (text string, failed bool) {
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{TB: t, ctx: ctx}
	r.do(func() { f(r) })
	cancel() // as testing does, before the cleanups
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.do(r.cleanups[i])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text, r.failed
}

// do runs f in a goroutine of its own, which FailNow can end.
func (r *recorder) do(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.fail(fmt.Sprintf("panic: %v", p))
			}
		}()
		f()
	}()
	<-done
}

func (r *recorder) fail(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.failed {
		r.failed, r.text = true, text
	}
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Context() context.Context          { return r.ctx }
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Helper()                           {}
func (r *recorder) Log(...any)                        {}
func (r *recorder) Logf(string, ...any)               {}
func (r *recorder) Fail()                             { r.fail("") }
func (r *recorder) FailNow()                          { r.Fail(); runtime.Goexit() }
func (r *recorder) Error(args ...any)                 { r.fail(fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) { r.fail(fmt.Sprintf(format, args...)) }
func (r *recorder) Skip(args ...any)                  { r.Fatal(args...) }
func (r *recorder) Skipf(format string, args ...any)  { r.Fatalf(format, args...) }
func (r *recorder) SkipNow()                          { r.Fatal("skipped") }
func (r *recorder) Fatal(args ...any)                 { r.fail(fmt.Sprint(args...)); runtime.Goexit() }
func (r *recorder) Fatalf(format string, args ...any) {
	r.fail(fmt.Sprintf(format, args...))
	runtime.Goexit()
}
