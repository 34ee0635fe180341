package main

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firsthand/internal/gateway"
	"firsthand/internal/gateway/metrics"
)

// members returns the names of all members of a configuration, as a person writes
// them: "tls.key_file". Lists and texts of others have none of their own.
func members(t reflect.Type, before string) (all []string) {
	for f := range t.Fields() {
		name := before + f.Tag.Get("json")
		switch {
		case !f.IsExported():
		case f.Type.Kind() == reflect.Struct:
			all = append(all, members(f.Type, name+".")...)
		default:
			all = append(all, name)
		}
	}
	return all
}

// The operator's manual names every member of the configuration and every metric, and
// none that isn't there.
func TestRunbook(t *testing.T) {
	b, err := os.ReadFile("../../docs/running-a-gateway.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	table := func(head string) (names []string) {
		_, rest, ok := strings.Cut(text, head)
		if !ok {
			t.Fatalf("no table %q", head)
		}
		for line := range strings.Lines(rest) {
			if !strings.HasPrefix(line, "|") {
				break
			}
			cells := strings.Split(line, "|")
			for _, m := range regexp.MustCompile("`([a-z_.]+)`").FindAllStringSubmatch(cells[1], -1) {
				names = append(names, m[1])
			}
		}
		slices.Sort(names)
		return names
	}
	compare := func(what string, got, want []string) {
		slices.Sort(want)
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("the manual lacks %s %s", what, name)
			}
		}
		for _, name := range got {
			if !slices.Contains(want, name) {
				t.Errorf("the manual has %s %s, which there isn't", what, name)
			}
		}
	}
	compare("member", table("| member | what it is | default |\n"), members(reflect.TypeFor[gateway.Config](), ""))
	compare("metric", table("| metric | what it says |\n"), metrics.Names())

	// Alerts and commands are of this program too.
	for _, name := range regexp.MustCompile(`firsthand_[a-z_]+`).FindAllString(text, -1) {
		if !slices.Contains(metrics.Names(), strings.TrimSuffix(name, "_bucket")) {
			t.Errorf("the manual has %s, which is no metric", name)
		}
	}
	commands := make(map[string]bool)
	for _, c := range program().Commands {
		commands[c.Name] = true
	}
	for _, m := range regexp.MustCompile("(?m)(?:^|`|firsthand-gateway |\\./)firsthand-gateway ([a-z]+)").FindAllStringSubmatch(text, -1) {
		if !commands[m[1]] {
			t.Errorf("the manual has the command %s, which there isn't", m[1])
		}
	}
}
