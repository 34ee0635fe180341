package agenttest

import (
	"context"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/needtest"
)

// A broken store is a Memory with a bug: one that a store could have.
type broken struct {
	*Memory
	bug string
}

func (b broken) Commit(ctx context.Context, c agent.Commit) error {
	keys := c.AddLabels
	before := b.Snapshot().life
	switch b.bug {
	case "an ended context is ignored":
		ctx = context.WithoutCancel(ctx)
	case "receipts are lost":
		c.Receipts = nil
	case "evidence is lost":
		c.Evidence = nil
	case "holdings are lost":
		c.Holdings = nil
	case "facts are lost":
		c.Facts = nil
	case "drafts are lost":
		c.AddDrafts = nil
	case "settings are lost":
		c.Settings = nil
	case "labels are not taken":
		c.TakeLabels = nil
	case "the book is not emptied":
		c.EmptyBook = false
	case "a relationship is forgotten later":
		c.Forget = nil
	case "replaced entries stay":
		c.Replace = nil
	case "only the first relationship is kept":
		c.Relationships = c.Relationships[:min(len(c.Relationships), 1)]
	case "two transactions":
		rest := c
		rest.Relationships, rest.Facts, rest.Settings = nil, nil, nil
		if err := b.Memory.Commit(ctx, agent.Commit{Relationships: c.Relationships, Facts: c.Facts, Settings: c.Settings}); err != nil {
			return err
		}
		return b.Memory.Commit(ctx, rest)
	case "the book is emptied at the end":
		c.EmptyBook = false
	case "sent is forgotten":
		c.Relationships = slices.Clone(c.Relationships)
		for i := range c.Relationships {
			c.Relationships[i].Sent = 0
		}
	case "times are cut to the second":
		c.Relationships = slices.Clone(c.Relationships)
		for i := range c.Relationships {
			c.Relationships[i].Opened = c.Relationships[i].Opened.Truncate(time.Second)
		}
	case "a label can be taken twice":
		c.TakeLabels = nil
	case "moves are lost":
		c.Moves = nil
	case "legs are lost":
		c.Legs = nil
	case "a leg never becomes an entry":
		c.LegEntries = nil
	case "what is on its way is lost":
		c.Carried = nil
	case "reminders are lost":
		c.Reminders = nil
	case "what the outbox knows is lost":
		c.Outbox = nil
	case "what the outbox knows takes the place of the row":
		c.Relationships, c.Outbox = append(slices.Clip(c.Relationships), c.Outbox...), nil
	case "a key is of many moves":
		c.Moves = slices.Clone(c.Moves)
		for i := range c.Moves {
			c.Moves[i].Key = ""
		}
	case "edits are lost":
		c.Edits = nil
	case "statements are lost":
		c.State = nil
	case "statements are not taken back":
		c.Unstate = nil
	case "assignments are lost":
		c.Assign = nil
	case "imports are not kept":
		c.KeepImports = nil
	case "imports are not undone":
		c.UndoImports = nil
	case "companies are not dropped":
		c.Drop = nil
	case "listings are lost":
		c.SetListings = nil
	case "listings stay":
		c.DropListings = nil
	case "mails are lost":
		c.Mails = nil
	case "answers are lost":
		c.Answers = nil
	case "answers stay":
		c.DropAnswers = nil
	case "an answer names what isn't there":
		for _, a := range c.Answers {
			for _, blob := range a.Blobs {
				b.mu.Lock()
				if _, there := b.life.blobs[blob.Hash]; !there {
					b.life.blobs[blob.Hash] = nil
				}
				b.mu.Unlock()
			}
		}
	case "documents are lost":
		c.Documents = nil
	case "documents stay":
		c.DropDocuments = nil
	case "origins are one":
		c.State = slices.Clone(c.State)
		for i := range c.State {
			c.State[i].Origin = ""
		}
	case "all origins are taken back":
		for _, at := range c.Unstate {
			for _, o := range []firsthand.Origin{firsthand.Told, firsthand.Observed, firsthand.Inferred, firsthand.Bought} {
				c.Unstate = append(slices.Clip(c.Unstate), agent.FactAt{Domain: at.Domain, Fact: at.Fact, Origin: o})
			}
		}
	case "a document names what isn't there":
		for _, d := range c.Documents {
			b.mu.Lock()
			if _, there := b.life.blobs[d.Blob.Hash]; !there {
				b.life.blobs[d.Blob.Hash] = nil
			}
			b.mu.Unlock()
		}
	case "one statement for each commit":
		c.State = c.State[:min(len(c.State), 1)]
	}
	err := b.Memory.Commit(ctx, c)
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.life
	switch {
	case b.bug == "a refused commit is acknowledged":
		return nil
	case err != nil && b.bug == "a refused commit leaves its drafts":
		l.drafts = append(l.drafts, c.AddDrafts...)
	case err != nil:
	case b.bug == "the book is emptied at the end" && len(keys) > 0:
		l.emptyBook()
	default:
		b.spoil(l, before, c)
	}
	return err
}

