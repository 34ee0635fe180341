package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/importer"
	"firsthand/internal/sqlite"
)

// lastFound returns the highest ID that something of an import has.
func (w *writer) lastFound(id int64) (last int64, err error) {
	from, to := importRange(id)
	last = from
	for _, table := range []string{"account", "card", "payment", "bound"} {
		var highest int64
		if err := w.tx.QueryRowContext(w.ctx, `SELECT coalesce(max(id), 0) FROM `+table+` WHERE id > ? AND id <= ?`, from, to).Scan(&highest); err != nil {
			return 0, err
		}
		last = max(last, highest)
	}
	return last, nil
}

// AddMoney implements [agent.Store].
func (s *Store) AddMoney(ctx context.Context, id int64, payments []agent.Payment, bound []agent.Bound) error {
	return s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w := writer{ctx: ctx, tx: tx}
		if state, err := w.importState(id); err != nil || state != agent.Reading {
			return errors.Join(err, fmt.Errorf("%w: no import %d being read", fault.NotExist, id))
		}
		next, err := w.lastFound(id)
		if err != nil {
			return err
		}
		for _, p := range payments {
			next++
			if _, err := w.exec(`
				INSERT INTO payment (id, import, row, day, minor, currency, name, text, ref, creditor, mandate, domain)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				next, id, p.Row, string(p.Day), p.Amount.Minor, p.Amount.Currency, p.Name, p.Text, p.Ref, p.Creditor, p.Mandate, p.Domain); err != nil {
				return err
			}
		}
		for _, b := range bound {
			next++
			if _, err := w.exec(`INSERT INTO bound (id, import, row, domain, title, contract) VALUES (?, ?, ?, ?, ?, ?)`,
				next, id, b.Row, b.Domain, b.Title, jsonText(boundText(b.Contract))); err != nil {
				return err
			}
		}
		return nil
	})
}

// boundText is how what a file says of a contract is kept.
type boundText importer.Contract

const paymentColumns = `id, import, row, day, minor, currency, name, text, ref, creditor, mandate, domain`

func scanPayment(rows *sqlite.Rows, p *agent.Payment) error {
	return rows.Scan(&p.ID, &p.Import, &p.Row, (*string)(&p.Day), &p.Amount.Minor, &p.Amount.Currency, &p.Name, &p.Text, &p.Ref, &p.Creditor, &p.Mandate, &p.Domain)
}

// Payments implements [agent.Store].
func (s *Store) Payments(ctx context.Context, id, after int64, limit int) ([]agent.Payment, error) {
	from, to := importRange(id)
	return list(ctx, s, scanPayment, `SELECT `+paymentColumns+` FROM payment WHERE id > ? AND id <= ? ORDER BY id LIMIT ?`, max(from, after), to, orAll(limit))
}

// PaidKept implements [agent.Store].
func (s *Store) PaidKept(ctx context.Context) iter.Seq2[agent.Payment, error] {
	return func(yield func(agent.Payment, error) bool) {
		all, err := list(ctx, s, scanPayment, `
			SELECT `+paymentColumns+` FROM payment WHERE import IN (SELECT id FROM import WHERE state = 'kept') ORDER BY id`)
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
		if err != nil {
			yield(agent.Payment{}, err)
		}
	}
}

// Bounds implements [agent.Store].
func (s *Store) Bounds(ctx context.Context, id int64) ([]agent.Bound, error) {
	scan := func(rows *sqlite.Rows, b *agent.Bound) error {
		var text string
		if err := rows.Scan(&b.ID, &b.Import, &b.Row, &b.Domain, &b.Title, &text); err != nil {
			return err
		}
		return json.Unmarshal([]byte(text), (*boundText)(&b.Contract))
	}
	const columns = `SELECT id, import, row, domain, title, contract FROM bound `
	if id == 0 {
		return list(ctx, s, scan, columns+`WHERE import IN (SELECT id FROM import WHERE state = 'kept') ORDER BY id`)
	}
	from, to := importRange(id)
	return list(ctx, s, scan, columns+`WHERE id > ? AND id <= ? ORDER BY id`, from, to)
}

// Contracts implements [agent.Store].
func (s *Store) Contracts(ctx context.Context) ([]agent.ContractRow, error) {
	return list(ctx, s, func(rows *sqlite.Rows, c *agent.ContractRow) error {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(text), c)
		c.ID = id
		return err
	}, `SELECT id, contract FROM contract ORDER BY id`)
}

// contracts writes the parts of c that are about contracts.
func (w *writer) contracts(c *agent.Commit) error {
	for _, row := range c.Contracts {
		row.Added = row.Added.UTC()
		replaced, err := w.exec(`DELETE FROM contract WHERE id = ?`, row.ID)
		if err != nil {
			return err
		}
		if replaced > 0 {
			w.eraseFrom("contract")
		}
		if _, err := w.exec(`INSERT INTO contract (id, contract) VALUES (?, ?)`, row.ID, string(firsthand.EncodeJSON(row))); err != nil {
			return err
		}
	}
	for _, id := range c.DropContracts {
		gone, err := w.exec(`DELETE FROM contract WHERE id = ?`, id)
		if err != nil {
			return err
		}
		if gone > 0 {
			w.eraseFrom("contract")
		}
	}
	return nil
}
