package sqlitetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
)

const (
	sector = 512  // lands or not as one
	page   = 4096 // is written back as one
)

// An op is one operation on a disk.
type op struct {
	kind kind
	name string // for people, and of entries in directories
	to   string
	node int
	off  int64 // or the size, of a truncation
	data []byte
	what any // was acknowledged
}

type kind uint8

const (
	written kind = iota
	truncated
	synced
	failedSync
	created
	removed
	renamed
	syncedDir
	acked
)

func (o op) String() string {
	verbs := [...]string{"write", "truncate", "sync", "failed sync", "create", "remove", "rename", "sync directory", "acknowledge"}
	switch o.kind {
	case written:
		return fmt.Sprintf("%s %s %d+%d", verbs[o.kind], o.name, o.off, len(o.data))
	case truncated:
		return fmt.Sprintf("%s %s to %d", verbs[o.kind], o.name, o.off)
	case renamed:
		return fmt.Sprintf("%s %s to %s", verbs[o.kind], o.name, o.to)
	case acked:
		return verbs[o.kind]
	}
	return verbs[o.kind] + " " + o.name
}

// A model says what a disk holds for good, and what is on its way there.
type model struct {
	media    map[int]*medium
	names    map[string]int // for good
	changing []op           // to the directory, since its last sync
}

// A medium is what is known of one node.
type medium struct {
	now     []byte         // as a running program sees it
	durable []byte         // for good
	pending []op           // writes and truncations since the last sync
	dropped map[int][]byte // pages that a failed sync was to write
}

// newModel returns the model of a disk at rest.
func newModel(im Image) *model {
	m := &model{media: make(map[int]*medium), names: make(map[string]int)}
	for i, name := range slices.Sorted(maps.Keys(im)) { // numbered as newDisk does
		m.names[name] = i + 1
		m.media[i+1] = &medium{now: slices.Clone(im[name]), durable: slices.Clone(im[name])}
	}
	return m
}

// apply has o happen.
func (m *model) apply(o op) {
	d := m.media[o.node]
	switch o.kind {
	case created:
		m.media[o.node] = new(medium)
		m.changing = append(m.changing, o)
	case removed, renamed:
		m.changing = append(m.changing, o)
	case syncedDir:
		var rest []op
		for _, c := range m.changing {
			if filepath.Dir(c.name) != o.name {
				rest = append(rest, c)
				continue
			}
			change(m.names, c)
		}
		m.changing = rest
	case written:
		d.now = overwrite(d.now, o.data, o.off)
		d.pending = append(d.pending, o)
	case truncated:
		d.now = resize(d.now, o.off)
		d.pending = append(d.pending, o)
	case synced:
		d.sync()
	case failedSync:
		d.drop()
	}
}

// change has a change to a directory happen to names.
func change(names map[string]int, o op) {
	switch o.kind {
	case created:
		names[o.name] = o.node
	case removed:
		if names[o.name] == o.node {
			delete(names, o.name)
		}
	case renamed:
		if names[o.name] == o.node {
			delete(names, o.name)
		}
		names[o.to] = o.node
	}
}

// pages returns the pages that o touches.
func (o op) pages() (first, last int) {
	return int(o.off) / page, int(o.off+int64(len(o.data))-1) / page
}

// sync makes durable what is pending, and whole pages of it.
func (d *medium) sync() {
	for _, o := range d.pending {
		if o.kind == truncated {
			d.durable = resize(d.durable, o.off)
			continue
		}
		d.durable = overwrite(d.durable, o.data, o.off)
		for p, last := o.pages(); p <= last && len(d.dropped) > 0; p++ {
			if d.dropped[p] != nil {
				d.durable = overwrite(d.durable, d.page(p), int64(p)*page)
				delete(d.dropped, p)
			}
		}
	}
	d.pending = d.pending[:0]
}

// drop forgets to write what is pending, which a later sync won't make good.
func (d *medium) drop() {
	if d.dropped == nil {
		d.dropped = make(map[int][]byte)
	}
	for _, o := range d.pending {
		if o.kind == truncated {
			d.durable = resize(d.durable, min(o.off, int64(len(d.durable))))
			continue
		}
		for p, last := o.pages(); p <= last; p++ {
			d.dropped[p] = slices.Clone(d.page(p))
		}
	}
	d.pending = d.pending[:0]
}

// page returns a page as it is now.
func (d *medium) page(p int) []byte {
	start := min(p*page, len(d.now))
	return d.now[start:min(start+page, len(d.now))]
}

// crash returns what a power cut could leave, by the dice of rng.
func (m *model) crash(rng *rand.Rand) Image {
	names := maps.Clone(m.names)
	for _, o := range m.changing {
		if rng.IntN(2) == 0 {
			change(names, o)
		}
	}
	im := make(Image, len(names))
	for _, name := range slices.Sorted(maps.Keys(names)) { // the same dice each time
		im[name] = m.media[names[name]].crash(rng)
	}
	return im
}

func (d *medium) crash(rng *rand.Rand) []byte {
	data := slices.Clone(d.durable)
	luck := newLuck(rng)
	for _, p := range slices.Sorted(maps.Keys(d.dropped)) {
		data = luck.write(data, d.dropped[p], int64(p)*page)
	}
	for _, o := range d.pending {
		if o.kind == written {
			data = luck.write(data, o.data, o.off)
		} else if luck.lands() {
			data = resize(data, o.off)
		}
	}
	return data
}

// luck decides what lands. Independent dice for each sector hardly ever lose
// all of them, or land all, or stop at some point; so those are tried too.
type luck struct {
	rng  *rand.Rand
	land float64 // the chance of a sector to land
	torn float64 // the chance of one that landed to be torn
	left int     // sectors that land before none does; -1 is no limit
}

func newLuck(rng *rand.Rand) *luck {
	l := &luck{rng: rng, left: -1}
	switch rng.IntN(8) {
	case 0: // nothing lands
	case 1: // everything does
		l.land = 1
	case 2: // in order, up to some point
		l.land, l.left = 1, int(rng.ExpFloat64()*16)
	default:
		l.land = [...]float64{0.1, 0.5, 0.9}[rng.IntN(3)]
		l.torn = [...]float64{0, 0.1, 0.5}[rng.IntN(3)]
	}
	return l
}

func (l *luck) lands() bool {
	if l.left == 0 {
		return false
	}
	if l.left > 0 {
		l.left--
	}
	return l.rng.Float64() < l.land
}

// write returns data after those sectors of p have landed at off that do.
func (l *luck) write(data, p []byte, off int64) []byte {
	for len(p) > 0 {
		n := min(len(p), int(sector-off%sector))
		if l.lands() {
			part := p[:n]
			if l.rng.Float64() < l.torn {
				part = l.tear(part)
			}
			data = overwrite(data, part, off)
		}
		p, off = p[n:], off+int64(n)
	}
	return data
}

// tear returns p after a point replaced by garbage.
func (l *luck) tear(p []byte) []byte {
	p = slices.Clone(p)
	for i := l.rng.IntN(len(p)); i < len(p); i++ {
		p[i] = byte(l.rng.Uint32())
	}
	return p
}
