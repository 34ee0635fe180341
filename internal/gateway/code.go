package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"strconv"
	"strings"

	"firsthand"
)

// A code has 8 characters of 32: 40 bits, of which an attacker may try maxTries.
const (
	codeLength   = 8
	codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's: no I, L, O, U
	maxTries     = 5
	maxSends     = 3  // codes to the contact of one record in a day
	maxClaims    = 10 // claims of one relationship that are dealt with by machine
	codeDays     = 7  // for which a code is good, at most: it lasts through the day
)

// code returns the code of the n-th message about a claim. It is made from a
// secret of this process, so that a message which has to be repeated says the
// same, and is kept nowhere. After a restart there is another secret: a message
// of which it isn't known whether it was sent is then replaced by a new one, with
// a new code.
func (g *Gateway) code(claim firsthand.ID, n int) string {
	m := hmac.New(sha256.New, g.secret[:])
	m.Write(claim[:])
	m.Write(strconv.AppendInt(nil, int64(n), 10))
	sum := m.Sum(nil)
	var b [codeLength]byte
	for i := range b {
		b[i] = codeAlphabet[sum[i]%32]
	}
	return string(b[:])
}

// hashCode is what is kept of a code. Whoever reads the database can try all 2^40
// codes against it in some minutes, while the code is good; he would need a
// relationship of his own with this claim as well.
func hashCode(claim firsthand.ID, code string) firsthand.ID {
	h := sha256.New()
	h.Write([]byte("firsthand-gateway-code-v1"))
	h.Write(claim[:])
	h.Write([]byte(code))
	return firsthand.ID(h.Sum(nil))
}

// rightCode compares what she has typed with the code of c, in a time that
// doesn't depend on where they differ.
func (c *Challenge) rightCode(typed string) bool {
	hash := hashCode(c.Claim, normalCode(typed))
	return !c.Hash.IsZero() && subtle.ConstantTimeCompare(hash[:], c.Hash[:]) == 1
}

// normalCode reads a code as people type it.
func normalCode(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '.', '\t', '\u00a0':
			return -1
		case 'O', 'o':
			return '0'
		case 'I', 'i', 'L', 'l':
			return '1'
		}
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// showCode returns a code as people read it.
func showCode(code string) string { return code[:4] + "-" + code[4:] }
