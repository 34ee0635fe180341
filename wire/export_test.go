package wire

import (
	"net/netip"
	"time"

	"firsthand"
	"firsthand/fetch"
)

// What the tests from outside need to see.
var (
	AppendRequest  = appendRequest
	AppendResponse = appendResponse
	ParseRequest   = parseRequest
	ParseResponse  = parseResponse
	Authorization  = authorization
	ParseAddress   = func(base string) error { _, err := parseAddress(base); return err }
	ReadAnswer     = func(resp *fetch.Response, r *Request) (Response, error) {
		return readAnswer(resp, r, time.Time{})
	}
)

const (
	MaxPollsEach = maxPollsEach
	MaxHead      = maxHead
	MaxBig       = maxBig
	MaxIdlePeers = maxIdlePeers
	MaxAsked     = maxAsked
	MaxSources   = maxSources
)

// Peers returns how many relationships c keeps something of.
func (c *Client) Peers() int {
	c.peers.mu.Lock()
	defer c.peers.mu.Unlock()
	return len(c.peers.all)
}

// UsePeer plays a call in rel that sends nothing.
func (c *Client) UsePeer(rel firsthand.ID) { c.peers.give(c.peers.take(rel), false) }

// Openings lets the tests ask the limiter without a network.
type Openings struct{ o *openings }

func NewOpenings(each, all Limit) Openings {
	return Openings{newOpenings("things are done", each, all)}
}

func (o Openings) Admit(a netip.Addr, now time.Time) error { return o.o.admit(a, now) }

func (o Openings) Sources() int { return len(o.o.recent) + len(o.o.older) }

// Polls returns how many calls wait.
func (h *Handler) Polls() int {
	h.polls.mu.Lock()
	defer h.polls.mu.Unlock()
	return len(h.polls.waiting)
}
