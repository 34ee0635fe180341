package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"

	"firsthand"
)

// A Movable is a Store that can be read whole.
type Movable interface {
	Store
	// AllChanges returns all that is Known, in the order of its bytes.
	AllChanges(ctx context.Context) iter.Seq2[string, error]
	// AllSettings returns the settings that were committed, and none of the store's own.
	AllSettings(ctx context.Context) (map[string]string, error)
}

// maxMoved is how many changes one commit of Export has.
const maxMoved = 1000

// Export returns commits that make a new store hold what s holds: one for each
// relationship, oldest first, and then what belongs to none. Nothing else may write
// to s meanwhile. IDs of drafts are given anew.
func Export(ctx context.Context, s Movable) iter.Seq2[Commit, error] {
	return func(yield func(Commit, error) bool) {
		for row, err := range s.Relationships(ctx) {
			var c Commit
			if err == nil {
				c, err = exportOne(ctx, s, row)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
		var c Commit
		for change, err := range s.AllChanges(ctx) {
			if err != nil {
				yield(Commit{}, err)
				return
			}
			if c.Changes = append(c.Changes, change); len(c.Changes) == maxMoved {
				if !yield(c, nil) {
					return
				}
				c = Commit{}
			}
		}
		var err error
		for before := int64(0); ; {
			page, err := s.Audits(ctx, before, maxMoved)
			if err != nil {
				yield(Commit{}, err)
				return
			}
			for _, a := range page {
				if before = a.N; a.Rel.IsZero() {
					c.Audit = append(c.Audit, a)
				}
			}
			if len(page) < maxMoved {
				break
			}
		}
		c.Settings, err = s.AllSettings(ctx)
		yield(c, err)
	}
}

func exportOne(ctx context.Context, s Store, row Relationship) (c Commit, err error) {
	rel := row.ID
	row.Version = 0
	c.Relationships = []Relationship{row}
	var logs [2][]firsthand.Entry
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		log, err := firsthand.Collect(s.Entries(ctx, rel, side, 0))
		if err != nil {
			return c, fmt.Errorf("relationship %s: %w", rel, err)
		}
		c.Entries, logs[at(side)] = append(c.Entries, log...), log
	}
	if state, err := firsthand.Fold(logs[0], logs[1]); err == nil { // else who reads the logs says so
		row.Version = 1
		c.At = []At{{Rel: rel, Ends: besideRow(&row, state)}}
	}
	if c.Evidence, err = s.Evidence(ctx, rel); err != nil {
		return c, err
	}
	if c.Deliveries, err = s.Deliveries(ctx, rel); err != nil {
		return c, err
	}
	if c.Challenges, err = s.Challenges(ctx, rel); err != nil {
		return c, err
	}
	if c.AddDrafts, err = s.Drafts(ctx, rel); err != nil {
		return c, err
	}
	for i := range c.AddDrafts {
		c.AddDrafts[i].ID = 0
	}
	c.Audit, err = s.Audit(ctx, rel)
	return c, err
}

// A Content says what a store holds: two that have the same hold the same.
type Content struct {
	Relationships int
	Entries       int64
	SHA256        string // over all that Export returns
}

// Contents reads all of s.
func Contents(ctx context.Context, s Movable) (Content, error) {
	var c Tally
	for commit, err := range Export(ctx, s) {
		if err != nil {
			return Content{}, err
		}
		if err := c.Add(&commit); err != nil {
			return Content{}, err
		}
	}
	return c.Content(), nil
}

// A Tally finds out the Content of a store whose commits pass by. Its zero value is
// that of nothing.
type Tally struct {
	content Content
	hash    [sha256.Size]byte
}

// Add adds the next commit.
func (c *Tally) Add(commit *Commit) error {
	c.content.Relationships += len(commit.Relationships)
	c.content.Entries += int64(len(commit.Entries))
	rest := *commit
	rest.Entries, rest.Evidence = nil, nil
	text, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	h := sha256.New()
	h.Write(c.hash[:])
	h.Write(text)
	for i := range commit.Entries {
		h.Write(commit.Entries[i].AppendLine(nil))
	}
	for i := range commit.Evidence {
		h.Write(commit.Evidence[i].Entry.AppendLine(nil))
		h.Write([]byte(commit.Evidence[i].Why + "\n"))
	}
	h.Sum(c.hash[:0])
	return nil
}

// Content returns what was added.
func (c *Tally) Content() Content {
	content := c.content
	content.SHA256 = hex.EncodeToString(c.hash[:])
	return content
}

// VerifyAll checks every signature and folds every relationship of s, and returns how
// many entries there are in how many relationships.
func VerifyAll(ctx context.Context, s Store) (relationships int, entries int64, err error) {
	for r, err := range s.Relationships(ctx) {
		if err != nil {
			return relationships, entries, err
		}
		first, err := firsthand.Collect(s.Entries(ctx, r.ID, firsthand.First, 0))
		if err != nil {
			return relationships, entries, err
		}
		second, err := firsthand.Collect(s.Entries(ctx, r.ID, firsthand.Second, 0))
		if err == nil {
			_, err = firsthand.Verify(first, second)
		}
		if err != nil {
			return relationships, entries, fmt.Errorf("relationship %s: %w", r.ID, err)
		}
		relationships++
		entries += int64(len(first) + len(second))
	}
	return relationships, entries, nil
}
