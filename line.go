package firsthand

import (
	"bytes"

	"firsthand/fault"
)

// AppendLine appends e as it travels and as bundles keep it, one line of text:
// the signed text, and if e has its body a space, the salt in base64url, a space,
// and the body's bytes. There is no other form in which entries are exchanged.
func (e *Entry) AppendLine(b []byte) []byte {
	b = append(b, e.Signed...)
	if e.HasBody() {
		b = append(b, ' ')
		b = b64.AppendEncode(b, e.Salt)
		b = append(b, ' ')
		b = append(b, e.Body...)
	}
	return append(b, '\n')
}

// ParseLine reads one line, without its line feed. Like ParseEntry it doesn't
// check the signature; it does check that the body is the one committed to. The
// entry keeps line's memory. Errors are [fault.Invalid] with the rule's name.
func ParseLine(line []byte) (Entry, error) {
	signed, rest, hasBody := bytes.Cut(line, []byte{' '})
	e, err := ParseEntry(signed)
	if err != nil || !hasBody {
		return e, err
	}
	salt, body, ok := bytes.Cut(rest, []byte{' '})
	if !ok || len(body) == 0 {
		return Entry{}, fault.Refuse(fault.Invalid, "line-form", "a line is an entry, or an entry, a salt and a body")
	}
	e.Salt = make([]byte, 32)
	if err := decode(e.Salt, string(salt)); err != nil {
		return Entry{}, fault.Refuse(fault.Invalid, "body-salt", "a salt is 43 characters of base64url")
	}
	e.Body = body
	if err := e.checkBody(); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// ParseLines reads lines as AppendLine wrote them, each ending in a line feed.
func ParseLines(text []byte) (entries []Entry, err error) {
	for len(text) > 0 {
		line, rest, ok := bytes.Cut(text, []byte{'\n'})
		if !ok {
			return nil, fault.Refuse(fault.Invalid, "line-form", "the last line has no end")
		}
		e, err := ParseLine(line)
		if err != nil {
			return nil, err
		}
		entries, text = append(entries, e), rest
	}
	return entries, nil
}
