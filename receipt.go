package firsthand

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"firsthand/fault"
)

// A Receipt is second's signed word that it has first's log, up to a head, on
// stable storage. It is what "Received (signed)" stands on.
type Receipt struct {
	Rel ID        `json:"rel"`
	Seq int64     `json:"seq"`
	ID  ID        `json:"id"`
	At  time.Time `json:"at"` // to the second, as second claims
}

var receiptHeader = header("firsthand-receipt+jws")

// Receipt signs that first's log was received up to r.Seq. It returns a compact
// JWS.
func (s *Signer) Receipt(r Receipt) []byte {
	r.At = r.At.UTC().Truncate(time.Second)
	return s.signJWS(receiptHeader, EncodeJSON(r))
}

// ParseReceipt reads a receipt and checks that one of keys signed it. Errors are
// [fault.Invalid], rule receipt-form or receipt-signature.
func ParseReceipt(text []byte, keys ...PublicKey) (r Receipt, err error) {
	payload, input, sig, err := splitJWS(text, receiptHeader, nil)
	if err != nil {
		return r, err
	}
	err = ParseJSON(payload, &r)
	_, offset := r.At.Zone()
	if err != nil || r.Rel.IsZero() || r.ID.IsZero() || r.Seq < 1 || offset != 0 || r.At.Nanosecond() != 0 ||
		!bytes.Equal(payload, EncodeJSON(r)) {
		return Receipt{}, fault.Refuse(fault.Invalid, "receipt-form", `a receipt is {"rel":"…","seq":1,"id":"…","at":"…"}, to the second`)
	}
	for _, k := range keys {
		if k.verify(input, sig) {
			return r, nil
		}
	}
	return r, fault.Refuse(fault.Invalid, "receipt-signature", "not signed by a key of the relationship")
}

// CallTolerance is how far the clock of a caller may be from the server's.
const CallTolerance = 5 * time.Minute

// A Call is what authenticates one HTTP request in a relationship: the
// relationship's key signs it, so that it can't be sent to another host, path or
// relationship, and not kept for later.
type Call struct {
	Method string
	Host   string // as in the Host header, lower case, with the port if there is one
	Path   string // with the query, if any
	Time   time.Time
	Body   []byte
}

func (c *Call) text() []byte {
	return fmt.Appendf(nil, "firsthand-call-v1\n%s\n%s\n%s\n%s\n%x\n",
		c.Method, c.Host, c.Path, c.Time.UTC().Format(time.RFC3339), sha256.Sum256(c.Body))
}

// Call signs c. It returns the base64url of the signature.
func (s *Signer) Call(c Call) string { return b64.EncodeToString(s.sign(c.text())) }

// Verify reports an error unless sig is key's over c and c's time is within
// CallTolerance of now: [fault.Denied], rule call-signature or call-time.
func (c *Call) Verify(key PublicKey, sig string, now time.Time) error {
	var raw [sigSize]byte
	if decode(raw[:], sig) != nil || !key.verify(c.text(), raw[:]) {
		return fault.Refuse(fault.Denied, "call-signature", "the call is not signed by the relationship's key")
	}
	if d := now.Sub(c.Time); d > CallTolerance || d < -CallTolerance {
		return fault.Refuse(fault.Denied, "call-time", "the call says %s, here it is %s",
			c.Time.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}
