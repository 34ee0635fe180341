package webhook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"firsthand/connector"
	"firsthand/connector/remote"
	"firsthand/fault"
)

// A Config says where the system is and how the two know each other: by one
// secret that both have, or by a key pair each. It is read strictly: unknown
// members are errors.
type Config struct {
	// Name is what receipts call the system, "webhook" if empty.
	Name string `json:"name"`

	// URL is where to POST: https, or http on loopback.
	URL string `json:"url"`

	// SecretFile holds the shared secret, whsec_ and base64 of 24 to 64 bytes.
	// While it is being replaced it holds both, one a line: each request is
	// signed with all, and a report may be signed with any. firsthand-gateway looks
	// for a relative path, here and in KeyFile, beside its configuration.
	SecretFile string `json:"secret_file"`

	// KeyFile holds, instead of a secret, the gateway's own Ed25519 key, whsk_
	// and base64; PeerKeys are the system's public ones, whpk_ and base64.
	// Better where either side should not be able to sign for the other.
	KeyFile  string   `json:"key_file"`
	PeerKeys []string `json:"peer_keys"`

	// Now is the clock, time.Now if nil.
	Now func() time.Time `json:"-"`
}

// A Hook is the connector to one URL. It keeps nothing, so it is as idempotent
// as the system behind it.
type Hook struct {
	name, url string
	keys      keys
	now       func() time.Time
	remote    *remote.Client
}

// New returns the connector that raw, a [Config], describes.
func New(raw json.RawMessage) (connector.Connector, error) {
	var c Config
	if err := remote.Decode("webhook", raw, &c); err != nil {
		return nil, err
	}
	h, err := Open(c)
	if err != nil {
		return nil, err // and not a nil *Hook in an interface
	}
	return h, nil
}

// Open returns the connector that c describes. It reads the key files and calls
// nobody.
func Open(c Config) (*Hook, error) {
	h := &Hook{name: cmp.Or(c.Name, "webhook"), url: c.URL, now: c.Now, remote: remote.New("the webhook", c.Now)}
	if h.now == nil {
		h.now = time.Now
	}
	if err := remote.CheckURL(c.URL); err != nil {
		return nil, fmt.Errorf("connector webhook: %w: %w", fault.Invalid, err)
	}
	var err error
	if h.keys, err = c.keys(); err != nil {
		return nil, fmt.Errorf("connector webhook: %w: %w", fault.Invalid, err)
	}
	return h, nil
}

// ref names a record or ticket of the system.
func (h *Hook) ref(id, version string) connector.Ref {
	if id == "" {
		return connector.Ref{}
	}
	return connector.Ref{System: h.name, ID: id, Version: version}
}

// String returns the connector's name. Without it, printing a Hook would print
// its keys.
func (h *Hook) String() string { return h.name }

// GoString is String.
func (h *Hook) GoString() string { return h.name }
