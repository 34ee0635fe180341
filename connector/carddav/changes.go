package carddav

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// A mirror is what this program knows of the cards: which it has looked at, and what
// staff have changed in them. It is made anew from the server when the program
// starts.
type mirror struct {
	mu     sync.Mutex           // held while the server is asked
	tokens []string             // of the server, from the one it began with to the one it is at
	cards  map[string]*mirrored // those that have changed since it began
}

type mirrored struct {
	etag   string // when it was looked at; "" if it has to be again
	rel    firsthand.ID
	events []told
}

// A told event has the token from which on everything after it can be found.
type told struct {
	event
	token string
}

// maxTokens is how many tokens a mirror remembers that it began before.
const maxTokens = 1000

// Changes implements [connector.Connector]. A server has no history: of what staff
// changed several times between two looks, the last shows. What shows is noted in
// the card, with the time of the look, before it is told; so it is told the same
// way again.
//
// A cursor is such a time, and the server's token from which on all later ones can
// be found. One program at a time should ask; where two do, what only one has noted
// may be told by it alone.
func (b *Book) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		changes, err := b.since(ctx, cursor)
		for _, c := range changes {
			if !yield(c, nil) {
				return
			}
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(connector.Change{}, fmt.Errorf("changes: %w", err))
		}
	}
}

func (b *Book) since(ctx context.Context, cursor string) ([]connector.Change, error) {
	after, token, err := parseCursor(cursor)
	if err != nil {
		return nil, err
	}
	m := &b.seen
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := b.follow(ctx, after, token); err != nil {
		return nil, err
	}
	var changes []connector.Change
	for id, c := range m.cards {
		for _, e := range c.events {
			if e.At <= after {
				continue
			}
			changes = append(changes, connector.Change{Cursor: strconv.FormatInt(e.At, 10) + " " + e.token,
				ID: fmt.Sprintf("%s %d", id, e.At), Relationship: c.rel, Ref: b.ref(id, ""), At: at(e.At), Fact: e.Fact, Value: e.Value})
		}
	}
	slices.SortFunc(changes, func(a, b connector.Change) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return changes, nil
}

func parseCursor(s string) (at int64, token string, err error) {
	if s == "" {
		return 0, "", nil
	}
	number, token, ok := strings.Cut(s, " ")
	if at, err = strconv.ParseInt(number, 10, 64); err != nil || !ok || at < 1 {
		return 0, "", fmt.Errorf("%w: this is no cursor of an address book", fault.Invalid)
	}
	return at, token, nil
}

// follow brings the mirror to where the server is. It must have begun at token or
// before.
func (b *Book) follow(ctx context.Context, after int64, token string) error {
	m := &b.seen
	if !slices.Contains(m.tokens, token) {
		m.tokens, m.cards = []string{token}, map[string]*mirrored{}
	}
	items, next, err := b.customer.since(ctx, m.tokens[len(m.tokens)-1])
	if errors.Is(err, errToken) {
		// All that is there covers whatever the token stood for.
		m.tokens, m.cards = []string{token}, map[string]*mirrored{}
		items, next, err = b.customer.since(ctx, "")
	}
	if err != nil {
		return err
	}
	last := after
	for _, c := range m.cards {
		for _, e := range c.events {
			last = max(last, e.At)
		}
	}
	stamp := func() int64 {
		last = max(last+1, b.now().UnixMicro())
		return last
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(a.id, b.id) })
	for _, it := range items {
		if known := m.cards[it.id]; known != nil && it.etag != "" && known.etag == it.etag {
			continue
		}
		if it.etag == "" {
			delete(m.cards, it.id)
			continue
		}
		err := b.reflect(ctx, it.id, next, stamp)
		if odd, ok := errors.AsType[*oddCard](err); ok && odd.etag == it.etag {
			// Others are not to wait for it. Whoever writes to it is told.
			m.cards[it.id], err = &mirrored{etag: it.etag}, nil
		}
		if err != nil {
			return err // and next time all of them again
		}
	}
	if next != m.tokens[len(m.tokens)-1] {
		m.tokens = append(m.tokens, next)
	}
	if len(m.tokens) > maxTokens {
		// It still covers the first: all cards that have changed since are in it.
		m.tokens = slices.Delete(m.tokens, 1, len(m.tokens)-maxTokens+1)
	}
	return nil
}

// reflect looks at one card, notes in it what staff have changed, and takes it into
// the mirror.
func (b *Book) reflect(ctx context.Context, id, token string, stamp func() int64) error {
	m := &b.seen
	var now *mirrored
	err := b.customer.update(ctx, id, func(c *card) (*card, error) {
		if now = nil; c == nil {
			return nil, nil
		}
		j, err := journalOf(id, c)
		if err != nil {
			return nil, err
		}
		if now = (&mirrored{etag: c.etag}); j == nil {
			return nil, nil // nobody's whom the gateway knows
		}
		if len(j.Rels) == 1 {
			now.rel = j.Rels[0]
		}
		var last int64
		if n := len(j.Events); n > 0 {
			last = j.Events[n-1].At
		}
		news := b.look(id, c, j, stamp)
		for _, e := range j.Events {
			t := told{e, m.tokens[0]}
			if before := m.cards[id]; before != nil {
				if n := slices.IndexFunc(before.events, func(x told) bool { return x.At == e.At }); n >= 0 {
					t.token = before.events[n].token
				}
			}
			if e.At > last { // noted now
				t.token = token
			}
			now.events = append(now.events, t)
		}
		if !news {
			return nil, nil
		}
		now.etag = "" // the server makes the next one
		return c, j.into(c)
	})
	if err != nil {
		return err
	}
	if m.cards[id] = now; now == nil {
		delete(m.cards, id)
	}
	return nil
}
