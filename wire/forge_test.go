package wire_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"firsthand"
	"firsthand/wire"
)

// forge returns an entry of first's that no honest agent would write, or was not
// allowed to: its place is that of e.
func forge(t testing.TB, key *firsthand.Signer, e firsthand.Entry, body []byte) firsthand.Entry {
	t.Helper()
	salt := seeded("forged salt")
	commitment := sha256.Sum256(append(append([]byte("firsthand-body-v1"), salt[:]...), body...))
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString([]byte(`{"alg":"Ed25519","typ":"firsthand-entry+jws"}`)) + "." +
		b64.EncodeToString(fmt.Appendf(nil, `{"v":1,"rel":"%v","side":"first","seq":%d,"prev":"%v","seen":{"seq":%d,"id":"%v"},"at":"2026-11-21T21:47:00Z","body":"%s"}`,
			e.Rel, e.Seq, e.Prev, e.Seen.Seq, e.Seen.ID, b64.EncodeToString(commitment[:])))
	seed := key.Seed()
	sig := ed25519.Sign(ed25519.NewKeyFromSeed(seed[:]), []byte(text))
	e, err := firsthand.ParseEntry([]byte(text + "." + b64.EncodeToString(sig)))
	if err != nil {
		t.Fatal(err)
	}
	e.Salt, e.Body = salt[:], body
	return e
}

// encode returns the body that says c.
func encode(t testing.TB, c firsthand.Content) []byte {
	t.Helper()
	body, err := firsthand.EncodeBody(c)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// A rawCall is a call of which every part can be chosen.
type rawCall struct {
	method, path string
	host         string // "" for the right one
	header       http.Header
	body         []byte
}

// raw returns the call that an honest client makes of r.
func (w *world) raw(t testing.TB, path string, key *firsthand.Signer, r wire.Request) *rawCall {
	t.Helper()
	body, err := wire.AppendRequest(nil, &r)
	if err != nil {
		t.Fatal(err)
	}
	c := &rawCall{method: "POST", path: path, body: body, header: http.Header{"Content-Type": {wire.ContentType}}}
	w.sign(c, key, nil)
	return c
}

// sign signs c as it is, or as change makes it seem.
func (w *world) sign(c *rawCall, key *firsthand.Signer, change func(*firsthand.Call)) {
	call := firsthand.Call{Method: c.method, Host: w.host(), Path: c.path, Time: w.now(), Body: c.body}
	if change != nil {
		change(&call)
	}
	c.header.Set("Authorization", wire.Authorization(key, call))
}

// origin is the base URL without its path.
func (w *world) origin() string { return strings.TrimSuffix(w.base, "/desk") }

func (w *world) host() string { return strings.TrimPrefix(w.origin(), "http://") }

// do makes the call c and returns status and body of the answer.
func (w *world) do(t testing.TB, c *rawCall) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), c.method, w.origin()+c.path, bytes.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header, req.Host = c.header, c.host
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
