package firsthand

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"

	"filippo.io/edwards25519"

	"firsthand/fault"
)

// A PublicKey is an Ed25519 public key (RFC 8032). One from outside is worth
// nothing until Check has passed.
type PublicKey [32]byte

// String returns the base64url spelling, or "" for the zero key.
func (k PublicKey) String() string { return ID(k).String() }

// IsZero reports whether k is absent.
func (k PublicKey) IsZero() bool { return k == PublicKey{} }

// MarshalText implements [encoding.TextMarshaler].
func (k PublicKey) MarshalText() ([]byte, error) { return ID(k).MarshalText() }

// UnmarshalText implements [encoding.TextUnmarshaler]. It does not Check.
func (k *PublicKey) UnmarshalText(text []byte) error { return (*ID)(k).UnmarshalText(text) }

// orderMinus1 is ℓ−1, the negation of 1 modulo the order of the base point.
var orderMinus1 = edwards25519.NewScalar().Negate(scalarOne())

func scalarOne() *edwards25519.Scalar {
	one, err := edwards25519.NewScalar().SetCanonicalBytes(append([]byte{1}, make([]byte, 31)...))
	if err != nil {
		panic(err) // 1 is canonical
	}
	return one
}

// Check refuses keys with which a signature proves nothing: those not in
// canonical form, of small order, or of mixed order. crypto/ed25519 accepts
// them all; with the identity as key one signature fits every message, so that
// its owner could disown whatever it signed. Errors are [fault.Invalid] with
// rule key-canonical, key-small-order or key-mixed-order.
func (k PublicKey) Check() error {
	p, err := new(edwards25519.Point).SetBytes(k[:])
	if err != nil || PublicKey(p.Bytes()) != k {
		return fault.Refuse(fault.Invalid, "key-canonical", "the key is not the canonical encoding of a point")
	}
	if new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return fault.Refuse(fault.Invalid, "key-small-order", "the key is a point of small order")
	}
	// A point of the prime-order group, and no other, has (ℓ−1)P = −P.
	if new(edwards25519.Point).ScalarMult(orderMinus1, p).Equal(new(edwards25519.Point).Negate(p)) != 1 {
		return fault.Refuse(fault.Invalid, "key-mixed-order", "the key is a point of mixed order")
	}
	return nil
}

// verify reports whether sig is k's over message. Only one encoding of a
// signature verifies: crypto/ed25519 refuses S ≥ ℓ.
func (k PublicKey) verify(message, sig []byte) bool {
	return ed25519.Verify(k[:], message, sig)
}

// A KeyHash commits to a key that is not shown yet: SHA-256 over
// "firsthand-next-v1" and the public key.
type KeyHash = ID

// Hash returns what open and rotate say of k while k is a next key.
func (k PublicKey) Hash() KeyHash {
	return sha256.Sum256(append([]byte("firsthand-next-v1"), k[:]...))
}

// A Signer holds a private key. It has one method for each thing that may be
// signed, each under a header or tag of its own, so that what is signed for one
// purpose is never valid for another. It is safe for concurrent use.
type Signer struct {
	private ed25519.PrivateKey
	public  PublicKey
}

// NewSigner makes a fresh key from 32 bytes of rand.
func NewSigner(rand io.Reader) (*Signer, error) {
	var seed [32]byte
	if _, err := io.ReadFull(rand, seed[:]); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return SignerFromSeed(seed), nil
}

// SignerFromSeed returns the Signer with the given RFC 8032 private key.
func SignerFromSeed(seed [32]byte) *Signer {
	s := &Signer{private: ed25519.NewKeyFromSeed(seed[:])}
	copy(s.public[:], s.private[32:])
	return s
}

// Public returns the key that verifies what s signs.
func (s *Signer) Public() PublicKey { return s.public }

// Seed returns the private key, for storing it.
func (s *Signer) Seed() (seed [32]byte) {
	copy(seed[:], s.private)
	return seed
}

// String hides the private key.
func (s Signer) String() string { return "signer of " + s.public.String() }

// Format hides it too, whatever the verb.
func (s Signer) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// NextKey derives a customer's next key from her recovery kit: the Ed25519 key
// whose seed is HKDF-SHA256 (RFC 5869) with the kit's text as secret, no salt,
// and "firsthand-next-key-v1" and the label as info.
//
// The label stands in the body of open and rotate, so kit and logs suffice to
// find the key again; it is random, so that two companies see nothing in common.
func NextKey(kit string, label Label) *Signer {
	seed, err := hkdf.Key(sha256.New, []byte(kit), nil, "firsthand-next-key-v1"+string(label[:]), 32)
	if err != nil {
		panic(err) // 32 bytes are within HKDF's limit
	}
	return SignerFromSeed([32]byte(seed))
}

// A Label names a next key among those that a kit can derive.
type Label [16]byte

// String returns the base64url spelling, or "" for the zero Label.
func (l Label) String() string {
	if l == (Label{}) {
		return ""
	}
	return b64.EncodeToString(l[:])
}

// MarshalText implements [encoding.TextMarshaler].
func (l Label) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *Label) UnmarshalText(text []byte) error {
	*l = Label{}
	if len(text) == 0 {
		return nil
	}
	if err := decode(l[:], string(text)); err != nil {
		return fault.Refuse(fault.Invalid, "body-form", "a label is 22 characters of base64url")
	}
	return nil
}

// sign is the only use of the private key.
func (s *Signer) sign(message []byte) []byte { return ed25519.Sign(s.private, message) }
