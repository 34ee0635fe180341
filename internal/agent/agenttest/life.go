package agenttest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// A life is what a Memory holds. No element of a slice in it is ever written
// over, so that a copy may share them.
type life struct {
	relationships map[firsthand.ID]agent.Relationship
	order         []firsthand.ID // of insertion
	logs          map[log][]firsthand.Entry
	receipts      map[firsthand.ID][]agent.Received
	evidence      map[firsthand.ID][]agent.Evidence
	holdings      map[firsthand.ID][]agent.Holder
	facts         map[string]agent.Fact
	drafts        []agent.Draft
	lastDraft     int64
	book          []agent.NextKey          // all that were ever in it
	used          map[firsthand.Label]bool // of those
	settings      map[string]string
	moves         map[int64]agent.MoveRow
	legs          map[int64][]agent.LegRow
	carried       map[firsthand.ID][]agent.Carried
	reminders     map[firsthand.ID]firsthand.Date
	waiting       map[firsthand.ID][]agent.Waiting
	later         map[string]firsthand.Date
	masks         map[string]agent.Mask
	leaks         map[[2]string]agent.Leak

	// What she keeps of companies; see companies.go and imports.go.
	own        map[string]agent.OwnCompany
	stated     map[agent.FactAt]agent.Statement // hers, with their origin
	imports    map[int64]agent.Import
	lastImport int64
	accounts   map[int64][]agent.Account // by import
	cards      map[int64][]agent.CardFound
	payments   map[int64][]agent.Payment
	bounds     map[int64][]agent.Bound
	contracts  map[int64]agent.ContractRow
	listings   map[string]agent.ListingSet

	mails      map[mailKey]agent.Mail
	answers    []agent.Answer
	lastAnswer int64
	blobs      map[firsthand.ID][]byte

	documents    []agent.Document
	lastDocument int64
}

// A log is one of the two of a relationship.
type log struct {
	rel  firsthand.ID
	side firsthand.Side
}

func newLife() *life {
	return &life{
		relationships: make(map[firsthand.ID]agent.Relationship),
		logs:          make(map[log][]firsthand.Entry),
		receipts:      make(map[firsthand.ID][]agent.Received),
		evidence:      make(map[firsthand.ID][]agent.Evidence),
		holdings:      make(map[firsthand.ID][]agent.Holder),
		facts:         make(map[string]agent.Fact),
		used:          make(map[firsthand.Label]bool),
		settings:      make(map[string]string),
		moves:         make(map[int64]agent.MoveRow),
		legs:          make(map[int64][]agent.LegRow),
		carried:       make(map[firsthand.ID][]agent.Carried),
		reminders:     make(map[firsthand.ID]firsthand.Date),
		waiting:       make(map[firsthand.ID][]agent.Waiting),
		later:         make(map[string]firsthand.Date),
		masks:         make(map[string]agent.Mask),
		leaks:         make(map[[2]string]agent.Leak),
		own:           make(map[string]agent.OwnCompany),
		stated:        make(map[agent.FactAt]agent.Statement),
		imports:       make(map[int64]agent.Import),
		accounts:      make(map[int64][]agent.Account),
		cards:         make(map[int64][]agent.CardFound),
		payments:      make(map[int64][]agent.Payment),
		bounds:        make(map[int64][]agent.Bound),
		contracts:     make(map[int64]agent.ContractRow),
		listings:      make(map[string]agent.ListingSet),
		mails:         make(map[mailKey]agent.Mail),
		blobs:         make(map[firsthand.ID][]byte),
	}
}

func (l *life) copy() *life {
	return &life{
		relationships: maps.Clone(l.relationships), order: slices.Clip(l.order),
		logs: clipped(l.logs), receipts: clipped(l.receipts), evidence: clipped(l.evidence), holdings: clipped(l.holdings),
		facts: maps.Clone(l.facts), drafts: slices.Clip(l.drafts), lastDraft: l.lastDraft,
		book: slices.Clip(l.book), used: maps.Clone(l.used), settings: maps.Clone(l.settings),
		moves: maps.Clone(l.moves), legs: clipped(l.legs), carried: clipped(l.carried), reminders: maps.Clone(l.reminders),
		waiting: clipped(l.waiting), later: maps.Clone(l.later), masks: maps.Clone(l.masks), leaks: maps.Clone(l.leaks),
		own: maps.Clone(l.own), stated: maps.Clone(l.stated), imports: maps.Clone(l.imports), lastImport: l.lastImport,
		accounts: clipped(l.accounts), cards: clipped(l.cards), payments: clipped(l.payments), bounds: clipped(l.bounds), contracts: maps.Clone(l.contracts), listings: maps.Clone(l.listings),
		mails: maps.Clone(l.mails), answers: slices.Clip(l.answers), lastAnswer: l.lastAnswer, blobs: maps.Clone(l.blobs),
		documents: slices.Clip(l.documents), lastDocument: l.lastDocument,
	}
}

