package agent

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"firsthand"
)

// A town is a schedule and those whom it calls, by a clock that costs no time: a call
// of a host that is up takes a tenth of a second, and else fails after three.
type town struct {
	t      *testing.T
	s      schedule
	now    time.Time
	rng    *rand.Rand
	rows   map[firsthand.ID]*Relationship
	down   func(*Relationship) bool
	asks   time.Duration // what one that is down asks for
	under  []underway
	called map[firsthand.ID][]time.Time
	most   int // calls that were under way at once at hosts that were down, after the first seconds
}

type underway struct {
	c    *call
	ends time.Time
	down bool
}

func newTown(t *testing.T) *town {
	return &town{t: t, s: schedule{wake: make(chan struct{}, 1)}, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC), rng: rand.New(rand.NewPCG(1, 2)),
		rows: make(map[firsthand.ID]*Relationship), down: func(*Relationship) bool { return false }, called: make(map[firsthand.ID][]time.Time)}
}

// open adds relationships at a host, with all said and received.
func (w *town) open(n int, host string) (rels []firsthand.ID) {
	for range n {
		r := &Relationship{Gateway: "https://" + host + "/firsthand", Head: 1}
		r.ID = firsthand.ID{byte(len(w.rows) >> 8), byte(len(w.rows))}
		r.ID[30], r.ID[31] = byte(w.rng.Uint32()), byte(w.rng.Uint32())
		r.Received.Seq = 1
		w.rows[r.ID] = r
		rels = append(rels, r.ID)
	}
	return rels
}

// start begins the schedule with what there is in the file.
func (w *town) start() {
	var all []Outgoing
	for _, r := range w.rows {
		all = append(all, r.Outgoing())
	}
	w.s.fill(w.now, all, nil)
}

func (w *town) say(rels ...firsthand.ID) {
	for _, rel := range rels {
		w.rows[rel].Head++
		w.s.note(w.now, &Commit{Relationships: []Relationship{*w.rows[rel]}})
	}
}

// pass lets time pass, and returns how many calls were made in it.
func (w *town) pass(d time.Duration) (calls int) {
	for end := w.now.Add(d); ; {
		c, next := w.s.start(context.Background(), w.now)
		if c != nil {
			r := w.rows[c.rel]
			u := underway{c, w.now.Add(100 * time.Millisecond), w.down(r)}
			if u.down {
				u.ends = w.now.Add(3 * time.Second)
			}
			w.under = append(w.under, u)
			w.called[c.rel] = append(w.called[c.rel], w.now)
			if calls++; calls > 200_000 {
				w.t.Fatal("called without a pause")
			}
			n := 0
			for _, u := range w.under {
				if u.down {
					n++
				}
			}
			w.most = max(w.most, n)
			continue
		}
		first := -1
		for i, u := range w.under {
			if u.c.ctx.Err() != nil {
				u.ends = w.now // it gives way
			}
			if !u.ends.After(next) {
				first, next = i, u.ends
			}
		}
		if next.After(end) {
			w.now = end
			return calls
		}
		if w.now = latest(w.now, next); first >= 0 {
			u := w.under[first]
			w.under = append(w.under[:first], w.under[first+1:]...)
			w.ended(u)
		}
	}
}

// ended does what Agent does when a call has ended.
func (w *town) ended(u underway) {
	gaveWay := u.c.ctx.Err() != nil
	r := w.rows[u.c.rel]
	switch {
	case gaveWay:
	case u.down:
		r.Tries++
		n, down := w.s.failed(w.now, r.ID, true, w.asks)
		pause := max(pauseAfter(n, down), w.asks)
		r.NextTry, r.Failure = w.now.Add(pause+time.Duration(w.rng.Int64N(int64(pause/2)))), "unavailable"
		w.s.note(w.now, &Commit{Outbox: []Relationship{*r}})
	default:
		w.s.reached(w.now, r.ID)
		r.Tries, r.NextTry, r.Failure, r.Received.Seq = 0, time.Time{}, "", r.Head
		w.s.note(w.now, &Commit{Outbox: []Relationship{*r}})
	}
	w.s.end(w.now, u.c, time.Duration(w.rng.Int64N(int64(u.c.every))), u.down && !gaveWay, gaveWay)
}

func (w *town) wantReceived(rels ...firsthand.ID) {
	w.t.Helper()
	left := 0
	for _, rel := range rels {
		if r := w.rows[rel]; r.Received.Seq != r.Head {
			left++
		}
	}
	if left > 0 {
		w.t.Errorf("%d of %d have not received what was said", left, len(rels))
	}
}

func (w *town) wantCalls(what string, n, least, most int) {
	w.t.Helper()
	if n < least || n > most {
		w.t.Errorf("%s: %d calls, want %d to %d", what, n, least, most)
	}
}

// A host that was down for an hour, with one relationship or three hundred: one call at a
// time asks whether it is back, and soon after it is, all have what waits for them.
func TestHostIsBack(t *testing.T) {
	for _, n := range []int{1, 2, 300} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newTown(t)
			rels, others := w.open(n, "acme.example"), w.open(20, "bolt.example")
			w.start()
			w.pass(time.Hour)
			down := true
			w.down = func(r *Relationship) bool { return down && r.Gateway == "https://acme.example/firsthand" }
			w.say(rels...)
			w.pass(time.Minute)
			w.most = 0
			calls := w.pass(time.Hour)
			w.wantCalls("an hour", calls, 10+4*len(others), 25+8*len(others))
			if w.most > 1 {
				t.Errorf("%d calls asked at once whether it is back", w.most)
			}
			w.say(others...)
			w.pass(time.Second)
			w.wantReceived(others...)
			down = false
			w.pass(7 * time.Minute)
			w.wantReceived(rels...)
		})
	}
}

