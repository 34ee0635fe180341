package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"

	"firsthand/internal/sqlite"
)

// A mark is a random value that stands in the database and in a file beside it
// which backups don't have. While both agree, the database is the one that this
// folder had when it was last closed. Where they don't, it was restored or
// copied: it may lack entries that were signed, and must not sign others in
// their place.
type mark [32]byte

func newMark() (m mark) {
	rand.Read(m[:]) // never fails
	return m
}

// file returns m as it stands in its file: one line of text.
func (m mark) file() []byte { return []byte(base64.RawURLEncoding.EncodeToString(m[:]) + "\n") }

func (m mark) write(ctx context.Context, tx *sqlite.Tx) error {
	return writeOwn(ctx, tx, "instance", m[:])
}

// recognise compares the marks. Where they differ it does the following, in this
// order:
//
//  1. in one transaction, all paired relationships are marked, so that nothing is
//     signed in them before the company was asked; the book of next keys is
//     emptied, since some may have been used after the backup, and a hash used
//     twice would link two companies; mails that wait are such as may have left;
//     and the database gets a new mark;
//  2. the mark's file is written.
//
// A crash before the first leaves it to be done. A crash between the two leaves
// marks that differ: both are done again, and nothing was signed meanwhile. A
// file that can't be written is an error for that reason: every start would
// find the file restored.
func (s *Store) recognise(ctx context.Context) error {
	beside, err := readFile(s.files, s.path(instanceName), 1<<10)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var within []byte
	err = s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		within, err = readOwn(ctx, tx, "instance")
		return err
	})
	if err != nil {
		return err
	}
	if len(within) == len(mark{}) && bytes.Equal(beside, mark(within).file()) {
		return nil
	}
	s.noticed = true
	fresh := newMark()
	if testOnlyBugs.markApart {
		if err := s.db.Update(ctx, func(tx *sqlite.Tx) error { return fresh.write(ctx, tx) }); err != nil {
			return err
		}
		if err := writeFile(s.files, s.path(instanceName), fresh.file()); err != nil {
			return err
		}
	}
	err = s.db.Update(ctx, func(tx *sqlite.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE outbox SET restored = 1 WHERE paired = 1`); err != nil {
			return err
		}
		// What waits here may have left since: it is looked for before it is sent.
		if _, err := tx.ExecContext(ctx, `UPDATE mail SET state = 'sending', next_try = '' WHERE state = 'waiting'`); err != nil {
			return err
		}
		if !testOnlyBugs.bookStays {
			if err := emptyTheBook(ctx, tx); err != nil {
				return err
			}
		}
		return fresh.write(ctx, tx)
	})
	if err != nil {
		return err
	}
	return writeFile(s.files, s.path(instanceName), fresh.file())
}

// emptyTheBook makes sure that no next key which is in the book is ever used.
func emptyTheBook(ctx context.Context, tx *sqlite.Tx) error {
	_, err := tx.ExecContext(ctx, `UPDATE label SET used = 1 WHERE used = 0`)
	return err
}
