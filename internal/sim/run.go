package sim

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math/rand"
	"time"

	"firsthand"
)

// Options say what to run.
type Options struct {
	Seed    int64
	Bug     Bug       // planted, or ""
	Provoke Bug       // makes frequent what it takes for this bug to show
	Trace   io.Writer // gets a line for each event; nil for none
}

// A Result is what a run found.
type Result struct {
	Err       error  // what did not hold; nil if all did
	Digest    string // of every event: the same for the same seed
	Events    int
	Simulated time.Duration
	Seen      map[string]int // what happened how often, so that a test can ask whether it ever does
}

// A run is one simulation. One goroutine owns it and everything in it.
type run struct {
	Options
	ctx    context.Context
	rng    *rand.Rand // feeds everything
	plan   plan
	now    time.Time // the true time, which no party knows
	queue  events
	number int
	err    error
	digest hash.Hash
	seen   map[string]int

	healed    bool // no fault happens any more
	customers []*customer
	companies []*company
	ledger    *ledger
	onCall    func(*company, []firsthand.Entry) // for stories: what arrives at a company
}

// begun is when all runs begin.
var begun = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func newRun(o Options) *run {
	r := &run{Options: o, ctx: context.Background(), rng: rand.New(rand.NewSource(o.Seed)), now: begun,
		digest: sha256.New(), seen: make(map[string]int), ledger: newLedger()}
	r.plan = r.newPlan()
	r.plan.provoke(o.Provoke)
	return r
}

// An event is something that will happen.
type event struct {
	at     time.Time
	number int // orders what happens at one time
	what   string
	do     func()
}

type events []event

func (q events) Len() int      { return len(q) }
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q events) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].number < q[j].number
}
func (q *events) Push(x any) { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// after has do happen in a while.
func (r *run) after(d time.Duration, what string, do func()) {
	r.number++
	heap.Push(&r.queue, event{r.now.Add(max(d, 0)), r.number, what, do})
}

// until lets happen what happens before end, and looks after each event whether
// the invariants hold.
func (r *run) until(end time.Time) {
	for r.err == nil && len(r.queue) > 0 && r.queue[0].at.Before(end) {
		e := heap.Pop(&r.queue).(event)
		r.now = e.at
		r.say("%s", e.what)
		e.do()
		r.seen["events"]++
		if r.seen["events"] > maxEvents {
			r.fail("%d events: something calls again and again", maxEvents)
		}
		r.check()
	}
	if r.err == nil {
		r.now = end
	}
}

// maxEvents bounds one run; the usual is a twentieth of it.
const maxEvents = 15000

// say notes something in trace and digest.
func (r *run) say(format string, args ...any) {
	line := r.now.Sub(begun).Round(time.Millisecond).String() + " " + fmt.Sprintf(format, args...) + "\n"
	io.WriteString(r.digest, line)
	if r.Trace != nil {
		io.WriteString(r.Trace, line)
	}
}

// fail ends the run, for the first reason given.
func (r *run) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
		r.say("FAILED: %v", r.err)
	}
}

// count notes that something happened.
func (r *run) count(what string) { r.seen[what]++ }

// chance is true with that probability.
func (r *run) chance(p float64) bool { return r.rng.Float64() < p }

// between returns a duration from a to b.
func (r *run) between(a, b time.Duration) time.Duration {
	if b <= a {
		return a
	}
	return a + time.Duration(r.rng.Int63n(int64(b-a)))
}

// pick returns one of the choices.
func pick[T any](r *run, choices []T) T { return choices[r.rng.Intn(len(choices))] }

// logger returns where a party logs to.
func (r *run) logger(name string) *slog.Logger {
	if r.Trace == nil {
		return slog.New(slog.DiscardHandler)
	}
	plain := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(slog.NewTextHandler(r.Trace, &slog.HandlerOptions{ReplaceAttr: plain})).With("party", name)
}

func (r *run) result() Result {
	return Result{Err: r.err, Digest: hex.EncodeToString(r.digest.Sum(nil)), Events: r.seen["events"], Simulated: r.now.Sub(begun), Seen: r.seen}
}
