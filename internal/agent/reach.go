package agent

import (
	"net/url"
	"time"

	"firsthand"
	"firsthand/fault"
)

// A host is where gateways answer: those of one company or of many. While it doesn't, one
// call at a time asks whether it does again, now for the one relationship and now for
// the other, and all else that is for it waits for that; so that what costs a call is
// a host that is down, and not each relationship with it.
//
// What could not be reached may have been cut off together with others: a host from the
// network, as all are when hers is away; a relationship's gateway from its host. So when
// one of the others answers a call that began later, it is tried at once; but once
// only until it has answered itself, as else it would be called whenever they are.
type host struct {
	places   map[*place]bool
	tries    int       // how often in a row it was not reached; 0 as long as it is thought to be well
	until    time.Time // no call before, while it is not
	probe    *place    // who is in the call that asks whether it is, nil if none
	answered time.Time // when it did the last time
	missed   missed
	lost     map[*place]bool // places that missed it, to be tried when it is seen to answer
}

// missed says when a host, or a relationship's place, was not reached the last time.
type missed struct {
	at    time.Time
	tried bool // once more since then, because others were reached
}

// may reports whether what was missed is to be tried again, since something like it
// answered a call that began at a time.
func (m *missed) may(began time.Time) bool {
	if m.at.After(began) {
		return false
	}
	m.tried = true
	return true
}

// spread is within how long all that has waited for one host goes to it when it is back,
// at most, so that it isn't hit by them at once, nor told by the moment that they belong together.
const spread = 30 * time.Second

// pauseAfter returns how long to wait after n calls in a row that failed, while so many
// hosts are down: 2 s, 4 s, … up to some four minutes. After an hour of that it grows to
// the time after which a company that is well is asked for news, as it does at once where
// very many are down: so those cost no more calls than if they were well.
func pauseAfter(n, down int) time.Duration {
	longest := max(256*time.Second<<min(max(0, n-8)/12, 2), time.Duration(down)*time.Second)
	return min(time.Second<<min(n, 10), longest, pollEvery)
}

// isMissed reports whether a call failed since nobody was there who knows the
// relationship: nothing answered, or only something in front of the gateway.
func isMissed(err error) bool {
	if fault.KindOf(err) != fault.Unavailable {
		return false
	}
	switch fault.RuleOf(err) {
	case "", "answer-status", "fetch-certificate":
		return true
	}
	return false
}

// arrive puts p with the host of its gateway. s is locked, as in all that follows.
func (s *schedule) arrive(p *place, o *Outgoing) {
	if p.host != nil && o.Gateway == p.Gateway {
		return
	}
	name := o.Gateway
	if u, err := url.Parse(name); err == nil && u.Host != "" {
		name = u.Host
	}
	h := s.hosts[name]
	if h == nil {
		h = &host{places: make(map[*place]bool), lost: make(map[*place]bool)}
		if s.hosts == nil {
			s.hosts, s.lost = make(map[string]*host), make(map[*host]bool)
		}
		s.hosts[name] = h
	}
	if s.depart(p); p.tries > 0 {
		s.doubt(h)
	}
	p.host, h.places[p] = h, true
}

// depart takes p from its host.
func (s *schedule) depart(p *place) {
	h := p.host
	if h == nil {
		return
	}
	delete(h.places, p)
	delete(h.lost, p)
	if h.probe == p {
		h.probe = nil
	}
	if len(h.places) == 0 {
		s.settled(h)
	}
}

// gate returns before when nothing is to be called at h; a time that has passed, or
// none, if it may be.
func (h *host) gate(now time.Time) time.Time {
	switch {
	case h.tries == 0:
		return time.Time{}
	case h.probe != nil:
		return now.Add(time.Minute) // queued anew when that call has ended
	}
	return h.until
}

// doubt makes the next call to h the only one until it has ended.
func (s *schedule) doubt(h *host) {
	if h.tries == 0 {
		h.tries = 1
		s.down++
	}
	h.until = time.Time{}
}

// settled notes that h is thought to be well.
func (s *schedule) settled(h *host) {
	if h.tries > 0 {
		h.tries = 0
		s.down--
	}
	h.until, h.missed = time.Time{}, missed{}
	delete(s.lost, h)
}