// A thousand hosts that are down, beside some that are well, cost no more calls than if
// they were well, but for the first hour; and are told soon after they are back.
func TestThousandHostsDown(t *testing.T) {
	w := newTown(t)
	var rels []firsthand.ID
	for i := range 1000 {
		rels = append(rels, w.open(1, fmt.Sprintf("c%d.example", i))...)
	}
	well := w.open(20, "well.example")
	w.start()
	usual := w.pass(time.Hour)
	down := true
	w.down = func(r *Relationship) bool { return down && r.Gateway != "https://well.example/firsthand" }
	w.say(rels...)
	w.wantCalls("the first hour", w.pass(time.Hour), 9000, 14000)
	for hour := range 4 {
		w.say(well...)
		w.wantCalls(fmt.Sprint("then, hour ", hour), w.pass(time.Hour), 2500, usual)
	}
	w.wantReceived(well...)
	down = false
	w.pass(23 * time.Minute)
	w.wantReceived(rels...)
}

// When her own network was away, all are told as soon as it is seen that it is back.
func TestNetworkIsBack(t *testing.T) {
	w := newTown(t)
	var rels []firsthand.ID
	for i := range 200 {
		rels = append(rels, w.open(2, fmt.Sprintf("c%d.example", i))...)
	}
	w.start()
	w.pass(time.Hour)
	down := true
	w.down = func(*Relationship) bool { return down }
	w.say(rels...)
	w.pass(5 * time.Hour)
	down = false
	w.pass(time.Minute) // some one of them is asked by then
	w.wantReceived(rels...)
}

// A company whose gateway is down at a host that answers for others is left alone as one
// that is down by itself, however often the others are reached; and these don't wait.
func TestOneDownAtASharedHost(t *testing.T) {
	w := newTown(t)
	broken, well := w.open(2, "shared.example"), w.open(30, "shared.example")
	w.start()
	w.down = func(r *Relationship) bool { return r.ID == broken[0] || r.ID == broken[1] }
	w.say(broken...)
	for range 120 {
		w.say(well[0], well[1])
		w.pass(20 * time.Second)
		w.wantReceived(well[0], well[1])
		w.pass(10 * time.Second)
	}
	w.wantCalls("one that is down, in an hour", len(w.called[broken[0]]), 10, 25)
}

// After sleep what is due goes at once: for each host one call, and then the rest;
// what there is no hurry for goes by and by.
func TestSleep(t *testing.T) {
	w := newTown(t)
	var many, quiet []firsthand.ID
	shared := w.open(50, "shared.example")
	for i := range 200 {
		many = append(many, w.open(1, fmt.Sprintf("c%d.example", i))...)
		quiet = append(quiet, w.open(1, fmt.Sprintf("q%d.example", i))...)
	}
	w.start()
	w.pass(time.Hour)
	down := true
	w.down = func(*Relationship) bool { return down }
	w.say(many...)
	w.say(shared...)
	w.pass(2 * time.Hour) // on the road
	w.now = w.now.Add(8 * time.Hour)
	w.s.jumped(w.now)
	w.wantCalls("at once, the network is not yet up", w.pass(time.Second), 201, 210)
	down = false
	before := w.now
	w.pass(10 * time.Second)
	w.wantReceived(many...)
	w.wantReceived(shared...)
	soon := 0
	for _, rel := range quiet {
		if at := w.called[rel]; at[len(at)-1].After(before) {
			soon++
		}
	}
	if soon > 20 {
		t.Errorf("%d of %d that there is no hurry for were called within seconds", soon, len(quiet))
	}
}

// A clock that was ahead by days and was put right holds up nobody.
func TestClockPutBack(t *testing.T) {
	w := newTown(t)
	rels := w.open(5, "acme.example")
	w.start()
	w.pass(time.Hour)
	w.now = w.now.Add(-72 * time.Hour)
	w.s.jumped(w.now)
	w.wantCalls("an hour", w.pass(time.Hour), 4*len(rels)-5, 8*len(rels))
	w.say(rels...)
	w.pass(time.Second)
	w.wantReceived(rels...)
}

// What she does and looks at is tried at once, though not before the company wants
// to be called, but where she orders just that.
func TestHerActsGoAtOnce(t *testing.T) {
	for _, asks := range []time.Duration{0, 40 * time.Minute} {
		w := newTown(t)
		w.asks = asks
		rel := w.open(1, "acme.example")[0]
		w.start()
		w.down = func(*Relationship) bool { return true }
		calls := func(what string, want int, act func()) {
			t.Helper()
			w.pass(5 * time.Second)
			was := len(w.called[rel])
			act()
			w.pass(time.Second)
			if n := len(w.called[rel]) - was; n != want {
				t.Errorf("asked for %v, %s: %d calls, want %d", asks, what, n, want)
			}
		}
		w.say(rel)
		w.pass(59 * time.Minute)
		for asks == 0 && w.rows[rel].NextTry.Sub(w.now) < time.Minute { // in the middle of a pause
			w.pass(time.Minute)
		}
		obeyed := 1
		if asks > 0 {
			obeyed = 0
		}
		calls("nothing", 0, func() {})
		calls("she looks", obeyed, func() { w.s.look(w.now, rel) })
		calls("she writes", obeyed, func() { w.say(rel) })
		calls("she has it tried again", 1, func() {
			r := *w.rows[rel]
			r.NextTry = time.Time{}
			w.s.note(w.now, &Commit{Outbox: []Relationship{r}})
		})
	}
}
