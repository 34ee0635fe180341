package gateway

import (
	"errors"
	"fmt"

	"firsthand"
	"firsthand/fault"
)

// Keys are the company's: one pair for all its relationships, replaced from time
// to time. The private key after the current one is not among them; it lies
// where the current one does not.
type Keys struct {
	// Signers are the private keys under which a relationship may still be: the
	// last is the current one, those before it serve until all have moved on.
	Signers []*firsthand.Signer
	// Chain is every key that the company ever had, oldest first, each with the
	// hash of the one after it. The last is the current one.
	Chain []firsthand.ChainKey
	// Save makes other Keys durable in place of these, before they are used. It
	// may be nil, in tests.
	Save func(*Keys) error
	// Load reads them again: another gateway may have replaced them. It may be nil.
	Load func() (*Keys, error)
}

func (k *Keys) check() error {
	if len(k.Signers) == 0 || len(k.Chain) == 0 {
		return fault.Tell(fault.Invalid, "The company has no key.", "Make one: firsthand-gateway init")
	}
	if k.current().Public() != k.Chain[len(k.Chain)-1].Key {
		return fault.Tell(fault.Invalid, "The company's key is not the last one of its chain.",
			"Put the key file and the chain file of one time together.")
	}
	return nil
}

// current returns the key in force.
func (k *Keys) current() *firsthand.Signer { return k.Signers[len(k.Signers)-1] }

// reached returns how many keys of the chain a log has reached whose key in force
// is key; 0 if key is not in the chain.
func (k *Keys) reached(key firsthand.PublicKey) int {
	for i, c := range k.Chain {
		if c.Key == key {
			return i + 1
		}
	}
	return 0
}

// signer returns the private key of public. The error is the operator's: a key
// was thrown away too soon, or the files are of another company.
func (k *Keys) signer(public firsthand.PublicKey) (*firsthand.Signer, error) {
	for _, s := range k.Signers {
		if s.Public() == public {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", errKeyGone, public)
}

var errKeyGone = errors.New("the key file lacks a key under which a relationship still is")

// extended returns k with one more key: next, which the last of the chain has
// committed to, and the hash of the one after it.
func (k *Keys) extended(next *firsthand.Signer, after firsthand.KeyHash) (*Keys, error) {
	last := k.Chain[len(k.Chain)-1]
	switch {
	case next.Public().Hash() != last.Next:
		return nil, fault.Refuse(fault.Invalid, "rotate-next", "the new key is not the one committed to")
	case after.IsZero() || after == last.Next || after == last.Key.Hash():
		return nil, fault.Refuse(fault.Invalid, "rotate-next", "the key after the new one has to be another")
	}
	more := *k
	more.Signers = append(append([]*firsthand.Signer{}, k.Signers...), next)
	more.Chain = append(append([]firsthand.ChainKey{}, k.Chain...), firsthand.ChainKey{Key: next.Public(), Next: after})
	return &more, nil
}
