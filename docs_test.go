package firsthand_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// documents must exist from the moment that there is a README to lead to them.
var documents = []string{
	"LICENSE", "README.md", "NEWS.md", "CONTRIBUTING.md", "SECURITY.md", "AGENTS.md",
	"docs/overview.md", "docs/architecture.md", "docs/protocol.md", "docs/decisions/README.md",
}

// testCommand is how everything is tested, by a reader of the README and by CI.
const testCommand = "go test ./..."

// checkDocuments returns what is wrong with the documents in tree: those that are
// missing, links that lead nowhere, packages that don't exist, and names of
// folders that only one machine has: those in local, or any home.
func checkDocuments(tree fs.FS, local []string) (faults []string, err error) {
	report := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if exists(tree, "README.md") {
		for _, name := range documents {
			if !exists(tree, name) {
				report("%s is missing", name)
			}
		}
		for _, name := range []string{"README.md", ".ci/run"} {
			if text, _ := fs.ReadFile(tree, name); !strings.Contains(string(text), testCommand) {
				report("%s doesn't test by %q", name, testCommand)
			}
		}
	}
	err = fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (d.Name() == "testdata" || d.Name()[0] == '.') {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(file) != ".md" {
			return nil
		}
		b, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		text := string(b)
		for _, link := range links(text) {
			if why := follow(tree, file, link); why != "" {
				report("%s: link to %s: %s", file, link, why)
			}
		}
		for _, name := range local {
			if strings.Contains(text, name) {
				report("%s names a folder of one machine: %s", file, name)
			}
		}
		for _, home := range homes.FindAllString(text, -1) {
			report("%s names a folder of one machine: %s", file, strings.TrimSpace(home))
		}
		if file == "docs/architecture.md" || file == "AGENTS.md" { // not decisions: they are history
			for _, pkg := range packages(tree, text) {
				if info, err := fs.Stat(tree, pkg); err != nil || !info.IsDir() {
					report("%s names package %s, which doesn't exist", file, pkg)
				}
			}
		}
		return nil
	})
	return faults, err
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

var (
	fences  = regexp.MustCompile("(?ms)^```.*?^```[^\n]*$")
	spans   = regexp.MustCompile("`([^`\n]+)`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)
	homes   = regexp.MustCompile(`(?:^|[\s"'` + "`" + `(=])(?:/(?:home|root|Users|mnt)/[\w.-]+|[A-Z]:\\\w+)`)
)

// links returns the targets of links in text, but not those in code.
func links(text string) (targets []string) {
	text = spans.ReplaceAllString(fences.ReplaceAllString(text, ""), "")
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		targets = append(targets, m[1])
	}
	return targets
}

// follow says why a link of file leads nowhere, or "". Links to elsewhere are not
// followed.
func follow(tree fs.FS, file, link string) string {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return ""
	}
	name, fragment, _ := strings.Cut(link, "#")
	target := file
	if name != "" {
		target = path.Join(path.Dir(file), name)
	}
	if path.IsAbs(name) || !fs.ValidPath(target) {
		return "outside of the repository"
	}
	if !exists(tree, target) {
		if slices.Contains(documents, target) && !exists(tree, "README.md") {
			return "" // still to be written
		}
		return "no such file"
	}
	if fragment == "" {
		return ""
	}
	text, err := fs.ReadFile(tree, target)
	if err != nil {
		return err.Error()
	}
	for _, m := range heading.FindAllStringSubmatch(fences.ReplaceAllString(string(text), ""), -1) {
		if anchor(m[1]) == fragment {
			return ""
		}
	}
	return "no such heading"
}

// anchor returns the fragment by which a heading is linked.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
			return r
		}
		return -1
	}, strings.ToLower(heading))
}

// rowName matches a table's row that is about one package.
var rowName = regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|")

var treeLine = regexp.MustCompile(`^( *)((?:[a-z0-9_/-]+/(?:\s+|$))+)`)