// clipped returns a copy of m that can be appended to apart from m.
func clipped[K comparable, T any](m map[K][]T) map[K][]T {
	c := make(map[K][]T, len(m))
	for k, v := range m {
		c[k] = slices.Clip(v)
	}
	return c
}

func headOf(entries []firsthand.Entry) firsthand.Head {
	if len(entries) == 0 {
		return firsthand.Head{}
	}
	return entries[len(entries)-1].Head()
}

// check says why c can't be applied. It changes nothing.
func (l *life) check(c agent.Commit) error {
	for _, r := range c.Relationships {
		if r.ID.IsZero() {
			return fmt.Errorf("%w: a relationship without its ID", fault.Invalid)
		}
	}
	for _, row := range c.Contracts {
		if row.ID <= 0 {
			return fmt.Errorf("%w: a contract without its ID", fault.Invalid)
		}
	}
	heads := make(map[log]firsthand.Head)
	head := func(at log) firsthand.Head {
		h, ok := heads[at]
		if !ok {
			h = headOf(l.logs[at])
		}
		return h
	}
	for _, p := range c.Replace {
		if p.Seq < 1 {
			return fmt.Errorf("%w: replace from %d", fault.Invalid, p.Seq)
		}
		if at := (log{p.Rel, p.Side}); p.Seq <= head(at).Seq {
			heads[at] = headOf(l.logs[at][:p.Seq-1])
		}
	}
	for _, e := range c.Entries {
		at := log{e.Relationship(), e.Side}
		if h := head(at); e.Seq != h.Seq+1 || e.Prev != h.ID {
			return fmt.Errorf("%w: %s entry %d does not follow %d", fault.Conflict, e.Side, e.Seq, h.Seq)
		}
		heads[at] = e.Head()
	}
	if err := l.checkMoves(c); err != nil {
		return err
	}
	if err := l.checkMail(c); err != nil {
		return err
	}
	if err := l.checkDocuments(c); err != nil {
		return err
	}
	return l.checkLabels(c)
}

func (l *life) checkLabels(c agent.Commit) error {
	if len(c.TakeLabels) == 0 {
		return nil
	}
	free := make(map[firsthand.Label]bool)
	for _, k := range l.book {
		free[k.Label] = !l.used[k.Label] && !c.EmptyBook
	}
	for _, k := range c.AddLabels {
		if _, known := free[k.Label]; !known {
			free[k.Label] = true
		}
	}
	for _, label := range c.TakeLabels {
		if !free[label] {
			return fmt.Errorf("%w: the label was taken already", fault.Conflict)
		}
		free[label] = false
	}
	return nil
}

// apply applies c, which has passed check.
func (l *life) apply(c agent.Commit) {
	for _, r := range c.Relationships {
		if _, ok := l.relationships[r.ID]; !ok {
			l.order = append(l.order, r.ID)
		}
		r.Opened, r.NextTry = plain(r.Opened), plain(r.NextTry)
		l.relationships[r.ID] = r
	}
	for _, p := range c.Replace {
		if at := (log{p.Rel, p.Side}); p.Seq <= int64(len(l.logs[at])) {
			l.logs[at] = slices.Clip(l.logs[at][:p.Seq-1])
		}
	}
	for _, e := range c.Entries {
		at := log{e.Relationship(), e.Side}
		l.logs[at] = append(l.logs[at], e)
		if e.Side == firsthand.First {
			l.erase(&e)
		}
	}
	for _, r := range c.Receipts {
		known := func(k agent.Received) bool { return k.Receipt.Seq == r.Receipt.Seq && k.Receipt.ID == r.Receipt.ID }
		if rel := r.Receipt.Rel; !slices.ContainsFunc(l.receipts[rel], known) {
			l.receipts[rel] = append(l.receipts[rel], r)
		}
	}
	for _, ev := range c.Evidence {
		known := func(k agent.Evidence) bool { return k.Entry.ID == ev.Entry.ID }
		if rel := ev.Entry.Relationship(); !slices.ContainsFunc(l.evidence[rel], known) {
			l.evidence[rel] = append(l.evidence[rel], ev)
		}
	}
	for rel, rows := range c.Holdings {
		rows = slices.Clone(rows)
		for i := range rows {
			rows[i].Rel, rows[i].Since = rel, plain(rows[i].Since)
		}
		l.holdings[rel] = rows
	}
	for rel, rows := range c.Waiting {
		rows = slices.Clone(rows)
		for i := range rows {
			rows[i].Rel, rows[i].Since = rel, plain(rows[i].Since)
		}
		l.waiting[rel] = rows
	}
	l.applyMoves(c)
	for _, rel := range c.Forget {
		l.forget(rel)
	}
	l.applyOwn(c)
	l.applyMail(c)
}