// spoil changes what a commit has left.
func (b broken) spoil(l, before *life, c agent.Commit) {
	for _, rel := range c.Forget {
		switch b.bug {
		case "forget leaves the row":
			if r, ok := before.relationships[rel]; ok {
				l.relationships[rel], l.order = r, append(l.order, rel)
			}
		case "forget leaves first's log":
			l.logs[log{rel, firsthand.First}] = before.logs[log{rel, firsthand.First}]
		case "forget leaves second's log":
			l.logs[log{rel, firsthand.Second}] = before.logs[log{rel, firsthand.Second}]
		case "forget leaves receipts":
			l.receipts[rel] = before.receipts[rel]
		case "forget leaves evidence":
			l.evidence[rel] = before.evidence[rel]
		case "forget leaves holdings":
			l.holdings[rel] = before.holdings[rel]
		case "forget leaves drafts":
			l.drafts = before.drafts
		case "forget leaves what was on its way":
			l.carried[rel] = before.carried[rel]
		case "forget leaves reminders":
			l.reminders = before.reminders
		case "forget leaves legs":
			l.legs = before.legs
		case "forget leaves mails":
			l.mails = before.mails
		case "forget leaves answers":
			l.answers = before.answers
		case "forget leaves blobs":
			l.blobs = before.blobs
		case "forget frees labels":
			l.used = make(map[firsthand.Label]bool)
		case "forget takes all":
			if len(l.order) == 0 {
				continue
			}
			l.forget(l.order[len(l.order)-1])
		}
	}
	switch b.bug {
	case "what was sent outlasts its erasing":
		for key, m := range before.mails {
			if now, ok := l.mails[key]; ok && len(c.Mails) == 0 {
				now.Raw = m.Raw
				l.mails[key] = now
			}
		}
	case "an answer is kept again":
		for _, a := range c.Answers {
			if a.ID == 0 && len(l.answers) == len(before.answers) {
				l.lastAnswer++
				a.ID = l.lastAnswer
				l.answers = append(slices.Clip(l.answers), a)
			}
		}
	case "a mark takes the place of the answer":
		for i := range l.answers {
			for _, a := range c.Answers {
				if a.ID == l.answers[i].ID {
					l.answers[i] = a
				}
			}
		}
	case "a blob goes with the first that names it":
		for _, a := range before.answers {
			if slices.Contains(c.DropAnswers, a.ID) {
				for _, blob := range a.Blobs {
					delete(l.blobs, blob.Hash)
				}
			}
		}
	case "a blob goes with the first document that names it":
		for _, d := range before.documents {
			if slices.Contains(c.DropDocuments, d.ID) {
				delete(l.blobs, d.Blob.Hash)
			}
		}
	case "an answer takes the blob of a document with it":
		for _, a := range before.answers {
			if slices.Contains(c.DropAnswers, a.ID) {
				for _, blob := range a.Blobs {
					delete(l.blobs, blob.Hash)
				}
			}
		}
	case "a document is kept again":
		for _, d := range c.Documents {
			if d.ID == 0 && len(l.documents) == len(before.documents) {
				l.lastDocument++
				d.ID = l.lastDocument
				l.documents = append(slices.Clip(l.documents), d)
			}
		}
	case "what is from a document names it when it is gone":
		for at, s := range before.stated {
			if _, ok := l.stated[at]; ok && len(c.DropDocuments) > 0 {
				l.stated[at] = s
			}
		}
	case "dropping a company leaves its documents":
		if len(c.Drop) > 0 {
			l.documents, l.blobs = before.documents, before.blobs
		}
	case "blobs are never removed":
		maps.Copy(l.blobs, before.blobs)
	case "what is on its way is added to":
		for rel := range c.Carried {
			l.carried[rel] = append(slices.Clip(before.carried[rel]), l.carried[rel]...)
		}
	case "legs are added to":
		for move := range c.Legs {
			l.legs[move] = append(slices.Clip(before.legs[move]), l.legs[move]...)
		}
	case "a reminder can't be removed":
		for entry, day := range before.reminders {
			if _, ok := l.reminders[entry]; !ok {
				l.reminders[entry] = day
			}
		}
	case "undoing an import takes what is hers":
		if len(c.UndoImports) > 0 {
			l.own = make(map[string]agent.OwnCompany)
		}
	case "undoing an import leaves its accounts":
		for _, id := range c.UndoImports {
			if i, ok := before.imports[id]; ok {
				l.imports[id], l.accounts[id] = i, before.accounts[id]
			}
		}
	case "cards stay when an import is kept":
		for _, id := range c.KeepImports {
			l.cards[id] = before.cards[id]
		}
	case "dropping a company leaves its statements":
		if len(c.Drop) > 0 {
			maps.Copy(l.stated, before.stated)
		}
	case "what she said of an account is forgotten":
		for _, id := range c.KeepImports {
			l.accounts[id] = before.accounts[id]
		}
	case "labels added again are free again":
		for _, k := range c.AddLabels {
			delete(l.used, k.Label)
		}
	case "an emptied book forgets what was in it":
		if c.EmptyBook {
			l.book = slices.DeleteFunc(l.book, func(k agent.NextKey) bool { return !slices.Contains(c.AddLabels, k) })
			l.used = make(map[firsthand.Label]bool)
			for _, label := range c.TakeLabels {
				l.used[label] = true
			}
		}
	case "draft IDs are given again":
		l.lastDraft = 0
		for _, d := range l.drafts {
			l.lastDraft = max(l.lastDraft, d.ID)
		}
	case "holdings are added to":
		for rel := range c.Holdings {
			l.holdings[rel] = append(slices.Clip(before.holdings[rel]), l.holdings[rel]...)
		}
	case "an empty list of holdings does nothing":
		for rel, rows := range c.Holdings {
			if len(rows) == 0 {
				l.holdings[rel] = before.holdings[rel]
			}
		}
	case "a fact is never removed":
		for name, f := range before.facts {
			if _, ok := l.facts[name]; !ok {
				l.facts[name] = f
			}
		}
	case "the first value of a fact stays":
		maps.Copy(l.facts, before.facts)
	case "a setting can't be unset":
		for name, v := range before.settings {
			if _, ok := l.settings[name]; !ok {
				l.settings[name] = v
			}
		}
	case "a receipt is kept again":
		for _, r := range c.Receipts {
			l.receipts[r.Receipt.Rel] = append(before.receipts[r.Receipt.Rel], c.Receipts...)
		}
	case "the last why of evidence stays":
		for _, e := range c.Evidence {
			all := slices.Clone(l.evidence[e.Entry.Relationship()])
			for i := range all {
				if all[i].Entry.ID == e.Entry.ID {
					all[i].Why = e.Why
				}
			}
			l.evidence[e.Entry.Relationship()] = all
		}
	case "evidence loses its body":
		for rel, all := range l.evidence {
			all = slices.Clone(all)
			for i := range all {
				all[i].Entry = all[i].Entry.WithoutBody()
			}
			l.evidence[rel] = all
		}
	case "what is zero is not replaced":
		for _, r := range c.Relationships {
			if now := l.relationships[r.ID]; now.Name == "" {
				now.Name = before.relationships[r.ID].Name
				l.relationships[r.ID] = now
			}
		}
	case "a relationship replaced is inserted anew":
		for _, r := range c.Relationships {
			l.order = append(slices.DeleteFunc(slices.Clone(l.order), func(id firsthand.ID) bool { return id == r.ID }), r.ID)
			now := l.relationships[r.ID]
			now.Opened = time.Time{}
			l.relationships[r.ID] = now
		}
	}
}

