package store

import (
	"context"
	"io"
	"slices"

	"firsthand/fault"
	"firsthand/internal/sqlite"
)

// Openers says what opens the file, beside the recovery kit.
func (s *Store) Openers(ctx context.Context) (passphrase, keyFile bool, err error) {
	list, err := s.recipients(ctx)
	for _, r := range list {
		passphrase = passphrase || r.kind == kindPassphrase
		keyFile = keyFile || r.kind == kindKeyFile
	}
	return passphrase, keyFile, err
}

func (s *Store) recipients(ctx context.Context) (list []recipient, err error) {
	err = s.db.View(ctx, func(tx *sqlite.Tx) (err error) {
		list, err = readRecipients(ctx, tx)
		return err
	})
	return list, err
}

// SetPassphrase lets a passphrase open the file, in place of the one that did;
// nil takes it away. Backups made before open by the old one.
func (s *Store) SetPassphrase(ctx context.Context, text []byte) error {
	if text == nil {
		return s.setOpener(ctx, recipient{kind: kindPassphrase})
	}
	r, err := newPassphrase(text)
	if err != nil {
		return err
	}
	return s.setOpener(ctx, r)
}

// SetKeyFile lets the key file with the given public half open the file, in place
// of the one that did; "" takes it away.
func (s *Store) SetKeyFile(ctx context.Context, public string) error {
	if public == "" {
		return s.setOpener(ctx, recipient{kind: kindKeyFile})
	}
	r, err := parseRecipient(kindKeyFile, public)
	if err != nil {
		return err
	}
	return s.setOpener(ctx, r)
}

// SetKit makes a new recovery kit the one that opens the file, because the old
// one was lost. The book of next keys, which were the old one's, is emptied. What
// the old kit has signed for, the next rotation of each relationship, only the
// old kit can make; backups made before open by the old one.
func (s *Store) SetKit(ctx context.Context, public string) error {
	r, err := parseRecipient(kindKit, public)
	if err != nil {
		return err
	}
	return s.setOpener(ctx, r)
}

// setOpener puts r in the place of the recipient of its kind; one without text
// only takes that away.
func (s *Store) setOpener(ctx context.Context, r recipient) error {
	s.openers.Lock()
	defer s.openers.Unlock()
	list, err := s.recipients(ctx)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(old recipient) bool { return old.kind == r.kind })
	if r.text != "" {
		list = append(list, r)
	}
	if err := checkRecipients(list); err != nil {
		return err
	}
	return s.writeSidecar(ctx, list, r.kind == kindKit)
}

// CheckKit returns an error of the kind Denied unless k is the kit of this file.
func (s *Store) CheckKit(ctx context.Context, k Kit) error {
	if _, err := k.identity(); err != nil {
		return err
	}
	list, err := s.recipients(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(r recipient) bool { return r.kind == kindKit && r.text == k.Recipient() }) {
		return fault.Tell(fault.Denied, "this recovery kit is not the one of your file", "look for the kit that was made last")
	}
	return nil
}

// Encrypt encrypts what is written to the result for her, and writes it to w;
// Close writes the end. [Decrypt] reads it, and so does the age command, by the
// passphrase or the kit. The key file is left out: it lies on the machine, and
// what is kept elsewhere shall not open by what is stolen with it.
func (s *Store) Encrypt(ctx context.Context, w io.Writer) (io.WriteCloser, error) {
	enc, _, err := s.encryptAway(ctx, w)
	return enc, err
}

func (s *Store) encryptAway(ctx context.Context, w io.Writer) (io.WriteCloser, Opener, error) {
	list, err := s.recipients(ctx)
	if err != nil {
		return nil, nil, err
	}
	return encrypt(w, slices.DeleteFunc(list, func(r recipient) bool { return r.kind == kindKeyFile }))
}
