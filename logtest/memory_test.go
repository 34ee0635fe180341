package logtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
)

// A memory is the simplest Log there can be. bug makes it a broken one: each
// bug is one that a store could have.
type memory struct {
	side firsthand.Side
	bug  string

	mu   sync.Mutex
	logs map[place][]firsthand.Entry
}

type place struct {
	rel  firsthand.ID
	side firsthand.Side
}

func newMemory(side firsthand.Side, bug string) *memory {
	return &memory{side: side, bug: bug, logs: make(map[place][]firsthand.Entry)}
}

func headOf(log []firsthand.Entry) firsthand.Head {
	if len(log) == 0 {
		return firsthand.Head{}
	}
	return log[len(log)-1].Head()
}

func (m *memory) Head(ctx context.Context, rel firsthand.ID, side firsthand.Side) (firsthand.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	log := m.logs[place{rel, side}]
	switch {
	case m.bug == "no head is an error" && len(log) == 0:
		return firsthand.Head{}, fault.NotExist
	case m.bug == "the head is the first entry" && len(log) > 0:
		return log[0].Head(), ctx.Err()
	case m.bug == "one head for both logs":
		log = m.logs[place{rel, firsthand.First}]
	}
	return headOf(log), ctx.Err()
}

func (m *memory) Append(ctx context.Context, entries ...firsthand.Entry) error {
	if err := ctx.Err(); err != nil && m.bug != "an ended context is ignored" {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before, after := m.logs, m.logs
	if m.bug != "what came before the refused entry is kept" && m.bug != "the rest of a refused call is kept" {
		after = maps.Clone(m.logs)
	}
	var failed error
	for i, e := range entries {
		at := place{e.Relationship(), e.Side}
		if err := m.follows(after[at], &e); err != nil {
			failed = errors.Join(failed, err)
			if m.bug == "the rest of a refused call is kept" {
				continue
			}
			m.logs = before
			return failed
		}
		if m.bug == "only the first relationship of a call" && at.rel != entries[0].Relationship() {
			continue
		}
		after[at] = append(slices.Clip(after[at]), m.keep(e))
		m.erase(after, &e)
		if m.bug == "half a call can be seen" && i < len(entries)-1 {
			m.logs = maps.Clone(after)
			m.others()
		}
	}
	if m.bug == "another can come between compare and swap" {
		m.others()
	}
	m.logs = after
	return failed
}

// others lets others have the lock for a moment.
func (m *memory) others() {
	m.mu.Unlock()
	time.Sleep(100 * time.Microsecond)
	m.mu.Lock()
}

// follows is the comparison of compare-and-swap.
func (m *memory) follows(log []firsthand.Entry, e *firsthand.Entry) error {
	head := headOf(log)
	seq, prev := e.Seq == head.Seq+1, e.Prev == head.ID
	switch m.bug {
	case "nothing is compared":
		return nil
	case "only seq is compared":
		prev = true
	case "only prev is compared":
		seq = true
	case "a later seq will do":
		seq, prev = e.Seq > head.Seq, true
	case "an opening is not compared":
		seq, prev = seq || e.Seq == 1, prev || e.Seq == 1
	case "the same entry again is no conflict":
		if head.ID == e.ID {
			return nil
		}
	case "a conflict of another kind":
		if !seq || !prev {
			return fault.Invalid
		}
	}
	if !seq || !prev {
		return fault.Conflict
	}
	return nil
}

// keep returns e as it is stored.
func (m *memory) keep(e firsthand.Entry) firsthand.Entry {
	switch {
	case m.bug == "salts are lost":
		e.Salt = nil
	case m.bug == "bodies are lost":
		e = e.WithoutBody()
	case m.bug == "a missing body is empty" && !e.HasBody():
		e.Salt, e.Body = []byte{}, []byte{}
	case m.bug == "big bodies are cut" && len(e.Body) > 32<<10:
		e.Body = e.Body[:32<<10]
	case m.bug == "bodies are read and written anew":
		var v map[string]any
		if json.Unmarshal(e.Body, &v) == nil {
			e.Body, _ = json.Marshal(v)
		}
	case m.bug == "bodies that can't be read are refused":
		if _, err := firsthand.DecodeBody(e.Body); err != nil {
			e = e.WithoutBody()
		}
	case m.bug == "what was signed is changed":
		e.Signed = append(slices.Clone(e.Signed), '\n')
	}
	return e
}

// erase deletes what e names.
func (m *memory) erase(logs map[place][]firsthand.Entry, e *firsthand.Entry) {
	ids := e.Erases()
	switch {
	case m.bug == "nothing is erased":
		return
	case e.Side != m.side && m.bug != "the other side erases too":
		return
	}
	for at, log := range logs {
		switch {
		case at.rel != e.Relationship() && m.bug != "erased in every relationship":
			continue
		case m.bug == "only the keeper's own are erased" && at.side != m.side:
			continue
		}
		log = slices.Clone(log)
		for i := len(log) - 1; i >= 0; i-- {
			switch x := log[i]; {
			case !slices.Contains(ids, x.ID):
			case m.bug == "only what was there before the call is erased" && len(m.logs[at]) <= i:
			case m.bug == "the salt stays":
				log[i].Body = nil
			case m.bug == "an erased body is empty":
				log[i].Body, log[i].Salt = []byte{}, []byte{}
			case m.bug == "erased with the whole entry":
				log = slices.Delete(log, i, i+1)
			default:
				log[i] = x.WithoutBody()
			}
		}
		logs[at] = log
	}
}

func (m *memory) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	return func(yield func(firsthand.Entry, error) bool) {
		if err := ctx.Err(); err != nil {
			if m.bug != "an ended context is not reported" {
				yield(firsthand.Entry{}, err)
			}
			return
		}
		m.mu.Lock()
		log := slices.Clone(m.logs[place{rel, side}])
		switch {
		case m.bug == "one log for both sides":
			log = m.logs[place{rel, firsthand.First}]
		case m.bug == "all relationships in one":
			log = nil
			for at, l := range m.logs {
				if at.side == side {
					log = append(log, l...)
				}
			}
		case m.bug == "at most 256 are read":
			log = log[:min(len(log), 256+int(min(after, 1<<20)))]
		case m.bug == "the last is not read" && len(log) > 0:
			log = log[:len(log)-1]
		case m.bug == "newest first":
			slices.Reverse(log)
		}
		if strings.HasPrefix(m.bug, "a lock is held while reading") {
			defer m.mu.Unlock()
		} else {
			m.mu.Unlock()
		}
		switch m.bug {
		case "after is where to start":
			after--
		case "after is ignored":
			after = 0
		case "a page is skipped":
			if after >= 256 {
				after++
			}
		}
		n := 0
		for i, e := range log {
			if m.bug == "newest first" {
				i = len(log) - 1 - i
			}
			if int64(i) < after {
				continue
			}
			if !yield(e, nil) {
				if m.bug == "a reader that stops leaves its lock" {
					m.mu.Lock()
				}
				return
			}
			if n++; m.bug == "beyond the end is an error" && n == len(log) {
				yield(firsthand.Entry{}, fault.NotExist)
				return
			}
		}
	}
}
