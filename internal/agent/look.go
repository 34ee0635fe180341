package agent

import (
	"bytes"
	"context"
	"slices"

	"firsthand"
)

// Look is Show for a page: of the entries only the last are there, as many as asked
// for, and no drafts. The state is fn's only until fn ends. It is the one in memory, if
// the relationship was in use lately, so that what was folded is not folded again; else,
// of long logs, it is told from the entries that tell something, and of messages and
// what became of them it has only those in Entries.
func (a *Agent) Look(ctx context.Context, rel firsthand.ID, last int, fn func(*Detail)) error {
	rs, unlock := a.lockAll([]firsthand.ID{rel})
	defer unlock()
	r := rs[0]
	if r.state == nil || r.state.Stale() {
		if d, entries := a.skim(ctx, rel, last); d != nil {
			d.show(a.Now(), entries)
			fn(d)
			return nil
		}
	}
	if err := a.load(ctx, r); err != nil {
		return err
	}
	d := Detail{Relationship: r.row, State: r.state}
	var logs [2][]firsthand.Entry
	for i, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		head := r.state.Log(side).Head.Seq
		var err error
		if logs[i], err = firsthand.Collect(a.Store.Entries(ctx, rel, side, max(0, head-int64(last)))); err != nil {
			return err
		}
	}
	d.show(a.Now(), d.latest(logs, last))
	fn(&d)
	return nil
}

// latest returns the last entries of both logs, of which logs are the ends, and notes
// how many there are before them.
func (d *Detail) latest(logs [2][]firsthand.Entry, last int) []firsthand.Entry {
	all := inOrder(logs[0], logs[1])
	all = all[max(0, len(all)-last):]
	d.Earlier = int(d.State.Log(firsthand.First).Head.Seq+d.State.Log(firsthand.Second).Head.Seq) - len(all)
	return all
}

// Where skimming pays: the logs have as many entries more than those that tell, and
// those are no more than a page can read.
const (
	fewWords = 32
	maxTells = 512
)

// tells returns which entries of a relationship's logs skim reads; nil where it reads
// all.
func tells(s *firsthand.State) [][]int64 {
	t, ok := s.Telling()
	n := len(t[0]) + len(t[1])
	if all := s.Log(firsthand.First).Head.Seq + s.Log(firsthand.Second).Head.Seq; !ok || n > maxTells || int(all)-n < fewWords {
		return nil
	}
	return t[:]
}

// skim returns what there is to see of a relationship with long logs, and the last
// entries, without reading all: nil where that can't be, or where what is cached doesn't
// fit the logs. Then the whole is read, and says what is wrong.
func (a *Agent) skim(ctx context.Context, rel firsthand.ID, last int) (*Detail, []firsthand.Entry) {
	if last > maxTells {
		return nil, nil
	}
	row, err := a.Store.Relationship(ctx, rel)
	if err != nil {
		return nil, nil
	}
	sum, err := row.Summarised()
	if err != nil || len(sum.Tells) != 2 {
		return nil, nil
	}
	heads := [2]firsthand.Head{sum.First, sum.Second}
	var logs, ends [2][]firsthand.Entry
	for i, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		from := max(1, heads[i].Seq-int64(max(1, last))+1) // with the head: it says whether the log ends there
		seqs := slices.Clone(sum.Tells[i])
		for seq := from; seq <= heads[i].Seq+1; seq++ { // with the one after, which must not be there
			seqs = append(seqs, seq)
		}
		if logs[i], err = a.Store.EntriesAt(ctx, rel, side, seqs...); err != nil {
			return nil, nil
		}
		n, _ := slices.BinarySearchFunc(logs[i], heads[i].Seq-int64(last)+1, func(e firsthand.Entry, seq int64) int { return int(e.Seq - seq) })
		ends[i] = logs[i][n:]
	}
	s, err := firsthand.FoldTelling(firsthand.Telling(sum.Tells), heads, logs[0], logs[1])
	if err != nil || s.Rel != rel {
		return nil, nil
	}
	told := summarise(s)
	told.Expects, told.Tells = sum.Expects, sum.Tells // which follow from the whole logs
	if !bytes.Equal(firsthand.EncodeJSON(told), row.Summary) {
		return nil, nil
	}
	d := &Detail{Relationship: row, State: s}
	return d, d.latest(ends, last)
}

// inOrder merges the ends of both logs in the order of the fold: an entry of hers
// stands before the first of the company that it has not seen.
func inOrder(first, second []firsthand.Entry) []firsthand.Entry {
	all := make([]firsthand.Entry, 0, len(first)+len(second))
	for len(first) > 0 && len(second) > 0 {
		next := &second
		if first[0].Seen.Seq < second[0].Seq {
			next = &first
		}
		all, *next = append(all, (*next)[0]), (*next)[1:]
	}
	return append(append(all, first...), second...)
}
