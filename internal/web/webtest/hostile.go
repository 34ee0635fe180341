package webtest

import (
	_ "embed"
	"encoding/json"
	"strings"
	"testing"
)

//go:embed hostile.txt
var hostile string

// Hostile returns what hostile companies and files say: markup, scripts, links,
// formulas, control characters, templates, and what breaks out of where it stands.
func Hostile(t testing.TB) (all []string) {
	t.Helper()
	for line := range strings.Lines(hostile) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var s string
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}
