package agent_test

import (
	"context"
	crand "crypto/rand"
	"log/slog"
	"math/rand"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/terms"
	"firsthand/wire"
)

const ownKit = "AGE-SECRET-KEY-1TEST"

// sides are an agent and a gateway with nothing but function calls between.
type sides struct {
	*agent.Agent
	t     *testing.T
	store *agenttest.Memory
	now   time.Time
	rand  *rand.Rand

	gw      *gateway.Gateway
	theirs  *gatewaytest.Memory
	keys    *gateway.Keys
	down    bool
	answers func(*wire.Response) // may alter what the company answers
	calls   int
}

func newSides(t *testing.T) *sides {
	t.Helper()
	s := &sides{t: t, store: agenttest.NewMemory(), theirs: gatewaytest.NewMemory(),
		now: time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC), rand: rand.New(rand.NewSource(1))}
	key, next := s.signer(), s.signer()
	s.keys = &gateway.Keys{Signers: []*firsthand.Signer{key}, Chain: []firsthand.ChainKey{{Key: key.Public(), Next: next.Public().Hash()}}}
	s.startGateway()
	s.startAgent()
	s.must(fill(t, s.store, ownKit))
	return s
}

// fill makes the beginning of a book of next keys: a whole one, which Refill makes, takes
// longer than most tests.
func fill(t testing.TB, s agent.Store, kit string) error {
	keys := make([]agent.NextKey, 300)
	for i := range keys {
		crand.Read(keys[i].Label[:])
		keys[i].Hash = firsthand.NextKey(kit, keys[i].Label).Public().Hash()
	}
	return s.Commit(t.Context(), agent.Commit{AddLabels: keys})
}

func (s *sides) signer() *firsthand.Signer {
	key, err := firsthand.NewSigner(s.rand)
	s.must(err)
	return key
}

func (s *sides) startGateway() {
	own, _ := terms.Default().Lookup(agent.DefaultTerms)
	gw, err := gateway.New(gateway.Options{Store: s.theirs, Keys: s.keys, Now: func() time.Time { return s.now }, Rand: s.rand,
		Company: firsthand.Company{Domain: "acme.example", Name: "Acme", Jurisdiction: "BE", Gateway: "https://acme.example/", Terms: []terms.Ref{own.Ref()}}})
	s.must(err)
	s.gw = gw
}

// startAgent starts her agent, anew if it ran before.
func (s *sides) startAgent() {
	s.Agent = agent.New(agent.Options{Store: s.store, Caller: s, Roster: terms.Default(), Now: func() time.Time { return s.now }, Rand: s.rand})
}

func (s *sides) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// meet opens a relationship and makes the first calls.
func (s *sides) meet(o agent.MeetOptions) firsthand.ID {
	s.t.Helper()
	row, err := s.Meet(s.t.Context(), "acme.example", o)
	s.must(err)
	s.sync(row.ID)
	return row.ID
}

// sync makes calls, through failures, until there is nothing more to say.
func (s *sides) sync(rel firsthand.ID) {
	s.t.Helper()
	var err error
	for range 20 {
		var again bool
		again, err = s.Do(s.t.Context(), rel, 0)
		if err == nil && !again {
			return
		}
	}
	s.t.Fatalf("no end after 20 calls: %v", err)
}

func (s *sides) say(rel firsthand.ID, text string) firsthand.ID {
	s.t.Helper()
	act, err := s.Message(s.t.Context(), rel, firsthand.ID{}, text)
	s.must(err)
	return act.Entry
}

func (s *sides) row(rel firsthand.ID) agent.Relationship {
	s.t.Helper()
	row, err := s.store.Relationship(s.t.Context(), rel)
	s.must(err)
	return row
}

// at returns the place of an entry in a store's logs, 0 if it isn't there.
func (s *sides) at(l firsthand.Log, rel, id firsthand.ID) int64 {
	s.t.Helper()
	state, err := firsthand.Load(s.t.Context(), l, rel)
	s.must(err)
	return state.Pos(id).Seq
}

// Discover implements [agent.Caller].
func (s *sides) Discover(ctx context.Context, domain string) (firsthand.Company, []byte, error) {
	text, err := s.gw.Company(ctx)
	s.must(err)
	c, err := firsthand.ParseCompany(text, domain)
	return c, text, err
}

// Open implements [agent.Caller].
func (s *sides) Open(ctx context.Context, _ string, key *firsthand.Signer, r wire.Request) (wire.Response, error) {
	return s.call(ctx, true, key, r)
}

// Sync implements [agent.Caller].
func (s *sides) Sync(ctx context.Context, _ string, key *firsthand.Signer, r wire.Request) (wire.Response, error) {
	return s.call(ctx, false, key, r)
}

// call is what wire.Handler does: it admits the key in force after the rotations
// that the call brings.
func (s *sides) call(ctx context.Context, open bool, key *firsthand.Signer, r wire.Request) (resp wire.Response, err error) {
	s.calls++
	if s.down {
		return resp, fault.Unavailable
	}
	denied := fault.Refuse(fault.Denied, "call-signature", "not signed by the key of a relationship")
	now, next, err := s.gw.Keys(ctx, r.Rel)
	if fault.KindOf(err) == fault.NotExist && open {
		c, _ := firsthand.DecodeBody(r.Entries[0].Body)
		now, next, err = c.(*firsthand.Open).Key, c.(*firsthand.Open).Next, nil
	}
	if err != nil {
		return resp, denied
	}
	for _, e := range r.Entries {
		if e.Side != firsthand.First || e.Kind() != "rotate" {
			continue
		}
		c, _ := firsthand.DecodeBody(e.Body)
		if rotate := c.(*firsthand.Rotate); rotate.Key.Hash() == next {
			now, next = rotate.Key, rotate.Next
		}
	}
	if key.Public() != now {
		return resp, denied
	}
	serve := s.gw.Sync
	if open {
		serve = s.gw.Open
	}
	if resp, err = serve(ctx, r); err == nil && s.answers != nil {
		s.answers(&resp)
	}
	return resp, err
}

// write signs an entry of hers with her present key, as a thief or another copy of
// her file would, and brings it to the company.
func (s *sides) write(rel firsthand.ID, key *firsthand.Signer, c firsthand.Content) firsthand.Entry {
	s.t.Helper()
	state, err := firsthand.Load(s.t.Context(), s.theirs, rel)
	s.must(err)
	salt, err := firsthand.NewSalt(s.rand)
	s.must(err)
	e, err := state.Write(key, firsthand.First, s.now, salt, c)
	s.must(err)
	_, err = s.call(s.t.Context(), false, key, wire.Request{Rel: rel, First: e.Head(), Second: e.Seen, Entries: []firsthand.Entry{e}})
	s.must(err)
	return e
}

var quiet = slog.New(slog.DiscardHandler)
