package sqlitetest

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firsthand/internal/needtest"
)

// A Plan says what to do while the power is cut, and what must be left.
type Plan struct {
	// States is how many states to build and verify in a plain go test; 0 is
	// 250. With FIRSTHAND_TEST_ALL=1 it is CI; 0 is 10,000. For the long run
	// FIRSTHAND_POWERLOSS_STATES says how many.
	States, CI int

	// Seed makes the dice fall as they did before; 0 is 1.
	// FIRSTHAND_POWERLOSS_SEED overrides it.
	Seed uint64

	// Workload uses the production code on d, which is empty, and calls d.Ack
	// with what it was told is durable, when it was told. It may start
	// goroutines, and ends when they have. It runs once, or a few times in a
	// long run.
	Workload func(d *Disk) error

	// Verify starts the production code on d, which holds what a power cut has
	// left, and returns an error if anything is missing or wrong. acked is what
	// had been acknowledged before the cut, in order; it must be there, and more
	// may be. Now and then the power is cut again while Verify runs, and Verify
	// has to cope with that state as well. It is called from several goroutines,
	// and must not write to acked.
	Verify func(d *Disk, acked []any) error

	// Twice has the power cut again in each state, among the first operations of
	// Verify, and not just now and then at any: for bugs of what opens a file that a
	// crash has left.
	Twice bool

	// Lie is for planting a bug: the disk ignores one sync in Lie.
	Lie int
}

// Stats say what a run did.
type Stats struct {
	Ops    int // operations of the workload: so many places to cut
	Acked  int // acknowledgements of the workload
	States int // built
	Same   int // of these, the same as one before, which was verified
	Again  int // of these, after a second cut
	Took   time.Duration
}

func (s Stats) String() string {
	return fmt.Sprintf("%d operations, %d acknowledged; %d states, %d of them the same as another, %d after a second cut; %.0f a second",
		s.Ops, s.Acked, s.States, s.Same, s.Again, float64(s.States)/s.Took.Seconds())
}

// PowerLoss runs p and fails t if a state is not as it must be.
func PowerLoss(t testing.TB, p Plan) Stats {
	t.Helper()
	p.Seed = uint64(fromEnv(t, "FIRSTHAND_POWERLOSS_SEED", int(max(p.Seed, 1))))
	states := p.States
	if states == 0 {
		states = 250
	}
	if needtest.Big() {
		if states = p.CI; states == 0 {
			states = 10_000
		}
	}
	if needtest.Race {
		states = (states + 3) / 4
	}
	stats, err := p.run(fromEnv(t, "FIRSTHAND_POWERLOSS_STATES", states))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(stats)
	return stats
}

// MustCatch runs plans, in which the same bug is planted, and fails t unless a
// state of one of them shows it. A harness that can't fail proves nothing.
func MustCatch(t testing.TB, plans ...Plan) {
	t.Helper()
	for _, states := range []int{200, 1000, 5000, 20_000} { // most show early
		for _, p := range plans {
			p.Seed = max(p.Seed, 1)
			if stats, err := p.run(states); err != nil {
				t.Logf("noticed among %d of %d states: %v", stats.States, states, err)
				return
			}
		}
	}
	t.Fatal("planted bug not noticed")
}

func fromEnv(t testing.TB, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// A round is one run of the workload, and as many states as are worth it.
const round = 20_000

func (p Plan) run(states int) (stats Stats, err error) {
	tmp, err := os.MkdirTemp("", "powerloss")
	if err != nil {
		return stats, err
	}
	defer os.RemoveAll(tmp)
	start := time.Now()
	for seed := p.Seed; stats.States < states && err == nil; seed++ {
		err = p.round(tmp, seed, min(round, states-stats.States), &stats)
	}
	stats.Took = time.Since(start)
	return stats, err
}

// round runs the workload and builds about n states from what it did.
func (p Plan) round(tmp string, seed uint64, n int, stats *Stats) error {
	d := newDisk(tmp, nil)
	d.recording = true
	err := p.Workload(d)
	d.close()
	if err != nil {
		return fmt.Errorf("workload: %w", err)
	}
	stats.Ops = 0
	for _, o := range d.history {
		if o.kind != acked {
			stats.Ops++
		}
	}
	stats.Acked = len(d.history) - stats.Ops

	j := &judge{plan: p, tmp: tmp}
	states := make(chan state)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for s := range states {
				j.judge(s)
			}
		})
	}
	known := make(map[[sha256.Size]byte]bool)
	p.cut(d.history, seed, n, func(s state) bool {
		id := s.id()
		if known[id] && !p.again(s.dice()) {
			stats.States++
			stats.Same++
		} else {
			known[id] = true
			states <- s
		}
		return j.failed.Load() == nil
	})
	close(states)
	workers.Wait()
	stats.States += int(j.states.Load())
	stats.Again += int(j.again.Load())
	if err := j.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// A state is what a power cut has left, and how it came about.