// failed notes that rel's call failed, and for how long the company asks to be left
// alone. It returns how often that, or its host, failed in a row, and how many hosts are
// down; zeros where nothing is scheduled.
func (s *schedule) failed(now time.Time, rel firsthand.ID, missed bool, asked time.Duration) (n, down int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.all[rel]
	if p == nil {
		return 0, 0
	}
	p.tries++
	p.asked = time.Time{}
	if asked > 0 {
		p.asked = now.Add(asked)
	}
	h := p.host
	if !missed {
		s.seen(now, p) // it is the company's, or ours
		return p.tries, s.down
	}
	if p.missed.at = now; !p.missed.tried {
		h.lost[p] = true
	}
	if p.began.Before(h.answered) {
		return p.tries, s.down // it has answered since
	}
	if h.tries == 0 {
		s.down++
	}
	// Of calls that were under way together all count as one.
	h.tries = max(h.tries, p.round+1)
	pause := pauseAfter(h.tries, s.down)
	h.until = now.Add(pause + p.chance(pause/2))
	if h.missed.at = now; !h.missed.tried {
		s.lost[h] = true
	}
	return max(p.tries, h.tries), s.down
}

// reached notes that rel's call did what it should.
func (s *schedule) reached(now time.Time, rel firsthand.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.all[rel]
	if p == nil {
		return
	}
	p.tries, p.asked, p.aside, p.missed = 0, time.Time{}, time.Time{}, missed{}
	delete(p.host.lost, p)
	s.seen(now, p)
}

// seen notes that the host of p, which is in a call, answered, and has those tried at
// once that may have been cut off with it.
func (s *schedule) seen(now time.Time, p *place) {
	h := p.host
	h.answered = now
	back, within := h.tries > 0, min(spread, pauseAfter(h.tries, 0))
	s.settled(h)
	for q := range h.lost {
		if q.missed.may(p.began) {
			delete(h.lost, q)
			q.aside = q.NextTry
			back = true
		}
	}
	if back {
		for q := range h.places {
			s.afresh(now, q, within)
		}
	}
	for other := range s.lost {
		if !other.missed.may(p.began) {
			continue
		}
		delete(s.lost, other)
		other.until = time.Time{}
		for q := range other.places {
			q.aside = q.NextTry
			s.afresh(now, q, 0)
		}
	}
	s.signal()
}

// afresh queues p, if it is in no call, as after a start: what there is to send or to
// wait for within a time, and questions for news not together.
func (s *schedule) afresh(now time.Time, p *place, within time.Duration) {
	if p.cancel != nil {
		return
	}
	switch {
	case p.pending(s.holds[p.Rel]) || p.expecting(now):
		p.rest = now.Add(p.chance(within))
	case !p.poll.After(now):
		p.poll = now.Add(p.chance(p.every()))
	}
	s.queue(now, p)
}

// chance returns a part of d that is as good as a die that is cast once for a
// relationship: its ID is a hash.
func (p *place) chance(d time.Duration) time.Duration {
	return time.Duration(uint64(p.Rel[30])<<8|uint64(p.Rel[31])) * d >> 16
}

// hasten has p called now, since she wants that, unless the company asks to be left
// alone; its host likewise, if no call asks it just now.
func (s *schedule) hasten(p *place) {
	p.aside, p.rest, p.host.until = p.NextTry, time.Time{}, time.Time{}
}

// look makes what waits in these relationships for another try be tried now: she looks
// at them.
func (s *schedule) look(now time.Time, rels ...firsthand.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rel := range rels {
		p := s.all[rel]
		if p != nil && p.cancel == nil && p.pending(s.holds[rel]) {
			s.hasten(p)
			s.queue(now, p)
		}
	}
	s.signal()
}

// jumped starts anew, after time has passed in which nothing ran, as on a laptop that
// slept, or the clock was put right. What was planned by it says nothing any more, and
// of the network nothing is known: calls under way are made again, what is due goes at
// once, one for each host before any other, and only what a company asked for is kept.
func (s *schedule) jumped(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hosts {
		s.settled(h)
		s.doubt(h)
		h.answered = time.Time{}
		clear(h.lost)
	}
	for _, p := range s.all {
		p.tries, p.aside, p.missed = 0, p.NextTry, missed{}
		p.poll = earliest(p.poll, now)
		if p.cancel != nil {
			p.cancel()
		}
		s.afresh(now, p, 0)
	}
	s.signal()
}