// packages returns the folders of this module that a text names: in a drawn tree
// (a line begins with "name/", and what belongs to it is indented below), as the
// first cell of a table's row, and in code spans like `internal/agent`. Patterns,
// with * or {, are not names.
func packages(tree fs.FS, text string) (names []string) {
	for _, block := range fences.FindAllString(text, -1) {
		parents := []string{"."} // by depth of two spaces
		for line := range strings.SplitSeq(block, "\n") {
			m := treeLine.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			depth := min(len(m[1])/2, len(parents)-1)
			for _, name := range strings.Fields(m[2]) {
				name = path.Join(parents[depth], name)
				names = append(names, name)
				parents = append(parents[:depth+1], name)
			}
		}
	}
	for _, m := range spans.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		first, rest, _ := strings.Cut(m[1], "/")
		ours := first == "internal" || first == "cmd" || exists(tree, first)
		if ours && rest != "" && !strings.ContainsAny(m[1], "*{…. ") {
			names = append(names, strings.TrimSuffix(m[1], "/"))
		}
	}
	for _, m := range rowName.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestDocuments(t *testing.T) {
	var local []string // folders that mean something on this machine alone
	for _, find := range []func() (string, error){os.Getwd, os.UserHomeDir, os.UserCacheDir} {
		if dir, err := find(); err == nil && strings.Count(filepath.ToSlash(dir), "/") > 1 {
			local = append(local, dir)
		}
	}
	faults, err := checkDocuments(os.DirFS("."), local)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}

// The check must find what it is there for.
func TestDocumentsAreChecked(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"good links", "docs/a.md", "[up](../NEWS.md) [down](decisions/) [there](https://example.org/x) [here](#the-idea--v2)\n# The idea & V2\n", ""},
		{"no such file", "docs/a.md", "[up](NEWS.md)", "docs/a.md: link to NEWS.md: no such file"},
		{"a document still to be written", "docs/a.md", "[spec](protocol.md)", ""},
		{"no such heading", "docs/a.md", "[up](../NEWS.md#nothing)", "docs/a.md: link to ../NEWS.md#nothing: no such heading"},
		{"out of the house", "docs/a.md", "[up](../../x.md)", "docs/a.md: link to ../../x.md: outside of the repository"},
		{"from the root", "docs/a.md", "[up](/NEWS.md)", "docs/a.md: link to /NEWS.md: outside of the repository"},
		{"links in code", "docs/a.md", "`[x](y)`\n```\n[x](y)\n```\n", ""},
		{"this checkout", "docs/a.md", "run it in /build/17/firsthand", "docs/a.md names a folder of one machine: /build/17/firsthand"},
		{"a home", "docs/a.md", "see `/home/ann/firsthand`", "docs/a.md names a folder of one machine: `/home/ann"},
		{"another's home", "docs/a.md", `C:\Users\ann`, `docs/a.md names a folder of one machine: C:\Users`},
		{"a path of the web", "docs/a.md", "GET /relationships/1 and ~/.firsthand", ""},
		{"packages in a tree", "docs/architecture.md", "```\nfault/   kinds of error\ninternal/agent/   acts\n  policy/\n  channel/  how\n    native/  mail/\n```\n",
			"docs/architecture.md names package internal/agent/channel, which doesn't exist" +
				"|docs/architecture.md names package internal/agent/channel/mail, which doesn't exist" +
				"|docs/architecture.md names package internal/agent/channel/native, which doesn't exist"},
		{"packages in spans", "docs/architecture.md", "`internal/agent` `internal/web` `internal/agent/*` `fault` `fault/x` `a/b`",
			"docs/architecture.md names package fault/x, which doesn't exist" +
				"|docs/architecture.md names package internal/web, which doesn't exist"},
		{"packages in a table", "docs/architecture.md", "| `fault` | kinds of error |\n| `exchange` | wishes and `offers` |\n",
			"docs/architecture.md names package exchange, which doesn't exist"},
		{"history may name what is gone", "docs/decisions/0001-x.md", "`internal/web`", ""},
		{"a README without what it leads to", "README.md", "run go test ./...", "LICENSE is missing|CONTRIBUTING.md is missing|SECURITY.md is missing" +
			"|AGENTS.md is missing|docs/overview.md is missing|docs/architecture.md is missing|docs/protocol.md is missing|docs/decisions/README.md is missing"},
		{"a README without the test command", "README.md", "", "*README.md doesn't test by"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{
				"NEWS.md":                         {Data: []byte("# News\n")},
				"docs/decisions/0000-x.md":        {},
				"fault/fault.go":                  {},
				"internal/agent/policy/policy.go": {},
				".ci/run":                         {Data: []byte(testCommand)},
				tt.file:                           {Data: []byte(tt.text)},
			}
			faults, err := checkDocuments(tree, []string{"/build/17/firsthand"})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(faults, "|")
			if part, ok := strings.CutPrefix(tt.want, "*"); got != tt.want && !(ok && strings.Contains(got, part)) {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}