type state struct {
	image Image
	acked []any
	seed  uint64 // of its own dice
	cut   string
}

// id is the same for states that verify can't tell apart.
func (s *state) id() (id [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintln(h, len(s.acked)) // of one history, so that the number says which
	for _, name := range slices.Sorted(maps.Keys(s.image)) {
		fmt.Fprintf(h, "%q %d\n", name, len(s.image[name]))
		h.Write(s.image[name])
	}
	h.Sum(id[:0])
	return id
}

// dice are those of what happens while s is verified.
func (s *state) dice() *rand.Rand { return rand.New(rand.NewPCG(s.seed, 2)) }

// again throws the first of those dice: whether the power is cut once more meanwhile.
func (p Plan) again(dice *rand.Rand) bool { return dice.IntN(8) == 0 || p.Twice }

// cut cuts the power at each operation of history, or where there are more
// than n, at n of them, and yields about n states, several for each cut.
func (p Plan) cut(history []op, seed uint64, n int, yield func(state) bool) {
	m := newModel(nil)
	var told []any
	cuts, syncs, done, made := 1, 0, 0, 0
	for _, o := range history {
		if o.kind != acked {
			cuts++
		}
	}
	// After so many of all cuts there should be so many of all states.
	due := func() int { return n * done / cuts }
	at := func(after string) bool {
		done++
		for ; made < due(); made++ {
			own := seed<<32 + uint64(made)
			s := state{
				image: m.crash(rand.New(rand.NewPCG(seed, own))),
				acked: told[:len(told):len(told)],
				seed:  own,
				cut:   fmt.Sprintf("power cut %d of %d, after %s", done, cuts, after),
			}
			if !yield(s) {
				return false
			}
		}
		return true
	}
	last := "nothing"
	for _, o := range history {
		if o.kind == acked { // between two operations: told before the cut
			told = append(told, o.what)
			continue
		}
		if !at(last) {
			return
		}
		if o.kind == synced {
			syncs++
		}
		if p.Lie == 0 || o.kind != synced || syncs%p.Lie != 0 {
			m.apply(o)
		}
		last = o.String()
	}
	at(last)
}

// A judge has states verified.
type judge struct {
	plan          Plan
	tmp           string
	states, again atomic.Int64
	failed        atomic.Pointer[error]
}

// judge verifies s, and cuts the power once more meanwhile where p.again says so.
func (j *judge) judge(s state) {
	rng := s.dice()
	if !j.plan.again(rng) {
		j.verify(s, s.image)
		return
	}
	m := newModel(s.image)
	history := j.verify(s, s.image)
	if j.failed.Load() != nil {
		return
	}
	after := rng.IntN(len(history) + 1)
	if j.plan.Twice {
		after = min(after, rng.IntN(8))
	}
	for _, o := range history[:after] {
		m.apply(o)
	}
	s.cut += fmt.Sprintf(", and another %d of %d later", after, len(history))
	j.again.Add(1)
	j.verify(s, m.crash(rng))
}

// verify has one image verified, which is not the same afterwards, and returns
// what that did to the disk.
func (j *judge) verify(s state, im Image) []op {
	left := ""
	for _, name := range slices.Sorted(maps.Keys(im)) {
		left += fmt.Sprintf(" %s=%d", name, len(im[name]))
	}
	d := newDisk(j.tmp, im)
	d.recording = true
	defer d.close()
	j.states.Add(1)
	if err := j.plan.Verify(d, s.acked); err != nil {
		err = fmt.Errorf("%s (seed %d, %d acknowledged, left:%s): %w", s.cut, s.seed>>32, len(s.acked), left, err)
		j.failed.CompareAndSwap(nil, &err)
	}
	return d.history
}
