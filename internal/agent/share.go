package agent

import (
	"io"
	"runtime"
	"sync"
)

// minShare is how many pieces of work are worth a goroutine of their own. Where there
// are few, which is nearly always, they are done one after the other.
const minShare = 32

// share does fn for 0 to n-1 on all processors. It returns the error of the first that
// failed, in the order of the numbers; after one has failed, no other begins.
func share(n int, fn func(i int) error) error {
	workers := min(runtime.GOMAXPROCS(0), n/minShare)
	if workers < 2 {
		for i := range n {
			if err := fn(i); err != nil {
				return err
			}
		}
		return nil
	}
	var mu sync.Mutex // guards next, failed and which
	next, which, failed := 0, n, error(nil)
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		if failed != nil {
			return n
		}
		next++
		return next - 1
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := take(); i < n; i = take() {
				if err := fn(i); err != nil {
					mu.Lock()
					if i < which {
						which, failed = i, err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return failed
}

// A sharedReader may be read by several goroutines.
type sharedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (s *sharedReader) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(b)
}
