package webhook

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// tolerance is how far the system's clock may be from ours. What is older may be
// an answer that somebody kept.
const tolerance = 5 * time.Minute

const maxSignatures = 16 // in one header: two secrets need two

// base64 as Standard Webhooks has it, with one spelling for each byte string.
var b64 = base64.StdEncoding.Strict()

// keys are the secrets, or else the key and its peers.
type keys struct {
	secrets [][]byte
	private ed25519.PrivateKey
	peers   []ed25519.PublicKey
}

// keys reads the keys that c names. Its errors don't repeat them.
func (c *Config) keys() (k keys, err error) {
	switch symmetric := c.SecretFile != ""; {
	case symmetric && (c.KeyFile != "" || len(c.PeerKeys) > 0):
		return k, errors.New("secret_file, or key_file and peer_keys, not both")
	case symmetric:
		lines, err := readLines(c.SecretFile)
		for _, line := range lines {
			secret, ok := decodeKey("whsec_", line)
			if !ok || len(secret) < 24 || len(secret) > 64 {
				return k, fmt.Errorf("%s: a secret is whsec_ and base64 of 24 to 64 bytes", c.SecretFile)
			}
			k.secrets = append(k.secrets, secret)
		}
		return k, err
	case c.KeyFile == "" || len(c.PeerKeys) == 0:
		return k, errors.New("needs secret_file, or key_file and peer_keys")
	}
	lines, err := readLines(c.KeyFile)
	if err != nil {
		return k, err
	}
	key, ok := decodeKey("whsk_", lines[0])
	switch {
	case ok && len(lines) == 1 && len(key) == ed25519.SeedSize:
		k.private = ed25519.NewKeyFromSeed(key)
	case ok && len(lines) == 1 && len(key) == ed25519.PrivateKeySize && bytes.Equal(ed25519.NewKeyFromSeed(key[:ed25519.SeedSize]), key):
		k.private = key
	default:
		return k, fmt.Errorf("%s: a key is whsk_ and base64 of 32 bytes, or of 64 whose second half is its public key", c.KeyFile)
	}
	for _, peer := range c.PeerKeys {
		key, ok := decodeKey("whpk_", peer)
		if !ok || len(key) != ed25519.PublicKeySize {
			return k, errors.New("peer_keys: a public key is whpk_ and base64 of 32 bytes")
		}
		k.peers = append(k.peers, key)
	}
	return k, nil
}

// readLines returns the lines of a small file, of which there is at least one.
func readLines(name string) ([]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 4<<10))
	if err != nil {
		return nil, err
	}
	lines := strings.Fields(string(text))
	if len(lines) == 0 || len(lines) > 4 {
		return nil, fmt.Errorf("%s has %d keys, want 1 to 4", name, len(lines))
	}
	return lines, nil
}

func decodeKey(prefix, s string) ([]byte, bool) {
	text, ok := strings.CutPrefix(s, prefix)
	key, err := b64.DecodeString(text)
	return key, ok && err == nil
}

// signed returns what a signature is over.
func signed(id, timestamp string, body []byte) []byte {
	return append([]byte(id+"."+timestamp+"."), body...)
}

// sign puts the three headers into h.
func (k keys) sign(h http.Header, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	text := signed(id, timestamp, body)
	var marks []string
	for _, secret := range k.secrets {
		marks = append(marks, "v1,"+b64.EncodeToString(mac(secret, text)))
	}
	if k.private != nil {
		marks = append(marks, "v1a,"+b64.EncodeToString(ed25519.Sign(k.private, text)))
	}
	h.Set(headerID, id)
	h.Set(headerTimestamp, timestamp)
	h.Set(headerSignature, strings.Join(marks, " "))
}

func mac(secret, text []byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write(text)
	return m.Sum(nil)
}

// verify returns an error unless h has the headers of body, signed by the other
// side, with that id, at about now.
func (k keys) verify(h http.Header, id string, now time.Time, body []byte) error {
	for _, name := range []string{headerID, headerTimestamp, headerSignature} {
		if len(h.Values(name)) != 1 {
			return fmt.Errorf("%d headers %s, want one", len(h.Values(name)), name)
		}
	}
	if h.Get(headerID) != id {
		return errors.New("it is about another request")
	}
	timestamp := h.Get(headerTimestamp)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != timestamp {
		return errors.New("its time is no number of seconds")
	}
	if !k.match(signed(id, timestamp, body), h.Get(headerSignature)) {
		return errors.New("it is signed with another key")
	}
	// Only now: whoever can't sign learns nothing about our clock.
	if d := now.Unix() - seconds; d > int64(tolerance/time.Second) || d < -int64(tolerance/time.Second) {
		return fmt.Errorf("it is dated %d seconds from now: one of the clocks is wrong", d)
	}
	return nil
}

// match reports whether one of the signatures in the header is over text. Those
// of versions that we don't know or have no key for are passed over.
func (k keys) match(text []byte, header string) bool {
	marks := strings.Split(header, " ")
	if len(marks) > maxSignatures {
		return false
	}
	for _, mark := range marks {
		version, encoded, _ := strings.Cut(mark, ",")
		sig, err := b64.DecodeString(encoded)
		if err != nil || strings.ContainsAny(encoded, "\r\n") {
			continue
		}
		switch version {
		case "v1":
			for _, secret := range k.secrets {
				if hmac.Equal(sig, mac(secret, text)) {
					return true
				}
			}
		case "v1a":
			for _, peer := range k.peers {
				if ed25519.Verify(peer, text, sig) {
					return true
				}
			}
		}
	}
	return false
}
