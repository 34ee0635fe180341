package firsthand_test

import (
	"encoding/json"
	"os"
	"testing"

	"firsthand"
)

// Signatures are verified as the world's collection of past mistakes demands.
func TestWycheproof(t *testing.T) {
	text, err := os.ReadFile("testdata/wycheproof/ed25519_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		NumberOfTests int
		TestGroups    []struct {
			PublicKey struct{ PK string }
			Tests     []struct {
				TCID                      int
				Comment, Msg, Sig, Result string
			}
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, group := range file.TestGroups {
		key := firsthand.PublicKey(unhex(group.PublicKey.PK))
		if err := key.Check(); err != nil {
			t.Errorf("%v: %v", key, err)
		}
		for _, test := range group.Tests {
			n++
			sig := unhex(test.Sig)
			got := len(sig) == 64 && firsthand.Verifies(key, unhex(test.Msg), sig) // no other length gets so far
			if want := test.Result == "valid"; got != want {
				t.Errorf("%d (%s): %v, want %v", test.TCID, test.Comment, got, want)
			}
		}
	}
	if n != file.NumberOfTests || n < 150 {
		t.Errorf("%d tests, want %d", n, file.NumberOfTests)
	}
}
