package sqlitetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"firsthand/internal/needtest"
)

// A CorruptionPlan says what to damage and how to look at it afterwards.
type CorruptionPlan struct {
	// Damages is how many times to damage the files in a plain go test; 0 is
	// 100. With FIRSTHAND_TEST_ALL=1 it is CI; 0 is 2,000. For the long run
	// FIRSTHAND_CORRUPTIONS says how many.
	Damages, CI int

	// Seed makes the dice fall as they did before; 0 is 1.
	Seed uint64

	// Build makes files on d, which is empty, and closes them.
	Build func(d *Disk) error

	// More, if there is one, opens the files, changes them, and closes them.
	// Then old blocks and old files, from before More, are put back as well.
	// Encryption doesn't notice those.
	More func(d *Disk) error

	// Read opens the files with the production code and returns all that is in
	// them, or a hash of it; an error means that damage was noticed. It is
	// called from several goroutines.
	Read func(d *Disk) (content string, err error)
}

// An Outcome is what became of damage.
type Outcome string

const (
	Harmless Outcome = "harmless"       // the content is the same
	Noticed  Outcome = "noticed"        // Read returned an error
	Wrong    Outcome = "silently wrong" // must not happen
)

// Outcomes count what became of each sort of damage.
type Outcomes map[string]map[Outcome]int

// Count returns how often there was an outcome, whatever the damage.
func (o Outcomes) Count(want Outcome) (n int) {
	for _, counts := range o {
		n += counts[want]
	}
	return n
}

func (o Outcomes) String() string {
	var lines []string
	for _, damage := range slices.Sorted(maps.Keys(o)) {
		c := o[damage]
		lines = append(lines, fmt.Sprintf("%s: %d harmless, %d noticed, %d silently wrong",
			damage, c[Harmless], c[Noticed], c[Wrong]))
	}
	return strings.Join(lines, "; ")
}

// Corruption runs p and fails t if damage went unnoticed that was not harmless.
func Corruption(t testing.TB, p CorruptionPlan) Outcomes {
	t.Helper()
	n := p.Damages
	if n == 0 {
		n = 100
	}
	if needtest.Big() {
		if n = p.CI; n == 0 {
			n = 2000
		}
	}
	if needtest.Race {
		n = (n + 3) / 4
	}
	outcomes, first, err := p.Run(fromEnv(t, "FIRSTHAND_CORRUPTIONS", n))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(outcomes)
	if wrong := outcomes.Count(Wrong); wrong > 0 {
		t.Errorf("%d times silently wrong, first after: %s", wrong, first)
	}
	return outcomes
}

// Run damages the files n times and returns what became of it, and what the
// first damage was that went unnoticed. It is for tests that expect some.
func (p CorruptionPlan) Run(n int) (outcomes Outcomes, firstWrong string, err error) {
	tmp, err := os.MkdirTemp("", "corruption")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(tmp)
	old, now, want, err := p.build(tmp)
	if err != nil {
		return nil, "", err
	}
	outcomes = make(Outcomes)
	var mu sync.Mutex
	var workers sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				rng := rand.New(rand.NewPCG(max(p.Seed, 1), uint64(i)))
				im := now.Clone()
				damage, where := damages(p.More != nil)[i%len(damages(p.More != nil))], ""
				if where = damage.do(rng, im, old); where == "" {
					continue // it would have changed nothing
				}
				outcome := Harmless
				if got, err := p.read(tmp, im); err != nil {
					outcome = Noticed
				} else if got != want {
					outcome = Wrong
				}
				mu.Lock()
				if outcomes[damage.name] == nil {
					outcomes[damage.name] = make(map[Outcome]int)
				}
				outcomes[damage.name][outcome]++
				if outcome == Wrong && firstWrong == "" {
					firstWrong = fmt.Sprintf("%s: %s (seed %d, number %d)", damage.name, where, max(p.Seed, 1), i)
				}
				mu.Unlock()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
	return outcomes, firstWrong, nil
}

// build returns the files before and after More, and what is in them.
func (p CorruptionPlan) build(tmp string) (old, now Image, content string, err error) {
	d := newDisk(tmp, nil)
	defer d.close()
	if err := p.Build(d); err != nil {
		return nil, nil, "", err
	}
	old = d.Image()
	if p.More != nil {
		if err := p.More(d); err != nil {
			return nil, nil, "", err
		}
	}
	now = d.Image()
	content, err = p.read(tmp, now.Clone())
	return old, now, content, err
}

func (p CorruptionPlan) read(tmp string, im Image) (string, error) {
	d := newDisk(tmp, im)
	defer d.close()
	return p.Read(d)
}

// A damage is one way to damage files. do says what it did, or "" if there was
// nothing to do.
type damage struct {
	name string
	do   func(rng *rand.Rand, im, old Image) (where string)
}

func damages(withOld bool) []damage {
	list := []damage{
		{"flip a bit", flip}, {"flip a bit", flip}, {"flip a bit", flip}, {"flip a bit", flip},
		{"truncate", cutOff},
		{"swap two pages", swap},
		{"zero a block", zero},
	}
	if withOld {
		list = append(list, damage{"put back an old block", oldBlock}, damage{"put back the old files", oldFiles})
	}
	return list
}

// pick returns one of the files that have something in them.
func pick(rng *rand.Rand, im Image) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(im)) {
		if len(im[name]) > 0 {
			names = append(names, name)
		}
	}
	return names[rng.IntN(len(names))]
}

func flip(rng *rand.Rand, im, _ Image) string {
	name := pick(rng, im)
	i, bit := rng.IntN(len(im[name])), rng.IntN(8)
	im[name][i] ^= 1 << bit
	return fmt.Sprintf("%s byte %d bit %d", name, i, bit)
}

func cutOff(rng *rand.Rand, im, _ Image) string {
	name := pick(rng, im)
	n := rng.IntN(len(im[name]))
	if rng.IntN(2) == 0 {
		n -= n % page
	}
	im[name] = im[name][:n]
	return fmt.Sprintf("%s to %d", name, n)
}

func swap(rng *rand.Rand, im, _ Image) string {
	name := pick(rng, im)
	data := im[name]
	if len(data) < 2*page {
		return ""
	}
	a, b := rng.IntN(len(data)/page)*page, rng.IntN(len(data)/page)*page
	if string(data[a:a+page]) == string(data[b:b+page]) {
		return ""
	}
	kept := slices.Clone(data[a : a+page])
	copy(data[a:], data[b:b+page])
	copy(data[b:], kept)
	return fmt.Sprintf("%s %d and %d", name, a, b)
}

func zero(rng *rand.Rand, im, _ Image) string {
	name := pick(rng, im)
	start := rng.IntN(len(im[name])) &^ (sector - 1)
	clear(im[name][start:min(start+sector, len(im[name]))])
	return fmt.Sprintf("%s from %d", name, start)
}

func oldBlock(rng *rand.Rand, im, old Image) string {
	name := pick(rng, im)
	was, is := old[name], im[name]
	var differ []int
	for i := 0; i+page <= min(len(was), len(is)); i += page {
		if string(was[i:i+page]) != string(is[i:i+page]) {
			differ = append(differ, i)
		}
	}
	if len(differ) == 0 {
		return ""
	}
	i := differ[rng.IntN(len(differ))]
	copy(is[i:], was[i:i+page])
	return fmt.Sprintf("%s at %d", name, i)
}

func oldFiles(_ *rand.Rand, im, old Image) string {
	clear(im)
	maps.Copy(im, old.Clone())
	return "all"
}
