package sim

import (
	"context"
	"iter"
	"maps"
	"slices"

	"firsthand"
	"firsthand/connector"
	"firsthand/internal/agent"
	"firsthand/internal/gateway"
)

// A Bug is one that is planted between the parts of a run: what the part behind
// it does is then what a part with the bug would do.
type Bug string

const (
	LostCommit      Bug = "an agent's commit is lost and reported as done"
	LostIntake      Bug = "a gateway's commit is lost and reported as done"
	SentIsReceived  Bug = "what was sent counts as received, without a receipt"
	RetryDrops      Bug = "a retry drops an entry"
	NoPause         Bug = "failed calls are repeated without a pause"
	StaleCaches     Bug = "what is shown is not folded anew"
	RestoreUnasked  Bug = "a restored agent signs before it has asked"
	GatewayUnasked  Bug = "a restored gateway signs before it was told"
	LabelTwice      Bug = "the label of a next key is used twice"
	BookKept        Bug = "a restored file keeps its book of next keys"
	ThiefAdopted    Bug = "a thief's entries are taken for hers"
	DeliveredTwice  Bug = "a delivery has effect each time it is repeated"
	NoIdempotency   Bug = "a repeated delivery has another id"
	OutOfOrder      Bug = "the newest delivery goes first"
	BodiesKept      Bug = "erased bodies stay in the company's store"
	DraftsForgotten Bug = "drafts are dropped after a restore"
	RemovedStays    Bug = "what is removed from the company's system stays in it"
)

// Bugs are all that can be planted.
var Bugs = []Bug{LostCommit, LostIntake, SentIsReceived, RetryDrops, NoPause, StaleCaches, RestoreUnasked, GatewayUnasked,
	LabelTwice, BookKept, ThiefAdopted, DeliveredTwice, NoIdempotency, OutOfOrder, BodiesKept, DraftsForgotten, RemovedStays}

// agentStore returns what an agent gets as its store.
func (b Bug) agentStore(r *run, s agent.Store) agent.Store {
	switch b {
	case LostCommit, SentIsReceived, NoPause, StaleCaches, RestoreUnasked, LabelTwice, DraftsForgotten:
		return &badAgentStore{s, r}
	}
	return s
}

type badAgentStore struct {
	agent.Store
	r *run
}

func (s *badAgentStore) Commit(ctx context.Context, c agent.Commit) error {
	c.Relationships, c.Outbox = slices.Clone(c.Relationships), slices.Clone(c.Outbox)
	switch s.r.Bug {
	case LostCommit:
		if len(c.Entries) > 0 && s.r.chance(0.05) {
			return nil
		}
	case SentIsReceived:
		for _, rows := range [][]agent.Relationship{c.Relationships, c.Outbox} {
			for i := range rows {
				if sum, err := rows[i].Summarised(); err == nil && rows[i].Sent == sum.First.Seq {
					rows[i].Received = sum.First
				}
			}
		}
	case NoPause:
		for _, rows := range [][]agent.Relationship{c.Relationships, c.Outbox} {
			for i := range rows {
				rows[i].NextTry = begun
			}
		}
	case StaleCaches:
		for i := range c.Relationships {
			if old, err := s.Store.Relationship(ctx, c.Relationships[i].ID); err == nil && s.r.chance(0.5) {
				c.Relationships[i].Summary, c.Holdings = old.Summary, nil
			}
		}
	case LabelTwice:
		c.TakeLabels = nil
	case DraftsForgotten:
		c.AddDrafts = nil
	}
	return s.Store.Commit(ctx, c)
}

func (s *badAgentStore) Relationship(ctx context.Context, id firsthand.ID) (agent.Relationship, error) {
	row, err := s.Store.Relationship(ctx, id)
	row.Restored = row.Restored && s.r.Bug != RestoreUnasked
	return row, err
}

// gatewayStore returns what a gateway gets as its store, and what is in it as far
// as can be seen.
func (b Bug) gatewayStore(r *run, s gateway.Store) gateway.Store {
	switch b {
	case LostIntake, GatewayUnasked, OutOfOrder, BodiesKept:
		return &badGatewayStore{s, r, make(map[firsthand.ID]firsthand.Entry)}
	}
	return s
}

type badGatewayStore struct {
	gateway.Store
	r    *run
	kept map[firsthand.ID]firsthand.Entry
}

func (s *badGatewayStore) Commit(ctx context.Context, c gateway.Commit) error {
	switch s.r.Bug {
	case LostIntake:
		if len(c.Entries) > 0 && s.r.chance(0.05) {
			return nil
		}
	case BodiesKept:
		for _, e := range c.Entries {
			s.kept[e.ID] = e
		}
	}
	return s.Store.Commit(ctx, c)
}

func (s *badGatewayStore) Relationship(ctx context.Context, id firsthand.ID) (gateway.Relationship, error) {
	row, err := s.Store.Relationship(ctx, id)
	row.Restored = row.Restored && s.r.Bug != GatewayUnasked
	return row, err
}

func (s *badGatewayStore) Ready(ctx context.Context, lane gateway.Lane, limit int) ([]gateway.Delivery, error) {
	ready, err := s.Store.Ready(ctx, lane, limit)
	if s.r.Bug != OutOfOrder {
		return ready, err
	}
	for i, d := range ready {
		all, err := s.Store.Deliveries(ctx, d.Rel)
		if err != nil {
			return nil, err
		}
		for _, later := range all {
			if later.Status == d.Status && later.Task == d.Task {
				ready[i] = later
			}
		}
	}
	return ready, err
}

func (s *badGatewayStore) Entries(ctx context.Context, rel firsthand.ID, side firsthand.Side, after int64) iter.Seq2[firsthand.Entry, error] {
	return func(yield func(firsthand.Entry, error) bool) {
		for e, err := range s.Store.Entries(ctx, rel, side, after) {
			if old, ok := s.kept[e.ID]; ok && !e.HasBody() {
				e = old
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// connector returns what a gateway gets as the company's system.
func (b Bug) connector(r *run, c *crm) connector.Connector {
	switch b {
	case DeliveredTwice, NoIdempotency:
		return &badConnector{c, r, nil}
	case RemovedStays:
		return &badConnector{c, r, make(map[string]bool)}
	}
	return c
}

type badConnector struct {
	*crm
	r       *run
	removed map[string]bool // what it says is not there any more, by record and fact; nil: it removes
}

func (c *badConnector) Redact(ctx context.Context, ref connector.Ref, fact string) error {
	if c.removed == nil {
		return c.crm.Redact(ctx, ref, fact)
	}
	c.removed[ref.ID+" "+fact] = true
	return nil
}

func (c *badConnector) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	rec, err := c.crm.Read(ctx, ref)
	maps.DeleteFunc(rec.Facts, func(fact string, _ firsthand.Value) bool { return c.removed[ref.ID+" "+fact] })
	return rec, err
}

func (c *badConnector) Deliver(ctx context.Context, q connector.Request) (connector.Result, error) {
	if _, done := c.results[q.ID]; done {
		switch c.r.Bug {
		case DeliveredTwice:
			delete(c.results, q.ID)
		case NoIdempotency:
			q.ID[0]++
		}
	}
	return c.crm.Deliver(ctx, q)
}
