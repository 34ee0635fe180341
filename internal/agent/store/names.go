package store

import (
	"context"
	"database/sql"
	"sort"
	"strings"

	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// names are what searches look through: the names and domains of all companies, one
// after the other, in the order of names. To ask SQLite of each row whether a word is in
// it takes fifty times as long.
type names struct {
	text string // of company 0 the folded name, and its domain; of company 1 …
	ends []int  // where each of these ends
}

// names returns those of now.
func (s *Store) names(ctx context.Context) (*names, error) {
	return s.named.get(s.db, 0, func() (*names, error) {
		var n names
		var text strings.Builder
		_, err := list(ctx, s, func(rows *sqlite.Rows, _ *struct{}) error {
			var fold, domain sql.RawBytes
			err := rows.Scan(&fold, &domain)
			text.Write(fold)
			n.ends = append(n.ends, text.Len())
			text.Write(domain)
			n.ends = append(n.ends, text.Len())
			return err
		}, `SELECT fold, domain FROM company ORDER BY `+orders[agent.ByName][0])
		n.text = text.String()
		return &n, err
	})
}

// find returns the domains of the companies that have s in their name or in their
// domain, in the order of names.
func (n *names) find(s string) (domains []string) {
	for from := 0; from < len(n.text); {
		i := strings.Index(n.text[from:], s)
		if i < 0 {
			break
		}
		i += from
		part := sort.Search(len(n.ends), func(part int) bool { return n.ends[part] > i })
		if i+len(s) > n.ends[part] {
			from = i + 1 // it begins in one, and ends in the next
			continue
		}
		company := part / 2
		domains = append(domains, n.text[n.ends[2*company]:n.ends[2*company+1]])
		from = n.ends[2*company+1]
	}
	return domains
}
