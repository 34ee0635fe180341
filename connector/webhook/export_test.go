package webhook

import (
	"net/http"
	"time"
)

// Sign and Verify reach what signs and checks, with a shared secret.
func Sign(secret []byte, h http.Header, id string, at time.Time, body []byte) {
	keys{secrets: [][]byte{secret}}.sign(h, id, at, body)
}

func Verify(secret []byte, h http.Header, id string, now time.Time, body []byte) error {
	return keys{secrets: [][]byte{secret}}.verify(h, id, now, body)
}

// Decode reads an answer of the named kind and returns what it says.
func Decode(kind string, body []byte) (any, error) {
	into := map[string]any{"report": new(report), "reading": new(reading), "page": new(page)}[kind]
	return into, decode(body, into)
}

// CloseIdle closes the connections that are idle, so that a server can stop.
func (h *Hook) CloseIdle() { h.remote.CloseIdle() }
