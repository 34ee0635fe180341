package store

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"

	"filippo.io/age"
	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"firsthand/fault"
)

// How a passphrase opens an age file. age's own passphrase files have no public
// half: to encrypt for a passphrase takes the passphrase. So when one is set, an
// X25519 identity B is made for it. The text of B, AGE-SECRET-KEY-1…, is
// encrypted with ChaCha20-Poly1305 (RFC 8439) under the key that Argon2id
// (RFC 9106) derives from the passphrase and a random salt of 16 bytes; the nonce
// is zero, since salt and so key are used once; additional data is the stanza's
// name. The result is the same in all files, and stands in each header:
//
//	-> firsthand-passphrase PASSES MEMORY THREADS SALT
//	B, encrypted
//
// with decimal numbers, memory in KiB, and the salt in base64 without padding.
// Beside it stands an ordinary X25519 stanza for B. Encrypting needs both and
// not the passphrase. Decrypting takes the passphrase to B, and B, as age itself
// would, to the file.
const stanzaType = "firsthand-passphrase"

const saltSize = 16

// MinPassphrase is how many characters a passphrase has at least. Whether one is
// good is for a page to judge while she types it.
const MinPassphrase = 8

// A cost is what one guess at a passphrase costs.
type cost struct {
	passes  uint32
	memory  uint32 // KiB
	threads uint8
}

// guessCost is the cost of new passphrases: the second recommended option of RFC
// 9106, section 4. Tests make it cheaper.
var guessCost = cost{passes: 3, memory: 64 << 10, threads: 4}

// maxCost bounds what a file may ask for: who can write to the disk must not be
// able to make opening take all memory, or for ever.
var maxCost = cost{passes: 16, memory: 1 << 20, threads: 16}

func (c cost) check() error {
	if c.passes < 1 || c.threads < 1 || c.memory < 8*uint32(c.threads) ||
		c.passes > maxCost.passes || c.memory > maxCost.memory || c.threads > maxCost.threads {
		return fault.Tell(fault.Invalid, "the file asks for an absurd effort to check the passphrase", "somebody has changed it: open it with the recovery kit, or restore a backup")
	}
	return nil
}

// Passphrase returns the Opener that is a passphrase, exactly as typed.
func Passphrase(text []byte) Opener { return passphrase{text: text} }

type passphrase struct {
	hidden
	text []byte
}

func (p passphrase) identity() (age.Identity, error) { return p, nil }
func (passphrase) name() string                      { return "passphrase" }

// newPassphrase returns the recipient of a new passphrase.
func newPassphrase(text []byte) (recipient, error) {
	if !utf8.Valid(text) || utf8.RuneCount(text) < MinPassphrase {
		return recipient{}, fault.Tell(fault.Invalid, fmt.Sprintf("a passphrase has at least %d characters", MinPassphrase), "four or five words that have nothing to do with each other are good")
	}
	b, err := age.GenerateX25519Identity()
	if err != nil {
		return recipient{}, err
	}
	s := &sealed{cost: guessCost, salt: make([]byte, saltSize), public: b.Recipient()}
	if _, err := rand.Read(s.salt); err != nil {
		return recipient{}, err
	}
	aead, err := chacha20poly1305.New(s.key(text))
	if err != nil {
		return recipient{}, err
	}
	s.text = aead.Seal(nil, make([]byte, chacha20poly1305.NonceSize), []byte(b.String()), []byte(stanzaType))
	return recipient{kindPassphrase, s.String(), s}, nil
}

// sealed is the public half of a passphrase: B encrypted, and B's public key.
type sealed struct {
	cost   cost
	salt   []byte
	text   []byte // of B, encrypted
	public *age.X25519Recipient
}

// Wrap implements [age.Recipient].
func (s *sealed) Wrap(key []byte) ([]*age.Stanza, error) {
	stanzas, err := s.public.Wrap(key)
	return append(stanzas, &age.Stanza{Type: stanzaType, Args: s.args(), Body: s.text}), err
}

// key derives the key under which B is encrypted.
func (s *sealed) key(passphrase []byte) []byte {
	key := argon2.IDKey(passphrase, s.salt, s.cost.passes, s.cost.memory, s.cost.threads, chacha20poly1305.KeySize)
	// Else those megabytes stay with the process until it has used as many again.
	debug.FreeOSMemory()
	return key
}

var b64 = base64.RawStdEncoding.Strict()

func (s *sealed) args() []string {
	return []string{fmt.Sprint(s.cost.passes), fmt.Sprint(s.cost.memory), fmt.Sprint(s.cost.threads), b64.EncodeToString(s.salt)}
}

// String returns the stanza's arguments, its body, and B's public key, between
// spaces.
func (s *sealed) String() string {
	return strings.Join(append(s.args(), b64.EncodeToString(s.text), s.public.String()), " ")
}

// parseSealed is the inverse of String.
func parseSealed(text string) (*sealed, error) {
	fields := strings.Split(text, " ")
	if len(fields) != 6 {
		return nil, errStanza
	}
	body, err := b64.DecodeString(fields[4])
	if err != nil {
		return nil, errStanza
	}
	s, err := parseStanza(&age.Stanza{Args: fields[:4], Body: body})
	if err != nil {
		return nil, err
	}
	if s.public, err = age.ParseX25519Recipient(fields[5]); err != nil || s.String() != text {
		return nil, errStanza
	}
	return s, nil
}

var errStanza = fault.Tell(fault.Invalid, "the file's header is damaged where the passphrase opens it", "open it with the recovery kit, or restore a backup")

// parseStanza reads a stanza, all of which comes from outside. The result has no
// public key.
func parseStanza(from *age.Stanza) (*sealed, error) {
	if len(from.Args) != 4 || len(from.Body) > 1024 {
		return nil, errStanza
	}
	var n [3]uint64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(from.Args[i], 10, 32); err != nil || strconv.FormatUint(n[i], 10) != from.Args[i] {
			return nil, errStanza
		}
	}
	s := &sealed{cost: cost{uint32(n[0]), uint32(n[1]), uint8(min(n[2], 255))}, text: from.Body}
	if err := s.cost.check(); err != nil {
		return nil, err
	}
	var err error
	if s.salt, err = b64.DecodeString(from.Args[3]); err != nil || len(s.salt) != saltSize || strings.ContainsAny(from.Args[3], "\r\n") {
		return nil, errStanza
	}
	return s, nil
}

var errWrongPassphrase = errors.New("not the passphrase")

// Unwrap implements [age.Identity].
func (p passphrase) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	var found *age.Stanza
	for _, s := range stanzas {
		if s.Type != stanzaType {
			continue
		}
		if found != nil {
			return nil, errStanza // a file has one; a check costs too much to make many
		}
		found = s
	}
	if found == nil {
		return nil, age.ErrIncorrectIdentity
	}
	s, err := parseStanza(found)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.New(s.key(p.text))
	if err != nil {
		return nil, err
	}
	text, err := aead.Open(nil, make([]byte, chacha20poly1305.NonceSize), s.text, []byte(stanzaType))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errWrongPassphrase, age.ErrIncorrectIdentity)
	}
	b, err := age.ParseX25519Identity(string(text))
	if err != nil {
		return nil, errStanza
	}
	return b.Unwrap(stanzas)
}
