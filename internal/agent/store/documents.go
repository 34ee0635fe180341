package store

import (
	"context"
	"database/sql"
	"fmt"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// checkDocuments says what is wrong with the parts of c that are about documents.
func checkDocuments(c *agent.Commit) error {
	for _, d := range c.Documents {
		if d.ID == 0 && (d.Domain == "" || d.Blob.Hash.IsZero()) {
			return fmt.Errorf("%w: a document without its company or its hash", fault.Invalid)
		}
		if err := checkTimes(d.Came); err != nil {
			return err
		}
	}
	return nil
}

// documents writes the parts of c that are about documents.
func (w *writer) documents(c *agent.Commit) error {
	for i := range c.Documents {
		if err := w.document(&c.Documents[i]); err != nil {
			return err
		}
	}
	for _, id := range c.DropDocuments {
		if err := w.dropDocuments(`id = ?`, id); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) document(d *agent.Document) error {
	if d.ID != 0 {
		_, err := w.exec(`UPDATE document SET entry = ? WHERE id = ?`, d.Entry[:], d.ID)
		return err
	}
	added, err := w.exec(`
		INSERT INTO document (domain, hash, size, media, name, came, answer, entry)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE NOT EXISTS (SELECT 1 FROM document WHERE domain = ?1 AND hash = ?2)`,
		d.Domain, d.Blob.Hash[:], d.Blob.Size, d.Blob.Media, d.Blob.Name, timeText(d.Came), d.Mail[:], d.Entry[:])
	if err != nil || added == 0 {
		return err
	}
	w.touch(false, d.Domain)
	return w.hasBlob(d.Blob.Hash)
}

// dropDocuments removes some with the blobs that nothing else names.
func (w *writer) dropDocuments(which string, arg any) error {
	all, err := listIn(w.ctx, w.tx, scanDocument, `SELECT `+documentColumns+` FROM document WHERE `+which, arg)
	if err != nil {
		return err
	}
	for _, d := range all {
		w.touch(false, d.Domain)
		w.erased = true
		if _, err := w.exec(`DELETE FROM document WHERE id = ?`, d.ID); err != nil {
			return err
		}
		if _, err := w.exec(`UPDATE statement SET document = zeroblob(32) WHERE domain = ? AND document = ?`, d.Domain, d.Blob.Hash[:]); err != nil {
			return err
		}
		if err := w.dropBlobs([]firsthand.ID{d.Blob.Hash}); err != nil {
			return err
		}
	}
	return nil
}

const documentColumns = `id, domain, hash, size, media, name, came, answer, entry`

func scanDocument(rows *sqlite.Rows, d *agent.Document) error {
	var hash, answer, entry sql.RawBytes
	var came string
	err := rows.Scan(&d.ID, &d.Domain, &hash, &d.Blob.Size, &d.Blob.Media, &d.Blob.Name, &came, &answer, &entry)
	if err != nil {
		return err
	}
	copy(d.Blob.Hash[:], hash)
	copy(d.Mail[:], answer)
	copy(d.Entry[:], entry)
	return parseTime(came, &d.Came)
}

// Documents implements [agent.Store].
func (s *Store) Documents(ctx context.Context, domain string) ([]agent.Document, error) {
	const all, newest = `SELECT ` + documentColumns + ` FROM document`, ` ORDER BY id DESC`
	if domain == "" {
		return list(ctx, s, scanDocument, all+newest)
	}
	return list(ctx, s, scanDocument, all+` WHERE domain = ?`+newest, domain)
}

// Document implements [agent.Store].
func (s *Store) Document(ctx context.Context, id int64) (agent.Document, error) {
	return only(list(ctx, s, scanDocument, `SELECT `+documentColumns+` FROM document WHERE id = ?`, id))
}
