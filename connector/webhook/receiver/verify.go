package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tolerance is how far the gateway's clock may be from ours.
const tolerance = 5 * time.Minute

// ParseSecret returns the bytes of a secret as the two sides exchange it: whsec_
// and base64.
func ParseSecret(s string) ([]byte, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(s), "whsec_")
	secret, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(secret) < 24 {
		return nil, errors.New("a secret is whsec_ and base64 of at least 24 bytes")
	}
	return secret, nil
}

// Verify returns the id of a request that was signed with secret, not long ago.
// Body is the request's body as it came, before anything has parsed it.
func Verify(secret []byte, h http.Header, body []byte, now time.Time) (id string, err error) {
	id, timestamp := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" || strings.Contains(id, ".") {
		return "", errors.New("no id or no timestamp")
	}
	want := "v1," + signature(secret, id, timestamp, body)
	for one := range strings.SplitSeq(h.Get("Webhook-Signature"), " ") {
		if !hmac.Equal([]byte(one), []byte(want)) {
			continue
		}
		if d := now.Sub(time.Unix(seconds, 0)); d > tolerance || d < -tolerance {
			return "", errors.New("too old, or our clock is wrong")
		}
		return id, nil
	}
	return "", errors.New("signed with another secret")
}

// Sign puts into h what proves that body is ours.
func Sign(secret []byte, h http.Header, id string, now time.Time, body []byte) {
	timestamp := strconv.FormatInt(now.Unix(), 10)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", timestamp)
	h.Set("Webhook-Signature", "v1,"+signature(secret, id, timestamp, body))
}

func signature(secret []byte, id, timestamp string, body []byte) string {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(id + "." + timestamp + "."))
	m.Write(body)
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}