func (b broken) FinishImport(ctx context.Context, i agent.Import) (agent.Import, error) {
	done, err := b.Memory.FinishImport(ctx, i)
	if b.bug == "a preview counts" && err == nil {
		err = b.Memory.Commit(ctx, agent.Commit{KeepImports: []int64{i.ID}})
	}
	return done, err
}

func (b broken) CompanyAccounts(ctx context.Context, domain string) ([]agent.Account, error) {
	all, err := b.Memory.CompanyAccounts(ctx, domain)
	if b.bug == "the first of the same accounts counts" {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i := range all {
			for id := all[i].Import; id > 0; id-- {
				for _, acc := range b.life.accounts[id] {
					if acc.Key() == all[i].Key() && b.life.imports[id].State == agent.Kept {
						all[i] = acc
					}
				}
			}
		}
	}
	return all, err
}

func (b broken) Companies(ctx context.Context, q agent.CompanyQuery) ([]agent.Company, int, error) {
	switch b.bug {
	case "the last page is too long":
		if q.Limit > 0 {
			q.Limit++
		}
	case "falling is rising":
		q.Desc = false
	}
	rows, total, err := b.Memory.Companies(ctx, q)
	if b.bug == "a search heeds the case" && q.Search != "" {
		rows = slices.DeleteFunc(rows, func(c agent.Company) bool {
			return !strings.Contains(c.Name, q.Search) && !strings.Contains(c.Domain, q.Search)
		})
	}
	return rows, total, err
}

