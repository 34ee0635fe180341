package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"firsthand/fault"
)

// Confirm lets a destructive command go on only in a second run. The first run
// gives no token and gets an error that says what would be done and how to
// confirm it; what says it in words, and state is what would be destroyed, in any
// form that changes when it does: ids, heads, counts. The second run gives that
// token, the value of --confirm. If anything has changed in between, the token
// doesn't fit: nobody can confirm what she hasn't seen.
//
// The token guards against accidents, not against a person or program that wants
// to destroy.
func Confirm(token, what string, state ...string) error {
	h := sha256.New()
	for _, s := range append([]string{"firsthand-confirm-v1", what}, state...) {
		fmt.Fprintf(h, "%d:%s", len(s), s) // no two lists are hashed alike
	}
	want := hex.EncodeToString(h.Sum(nil)[:4])
	hint := "to do it, run the same again with --confirm " + want
	switch token {
	case want:
		return nil
	case "":
		return fault.Tell(fault.Conflict, "this would "+what, hint)
	}
	return fault.Tell(fault.Conflict, "not what was confirmed: this would now "+what, hint)
}
