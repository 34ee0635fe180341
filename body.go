package firsthand

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"unicode/utf8"

	"firsthand/fault"
)

// commit returns the commitment to a body: SHA-256 over "firsthand-body-v1",
// the salt and the body's bytes. Without the salt, which is erased with the
// body, a commitment to a birth date would be the birth date.
func commit(salt, body []byte) ID {
	h := sha256.New()
	h.Write([]byte("firsthand-body-v1"))
	h.Write(salt)
	h.Write(body)
	return ID(h.Sum(nil))
}

// NewSalt returns 32 fresh bytes of rand.
func NewSalt(rand io.Reader) ([]byte, error) {
	salt := make([]byte, 32)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return nil, fmt.Errorf("make salt: %w", err)
	}
	return salt, nil
}

// HasBody reports whether e's body is at hand, and not erased.
func (e *Entry) HasBody() bool { return e.Body != nil }

// WithoutBody returns e as it is kept after its body was erased.
func (e Entry) WithoutBody() Entry {
	e.Salt, e.Body = nil, nil
	return e
}

// checkBody refuses a body that is not the one committed to, or that can't be
// carried: one line of UTF-8 of at most MaxBody bytes. What the line says is
// judged by the fold, which flags but never refuses.
func (e *Entry) checkBody() error {
	switch {
	case !e.HasBody():
		return nil
	case len(e.Body) > MaxBody:
		return fault.Refuse(fault.Invalid, "body-size", "%d bytes, at most %d", len(e.Body), MaxBody)
	case len(e.Salt) != 32 || [32]byte(e.Salt) == [32]byte{}:
		return fault.Refuse(fault.Invalid, "body-salt", "a salt has 32 bytes, and they are random")
	case !utf8.Valid(e.Body) || bytes.ContainsFunc(e.Body, func(r rune) bool { return r < 0x20 }):
		return fault.Refuse(fault.Invalid, "body-line", "a body is one line of UTF-8 without control characters")
	case commit(e.Salt, e.Body) != e.Commitment:
		return fault.Refuse(fault.Invalid, "body-commitment", "the body is not the one the entry commits to")
	}
	return nil
}

// Kind returns the kind that e's body begins with, or "" if the body is erased
// or no body of this protocol.
func (e *Entry) Kind() Kind {
	kind, _ := splitKind(e.Body)
	return kind
}

// splitKind splits {"kind":"message",…} into the kind and what follows it: a
// comma and the other members, or the closing brace.
func splitKind(body []byte) (kind Kind, after []byte) {
	after, ok := bytes.CutPrefix(body, []byte(`{"kind":"`))
	end := bytes.IndexByte(after, '"')
	if !ok || end < 1 || end+1 >= len(after) {
		return "", nil
	}
	for _, b := range after[:end] {
		if (b < 'a' || b > 'z') && b != '.' && b != '_' {
			return "", nil
		}
	}
	kind, after = Kind(after[:end]), after[end+1:]
	if after[0] != ',' && string(after) != "}" {
		return "", nil
	}
	return kind, after
}

// DecodeBody returns what a body says: one of the types of kinds.go. A kind
// that this version doesn't know gives rule kind-unknown, one whose members are
// wrong body-form. All errors are [fault.Invalid].
func DecodeBody(body []byte) (Content, error) {
	kind, after := splitKind(body)
	if kind == "" {
		return nil, fault.Refuse(fault.Invalid, "body-form", `a body begins with {"kind":"…"`)
	}
	k, ok := kinds[kind]
	if !ok {
		return nil, fault.Refuse(fault.Invalid, "kind-unknown", "this version can't read %s", kind)
	}
	members := append([]byte{'{'}, bytes.TrimPrefix(after, []byte{','})...)
	if after[0] == ',' && bytes.HasPrefix(bytes.TrimLeft(members[1:], " \t\r\n"), []byte{'}'}) {
		return nil, fault.Refuse(fault.Invalid, "body-form", "%s: a comma and no member", kind)
	}
	c := k.empty()
	if err := ParseJSON(members, c); err != nil {
		return nil, fault.Refuse(fault.Invalid, "body-form", "%s: %v", kind, err)
	}
	if err := c.check(); err != nil {
		return nil, fault.Refuse(fault.Invalid, "body-form", "%s: %v", kind, err)
	}
	return c, nil
}

// EncodeBody is the inverse of DecodeBody. Its error says what is missing in c.
func EncodeBody(c Content) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fault.Refuse(fault.Invalid, "body-form", "%s: %v", c.Kind(), err)
	}
	members := EncodeJSON(c)
	body := append([]byte(`{"kind":"`+string(c.Kind())+`"`), ',')
	if len(members) == 2 {
		body[len(body)-1] = '}'
	} else {
		body = append(body, members[1:]...)
	}
	if len(body) > MaxBody {
		return nil, fault.Refuse(fault.Invalid, "body-size", "%d bytes, at most %d", len(body), MaxBody)
	}
	// What can be written can be read: a body is never signed that the other
	// side would have to flag.
	if _, err := DecodeBody(body); err != nil {
		return nil, err
	}
	return body, nil
}
