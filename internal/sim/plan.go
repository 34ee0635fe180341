package sim

import "time"

// A plan is what a seed makes of a run: how bad the network is, and what is going
// to happen. Much is off in most seeds, so that what must hold without it is
// tried without it.
type plan struct {
	customers, companies int
	active               time.Duration // until everything is healed

	loss, dup  float64       // of requests, and of answers, each
	slow       float64       // share of calls that are under way for hours
	latency    time.Duration // of the others, at most
	badCommits float64       // share of commits that are reported as failed
	clocks     bool          // parties' clocks are wrong, by up to two days, and jump
	strict     bool          // gateways refuse calls whose time is off by five minutes

	acts, staffActs  int // of all customers, of all companies
	partitions       int
	crashes          int // agents and gateways, in the middle of an operation
	outages          int // of a company's system
	backups          int // that are put back: agents'
	gatewayBackups   int
	unnoticedBackups int // of gateways, without the mark that tells
	copies           int // of an agent's file, used beside it for a while
	thefts           int // of an agent's file, with its keys
	rotations        int // by customers
	companyRotations int
}

const (
	maxSkew  = 48 * time.Hour
	maxDelay = 24 * time.Hour
)

func (r *run) newPlan() plan {
	some := func(p float64, most int) int { // 0, or with probability p up to most
		if !r.chance(p) {
			return 0
		}
		return 1 + r.rng.Intn(most)
	}
	p := plan{customers: 1 + r.rng.Intn(2), companies: 1 + r.rng.Intn(3), active: r.between(36*time.Hour, 8*24*time.Hour),
		acts: 10 + r.rng.Intn(16), staffActs: r.rng.Intn(8), latency: 2 * time.Second}
	if r.chance(0.7) {
		p.loss, p.dup, p.slow = r.rng.Float64()/2, r.rng.Float64()*0.3, r.rng.Float64()*0.2
	}
	if r.chance(0.3) {
		p.latency = time.Minute
	}
	if r.chance(0.3) {
		p.badCommits = r.rng.Float64() * 0.1
	}
	p.clocks = r.chance(0.3)
	p.strict = r.chance(0.3)
	p.partitions, p.crashes, p.outages = some(0.4, 3), some(0.5, 6), some(0.3, 3)
	p.backups, p.gatewayBackups = some(0.25, 2), some(0.2, 2)
	p.unnoticedBackups, p.copies, p.thefts = some(0.08, 1), some(0.12, 1), some(0.15, 2)
	p.rotations, p.companyRotations = some(0.3, 2), some(0.25, 2)
	return p
}

// schedule spreads n times what do does over the active time.
func (r *run) schedule(n int, what string, do func()) {
	for range n {
		r.after(r.between(0, r.plan.active), what, func() {
			if !r.healed {
				do()
			}
		})
	}
}

// provoke makes frequent what it takes for a planted bug to show.
func (p *plan) provoke(b Bug) {
	switch b {
	case SentIsReceived, RetryDrops:
		p.loss = 0.4
	case RestoreUnasked, DraftsForgotten:
		p.backups, p.partitions, p.acts = 3, 0, 25
	case BookKept:
		p.backups, p.companies, p.acts = 3, 3, 40
	case GatewayUnasked, BodiesKept, RemovedStays:
		p.gatewayBackups, p.staffActs, p.acts = 3, 12, 30
	case ThiefAdopted:
		p.thefts, p.loss = 2, 0
	case OutOfOrder:
		p.outages, p.acts = 3, 40
	}
}
