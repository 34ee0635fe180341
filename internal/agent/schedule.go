package agent

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"firsthand"
)

// A schedule knows whom to call when. It is made from [Store.Outbox], and from then
// on every commit tells it what has changed: a change to a thousand companies costs
// a thousand small steps, and a wake looks at nothing but the earliest call. It is
// a cache like others: now and then all is read again, and what had been forgotten
// is found; see Run.
type schedule struct {
	wake chan struct{} // told when there may be something to do

	mu    sync.Mutex               // held for a few instructions, or while all is read anew
	all   map[firsthand.ID]*place  // nil until Run has filled it
	sends places                   // those that have something to send and are in no call
	polls places                   // those to be asked for news, likewise
	turns int64                    // how often one was put into either
	holds map[firsthand.ID][]int64 // by relationship: the entries that paused moves hold
	hosts map[string]*host         // by name
	lost  map[*host]bool           // hosts that were missed, to be tried when another is seen to answer
	down  int                      // how many hosts don't answer

	sending, slow, waiting int // calls under way that send, that have sent for long, that wait for news
}

// A place is one relationship in the schedule.
type place struct {
	Outgoing
	at   time.Time     // when to call, as long as it is in no call
	poll time.Time     // when to ask for news
	rest time.Time     // no call before: the last one failed and that could not be noted
	idle time.Duration // how long it was not asked last time, where it owes something and can't be waited for
	turn int64         // who came first, of those at the same time
	heap *places       // where it is; nil while it is in a call or owes no call
	i    int           // its index there

	host   *host
	tries  int       // calls that failed in a row, as far as it matters for the next
	missed missed    // zero if the last call reached it
	aside  time.Time // NextTry, if that need not be waited for
	asked  time.Time // no call before: the company asked for that
	began  time.Time // the call under way, or the last
	round  int       // tries of the host then

	cancel context.CancelFunc // of the call under way, nil if there is none
	sends  bool               // that call sends; else it only waits for news
	long   bool               // that call sends, and no longer counts against others
}

// signal makes Run look at the schedule.
func (s *schedule) signal() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
}

// pending reports whether there is something to send; held are the entries that
// must wait.
func (o *Outgoing) pending(held []int64) bool {
	head := o.Head
	if hold := firstAfter(held, o.Received); hold > 0 {
		head = min(head, hold-1)
	}
	return (head > o.Received || o.Restored) && !o.Frozen
}

// expecting reports whether the company may answer any time.
func (o *Outgoing) expecting(now time.Time) bool { return o.Expects != "" && !o.Expects.Over(now) }

// every is how often the company is asked for news where it owes nothing.
func (o *Outgoing) every() time.Duration {
	if o.Quiet {
		return pollEnded
	}
	return pollEvery
}

// note takes what a commit has changed.
func (s *schedule) note(now time.Time, c *Commit) {
	if len(c.Relationships)+len(c.Outbox)+len(c.Forget) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		return
	}
	for i := range c.Relationships {
		if r := &c.Relationships[i]; r.Gateway != "" {
			s.set(now, r.Outgoing(), true)
		}
	}
	for i := range c.Outbox {
		if r := &c.Outbox[i]; r.Gateway != "" {
			s.set(now, r.Outgoing(), true)
		}
	}
	for _, rel := range c.Forget {
		s.forget(rel)
	}
	s.signal()
}

// set takes what the outbox has to know of one relationship. It reports whether
// something to send was new to it. s is locked.
func (s *schedule) set(now time.Time, o Outgoing, soon bool) (found bool) {
	p, held := s.all[o.Rel], s.holds[o.Rel]
	if p == nil {
		p = &place{Outgoing: Outgoing{Rel: o.Rel, Head: o.Head}, poll: now}
		s.all[o.Rel] = p
		if !soon { // after a start
			p.tries = o.Tries
			if !o.expecting(now) { // not all at once, which would link them by time
				p.poll = now.Add(p.chance(o.every()))
			}
			if o.Refused { // it may have asked for that
				p.asked = o.NextTry
			}
		}
	}
	s.arrive(p, &o)
	found = o.pending(held) && !p.Outgoing.pending(held)
	if o.expecting(now) && !p.Outgoing.expecting(now) {
		p.poll = now
	}
	again := o.Tries > 0 && o.NextTry.IsZero() && !p.NextTry.IsZero()
	said := o.Head > p.Head
	p.Outgoing = o
	if again || said {
		s.hasten(p)
	}
	if again { // she wants that, whatever the company asked for
		p.asked = time.Time{}
	}
	if soon {
		p.idle = 0 // something was said or came: more may follow
	}
	switch {
	case p.cancel == nil:
		s.queue(now, p)
	case !p.sends && o.pending(held):
		p.cancel() // it only waits for news; what there is to send goes next
	}
	return found
}

func (s *schedule) forget(rel firsthand.ID) {
	if p := s.all[rel]; p != nil {
		s.leave(p)
		if p.cancel != nil {
			p.cancel()
		}
		s.depart(p)
		delete(s.all, rel)
	}
}

func (s *schedule) leave(p *place) {
	if p.heap != nil {
		heap.Remove(p.heap, p.i)
	}
}

