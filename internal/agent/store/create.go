package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"firsthand/fault"
	"firsthand/internal/sqlite"
)

// CreateOptions say what opens a new file. The kit is required, and a passphrase
// or a key file.
type CreateOptions struct {
	Passphrase   []byte // nil: none
	KitRecipient string // [Kit.Recipient]
	KeyFile      string // public half of a key file, as [NewKeyFile] returns it; "": none
}

// Create makes a new file in dir, and opens it. If there is one, it is left alone
// and the error has the kind Conflict.
func Create(ctx context.Context, dir string, o CreateOptions) (*Store, error) {
	return create(ctx, osFiles{}, dir, o)
}

// create does this, in this order. A crash before the second step of install
// leaves nothing that counts, and Create can be called again; after it there is
// a file, which Open takes for a restored one while it has no instance mark: it
// holds nothing that would have to be asked for.
//
//  1. the database is made as a temporary file, with recipients and mark, and
//     closed;
//  2. install;
//  3. the instance mark is written.
func create(ctx context.Context, f files, dir string, o CreateOptions) (_ *Store, err error) {
	list, err := o.recipients()
	if err != nil {
		return nil, err
	}
	lock, err := prepareFolder(f, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{files: f, dir: dir, lock: lock, now: time.Now, key: newKey()}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeTemporary(f, dir), lock.Close())
		}
	}()
	wrapped, readBack, err := wrapKey(s.key, list)
	if err != nil {
		return nil, err
	}
	mark := newMark()
	if err := s.createDraft(ctx, list, wrapped, mark); err != nil {
		return nil, fmt.Errorf("create %s: %w", dir, err)
	}
	if err := install(f, dir, draftName, wrapped); err != nil {
		return nil, fmt.Errorf("create %s: %w", dir, err)
	}
	if err := writeFile(f, s.path(instanceName), mark.file()); err != nil {
		return nil, fmt.Errorf("create %s: %w", dir, err)
	}
	opened, err := openLocked(ctx, f, dir, keepOpen{lock}, readBack)
	if err != nil {
		return nil, err
	}
	opened.lock = lock
	return opened, nil
}

// keepOpen is a lock that openLocked doesn't release: create does.
type keepOpen struct{ io.Closer }

func (keepOpen) Close() error { return nil }

// draftName is that of a database which is not the customer's yet.
const draftName = temporary + "draft.db"

func (s *Store) createDraft(ctx context.Context, list []recipient, wrapped []byte, mark mark) error {
	db, err := sqlite.Create(ctx, s.options(draftName))
	if err != nil {
		return err
	}
	err = db.Update(ctx, func(tx *sqlite.Tx) error {
		if err := writeRecipients(ctx, tx, list, wrapped); err != nil {
			return err
		}
		if err := mark.write(ctx, tx); err != nil {
			return err
		}
		return writeSettled(ctx, tx)
	})
	return errors.Join(err, db.Close())
}

// recipients returns the public halves of what is to open the file.
func (o CreateOptions) recipients() ([]recipient, error) {
	var list []recipient
	kit, err := parseRecipient(kindKit, o.KitRecipient)
	if err != nil {
		return nil, err
	}
	list = append(list, kit)
	if o.Passphrase != nil {
		r, err := newPassphrase(o.Passphrase)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	if o.KeyFile != "" {
		r, err := parseRecipient(kindKeyFile, o.KeyFile)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, checkRecipients(list)
}

// prepareFolder makes dir a folder in which a file can be put, and locks it. It
// refuses one in which there is something of a customer, whatever is missing.
func prepareFolder(f files, dir string) (lock io.Closer, err error) {
	if err := f.prepare(dir); err != nil {
		return nil, fault.Tell(fault.Invalid, "no folder for your file: "+err.Error(), "name a folder that you may make or write to")
	}
	if lock, err = f.lock(dir); err != nil {
		return nil, err
	}
	names, err := f.list(dir)
	for _, name := range names {
		if err == nil && name != keyDraft && (strings.HasPrefix(name, dbName) || strings.HasPrefix(name, keyName) || name == instanceName) {
			err = fault.Tell(fault.Conflict, "there is a file of yours in "+dir+" already: "+name, "use another folder; nothing is ever overwritten")
		}
	}
	if err == nil {
		err = removeTemporary(f, dir)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// install makes a closed draft of a database, and its wrapped key, the customer's
// file. In this order, each step durable before the next:
//
//  1. the wrapped key is written beside its place. A crash leaves a key to
//     nothing, which the next install overwrites;
//  2. the database gets its name. A crash leaves a database whose key is beside
//     its place: finishInstall does the rest;
//  3. the wrapped key gets its name.
//
// So there is never a database without its key.
func install(f files, dir, draft string, wrapped []byte) error {
	if testOnlyBugs.keyLast {
		if err := publish(f, filepath.Join(dir, draft), filepath.Join(dir, dbName)); err != nil {
			return err
		}
		return writeFile(f, filepath.Join(dir, keyName), wrapped)
	}
	err := writeDraft(f, filepath.Join(dir, keyDraft), func(w io.Writer) error {
		_, err := w.Write(wrapped)
		return err
	})
	if err == nil {
		err = f.syncDir(filepath.Join(dir, keyDraft))
	}
	if err != nil {
		return err
	}
	if err := publish(f, filepath.Join(dir, draft), filepath.Join(dir, dbName)); err != nil {
		return err
	}
	return publish(f, filepath.Join(dir, keyDraft), filepath.Join(dir, keyName))
}

// finishInstall does the third step of install, if it is lacking. Where the key
// is in its place, a draft beside it is one of a change that was not finished,
// which mendSidecar takes up again.
func finishInstall(f files, dir string) error {
	there, err := exists(f, filepath.Join(dir, keyName))
	if err != nil {
		return err
	}
	if there {
		return removeAll(f, filepath.Join(dir, keyDraft))
	}
	draft, err := exists(f, filepath.Join(dir, keyDraft))
	if err != nil || !draft {
		return err
	}
	return publish(f, filepath.Join(dir, keyDraft), filepath.Join(dir, keyName))
}
