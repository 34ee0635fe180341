package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"hash"
	"io"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// A blob is kept in parts of blobPart bytes, each written in a transaction of its
// own: so one of any size needs little memory, and nobody waits for its reader. It
// has no hash before its end, and what has none counts for nothing; Open removes it,
// and what neither an answer nor a document names.
const (
	blobPart  = 512 << 10
	blobParts = 1 << 20 // most of one blob
)

// AddBlob implements [agent.Store].
func (s *Store) AddBlob(ctx context.Context, r io.Reader) (b firsthand.Blob, err error) {
	var n int64
	if err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		res, err := tx.ExecContext(ctx, `INSERT INTO blob (hash, size) VALUES (NULL, 0)`)
		if err == nil {
			n, err = res.LastInsertId()
		}
		return err
	}); err != nil {
		return b, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("blob: %w", err), s.dropBlob(context.WithoutCancel(ctx), n))
		}
	}()
	sum := sha256.New()
	part := make([]byte, blobPart)
	for i := int64(0); ; i++ {
		got, rerr := io.ReadFull(r, part)
		if rerr != nil && rerr != io.EOF && rerr != io.ErrUnexpectedEOF {
			return b, rerr
		}
		if got == 0 {
			break
		}
		if i == blobParts {
			return b, fmt.Errorf("%w: it is too big", fault.Invalid)
		}
		sum.Write(part[:got])
		b.Size += int64(got)
		if err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO blob_part (id, data) VALUES (?, ?)`, n*blobParts+i, part[:got])
			return err
		}); err != nil {
			return b, err
		}
		if rerr != nil {
			break
		}
	}
	sum.Sum(b.Hash[:0])
	return b, s.db.Update(ctx, func(tx *sqlite.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE OR IGNORE blob SET hash = ?, size = ? WHERE n = ?`, b.Hash[:], b.Size, n)
		if err != nil {
			return err
		}
		if changed, err := res.RowsAffected(); err != nil || changed > 0 {
			return err
		}
		return deleteBlob(ctx, tx, n) // the same is there already
	})
}

func (s *Store) dropBlob(ctx context.Context, n int64) error {
	return s.db.Update(ctx, func(tx *sqlite.Tx) error { return deleteBlob(ctx, tx, n) })
}

