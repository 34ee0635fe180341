package agenttest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"firsthand/fault"
	"firsthand/internal/agent"
)

// lastFound returns the highest ID that something of an import has.
func (l *life) lastFound(id int64) int64 {
	last := id << 32
	for _, acc := range l.accounts[id] {
		last = max(last, acc.ID)
	}
	for _, c := range l.cards[id] {
		last = max(last, c.ID)
	}
	for _, p := range l.payments[id] {
		last = max(last, p.ID)
	}
	for _, b := range l.bounds[id] {
		last = max(last, b.ID)
	}
	return last
}

// applyContracts applies the parts of c that are about contracts.
func (l *life) applyContracts(c agent.Commit) {
	for _, row := range c.Contracts {
		row.Added = plain(row.Added)
		l.contracts[row.ID] = row
	}
	for _, id := range c.DropContracts {
		delete(l.contracts, id)
	}
}

// AddMoney implements [agent.Store].
func (m *Memory) AddMoney(ctx context.Context, id int64, payments []agent.Payment, bound []agent.Bound) error {
	return m.change(ctx, func(l *life) error {
		if l.imports[id].State != agent.Reading {
			return fmt.Errorf("%w: no import %d being read", fault.NotExist, id)
		}
		next := l.lastFound(id)
		for _, p := range payments {
			next++
			p.ID, p.Import = next, id
			l.payments[id] = append(l.payments[id], p)
		}
		for _, b := range bound {
			next++
			b.ID, b.Import = next, id
			l.bounds[id] = append(l.bounds[id], b)
		}
		return nil
	})
}

// Payments implements [agent.Store].
func (m *Memory) Payments(ctx context.Context, id, after int64, limit int) ([]agent.Payment, error) {
	return read(ctx, m, func(l *life) []agent.Payment {
		return page(slices.DeleteFunc(slices.Clone(l.payments[id]), func(p agent.Payment) bool { return p.ID <= after }), 0, limit)
	})
}

// PaidKept implements [agent.Store].
func (m *Memory) PaidKept(ctx context.Context) iter.Seq2[agent.Payment, error] {
	return func(yield func(agent.Payment, error) bool) {
		all, err := read(ctx, m, func(l *life) (all []agent.Payment) {
			for _, id := range slices.Sorted(maps.Keys(l.payments)) {
				if l.imports[id].State == agent.Kept {
					all = append(all, l.payments[id]...)
				}
			}
			return all
		})
		if err != nil {
			yield(agent.Payment{}, err)
			return
		}
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Bounds implements [agent.Store].
func (m *Memory) Bounds(ctx context.Context, id int64) ([]agent.Bound, error) {
	return read(ctx, m, func(l *life) (all []agent.Bound) {
		for _, i := range slices.Sorted(maps.Keys(l.bounds)) {
			if i == id || id == 0 && l.imports[i].State == agent.Kept {
				all = append(all, l.bounds[i]...)
			}
		}
		return all
	})
}

// Contracts implements [agent.Store].
func (m *Memory) Contracts(ctx context.Context) ([]agent.ContractRow, error) {
	return read(ctx, m, func(l *life) (all []agent.ContractRow) {
		for _, id := range slices.Sorted(maps.Keys(l.contracts)) {
			all = append(all, l.contracts[id])
		}
		return all
	})
}
