package store

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"firsthand"
	"firsthand/fault"
)

// Restore puts the backup at path into dir, in which there must be no file of a
// customer. It returns what the backup says of itself. What is damaged, cut off
// or from elsewhere is refused, and then dir has nothing new in it but a lock.
//
// That the backup is an old one nobody can see who has only the backup: Open
// takes every restored file for one, and has the companies asked.
func Restore(ctx context.Context, path, dir string, o Opener) (Manifest, error) {
	return restore(ctx, osFiles{}, path, dir, o)
}

// restore does this, in this order. A crash before the second step of install
// leaves nothing that counts, and Restore can be called again.
//
//  1. the database is unpacked as a temporary file;
//  2. it is opened, read whole, and compared with the manifest;
//  3. install.
func restore(ctx context.Context, f files, path, dir string, o Opener) (m Manifest, err error) {
	src, _, err := f.open(path)
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	defer src.Close() // only read
	lock, err := prepareFolder(f, dir)
	if err != nil {
		return m, err
	}
	s := &Store{files: f, dir: dir}
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore: %w", err)
		}
		err = errors.Join(err, removeTemporary(f, dir), lock.Close())
	}()
	u, err := unpack(ctx, f, src, o, s.path(draftName))
	if err != nil {
		return m, err
	}
	if s.key, err = unwrap(u.wrapped, o); err != nil {
		return m, bad(err)
	}
	if u.manifest.Schema > len(schema()) {
		return m, fault.Tell(fault.Invalid, "the backup was made by a newer version of this program", "use that version")
	}
	found, err := survey(ctx, s.options(draftName))
	if err == nil {
		err = found.sameContent(u.manifest)
	}
	if fault.KindOf(err) == fault.Unavailable {
		return m, err // the disk is full, or we were stopped: that is not the backup's fault
	}
	if err != nil {
		return m, bad(err)
	}
	return u.manifest, install(f, dir, draftName, u.wrapped)
}

var errBackup = fault.Tell(fault.Invalid, "this is no backup, or it is damaged", "nothing was restored; try another backup. What firsthand export has written is taken over by firsthand import")

// unpacked is what a backup held.
type unpacked struct {
	manifest Manifest
	wrapped  []byte
}

// unpack reads a backup to its end and writes its database to a file named db.
// Nothing of it counts if there is an error.
func unpack(ctx context.Context, f files, src io.Reader, o Opener, db string) (u unpacked, err error) {
	plain, err := Decrypt(&reader{ctx, src}, o)
	if errors.Is(err, errNotEncrypted) {
		err = bad(err)
	}
	if err == nil {
		err = u.read(f, plain, db)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return u, errors.Join(err, removeAll(f, db))
	}
	return u, nil
}

// bad returns the error of a backup that can't be right because of err.
func bad(err error) error {
	if errors.Is(err, errBackup) {
		return err // said already
	}
	return fmt.Errorf("%w: %w", errBackup, err)
}

// untrusted is a reader whose errors say that the backup is bad; those of where
// it is written to don't.
type untrusted struct{ io.Reader }

func (u untrusted) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = bad(err)
	}
	return n, err
}

func (u *unpacked) read(f files, plain io.Reader, db string) error {
	archive := tar.NewReader(untrusted{plain})
	text, err := small(archive, manifestName, maxManifest)
	if err != nil {
		return err
	}
	if err := firsthand.ParseJSON(text, &u.manifest); err != nil {
		return bad(err)
	}
	if u.manifest.Format != manifestFormat {
		return bad(fmt.Errorf("its format is %q", u.manifest.Format))
	}
	size, err := next(archive, dbName)
	if err != nil {
		return err
	}
	if size != u.manifest.Size {
		return bad(fmt.Errorf("the database has %d bytes, want %d", size, u.manifest.Size))
	}
	sum := sha256.New()
	err = writeDraft(f, db, func(w io.Writer) error {
		_, err := io.Copy(io.MultiWriter(w, sum), untrusted{archive})
		return err
	})
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != u.manifest.SHA256 && !testOnlyBugs.noHash {
		return bad(fmt.Errorf("the database has SHA-256 %s, want %s", got, u.manifest.SHA256))
	}
	if u.wrapped, err = small(archive, keyName, maxSidecar); err != nil {
		return err
	}
	if _, err := archive.Next(); err == nil {
		return bad(errors.New("more files than a backup has"))
	} else if err != io.EOF {
		return bad(err)
	}
	// What follows the archive is nothing, but only at its end does age say that
	// nothing was cut off.
	_, err = io.Copy(io.Discard, untrusted{plain})
	return err
}

// next goes to the next file of an archive, which must have the given name.
func next(archive *tar.Reader, name string) (size int64, err error) {
	h, err := archive.Next()
	if err != nil {
		return 0, bad(fmt.Errorf("%s: %w", name, err))
	}
	if h.Name != name || h.Typeflag != tar.TypeReg {
		return 0, bad(fmt.Errorf("%q where %s belongs", h.Name, name))
	}
	return h.Size, nil
}

// small returns the content of the next file of an archive.
func small(archive *tar.Reader, name string, max int64) ([]byte, error) {
	size, err := next(archive, name)
	if err != nil {
		return nil, err
	}
	if size > max {
		return nil, bad(fmt.Errorf("%s has %d bytes", name, size))
	}
	return io.ReadAll(untrusted{archive})
}
