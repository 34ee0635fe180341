package firsthand

import (
	"encoding/base64"
	"fmt"
	"strings"

	"firsthand/fault"
)

// b64 is base64url without padding that refuses stray bits in the last
// character. It still skips line breaks, which decode refuses itself; so each
// byte string has exactly one spelling.
var b64 = base64.RawURLEncoding.Strict()

// decode fills dst, whose length must fit exactly, from its one base64url
// spelling (RFC 4648, section 5).
func decode(dst []byte, src string) error {
	if len(src) != b64.EncodedLen(len(dst)) {
		return fmt.Errorf("%d characters of base64url, want %d", len(src), b64.EncodedLen(len(dst)))
	}
	if strings.ContainsAny(src, "\r\n") {
		return fmt.Errorf("line break in base64url")
	}
	_, err := b64.Decode(dst, []byte(src))
	return err
}

// An ID names an entry: SHA-256 over "firsthand-entry-v1" and its signing
// input. The ID of first's open is also the ID of the relationship.
type ID [32]byte

// IsZero reports whether id is absent. No entry has the zero ID.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the base64url spelling, or "" for the zero ID.
func (id ID) String() string {
	if id.IsZero() {
		return ""
	}
	return b64.EncodeToString(id[:])
}

// ParseID is the inverse of String. Its errors are [fault.Invalid].
func ParseID(s string) (id ID, err error) {
	if s == "" {
		return id, nil
	}
	if err := decode(id[:], s); err != nil || id.IsZero() {
		return ID{}, fault.Refuse(fault.Invalid, "entry-id", "an id is 43 characters of base64url")
	}
	return id, nil
}

// MarshalText implements [encoding.TextMarshaler].
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// A Side is one of the two parties of a relationship. First opens it and
// proffers terms; second answers. The bare words "first party" are avoided:
// advertising uses them for the opposite.
type Side string

const (
	First  Side = "first"
	Second Side = "second"
)

// Other returns the side across.
func (s Side) Other() Side {
	if s == First {
		return Second
	}
	return First
}

func (s Side) index() int {
	if s == First {
		return 0
	}
	return 1
}

// A Head names the last entry of a log: its sequence number, from 1, and ID.
// The zero Head is that of an empty log.
type Head struct {
	Seq int64 `json:"seq"`
	ID  ID    `json:"id"`
}
