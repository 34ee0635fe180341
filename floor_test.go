package firsthand_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
)

// floorVerify and verify are the bare signature check: the floor beside which
// the cost of an entry is measured.
func floorVerify(signed []byte) (key ed25519.PublicKey, msg, sig []byte) {
	dot := bytes.LastIndexByte(signed, '.')
	sig, _ = base64.RawURLEncoding.DecodeString(string(signed[dot+1:]))
	seed := seeded("customer")
	return ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey), signed[:dot], sig
}

func verify(key ed25519.PublicKey, msg, sig []byte) bool { return ed25519.Verify(key, msg, sig) }