// queue puts p, which is in no call, where it belongs.
func (s *schedule) queue(now time.Time, p *place) {
	to, at := &s.polls, p.poll
	if p.pending(s.holds[p.Rel]) {
		to, at = &s.sends, now
		if p.heap == to {
			at = earliest(p.at, now) // who waits already keeps her place in the line
		}
	}
	if !p.NextTry.Equal(p.aside) {
		at = latest(at, retryAt(p.NextTry, now))
	}
	at = latest(latest(at, retryAt(p.asked, now)), latest(p.rest, p.host.gate(now)))
	if p.heap == to {
		if p.at != at {
			p.at = at
			heap.Fix(to, p.i)
		}
		return
	}
	s.leave(p)
	s.turns++
	p.at, p.turn = at, s.turns
	heap.Push(to, p)
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// fill takes all that the store has, and drops what it hasn't. It returns the
// relationships with something to send of which the schedule didn't know.
func (s *schedule) fill(now time.Time, all []Outgoing, holds map[firsthand.ID][]int64) (forgotten []firsthand.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := s.all == nil
	if first {
		s.all = make(map[firsthand.ID]*place, len(all))
	}
	s.holds = holds
	there := make(map[firsthand.ID]bool, len(all))
	for _, o := range all {
		there[o.Rel] = true
		if s.set(now, o, false) && !first {
			forgotten = append(forgotten, o.Rel)
		}
	}
	for rel := range s.all {
		if !there[rel] {
			s.forget(rel)
		}
	}
	return forgotten
}

// hold takes what paused moves hold, after a pause began or ended.
func (s *schedule) hold(now time.Time, holds map[firsthand.ID][]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.holds
	s.holds = holds
	for _, m := range []map[firsthand.ID][]int64{was, holds} {
		for rel := range m {
			if p := s.all[rel]; p != nil {
				s.set(now, p.Outgoing, true)
			}
		}
	}
	s.signal()
}

// A call is one that is to be made now.
type call struct {
	rel   firsthand.ID
	wait  bool // for news
	every time.Duration
	ctx   context.Context // it may be told to give way

	place *place // guarded by schedule.mu, like the next
	timer *time.Timer
}

// start takes the next relationship that is to be called now, if there is one and
// it may be. next is when to look again, if nothing happens until then.
func (s *schedule) start(ctx context.Context, now time.Time) (c *call, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next = now.Add(pollEvery)
	due := func(h *places) bool {
		for len(*h) > 0 {
			p := (*h)[0]
			if p.at.After(now) {
				next = earliest(next, p.at)
				return false
			}
			gate := p.host.gate(now)
			if !gate.After(now) {
				return true
			}
			p.at = gate
			heap.Fix(h, 0)
		}
		return false
	}
	var p *place
	sends, polls := due(&s.sends), due(&s.polls)
	switch {
	case sends && s.sending < maxCalls:
		p = heap.Pop(&s.sends).(*place)
		p.sends, p.long = true, false
		s.sending++
	case polls && !sends && s.waiting < maxPolls:
		p = heap.Pop(&s.polls).(*place)
		p.sends = false
		s.waiting++
	default:
		return nil, next
	}
	// Where very many owe something, most are asked again and again, and not waited
	// for: each waiting call holds a connection.
	wait := !p.sends && p.expecting(now) && s.waiting <= maxWaits && p.host.tries == 0
	if p.began, p.round = now, p.host.tries; p.round > 0 {
		p.host.probe = p
	}
	c = &call{rel: p.Rel, wait: wait, every: p.every(), place: p}
	c.ctx, p.cancel = context.WithCancel(ctx)
	if p.sends {
		c.timer = time.AfterFunc(slowCall, func() { s.slowed(c) })
	}
	return c, next
}

// slowed lets another call begin beside one that takes long: companies that are
// down or slow must not fill the places of those that answer.
func (s *schedule) slowed(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.timer != nil && !c.place.long && s.slow < maxSlow {
		c.place.long = true
		s.sending--
		s.slow++
		s.signal()
	}
}

// end takes back a call that has ended. failed says that it did for a reason that
// the company's row may not have.
func (s *schedule) end(now time.Time, c *call, jitter time.Duration, failed, gaveWay bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := c.place
	p.cancel()
	p.cancel = nil
	switch {
	case !p.sends:
		s.waiting--
	case p.long:
		s.slow--
	default:
		s.sending--
	}
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	p.rest = time.Time{}
	switch {
	case failed:
		p.rest = now.Add(pollAgain)
	case gaveWay:
		p.poll = now
	case p.expecting(now) && !p.sends && !c.wait:
		// It answers in seconds or in days: the longer it takes, the less often it
		// is asked, and its connection is not kept for that.
		p.idle = min(max(pollMany, 2*p.idle), p.every())
		p.poll = now.Add(p.idle)
	case p.sends || p.expecting(now):
		p.poll = now.Add(pollAgain)
	default:
		p.poll = now.Add(p.every()/2 + jitter)
	}
	if s.all[p.Rel] == p { // else it was forgotten meanwhile
		s.queue(now, p)
	}
	if h := p.host; h.probe == p {
		h.probe = nil
		for q := range h.places {
			if q.cancel == nil {
				s.queue(now, q)
			}
		}
	}
	s.signal()
}

// places are a heap by time.
type places []*place

func (h places) Len() int { return len(h) }
func (h places) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].turn < h[j].turn
}
func (h places) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].i, h[j].i = i, j
}
func (h *places) Push(x any) {
	p := x.(*place)
	p.heap, p.i = h, len(*h)
	*h = append(*h, p)
}
func (h *places) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	p.heap = nil
	return p
}