func (b broken) Append(ctx context.Context, entries ...firsthand.Entry) error {
	return b.Commit(ctx, agent.Commit{Entries: entries})
}

func (b broken) Relationships(ctx context.Context) ([]agent.Relationship, error) {
	all, err := b.Memory.Relationships(ctx)
	switch b.bug {
	case "newest first":
		slices.Reverse(all)
	case "in the order of IDs":
		slices.SortFunc(all, func(x, y agent.Relationship) int { return slices.Compare(x.ID[:], y.ID[:]) })
	}
	return all, err
}

func (b broken) RelationshipsAt(ctx context.Context, ids ...firsthand.ID) ([]agent.Relationship, error) {
	if b.bug == "some relationships are all" {
		return b.Memory.Relationships(ctx)
	}
	return b.Memory.RelationshipsAt(ctx, ids...)
}

func (b broken) EntriesAt(ctx context.Context, rel firsthand.ID, side firsthand.Side, seqs ...int64) ([]firsthand.Entry, error) {
	if b.bug == "some entries are all" {
		return firsthand.Collect(b.Memory.Entries(ctx, rel, side, 0))
	}
	return b.Memory.EntriesAt(ctx, rel, side, seqs...)
}

func (b broken) Relationship(ctx context.Context, id firsthand.ID) (agent.Relationship, error) {
	r, err := b.Memory.Relationship(ctx, id)
	if b.bug == "no relationship is no error" {
		err = nil
	}
	return r, err
}

func (b broken) Label(ctx context.Context) (agent.NextKey, error) {
	k, err := b.Memory.Label(ctx)
	switch {
	case b.bug == "no label is no error":
		err = nil
	case b.bug == "labels get the hash of another" && err == nil:
		k.Hash = b.life.book[0].Hash
	}
	return k, err
}

func (b broken) Labels(ctx context.Context) (int, error) {
	n, err := b.Memory.Labels(ctx)
	if b.bug == "used labels are counted" {
		n = len(b.life.book)
	}
	return n, err
}

func (b broken) Drafts(ctx context.Context, rel firsthand.ID) ([]agent.Draft, error) {
	if b.bug == "drafts of all relationships" {
		return slices.Clone(b.life.drafts), nil
	}
	return b.Memory.Drafts(ctx, rel)
}

func (b broken) Receipts(ctx context.Context, rel firsthand.ID) ([][]byte, error) {
	all, err := b.Memory.Receipts(ctx, rel)
	if b.bug == "newest receipt first" {
		slices.Reverse(all)
	}
	return all, err
}

