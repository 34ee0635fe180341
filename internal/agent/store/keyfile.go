package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"firsthand/fault"
	"firsthand/internal/durable"
)

// KeyFile returns the Opener that text, the content of a key file, holds: an
// identity file as age-keygen makes it, with one X25519 identity.
func KeyFile(text string) Opener { return keyFile{text: text} }

type keyFile struct {
	hidden
	text string
}

func (keyFile) name() string { return "key file" }

func (k keyFile) identity() (age.Identity, error) {
	identities, err := age.ParseIdentities(strings.NewReader(k.text))
	if err == nil && len(identities) == 1 {
		if x, ok := identities[0].(*age.X25519Identity); ok {
			return x, nil
		}
	}
	return nil, fault.Tell(fault.Invalid, "this is no key file", "a key file has one line that begins with AGE-SECRET-KEY-1, as age-keygen makes it")
}

// NewKeyFile makes a key: the text of its file, and its public half, age1…, for
// [Store.SetKeyFile].
func NewKeyFile() (text, recipient string, err error) {
	x, err := age.GenerateX25519Identity()
	if err != nil {
		return "", "", err
	}
	recipient = x.Recipient().String()
	return fmt.Sprintf("# Firsthand: key file\n# public key: %s\n%s\n", recipient, x), recipient, nil
}

// WriteSecret writes the text of a kit or of a key file to a new file that only
// its owner may read. It refuses to write into dir, where her file is, or below:
// a copy of the folder would be lock and key in one.
func WriteSecret(path, dir, text string) error {
	in, err := within(path, dir)
	if err != nil {
		return err
	}
	if in {
		return fault.Tell(fault.Denied, "what opens your file must not lie beside it", "name a place outside of "+dir+", best on another medium")
	}
	return durable.Create(path, []byte(text))
}

// within reports whether path lies in dir or below, whatever links lead there.
func within(path, dir string) (bool, error) {
	parent, err := resolve(filepath.Dir(path))
	if err != nil {
		return false, err
	}
	root, err := resolve(dir)
	if err != nil {
		return false, err
	}
	rel, err := filepath.Rel(root, parent)
	if err != nil {
		return false, nil // on another volume
	}
	return rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)), nil
}

// resolve returns the absolute path, without links, of a directory whose last
// parts need not exist yet.
func resolve(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(dir)
	if !os.IsNotExist(err) || dir == filepath.Dir(dir) {
		return real, err
	}
	parent, err := resolve(filepath.Dir(dir))
	return filepath.Join(parent, filepath.Base(dir)), err
}
