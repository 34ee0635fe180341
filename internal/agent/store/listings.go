package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"iter"

	"firsthand/internal/agent"
	"firsthand/internal/agent/directory"
	"firsthand/internal/sqlite"
)

// listings writes and removes data sets. The companies that they name are touched:
// what a list shows as a name may be from there.
func (w *writer) listings(c *agent.Commit) error {
	for i := range c.SetListings {
		if err := w.dropListing(c.SetListings[i].Name); err != nil {
			return err
		}
		if err := w.listing(&c.SetListings[i]); err != nil {
			return err
		}
	}
	for _, name := range c.DropListings {
		if err := w.dropListing(name); err != nil {
			return err
		}
	}
	if len(c.SetListings)+len(c.DropListings) == 0 {
		return nil
	}
	return each(w, func(rows *sqlite.Rows) error {
		var domain string
		err := rows.Scan(&domain)
		w.touch(false, domain)
		return err
	}, `SELECT domain FROM company`)
}

// A listingAbout is what is kept of a data set beside its records.
type listingAbout struct {
	Source  string   `json:"source"`
	Licence string   `json:"licence"`
	Version string   `json:"version"`
	Date    string   `json:"date"`
	Records int      `json:"records"`
	Skipped []string `json:"skipped"`
	More    int      `json:"more"`
	From    string   `json:"from"`
	Added   string   `json:"added"`
}

func (w *writer) listing(s *agent.ListingSet) error {
	about := listingAbout{s.Source, s.Licence, s.Version, s.Date, s.Records, s.Skipped, s.More, s.From, timeText(s.Added)}
	if _, err := w.exec(`INSERT INTO listing_set (name, about) VALUES (?, ?)`, s.Name, jsonText(about)); err != nil {
		return err
	}
	for i := range s.All {
		r := &s.All[i]
		res, err := w.tx.ExecContext(w.ctx, `INSERT INTO listing (name, key, record) VALUES (?, ?, ?)`, s.Name, r.Key, jsonText(r))
		if err != nil {
			return err
		}
		n, err := res.LastInsertId()
		if err != nil {
			return err
		}
		for _, host := range r.Hosts {
			if _, err := w.exec(`INSERT INTO listing_host (host, listing) VALUES (?, ?) ON CONFLICT DO NOTHING`, host, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) dropListing(name string) error {
	for _, query := range []string{
		`DELETE FROM listing_host WHERE listing IN (SELECT n FROM listing WHERE name = ?)`,
		`DELETE FROM listing WHERE name = ?`,
		`DELETE FROM listing_set WHERE name = ?`,
	} {
		if _, err := w.exec(query, name); err != nil {
			return err
		}
	}
	return nil
}

// Listings implements [agent.Store].
func (s *Store) Listings(ctx context.Context) ([]agent.Listing, error) {
	return list(ctx, s, scanListing, `SELECT name, about FROM listing_set ORDER BY name`)
}

func scanListing(rows *sqlite.Rows, l *agent.Listing) error {
	var text string
	if err := rows.Scan(&l.Name, &text); err != nil {
		return err
	}
	var about listingAbout
	err := json.Unmarshal([]byte(text), &about)
	l.Set = directory.Set{Name: l.Name, Source: about.Source, Licence: about.Licence, Version: about.Version, Date: about.Date,
		Records: about.Records, Skipped: about.Skipped, More: about.More}
	l.From = about.From
	return errors.Join(err, parseTime(about.Added, &l.Added))
}

func scanRecord(rows *sqlite.Rows, r *directory.Record) error {
	var text string
	if err := rows.Scan(&text); err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), r)
}

// Records implements [agent.Store].
func (s *Store) Records(ctx context.Context, hosts ...string) ([]directory.Record, error) {
	return list(ctx, s, scanRecord, `
		SELECT record FROM listing WHERE n IN (SELECT listing FROM listing_host WHERE host IN (`+inList+`)) ORDER BY name, key`, jsonList(hosts))
}

// AllRecords implements [agent.Store].
func (s *Store) AllRecords(ctx context.Context) iter.Seq2[directory.Record, error] {
	return func(yield func(directory.Record, error) bool) {
		type numbered struct {
			n int64
			directory.Record
		}
		for last := int64(0); ; {
			part, err := list(ctx, s, func(rows *sqlite.Rows, r *numbered) error {
				var text sql.RawBytes
				if err := rows.Scan(&r.n, &text); err != nil {
					return err
				}
				return json.Unmarshal(text, &r.Record)
			}, `SELECT n, record FROM listing WHERE n > ? ORDER BY n LIMIT 500`, last)
			if err != nil {
				yield(directory.Record{}, err)
				return
			}
			for _, r := range part {
				if !yield(r.Record, nil) {
					return
				}
				last = r.n
			}
			if len(part) == 0 {
				return
			}
		}
	}
}
