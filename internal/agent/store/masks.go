package store

import (
	"context"
	"errors"

	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

const (
	maskColumns = `token, domain, kind, address, id, state, made`
	leakColumns = `token, sender, n, first, last, verdict`
)

func scanMask(rows *sqlite.Rows, m *agent.Mask) error {
	var made string
	err := rows.Scan(&m.Token, &m.Domain, &m.Kind, &m.Address, &m.ID, &m.State, &made)
	return errors.Join(err, parseTime(made, &m.Made))
}

func scanLeak(rows *sqlite.Rows, l *agent.Leak) error {
	var first, last string
	err := rows.Scan(&l.Token, &l.From, &l.N, &first, &last, &l.Verdict)
	return errors.Join(err, parseTime(first, &l.First), parseTime(last, &l.Last))
}

// Masks implements [agent.Store].
func (s *Store) Masks(ctx context.Context, key string) ([]agent.Mask, error) {
	return list(ctx, s, scanMask, `SELECT `+maskColumns+` FROM mask WHERE ?1 = '' OR domain = ?1 ORDER BY made DESC, token`, key)
}

// Leaks implements [agent.Store].
func (s *Store) Leaks(ctx context.Context) ([]agent.Leak, error) {
	return list(ctx, s, scanLeak, `SELECT `+leakColumns+` FROM leak ORDER BY first, token, sender`)
}

// masks writes the parts of c that are about masks.
func (w *writer) masks(c *agent.Commit) error {
	for _, m := range c.Masks {
		if _, err := w.exec(`INSERT OR REPLACE INTO mask (`+maskColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			m.Token, m.Domain, m.Kind, m.Address, m.ID, m.State, timeText(m.Made)); err != nil {
			return err
		}
	}
	for _, l := range c.Leaks {
		if _, err := w.exec(`INSERT OR REPLACE INTO leak (`+leakColumns+`) VALUES (?, ?, ?, ?, ?, ?)`,
			l.Token, l.From, l.N, timeText(l.First), timeText(l.Last), l.Verdict); err != nil {
			return err
		}
	}
	return nil
}
