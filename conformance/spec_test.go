package conformance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"firsthand"
	"firsthand/conformance"
)

// A rule is a section of docs/protocol.md.
type rule struct {
	number, name, effect string
	vectors              []string // patterns
}

var (
	ruleHeading = regexp.MustCompile("^### ([A-Z]+[0-9]+) `([a-z0-9-]+)` \\(([a-z]+)\\)$")
	codeSpan    = regexp.MustCompile("`([^`]+)`")
)

// readRules reads the rules of the specification.
func readRules(t *testing.T) (rules []rule) {
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	for paragraph := range strings.SplitSeq(string(text), "\n\n") {
		if m := ruleHeading.FindStringSubmatch(paragraph); m != nil {
			rules = append(rules, rule{number: m[1], name: m[2], effect: m[3]})
		} else if strings.HasPrefix(paragraph, "### ") {
			t.Errorf("no heading of a rule: %s", paragraph)
		} else if list, ok := strings.CutPrefix(strings.TrimSpace(paragraph), "Vectors: "); ok {
			r := &rules[len(rules)-1]
			for _, m := range codeSpan.FindAllStringSubmatch(list, -1) {
				r.vectors = append(r.vectors, m[1])
			}
			if len(r.vectors) == 0 {
				t.Errorf("%s lists no vectors", r.name)
			}
		}
	}
	if len(rules) < 80 {
		t.Fatalf("only %d rules", len(rules))
	}
	return rules
}

// byTime are rules of the exchange that depend on what else happens at the time,
// which no vector can say. The tests of package wire show them.
var byTime = []string{"call-rate", "call-busy"}

// Every rule has a vector that shows it, and every vector shows a rule.
func TestEveryRuleHasVectors(t *testing.T) {
	vectors, err := conformance.Vectors()
	if err != nil {
		t.Fatal(err)
	}
	rules := readRules(t)
	numbers, names, effects := map[string]bool{}, map[string]bool{}, map[string]string{}
	listed := map[string][]string{} // vector → rules
	for _, r := range rules {
		if numbers[r.number] || names[r.name] {
			t.Errorf("%s %s stands twice", r.number, r.name)
		}
		numbers[r.number], names[r.name], effects[r.name] = true, true, r.effect
		if !slices.Contains([]string{"refused", "conflict", "denied", "unavailable", "flagged", "defines"}, r.effect) {
			t.Errorf("%s: %q is no effect", r.name, r.effect)
		}
		shown := slices.Contains(byTime, r.name)
		for _, pattern := range r.vectors {
			n := 0
			for _, v := range vectors {
				if ok, err := path.Match(pattern, v.Name); err != nil {
					t.Fatal(err)
				} else if !ok {
					continue
				}
				n++
				listed[v.Name] = append(listed[v.Name], r.name)
				switch r.effect {
				case "defines":
					shown = shown || v.Expect == "accept"
				case "flagged":
					shown = shown || slices.ContainsFunc(v.Results, func(h conformance.Header) bool {
						return strings.HasPrefix(h.Value, "flag ") && strings.HasSuffix(h.Value, " "+r.name)
					})
				default:
					shown = shown || v.Expect == r.name || slices.Contains(v.Results, conformance.Header{Name: "rule", Value: r.name})
				}
			}
			if n == 0 {
				t.Errorf("%s lists %s, which is no vector", r.name, pattern)
			}
		}
		if !shown {
			t.Errorf("no vector of %s shows it", r.name)
		}
	}
	for _, v := range vectors {
		if len(listed[v.Name]) == 0 {
			t.Errorf("no rule lists %s", v.Name)
		}
		if v.Expect == "accept" {
			continue
		}
		if effects[v.Expect] == "" {
			t.Errorf("%s expects %s, which is no rule", v.Name, v.Expect)
		} else if !slices.Contains(listed[v.Name], v.Expect) {
			t.Errorf("%s expects %s, which doesn't list it", v.Name, v.Expect)
		}
	}
}

// Every rule that the code names is in the specification with the same effect,
// and every one that refuses or flags is in the code.
func TestEveryRuleIsInTheCode(t *testing.T) {
	used := map[string][]string{} // rule → effects
	for _, dir := range []string{"..", "../wire"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				rulesIn(t, file, used)
			}
		}
	}
	specified := map[string]string{}
	for _, r := range readRules(t) {
		specified[r.name] = r.effect
		if r.effect != "defines" && used[r.name] == nil {
			t.Errorf("%s is in no code", r.name)
		}
	}
	for name, effects := range used {
		want, ok := specified[name]
		switch {
		case !ok:
			t.Errorf("%s is not in the specification", name)
		case !slices.Contains(effects, want):
			t.Errorf("%s is %s in the specification and %s in the code", name, want, effects)
		}
	}
}

