package wire

import (
	"context"
	"net/http"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
)

// Whose key signs a call. It is the key of first that will be in force once the
// gateway has taken what the call brings: the one in force there, or, where the
// call brings first's rotate, the new one. So a customer who has lost a key can
// call with her next one, and a thief who has the old one can't follow. Where
// open brings a relationship that the gateway does not have, the key in first's
// opening takes the place of the one in force.
//
// An unknown relationship and a wrong key look the same, in answer and in work
// done, so that nobody can try who is a customer here.
//
// A call that is repeated within five minutes, by her or by whoever read it, is
// harmless: it changes nothing, since the entries it brings are there already,
// and the heads it names only say from where to answer. The answer may hold
// newer entries than the first one did; but a call can be read only where TLS
// ends, and there that answer can be read as well.

const (
	authScheme = "Firsthand "
	timeForm   = "2006-01-02T15:04:05Z"
)

// authorization returns the header that authenticates c.
func authorization(key *firsthand.Signer, c firsthand.Call) string {
	return authScheme + c.Time.UTC().Format(timeForm) + " " + key.Call(c)
}

var errSignature = fault.Refuse(fault.Denied, "call-signature", "not signed by the key of a relationship")

// parseAuthorization returns time and signature of a call.
func parseAuthorization(h http.Header) (at time.Time, sig string, err error) {
	values := h["Authorization"]
	if len(values) != 1 {
		return at, "", errSignature
	}
	rest, ok := strings.CutPrefix(values[0], authScheme)
	if !ok || len(rest) <= len(timeForm) || rest[len(timeForm)] != ' ' {
		return at, "", errSignature
	}
	at, err = time.Parse(timeForm, rest[:len(timeForm)])
	if err != nil {
		return at, "", errSignature
	}
	return at, rest[len(timeForm)+1:], nil
}

// authenticate refuses r unless c, whose Time it sets, is signed as said above.
func (h *Handler) authenticate(ctx context.Context, header http.Header, c *firsthand.Call, r *Request, opening bool) error {
	at, sig, err := parseAuthorization(header)
	if err != nil {
		return err
	}
	c.Time = at
	now, err := h.keys(ctx, r, opening)
	if err != nil {
		return err
	}
	key := now.follow(r.Entries)
	if key != now.key || opening {
		// What comes from outside proves nothing before it was checked. Keys in
		// between prove nothing here at all, and are the Server's to check.
		if err := key.Check(); err != nil {
			return err
		}
	}
	if err := c.Verify(key, sig, h.now()); err != nil {
		return err
	}
	if now.nobody {
		return errSignature // can't be: nobody could have signed
	}
	return nil
}

// keys are those of first at the head that the gateway has.
type keys struct {
	key    firsthand.PublicKey
	next   firsthand.KeyHash
	nobody bool // there is no such relationship; key fits no signature
}

// keys returns the keys from which a call is authenticated.
func (h *Handler) keys(ctx context.Context, r *Request, opening bool) (keys, error) {
	key, next, err := h.server.Keys(ctx, r.Rel)
	switch {
	case err == nil:
		return keys{key: key, next: next}, nil
	case fault.KindOf(err) != fault.NotExist:
		return keys{}, err
	case !opening:
		return keys{key: h.nobody, nobody: true}, nil
	}
	// Only where the relationship isn't there: else who has its first key, given
	// up long ago, could read on as if it had never been replaced.
	open, ok := decode[*firsthand.Open](&r.Entries[0])
	if !ok {
		return keys{}, errBatchOpen
	}
	return keys{key: open.Key, next: open.Next}, nil
}

// follow returns the key in force after entries. A rotate to another key than
// the one committed to counts for nothing: the gateway has it already, or will
// refuse it.
func (k keys) follow(entries []firsthand.Entry) firsthand.PublicKey {
	for i := range entries {
		e := &entries[i]
		if e.Side != firsthand.First || e.Kind() != "rotate" {
			continue
		}
		if rotate, ok := decode[*firsthand.Rotate](e); ok && rotate.Key.Hash() == k.next {
			k.key, k.next = rotate.Key, rotate.Next
		}
	}
	return k.key
}

// decode returns what e says, if it says a T.
func decode[T firsthand.Content](e *firsthand.Entry) (t T, ok bool) {
	content, err := firsthand.DecodeBody(e.Body)
	if err != nil {
		return t, false
	}
	t, ok = content.(T)
	return t, ok
}

var errBatchOpen = fault.Refuse(fault.Invalid, "batch-open", "open begins with the entry that opens the relationship")

// checkOpening refuses an open that opens nothing.
func checkOpening(r *Request) error {
	if len(r.Entries) == 0 || r.Entries[0].Side != firsthand.First || r.Entries[0].Seq != 1 || r.Entries[0].ID != r.Rel {
		return errBatchOpen
	}
	return nil
}
