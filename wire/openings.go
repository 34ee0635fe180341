package wire

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"firsthand/fault"
)

// A Limit is a token bucket: Burst at once, and Rate a second from then on.
type Limit struct {
	Rate  rate.Limit
	Burst int
}

// maxSources is how many sources are remembered at least; twice as many at most,
// which takes about 4 MB.
const maxSources = 10_000

// openings limits how fast relationships are opened: opening is the one thing
// that a stranger can make the gateway store.
type openings struct {
	each Limit

	mu  sync.Mutex // held for a few instructions
	all *rate.Limiter
	// recent and older hold the buckets by source. When recent is full it
	// becomes older, and what was in older is forgotten. A forgotten source
	// begins with a full bucket; so whoever has many addresses can evade each,
	// and all still holds.
	recent, older map[netip.Prefix]*rate.Limiter
}

func newOpenings(each, all Limit) *openings {
	return &openings{
		each:   each,
		all:    rate.NewLimiter(all.Rate, all.Burst),
		recent: make(map[netip.Prefix]*rate.Limiter),
	}
}

// admit refuses an opening that comes too soon: [fault.Unavailable], rule
// call-rate, with the time to wait.
func (o *openings) admit(source netip.Addr, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	one := o.bucket(prefix(source)).ReserveN(now, 1)
	all := o.all.ReserveN(now, 1)
	after := max(one.DelayFrom(now), all.DelayFrom(now))
	if after == 0 {
		return nil
	}
	one.CancelAt(now)
	all.CancelAt(now)
	return &retryError{fault.Refuse(fault.Unavailable, "call-rate", "relationships are opened too fast"), after}
}

func (o *openings) bucket(p netip.Prefix) *rate.Limiter {
	l, ok := o.recent[p]
	if ok {
		return l
	}
	if l, ok = o.older[p]; !ok {
		l = rate.NewLimiter(o.each.Rate, o.each.Burst)
	}
	if len(o.recent) >= maxSources {
		o.recent, o.older = make(map[netip.Prefix]*rate.Limiter), o.recent
	}
	o.recent[p] = l
	return l
}

// prefix returns the network that counts as one source: an IPv4 address, or the
// /64 in which anybody with IPv6 has as many addresses as she likes.
func prefix(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // the zero Prefix for the zero Addr
	return p
}

// remote returns the address that the connection of r comes from.
func remote(r *http.Request) netip.Addr {
	a, _ := netip.ParseAddrPort(r.RemoteAddr)
	return a.Addr()
}
