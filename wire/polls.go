package wire

import (
	"context"
	"sync"
)

// maxPollsEach is how many calls of one relationship may wait for news at once:
// one, and a few whose end was not noticed yet.
const maxPollsEach = 4

// polls are the calls that wait for news.
type polls struct {
	max int

	mu      sync.Mutex // held for a few instructions
	waiting map[*poll]struct{}
	each    map[ID]int
	ended   bool
}

type poll struct {
	rel  ID
	stop context.CancelFunc
}

// enter returns the context in which a call may wait, or nil if it may not. The
// caller leaves with the poll it got.
func (p *polls) enter(ctx context.Context, rel ID) (context.Context, *poll) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || len(p.waiting) >= p.max || p.each[rel] >= maxPollsEach {
		return nil, nil
	}
	ctx, stop := context.WithCancel(ctx)
	one := &poll{rel, stop}
	p.waiting[one] = struct{}{}
	p.each[rel]++
	return ctx, one
}

func (p *polls) leave(one *poll) {
	one.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, one)
	if p.each[one.rel]--; p.each[one.rel] == 0 {
		delete(p.each, one.rel)
	}
}

// end ends all waits, and lets no other begin.
func (p *polls) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	for one := range p.waiting {
		one.stop()
	}
}
