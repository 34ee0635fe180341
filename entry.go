package firsthand

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"time"

	"firsthand/fault"
)

// Limits of one entry, in bytes.
const (
	MaxEntry = 4 << 10  // the signed text
	MaxBody  = 64 << 10 // what it says
)

// An Entry is one signed element of a log: a compact JWS (RFC 7515) whose
// payload places it and commits to its body. Salt and Body travel beside it and
// are nil when they were erased. Entries are values and never changed.
type Entry struct {
	ID         ID        // SHA-256 over "firsthand-entry-v1" and the signing input
	Rel        ID        // the relationship; zero in its very first entry
	Side       Side      // who wrote it
	Seq        int64     // place in the writer's log, from 1
	Prev       ID        // the writer's entry before; zero in the first
	Seen       Head      // head of the other log that the writer had verified
	At         time.Time // when, as the writer claims; to the minute, UTC
	Commitment ID        // to salt and body

	Signed []byte // the JWS as it came; kept and forwarded, never made again
	Salt   []byte // 32 bytes
	Body   []byte // JSON text that begins with {"kind":
}

// Relationship returns the relationship that e belongs to: Rel, or e's own ID
// if e is the entry that opens it.
func (e *Entry) Relationship() ID {
	if e.Rel.IsZero() {
		return e.ID
	}
	return e.Rel
}

// Head returns the head of the writer's log when e is its last entry.
func (e *Entry) Head() Head { return Head{Seq: e.Seq, ID: e.ID} }

// Size is how many bytes of a batch e takes.
func (e *Entry) Size() int { return len(e.Signed) + len(e.Body) + 64 }

const (
	timeForm = "2006-01-02T15:04:00Z" // RFC 3339, UTC, to the minute
	sigSize  = 64
	sigChars = 86 // base64url of a signature
)

// entryHeader is the one protected header of an entry, as it stands in the JWS.
var entryHeader = header("firsthand-entry+jws")

// header returns the encoded protected header of a JWS of the given type, with
// its dot. The algorithm belongs to the key; it is named and never obeyed.
func header(typ string) string {
	return b64.EncodeToString([]byte(`{"alg":"Ed25519","typ":"`+typ+`"}`)) + "."
}

// splitJWS returns the payload, the signing input and the signature of a
// compact JWS that must begin with exactly the given encoded header. The
// payload is decoded into buf where it fits.
func splitJWS(text []byte, header string, buf []byte) (payload, input, sig []byte, err error) {
	rest, ok := bytes.CutPrefix(text, []byte(header))
	if !ok {
		return nil, nil, nil, fault.Refuse(fault.Invalid, "jws-header", "the protected header is not the one this type has")
	}
	dot := bytes.IndexByte(rest, '.')
	if dot < 0 || len(rest)-dot-1 != sigChars || bytes.ContainsAny(rest, "\r\n") {
		return nil, nil, nil, fault.Refuse(fault.Invalid, "jws-form", "not a compact JWS with an Ed25519 signature")
	}
	n := b64.DecodedLen(dot)
	if n+sigSize > cap(buf) {
		buf = make([]byte, 0, n+sigSize)
	}
	payload, sig = buf[:n], buf[n:n+sigSize]
	if _, err := b64.Decode(payload, rest[:dot]); err != nil {
		return nil, nil, nil, fault.Refuse(fault.Invalid, "jws-form", "payload: %v", err)
	}
	if _, err := b64.Decode(sig, rest[dot+1:]); err != nil {
		return nil, nil, nil, fault.Refuse(fault.Invalid, "jws-form", "signature: %v", err)
	}
	return payload, text[:len(header)+dot], sig, nil
}

// signJWS returns the compact JWS of payload under the encoded header.
func (s *Signer) signJWS(header string, payload []byte) []byte {
	text := make([]byte, 0, len(header)+b64.EncodedLen(len(payload))+1+sigChars)
	text = append(text, header...)
	text = b64.AppendEncode(text, payload)
	sig := s.sign(text)
	text = append(text, '.')
	return b64.AppendEncode(text, sig)
}

// ParseEntry reads the signed text of an entry. It checks everything about the
// entry that needs no other: form, header, members and limits. Signature and
// place are checked by [State.Check]. The result keeps signed. Errors are
// [fault.Invalid] with the rule's name.
func ParseEntry(signed []byte) (Entry, error) {
	if len(signed) > MaxEntry {
		return Entry{}, fault.Refuse(fault.Invalid, "entry-size", "%d bytes, at most %d", len(signed), MaxEntry)
	}
	var buf [640]byte
	payload, input, _, err := splitJWS(signed, entryHeader, buf[:0])
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Signed: signed, ID: entryID(input)}
	if err := e.parsePayload(payload); err != nil {
		return Entry{}, err
	}
	return e, nil
}

func entryID(input []byte) ID {
	var buf [1024]byte
	return sha256.Sum256(append(append(buf[:0], "firsthand-entry-v1"...), input...))
}