func deleteBlob(ctx context.Context, tx *sqlite.Tx, n int64) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM blob_part WHERE id BETWEEN ? AND ?`, n*blobParts, (n+1)*blobParts-1)
	if err == nil {
		_, err = tx.ExecContext(ctx, `DELETE FROM blob WHERE n = ?`, n)
	}
	return err
}

// dropLooseBlobs removes blobs that were being written when the program ended, and
// those that nothing names.
func (s *Store) dropLooseBlobs(ctx context.Context) error {
	loose, err := list(ctx, s, func(rows *sqlite.Rows, n *int64) error { return rows.Scan(n) },
		`SELECT n FROM blob WHERE hash IS NULL OR hash NOT IN (SELECT hash FROM answer_blob UNION SELECT hash FROM document)`)
	if err != nil || len(loose) == 0 {
		return err
	}
	for _, n := range loose {
		if err := s.dropBlob(ctx, n); err != nil {
			return err
		}
	}
	s.shreds.Store(true)
	return nil
}

// ReadBlob implements [agent.Store].
func (s *Store) ReadBlob(ctx context.Context, hash firsthand.ID, w io.Writer) error {
	rows, err := list(ctx, s, scanBlobRow, `SELECT n, hash, size FROM blob WHERE hash = ?`, hash[:])
	b, err := only(rows, err)
	if err != nil {
		return err
	}
	check := newBlobCheck(b)
	for i := int64(0); ; i++ {
		// Nothing is held while w, which may be slow, takes a part.
		parts, err := list(ctx, s, scanPart, `SELECT data FROM blob_part WHERE id = ?`, b.n*blobParts+i)
		if err != nil {
			return err
		}
		if len(parts) == 0 {
			return check.end()
		}
		check.add(parts[0])
		if _, err := w.Write(parts[0]); err != nil {
			return err
		}
	}
}

func scanPart(rows *sqlite.Rows, data *[]byte) error { return rows.Scan(data) }

// A blobRow is a blob without its parts.
type blobRow struct {
	n    int64
	hash firsthand.ID
	size int64
}

func scanBlobRow(rows *sqlite.Rows, b *blobRow) error {
	var hash sql.RawBytes
	err := rows.Scan(&b.n, &hash, &b.size)
	copy(b.hash[:], hash)
	return err
}

// Blobs implements [agent.Store].
func (s *Store) Blobs(ctx context.Context) (all []firsthand.Blob, err error) {
	rows, err := list(ctx, s, scanBlobRow, `SELECT n, hash, size FROM blob WHERE hash IS NOT NULL ORDER BY hash`)
	for _, b := range rows {
		all = append(all, firsthand.Blob{Hash: b.hash, Size: b.size})
	}
	return all, err
}

// A blobCheck compares a blob with what its row says.
type blobCheck struct {
	row blobRow
	sum hash.Hash
	got int64
}

func newBlobCheck(b blobRow) *blobCheck { return &blobCheck{row: b, sum: sha256.New()} }

func (c *blobCheck) add(part []byte) {
	c.sum.Write(part)
	c.got += int64(len(part))
}

func (c *blobCheck) end() error {
	if c.got != c.row.size || string(c.sum.Sum(nil)) != string(c.row.hash[:]) {
		return fmt.Errorf("%w: an attachment is not what it was", errDamaged)
	}
	return nil
}

// hasBlob returns an error unless there is a blob.
func (w *writer) hasBlob(hash firsthand.ID) error {
	var there bool
	err := w.tx.QueryRowContext(w.ctx, `SELECT EXISTS (SELECT 1 FROM blob WHERE hash = ?)`, hash[:]).Scan(&there)
	if err == nil && !there { // it went with the last that named it, a moment ago
		err = fmt.Errorf("%w: blob %s is not there", fault.Unavailable, hash)
	}
	return err
}

// dropBlobs removes those of some blobs that nothing names any more.
func (w *writer) dropBlobs(hashes []firsthand.ID) error {
	for _, hash := range hashes {
		loose, err := listIn(w.ctx, w.tx, func(rows *sqlite.Rows, n *int64) error { return rows.Scan(n) }, `
			SELECT n FROM blob WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM answer_blob WHERE hash = ?1) AND NOT EXISTS (SELECT 1 FROM document WHERE hash = ?1)`, hash[:])
		if err != nil {
			return err
		}
		for _, n := range loose {
			if err := deleteBlob(w.ctx, w.tx, n); err != nil {
				return err
			}
			w.erased = true
		}
	}
	return nil
}

func scanHash(rows *sqlite.Rows, hash *firsthand.ID) error {
	var b sql.RawBytes
	err := rows.Scan(&b)
	copy(hash[:], b)
	return err
}

// checkBlobs reads all blobs, part by part.
func checkBlobs(ctx context.Context, tx *sqlite.Tx) error {
	all, err := listIn(ctx, tx, scanBlobRow, `SELECT n, hash, size FROM blob WHERE hash IS NOT NULL ORDER BY n`)
	if err != nil {
		return err
	}
	for _, b := range all {
		check := newBlobCheck(b)
		rows, err := tx.QueryContext(ctx, `SELECT data FROM blob_part WHERE id BETWEEN ? AND ? ORDER BY id`, b.n*blobParts, (b.n+1)*blobParts-1)
		if err != nil {
			return err
		}
		for rows.Next() {
			var part sql.RawBytes
			if err := rows.Scan(&part); err != nil {
				return err
			}
			check.add(part)
		}
		if err := errors.Join(rows.Err(), check.end()); err != nil {
			return err
		}
	}
	return nil
}

var _ agent.MailStore = (*Store)(nil)
