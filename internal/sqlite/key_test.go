package sqlite_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"firsthand/internal/sqlite"
)

// TestKeyNeverPrintsItself: not by any verb, alone or inside of something.
func TestKeyNeverPrintsItself(t *testing.T) {
	key := sqlite.Key(bytes.Repeat([]byte{0xAB}, 32))
	opts := sqlite.Options{Path: "a", Key: &key}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%b", "%o", "%U", "%t"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", key, &key, []sqlite.Key{key})
		fmt.Fprintf(&out, verb+"\n", opts)
	}
	j, err := json.Marshal(map[string]any{"key": key, "pointer": &key})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "key", key, "pointer", &key)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "key", key, "pointer", &key)

	s := strings.ToLower(out.String())
	for _, bad := range []string{"abab", "171", "0xab", "10101011", "253", "\u00ab\u00ab", "u+00ab"} {
		if strings.Contains(s, bad) {
			t.Errorf("output has %q:\n%s", bad, s)
		}
	}
}
