package store

import (
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"firsthand/fault"
)

// An Opener is what opens her file and whatever was encrypted for her: the
// [Passphrase], a [KeyFile], or the recovery [Kit].
//
// Everything that is encrypted for her is an age file (age-encryption.org/v1).
// Kit and key file are X25519 identities as age itself makes them, so the age
// command opens all of it: none of hers needs this program to be read.
type Opener interface {
	// identity returns what age decrypts with. Its errors are for a person.
	identity() (age.Identity, error)
	// name is what a person calls it.
	name() string
}

// Decrypt returns what was encrypted for her in src. If o is not one of the
// openers it was encrypted for, or src is no encrypted file, the error is a
// [fault.Notice]. Reading on, an error says that src was damaged or cut off: what
// came before is as it was written, but is not all of it.
func Decrypt(src io.Reader, o Opener) (io.Reader, error) {
	if o == nil {
		return nil, fault.Tell(fault.Invalid, "nothing to open the file with", "give the passphrase, a key file or the recovery kit")
	}
	identity, err := o.identity()
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(src, identity)
	switch {
	case err == nil:
		return r, nil
	case errors.Is(err, errWrongPassphrase):
		return nil, fault.Tell(fault.Denied, "this is not the passphrase",
			"look at caps lock and the keyboard's layout; where it is forgotten, the recovery kit opens the file")
	case errors.Is(err, age.ErrIncorrectIdentity):
		return nil, fault.Tell(fault.Denied, "the "+o.name()+" does not open this file",
			"it opens by another one, or by another opener: passphrase, key file or recovery kit")
	}
	if _, ok := errors.AsType[*fault.Notice](err); ok {
		return nil, err
	}
	return nil, errNotEncrypted // without err, which repeats how the file begins: it may be a secret
}

var errNotEncrypted = fault.Tell(fault.Invalid, "this is no file that was encrypted for you, or it is damaged", "look whether it is the right file, and complete")

// encrypt encrypts what is written to the result for all recipients, and writes
// it to dst; Close writes the end. readBack opens this one file and no other:
// with it, whoever wrote the file can look whether it can be read.
func encrypt(dst io.Writer, recipients []recipient) (w io.WriteCloser, readBack Opener, err error) {
	if len(recipients) == 0 {
		return nil, nil, errors.New("encrypt: for nobody")
	}
	all := &everybody{recipients: recipients}
	if w, err = age.Encrypt(dst, all); err != nil {
		return nil, nil, fmt.Errorf("encrypt: %w", err)
	}
	return w, knownKey{key: all.key}, nil
}

// everybody is several recipients in one, which remembers the key it wrapped.
type everybody struct {
	recipients []recipient
	key        []byte
}

func (a *everybody) Wrap(key []byte) (stanzas []*age.Stanza, err error) {
	a.key = append([]byte(nil), key...)
	for _, r := range a.recipients {
		s, err := r.wrap.Wrap(key)
		if err != nil {
			return nil, err
		}
		stanzas = append(stanzas, s...)
	}
	return stanzas, nil
}

// knownKey is the Opener of one file, by the key that age made for it.
type knownKey struct {
	hidden
	key []byte
}

func (k knownKey) identity() (age.Identity, error) { return age.NewInjectedFileKeyIdentity(k.key), nil }
func (knownKey) name() string                      { return "key of the file" }

// hidden, embedded in what is secret, keeps it out of everything that is printed
// or logged.
type hidden struct{}

// Format implements [fmt.Formatter], for every verb.
func (hidden) Format(s fmt.State, _ rune) { io.WriteString(s, "hidden") } // fmt ignores errors too

// MarshalText implements [encoding.TextMarshaler].
func (hidden) MarshalText() ([]byte, error) { return []byte("hidden"), nil }

// A recipient is the public half of an opener. With it, things are encrypted for
// the opener without having it: so a backup is made at night, when nobody types
// a passphrase. Recipients are in the database and nowhere else: whoever may
// write to the disk can't add one of his own.
type recipient struct {
	kind kind
	text string // age1… for kit and key file; see passphrase.go
	wrap age.Recipient
}

// A kind says whose public half a recipient is.
type kind string

const (
	kindPassphrase kind = "passphrase"
	kindKeyFile    kind = "keyfile"
	kindKit        kind = "kit"
)

// parseRecipient returns the recipient that text spells.
func parseRecipient(k kind, text string) (recipient, error) {
	if k == kindPassphrase {
		p, err := parseSealed(text)
		if err != nil {
			return recipient{}, fmt.Errorf("recipient of a passphrase: %w", err)
		}
		return recipient{k, text, p}, nil
	}
	x, err := age.ParseX25519Recipient(text)
	if err != nil || x.String() != text {
		return recipient{}, fault.Tell(fault.Invalid, "this is no public key of a "+map[kind]string{kindKit: "recovery kit", kindKeyFile: "key file"}[k], "it begins with age1")
	}
	return recipient{k, text, x}, nil
}