// applyOwn applies the parts of c that are no one relationship's.
func (l *life) applyOwn(c agent.Commit) {
	for _, f := range c.Facts {
		if f.Updated = plain(f.Updated); f.Value.IsZero() {
			delete(l.facts, f.Name)
		} else {
			l.facts[f.Name] = f
		}
	}
	for _, d := range c.AddDrafts {
		l.lastDraft++
		d.ID, d.Made = l.lastDraft, plain(d.Made)
		l.drafts = append(l.drafts, d)
	}
	l.dropDrafts(func(d agent.Draft) bool { return slices.Contains(c.DropDrafts, d.ID) })
	if c.EmptyBook {
		l.emptyBook()
	}
	for _, k := range c.AddLabels {
		if !slices.ContainsFunc(l.book, func(b agent.NextKey) bool { return b.Label == k.Label }) {
			l.book = append(l.book, k)
		}
	}
	for _, label := range c.TakeLabels {
		l.used[label] = true
	}
	for name, value := range c.Settings {
		if value == "" {
			delete(l.settings, name)
		} else {
			l.settings[name] = value
		}
	}
	for _, m := range c.Masks {
		m.Made = plain(m.Made)
		l.masks[m.Token] = m
	}
	for _, k := range c.Leaks {
		k.First, k.Last = plain(k.First), plain(k.Last)
		l.leaks[[2]string{k.Token, k.From}] = k
	}
	for key, until := range c.Later {
		if until == "" {
			delete(l.later, key)
		} else {
			l.later[key] = until
		}
	}
	l.applyContracts(c)
}

func (l *life) dropDrafts(drop func(agent.Draft) bool) {
	if slices.ContainsFunc(l.drafts, drop) {
		l.drafts = slices.DeleteFunc(slices.Clone(l.drafts), drop)
	}
}

func (l *life) emptyBook() {
	for _, k := range l.book {
		l.used[k.Label] = true
	}
}

func (l *life) forget(rel firsthand.ID) {
	l.forgetMail(rel)
	delete(l.relationships, rel)
	if i := slices.Index(l.order, rel); i >= 0 {
		l.order = slices.Delete(slices.Clone(l.order), i, i+1)
	}
	delete(l.logs, log{rel, firsthand.First})
	delete(l.logs, log{rel, firsthand.Second})
	delete(l.receipts, rel)
	delete(l.evidence, rel)
	delete(l.holdings, rel)
	for _, r := range l.carried[rel] {
		delete(l.reminders, r.Entry)
	}
	delete(l.carried, rel)
	for _, w := range l.waiting[rel] {
		delete(l.later, w.Key)
	}
	delete(l.waiting, rel)
	for move, legs := range l.legs {
		l.legs[move] = slices.DeleteFunc(slices.Clone(legs), func(x agent.LegRow) bool { return x.Rel == rel })
	}
	l.dropDrafts(func(d agent.Draft) bool { return d.Rel == rel })
}

// plain returns t as a store gives it back: in UTC, without a monotonic clock.
func plain(t time.Time) time.Time { return t.UTC().Round(0) }

// erase deletes the bodies that e names, in either log.
func (l *life) erase(e *firsthand.Entry) {
	ids := e.Erases()
	if len(ids) == 0 {
		return
	}
	l.eraseRaw(ids)
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		at := log{e.Relationship(), side}
		entries := slices.Clone(l.logs[at])
		for i := range entries {
			if slices.Contains(ids, entries[i].ID) {
				entries[i] = entries[i].WithoutBody()
			}
		}
		l.logs[at] = entries
	}
}