// rulesIn adds the rules that a Go file names where it refuses or flags.
func rulesIn(t *testing.T, file string, used map[string][]string) {
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	literal := func(e ast.Expr) string {
		l, ok := e.(*ast.BasicLit)
		if !ok || l.Kind != token.STRING {
			return ""
		}
		s, err := strconv.Unquote(l.Value)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	add := func(name string, effects ...string) {
		if name != "" {
			used[name] = append(used[name], effects...)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			switch fn := n.Fun.(type) {
			case *ast.Ident:
				if fn.Name == "flag" {
					add(literal(n.Args[0]), "flagged")
				}
				if fn.Name == "cutHead" || fn.Name == "refused" { // take the rule
					add(literal(n.Args[1]), "refused")
				}
			case *ast.SelectorExpr:
				switch {
				case fn.Sel.Name == "refuse": // of payload
					add(literal(n.Args[0]), "refused")
				case fn.Sel.Name == "Refuse" && len(n.Args) > 1:
					kind := ""
					if k, ok := n.Args[0].(*ast.SelectorExpr); ok {
						kind = map[string]string{"Conflict": "conflict", "Denied": "denied", "Unavailable": "unavailable"}[k.Sel.Name]
					}
					if kind == "" {
						kind = "refused"
					}
					name := literal(n.Args[1])
					add(name, kind)
					if name == "body-form" || name == "kind-unknown" { // DecodeBody's, which the fold flags
						add(name, "flagged")
					}
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Rule" {
				add(literal(n.Value), "flagged")
			}
		}
		return true
	})
}

// The table of kinds says what the code does.
func TestKinds(t *testing.T) {
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	mayBeEmpty := []string{"label", "to", "url", "record", "media"}
	seen := map[firsthand.Kind]bool{}
	for line := range strings.SplitSeq(string(text), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 6 || !strings.HasPrefix(line, "| `") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		kind := firsthand.Kind(codeSpan.FindStringSubmatch(cells[0])[1])
		seen[kind] = true
		side := map[[2]bool]string{{true, true}: "both", {true, false}: "first", {false, true}: "second"}[[2]bool{kind.MayWrite(first), kind.MayWrite(second)}]
		if cells[1] != side {
			t.Errorf("%s: side is %s, in the code %q", kind, cells[1], side)
		}
		if (cells[2] == "yes") != kind.Erasable() {
			t.Errorf("%s: erasable is %q, in the code %v", kind, cells[2], kind.Erasable())
		}
		if after := writableAfterClose(t, kind); (cells[3] == "yes") != after {
			t.Errorf("%s: after is %q, in the code %v", kind, cells[3], after)
		}
		body := goodBody(string(kind))
		c, err := firsthand.DecodeBody([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		var want, got []string
		for i := range reflect.TypeOf(c).Elem().NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(c).Elem().Field(i).Tag.Get("json"), ",")
			want = append(want, name)
		}
		optional := false
		for _, word := range strings.Fields(cells[4]) {
			optional = optional || strings.HasPrefix(word, "[")
			name := strings.Trim(word, "[]`")
			got = append(got, name)
			_, err := firsthand.DecodeBody([]byte(without(t, body, name)))
			if (err == nil) != (optional || slices.Contains(mayBeEmpty, name) && string(kind)+name != "boundrecord" && string(kind)+name != "claimrecord") {
				t.Errorf("%s: a body without %s: %v", kind, name, err)
			}
			optional = optional && !strings.HasSuffix(word, "]")
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: members are %q, in the code %q", kind, got, want)
		}
	}
	for _, k := range firsthand.Kinds() {
		if !seen[k] {
			t.Errorf("%s is not in the table", k)
		}
	}
}

// goodBody returns the body among the vectors that has all members of kind.
func goodBody(kind string) string {
	for _, v := range good {
		if v[0] == kind {
			return fillBody(strings.Replace(v[1], `"outcome":"extended"`, `"outcome":"done"`, 1))
		}
	}
	return ""
}

// without returns a JSON object without the member.
func without(t *testing.T, body, name string) string {
	re := regexp.MustCompile(`,"` + name + `":("[^"]*"|[0-9]+|true|\[[^]]*\]|\{[^}]*\})`)
	loc := re.FindStringIndex(body)
	if loc == nil {
		if name != "of" { // a change that says what was before names no disclosure
			t.Errorf("no %s in %s", name, body)
		}
		return body
	}
	return body[:loc[0]] + body[loc[1]:]
}

// writableAfterClose reports whether the fold lets kind pass after a close.
func writableAfterClose(t *testing.T, kind firsthand.Kind) bool {
	s := conformance.NewScript("after close")
	s.Say(first, &firsthand.Close{})
	if kind == "open" {
		return false
	}
	side := first
	if !kind.MayWrite(first) {
		side = second
	}
	body := goodBody(string(kind))
	if kind == "rotate" {
		s.Rotate(side, 0)
	} else if kind == "erased" {
		s = conformance.NewScript("after close")
		m := s.Say(first, message("x"))
		s.Say(first, &firsthand.Close{})
		s.Say(first, &firsthand.Erased{Entries: []firsthand.ErasedEntry{{ID: m, Kind: "message"}}})
	} else {
		s.Add(s.Draft(side, body))
	}
	f, err := firsthand.Verify(s.Entries(t))
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return !slices.ContainsFunc(f.Flags, func(f firsthand.Flag) bool { return f.Rule == "kind-closed" })
}
