package sim

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"firsthand"
	"firsthand/fault"
)

// check looks after an event whether what must always hold holds. What is cheaper
// to see when it happens is checked in ledger.go.
func (r *run) check() {
	if r.err != nil {
		return
	}
	if len(r.queue) > 500 {
		r.fail("%d events wait: a queue grows without bound", len(r.queue))
	}
	for _, c := range r.companies {
		c.checkWrites()
	}
	if r.number%16 == 0 {
		for _, b := range r.ledger.order {
			r.compare(b)
		}
	}
}

// compare holds that both sides fold the same cut to the same state.
func (r *run) compare(b *bond) {
	if b.company == nil || b.forgotten || b.orphan {
		return
	}
	d, c := b.device, b.company
	hers := [2][]firsthand.Entry{r.log(d.store, b.id, firsthand.First), r.log(d.store, b.id, firsthand.Second)}
	theirs := [2][]firsthand.Entry{r.log(c.store, b.id, firsthand.First), r.log(c.store, b.id, firsthand.Second)}
	for i := range hers {
		n := min(len(hers[i]), len(theirs[i]))
		hers[i], theirs[i] = hers[i][:n], theirs[i][:n]
		if n > 0 && hers[i][n-1].ID != theirs[i][n-1].ID {
			return // a fork; whether there may be one is the ledger's to say
		}
	}
	cutToClosed(&hers)
	theirs[0], theirs[1] = theirs[0][:len(hers[0])], theirs[1][:len(hers[1])]
	if len(hers[0]) == 0 {
		return
	}
	mine, err := firsthand.Fold(hers[0], hers[1])
	if err != nil {
		r.fail("%s can't fold its logs with %s: %v", d.name, c.name, err)
		return
	}
	yours, err := firsthand.Fold(theirs[0], theirs[1])
	if fault.RuleOf(err) == "body-missing" {
		return // erased by an entry that lies beyond this cut
	}
	if err != nil {
		r.fail("%s can't fold its logs with %s: %v", c.name, d.name, err)
		return
	}
	if x, y := dump(mine), dump(yours); !bytes.Equal(x, y) {
		r.fail("%s and %s fold the same cut to two states:\n%s\n%s", d.name, c.name, x, y)
	}
	r.count("folds compared")
}

// cutToClosed cuts two logs at their ends until no entry has seen what isn't there.
func cutToClosed(logs *[2][]firsthand.Entry) {
	for cut := true; cut; {
		cut = false
		for i := range logs {
			for n := len(logs[i]); n > 0 && logs[i][n-1].Seen.Seq > int64(len(logs[1-i])); n-- {
				logs[i], cut = logs[i][:n-1], true
			}
		}
	}
}

// dump prints all that a state says.
func dump(s *firsthand.State) []byte {
	text := firsthand.EncodeJSON(s)
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		log := s.Log(side)
		text = append(text, firsthand.EncodeJSON([]any{log.Head, log.Seen, log.Keys, log.Next})...)
	}
	return text
}

// checkWrites holds that nothing has effect in the company's systems twice, or in the
// one that it is not for; and that what one relationship says of one fact has its
// effects in the order in which she said it, and so have her words.
func (c *company) checkWrites() {
	type of struct {
		rel          firsthand.ID
		record, fact string
	}
	last := make(map[of]*kept)
	done := make(map[firsthand.ID]bool)
	for _, w := range c.writes() {
		if w.id.IsZero() {
			continue // staff
		}
		if done[w.id] {
			c.r.fail("%s: one request had effect twice", c.name)
		}
		done[w.id] = true
		k := c.r.ledger.entries[w.id]
		if k == nil {
			c.r.fail("%s: a write that no entry asked for", c.name)
			return
		}
		if words := k.Kind() == "message" || k.Kind() == "request"; words != (w.in == c.talks()) && c.help != nil {
			c.r.fail("%s: a %s went to the %s", c.name, k.Kind(), w.in.name)
		}
		if k.gone != "" { // of a life that has not been
			continue
		}
		if w.fact == "" {
			w.record = "" // whichever ticket it is in
		}
		key := of{w.rel, w.record, w.fact}
		if c.r.ledger.before(k, last[key]) {
			c.r.fail("%s: an older %s was written over a newer one", c.name, w.fact)
		}
		last[key] = k
	}
}

// before reports whether b stands on a. Of a copy of her file may be others with the same
// numbers, which a company can have where a backup of its own was put back between.
func (l *ledger) before(a, b *kept) bool {
	for b != nil && b.Seq > a.Seq {
		b = l.entries[b.Prev]
	}
	return b == a && a != nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
