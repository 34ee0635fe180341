package agent

import "firsthand"

// LoseWake makes the schedule forget that there is something to send in rel: what
// a mistake in it would do.
func (a *Agent) LoseWake(rel firsthand.ID) (lost bool) {
	s := &a.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.all[rel]
	if p == nil || p.cancel != nil {
		return false
	}
	s.leave(p)
	p.Outgoing = Outgoing{Rel: rel}
	return true
}

// OnMailStep has fn told of each step of a mail.
func (a *Agent) OnMailStep(fn func(step string)) { a.testOnlyStep = fn }

// FoldAtMost makes the agent keep no more folded entries of relationships that nobody
// uses just now.
func (a *Agent) FoldAtMost(n int) { a.fold = n }

// Share is share.
var Share = share

// MinShare is minShare.
const MinShare = minShare
