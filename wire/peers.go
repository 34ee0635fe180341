package wire

import (
	"container/list"
	"sync"
	"time"

	"firsthand/fetch"
)

// Bounds of what is kept of relationships that nobody calls in just now. Their
// connections close by themselves before that.
const (
	maxIdlePeers = 1024 // a change to a thousand companies finds its connections again
	maxAsked     = 64   // idle ones up to which one is kept that was asked and had no news: it is asked again, but not soon
	maxIdleTime  = time.Minute
)

// peers keeps a fetch.Client for each relationship, with a connection of its
// own. Two relationships never have one in common, not even two with the same
// company: she may be two persons there.
type peers struct {
	connect func() *fetch.Client

	mu   sync.Mutex // held for a few instructions
	all  map[ID]*peer
	idle list.List // of *peer in no call, the last used first
}

type peer struct {
	rel    ID
	client *fetch.Client
	calls  int           // that use it now
	idle   *list.Element // its place in peers.idle, nil while there are calls
	since  time.Time     // when the last call ended
}

// take returns the peer of rel. The caller gives it back.
func (ps *peers) take(rel ID) *peer {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.all[rel]
	if p == nil {
		p = &peer{rel: rel, client: ps.connect()}
		ps.all[rel] = p
	}
	if p.idle != nil {
		ps.idle.Remove(p.idle)
		p.idle = nil
	}
	p.calls++
	return p
}

func (ps *peers) give(p *peer, asked bool) {
	now := time.Now() // for the connections' sake, whatever the agent's clock says
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p.calls--; p.calls > 0 {
		return
	}
	p.since = now
	p.idle = ps.idle.PushFront(p)
	if asked && ps.idle.Len() > maxAsked {
		ps.drop(p)
	}
	for back := ps.idle.Back(); back != nil; back = ps.idle.Back() {
		if ps.idle.Len() <= maxIdlePeers && now.Sub(back.Value.(*peer).since) < maxIdleTime {
			return
		}
		ps.drop(back.Value.(*peer))
	}
}

// drop forgets an idle peer. It closes no connection that is in use.
func (ps *peers) drop(p *peer) {
	ps.idle.Remove(p.idle)
	delete(ps.all, p.rel)
	p.client.Close()
}

// close forgets all idle peers.
func (ps *peers) close() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for back := ps.idle.Back(); back != nil; back = ps.idle.Back() {
		ps.drop(back.Value.(*peer))
	}
}