func (b broken) Held(ctx context.Context) (map[firsthand.ID][]int64, error) {
	held, err := b.Memory.Held(ctx)
	switch b.bug {
	case "nothing is held":
		held = nil
	case "what was received is held":
		for rel := range b.life.carried {
			held[rel] = append([]int64{1}, held[rel]...)
		}
	}
	return held, err
}

func (b broken) Outbox(ctx context.Context) ([]agent.Outgoing, error) {
	all, err := b.Memory.Outbox(ctx)
	if b.bug == "the outbox has unpaired logs" {
		for _, r := range b.life.relationships {
			if r.Gateway == "" {
				all = append(all, r.Outgoing())
			}
		}
	}
	return all, err
}

func (b broken) Moves(ctx context.Context) ([]agent.MoveRow, error) {
	all, err := b.Memory.Moves(ctx)
	if b.bug == "the oldest move first" {
		slices.Reverse(all)
	}
	return all, err
}

func (b broken) Legs(ctx context.Context, move int64, n ...int) ([]agent.LegState, error) {
	if b.bug == "some legs are all" {
		n = nil
	}
	legs, err := b.Memory.Legs(ctx, move, n...)
	if b.bug == "legs don't say how far they came" {
		for i := range legs {
			legs[i] = agent.LegState{LegRow: legs[i].LegRow}
		}
	}
	return legs, err
}

func (b broken) LegSteps(ctx context.Context, move int64) ([]agent.LegStep, error) {
	steps, err := b.Memory.LegSteps(ctx, move)
	if b.bug == "what is received counts as sent" {
		for i := range steps {
			steps[i].Received = 0
		}
	}
	return steps, err
}

func (b broken) Tasks(ctx context.Context, q agent.TaskQuery, today firsthand.Date) ([]agent.Task, int, error) {
	switch b.bug {
	case "tasks of all moves":
		q.Move = 0
	case "what is done is a task":
		if q.Show == "" {
			q.Show = "all"
		}
	case "reminders are heeded by nobody":
		today = "2000-01-01"
	case "all tasks are on each page":
		q.Offset, q.Limit = 0, 0
	case "a mail that waits is a task":
		if q.Show == "" {
			tasks, _, err := b.Memory.Tasks(ctx, agent.TaskQuery{Show: "all", Domain: q.Domain, Move: q.Move}, today)
			tasks = slices.DeleteFunc(tasks, func(t agent.Task) bool { return t.Step != "" })
			return tasks, len(tasks), err
		}
	}
	return b.Memory.Tasks(ctx, q, today)
}

func (b broken) AddBlob(ctx context.Context, r io.Reader) (firsthand.Blob, error) {
	blob, err := b.Memory.AddBlob(ctx, r)
	if b.bug == "half of a blob is kept" {
		b.mu.Lock()
		b.life.blobs[blob.Hash] = b.life.blobs[blob.Hash][:blob.Size/2]
		b.mu.Unlock()
	}
	return blob, err
}

func (b broken) Commits() int64 {
	if b.bug == "commits aren't counted" {
		return 1
	}
	return b.Memory.Commits()
}

func (b broken) Holders(ctx context.Context, fact string) iter.Seq2[agent.Holder, error] {
	switch b.bug {
	case "holders of all facts":
		return b.Memory.Holders(ctx, "")
	case "no holders without a fact":
		if fact == "" {
			return b.Memory.Holders(ctx, "none")
		}
	case "holders are read one by one":
		return func(yield func(agent.Holder, error) bool) {
			for i := 0; ; i++ {
				n := 0
				for h, err := range b.Memory.Holders(ctx, fact) {
					if n++; n > i {
						if !yield(h, err) {
							return
						}
						break
					}
				}
				if n <= i {
					return
				}
			}
		}
	}
	return b.Memory.Holders(ctx, fact)
}

