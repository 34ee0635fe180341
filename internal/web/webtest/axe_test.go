package webtest

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The file is the published one: axe-core 4.14.1, MPL-2.0, from the npm registry.
func TestAxeIsThePublishedOne(t *testing.T) {
	sum := sha256.Sum256([]byte(axe))
	if got := hex.EncodeToString(sum[:]); got != "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c" {
		t.Errorf("axe.min.js has the sum %s", got)
	}
}
