package wire

import (
	"net/http"
	"net/netip"
	"strings"
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

// openings limits how fast something is done, by one source and in all: relationships
// are opened, which is the one thing that a stranger can make the gateway store; or
// calls are made, of which each costs a look at a signature.
type openings struct {
	what string // what is done, for the refusal
	each Limit

	mu  sync.Mutex // held for a few instructions
	all *rate.Limiter
	// recent and older hold the buckets by source. When recent is full it
	// becomes older, and what was in older is forgotten. A forgotten source
	// begins with a full bucket; so whoever has many addresses can evade each,
	// and all still holds.
	recent, older map[netip.Prefix]*rate.Limiter
}

func newOpenings(what string, each, all Limit) *openings {
	return &openings{
		what:   what,
		each:   each,
		all:    rate.NewLimiter(all.Rate, all.Burst),
		recent: make(map[netip.Prefix]*rate.Limiter),
	}
}

// unlimited is the Limit of what is not limited.
var unlimited = Limit{Rate: rate.Inf}

// admit refuses what comes too soon: [fault.Unavailable], rule
// call-rate, with the time to wait.
func (o *openings) admit(source netip.Addr, now time.Time) error {
	if o.each == unlimited && o.all.Limit() == rate.Inf {
		return nil
	}
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
	return &retryError{fault.Refuse(fault.Unavailable, "call-rate", "%s too fast", o.what), after}
}

// charge takes n more from the bucket of source, below zero if need be: what turned
// out to be worth nothing costs it more.
func (o *openings) charge(source netip.Addr, now time.Time, n int) {
	if o.each == unlimited {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	one := o.bucket(prefix(source))
	for range n { // one by one: a reservation of more than the burst takes nothing
		one.ReserveN(now, 1)
	}
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

// SourceIn returns a Source for a gateway behind a proxy, which writes the caller's
// address into a header: the last one in it counts, since those before it are the
// caller's own word. Nobody but the proxy may reach the gateway then.
func SourceIn(header string) func(*http.Request) netip.Addr {
	return func(r *http.Request) netip.Addr {
		values := r.Header.Values(header)
		if len(values) == 0 {
			return remote(r)
		}
		all := values[len(values)-1]
		last := strings.TrimSpace(all[strings.LastIndexByte(all, ',')+1:])
		if a, err := netip.ParseAddr(last); err == nil {
			return a
		}
		if a, err := netip.ParseAddrPort(last); err == nil {
			return a.Addr()
		}
		return remote(r)
	}
}

// remote returns the address that the connection of r comes from.
func remote(r *http.Request) netip.Addr {
	a, _ := netip.ParseAddrPort(r.RemoteAddr)
	return a.Addr()
}