func TestBrokenStoresFail(t *testing.T) {
	for _, bug := range []string{
		"an ended context is ignored", "receipts are lost", "evidence is lost", "holdings are lost", "facts are lost",
		"drafts are lost", "settings are lost", "labels are not taken", "the book is not emptied",
		"a relationship is forgotten later", "replaced entries stay", "only the first relationship is kept", "two transactions",
		"the book is emptied at the end", "sent is forgotten", "times are cut to the second", "a label can be taken twice",
		"a refused commit is acknowledged", "a refused commit leaves its drafts",
		"forget leaves the row", "forget leaves first's log", "forget leaves second's log", "forget leaves receipts",
		"forget leaves evidence", "forget leaves holdings", "forget leaves drafts", "forget frees labels", "forget takes all",
		"labels added again are free again", "an emptied book forgets what was in it", "draft IDs are given again",
		"holdings are added to", "an empty list of holdings does nothing", "a fact is never removed",
		"the first value of a fact stays", "a setting can't be unset", "a receipt is kept again", "the last why of evidence stays",
		"evidence loses its body", "what is zero is not replaced", "a relationship replaced is inserted anew",
		"newest first", "in the order of IDs", "some relationships are all", "some entries are all", "no relationship is no error", "no label is no error",
		"labels get the hash of another", "used labels are counted", "drafts of all relationships", "newest receipt first",
		"commits aren't counted", "holders of all facts", "no holders without a fact", "holders are read one by one",
		"moves are lost", "legs are lost", "a leg never becomes an entry", "what is on its way is lost", "reminders are lost",
		"what the outbox knows is lost", "what the outbox knows takes the place of the row", "a key is of many moves",
		"forget leaves what was on its way", "forget leaves reminders", "forget leaves legs", "what is on its way is added to",
		"legs are added to", "a reminder can't be removed", "nothing is held", "what was received is held",
		"the outbox has unpaired logs", "the oldest move first", "legs don't say how far they came", "some legs are all", "what is received counts as sent", "tasks of all moves",
		"what is done is a task", "reminders are heeded by nobody", "all tasks are on each page",
		"settings are lost with the program", "the book is lost with the program",
		"edits are lost", "statements are lost", "statements are not taken back", "assignments are lost", "imports are not kept",
		"imports are not undone", "companies are not dropped", "listings are lost", "listings stay", "one statement for each commit",
		"undoing an import takes what is hers", "undoing an import leaves its accounts", "cards stay when an import is kept",
		"dropping a company leaves its statements", "what she said of an account is forgotten",
		"a preview counts", "the first of the same accounts counts", "the last page is too long", "falling is rising", "a search heeds the case",
		"an import that is being read outlasts the program",
		"mails are lost", "answers are lost", "answers stay", "forget leaves mails", "forget leaves answers", "forget leaves blobs",
		"what was sent outlasts its erasing", "an answer is kept again", "a mark takes the place of the answer",
		"a blob goes with the first that names it", "blobs are never removed", "a blob that nothing names outlasts the program",
		"a mail that waits is a task", "half of a blob is kept", "an answer names what isn't there",
		"documents are lost", "documents stay", "origins are one", "all origins are taken back", "a document names what isn't there",
		"a blob goes with the first document that names it", "an answer takes the blob of a document with it", "a document is kept again",
		"what is from a document names it when it is gone", "dropping a company leaves its documents",
	} {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			found := failure(t, fixture(bug))
			if found == "" {
				t.Error("not noticed")
			}
			t.Log(found)
		})
	}
}

func TestGoodStorePasses(t *testing.T) { Run(t, fixture("")) }

func fixture(bug string) Fixture {
	return Fixture{
		Open: func(testing.TB) agent.Store { return broken{NewMemory(), bug} },
		Reopen: func(_ testing.TB, s agent.Store) agent.Store {
			m := NewMemory()
			m.PutBack(s.(broken).Snapshot())
			switch bug {
			case "an import that is being read outlasts the program":
				m.life = s.(broken).life.copy()
			case "a blob that nothing names outlasts the program":
				m.life.blobs = s.(broken).life.copy().blobs
			case "settings are lost with the program":
				clear(m.life.settings)
			case "the book is lost with the program":
				clear(m.life.used)
			}
			return broken{m, bug}
		},
	}
}

// failure runs the suite until a check fails, and returns which and how.
func failure(t *testing.T, f Fixture) string {
	for _, c := range checks() {
		if said, failed := needtest.Record(t, func(t testing.TB) { c.run(t, f) }); failed {
			return c.name + ": " + said
		}
	}
	return ""
}