// parsePayload reads the one form in which a payload may be written:
//
//	{"v":1,"rel":"…","side":"first","seq":2,"prev":"…","seen":{"seq":1,"id":"…"},"at":"…","body":"…"}
//
// with these members in this order, without white space. So missing, duplicate
// and unknown members can't occur, and nothing can be read in two ways.
func (e *Entry) parsePayload(text []byte) error {
	p := payload{rest: text}
	p.literal(`{"v":`)
	version := p.integer()
	p.literal(`,"rel":"`)
	e.Rel = p.id(true)
	p.literal(`","side":"`)
	e.Side = p.side()
	p.literal(`","seq":`)
	e.Seq = p.integer()
	p.literal(`,"prev":"`)
	e.Prev = p.id(true)
	p.literal(`","seen":{"seq":`)
	e.Seen.Seq = p.integer()
	p.literal(`,"id":"`)
	e.Seen.ID = p.id(true)
	p.literal(`"},"at":"`)
	e.At = p.time()
	p.literal(`","body":"`)
	e.Commitment = p.id(false)
	p.literal(`"}`)
	if p.err == nil && len(p.rest) > 0 {
		p.refuse("entry-payload", "text after the payload")
	}
	if p.err == nil && version != 1 {
		p.refuse("entry-version", "version %d is not 1", version)
	}
	if p.err == nil && e.Seq < 1 {
		p.refuse("entry-integer", "seq counts from 1")
	}
	return p.err
}

// payload is what remains of a text read from left to right, until the first
// error.
type payload struct {
	rest []byte
	err  error
}

func (p *payload) refuse(rule, format string, args ...any) {
	if p.err == nil {
		p.err = fault.Refuse(fault.Invalid, rule, format, args...)
	}
}

func (p *payload) literal(want string) {
	if p.err != nil {
		return
	}
	if len(p.rest) < len(want) || string(p.rest[:len(want)]) != want {
		p.refuse("entry-payload", "want %s", want)
		return
	}
	p.rest = p.rest[len(want):]
}

// until returns the text before the next quotation mark.
func (p *payload) until() []byte {
	if p.err != nil {
		return nil
	}
	i := bytes.IndexByte(p.rest, '"')
	if i < 0 {
		p.refuse("entry-payload", "string without end")
		return nil
	}
	s := p.rest[:i]
	p.rest = p.rest[i:]
	return s
}

func (p *payload) integer() (n int64) {
	i := 0
	for ; i < len(p.rest) && p.rest[i] >= '0' && p.rest[i] <= '9'; i++ {
		if n = n*10 + int64(p.rest[i]-'0'); n > maxInteger {
			p.refuse("entry-integer", "above 2^53-1")
			return 0
		}
	}
	if i == 0 || i > 1 && p.rest[0] == '0' {
		p.refuse("entry-integer", "want an integer in its shortest form")
		return 0
	}
	p.rest = p.rest[i:]
	return n
}

func (p *payload) id(mayBeEmpty bool) (id ID) {
	s := p.until()
	if p.err != nil || len(s) == 0 && mayBeEmpty {
		return id
	}
	if len(s) != 43 || bytes.ContainsAny(s, "\r\n") {
		p.refuse("entry-id", "an id is 43 characters of base64url")
		return id
	}
	if _, err := b64.Decode(id[:], s); err != nil || id.IsZero() {
		p.refuse("entry-id", "an id is 43 characters of base64url, not all zero")
	}
	return id
}

func (p *payload) side() Side {
	switch s := p.until(); string(s) {
	case "first":
		return First
	case "second":
		return Second
	}
	p.refuse("entry-side", "side is first or second")
	return ""
}

// time reads YYYY-MM-DDThh:mm:00Z by hand: it is on the hot path.
func (p *payload) time() time.Time {
	s := p.until()
	if p.err != nil {
		return time.Time{}
	}
	if len(s) == len(timeForm) && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':' && string(s[16:]) == ":00Z" {
		year, month, day := digits(s[0:4]), digits(s[5:7]), digits(s[8:10])
		hour, minute := digits(s[11:13]), digits(s[14:16])
		t := time.Date(year, time.Month(month), day, hour, minute, 0, 0, time.UTC)
		// Date normalises 31 April to 1 May; then the parts no longer agree.
		if year >= 0 && t.Year() == year && int(t.Month()) == month && t.Day() == day && t.Hour() == hour && t.Minute() == minute {
			return t
		}
	}
	p.refuse("entry-time", "at is a time like 2026-11-21T21:47:00Z")
	return time.Time{}
}

// digits returns the number that s spells, or a negative one if it spells none.
func digits(s []byte) (n int) {
	for _, b := range s {
		if b < '0' || b > '9' {
			return -1 << 40
		}
		n = n*10 + int(b-'0')
	}
	return n
}

// payload returns the text that e's writer signs.
func (e *Entry) payload() []byte {
	b := make([]byte, 0, 384)
	b = append(b, `{"v":1,"rel":"`...)
	b = append(b, e.Rel.String()...)
	b = append(b, `","side":"`...)
	b = append(b, e.Side...)
	b = append(b, `","seq":`...)
	b = strconv.AppendInt(b, e.Seq, 10)
	b = append(b, `,"prev":"`...)
	b = append(b, e.Prev.String()...)
	b = append(b, `","seen":{"seq":`...)
	b = strconv.AppendInt(b, e.Seen.Seq, 10)
	b = append(b, `,"id":"`...)
	b = append(b, e.Seen.ID.String()...)
	b = append(b, `"},"at":"`...)
	b = e.At.UTC().AppendFormat(b, timeForm)
	b = append(b, `","body":"`...)
	b = append(b, e.Commitment.String()...)
	return append(b, `"}`...)
}

// signedBy reports whether e carries key's signature.
func (e *Entry) signedBy(key PublicKey) bool {
	var buf [640]byte
	_, input, sig, err := splitJWS(e.Signed, entryHeader, buf[:0])
	return err == nil && key.verify(input, sig)
}

// signEntry completes e, whose other members are set, with signature and ID.
func (s *Signer) signEntry(e *Entry) {
	e.At = e.At.UTC().Truncate(time.Minute)
	e.Signed = s.signJWS(entryHeader, e.payload())
	e.ID = entryID(e.Signed[:len(e.Signed)-1-sigChars])
}
