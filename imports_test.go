package firsthand_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// imports says which packages of this module each package may import; "/..." is
// everything below, and the longest match counts. An arrow that is not on this
// map does not exist. To add one, change the map in the same commit, with a
// sentence that says why.
var imports = map[string][]string{
	"fault": {},
	".":     {"fault"},
	"terms": {".", "fault"},
	"fetch": {"fault"},
	"wire":  {".", "fault", "fetch"},

	"logtest":     {".", "fault"},
	"conformance": {".", "fault", "terms", "wire"},

	"connector": {".", "fault"},
	// Connectors that speak HTTP call in the same way, within the same limits.
	"connector/...": {".", "fault", "fetch", "connector", "connector/remote"},
	// A mailbox is written to and read as the customer's agent does it.
	"connector/email": {".", "fault", "connector", "connector/remote", "internal/mail"},

	"internal/agent": {".", "fault", "terms", "wire", "internal/agent/policy", "internal/agent/channel", "internal/agent/importer", "internal/agent/importer/fields", "internal/agent/directory", "internal/agent/rights", "internal/agent/letters", "internal/agent/money", "internal/agent/mask"},
	// Amounts, periods and days of contracts: files say them, the agent counts with
	// them, pages show them.
	"internal/agent/money":          {".", "fault"},
	"internal/agent/policy":         {".", "fault", "terms"},
	"internal/agent/channel":        {".", "fault", "fetch", "internal/mail"},
	"internal/agent/channel/...":    {".", "fault", "internal/agent/channel", "internal/agent/letters"},
	"internal/agent/channel/mail":   {".", "fault", "internal/agent/channel", "internal/agent/letters", "internal/mail"},
	"internal/agent/channel/native": {".", "fault", "internal/agent/channel", "wire"},
	// Channels write letters, and those say what the law is. Both are pure.
	"internal/agent/rights":       {".", "fault"},
	"internal/agent/letters":      {".", "fault", "internal/agent/rights", "internal/agent/channel"},
	"internal/agent/importer":     {".", "fault", "fetch", "internal/agent/money"},
	"internal/agent/importer/...": {".", "fault", "internal/agent/importer", "internal/agent/money"},
	// What a company answers to who asks for her data often comes as an archive.
	"internal/agent/importer/fields": {".", "fault", "internal/agent/importer", "internal/agent/importer/archive"},
	"internal/agent/directory":       {".", "fault", "fetch"},
	"internal/agent/mask":            {"fault", "fetch"},
	// A store implements the interface that its program declares, in whose types
	// (rows, commits) the interface is written. The program doesn't import it.
	// What is listed of companies is part of that interface, and so is what files say
	// of payments and contracts.
	"internal/agent/store": {".", "fault", "terms", "internal/durable", "internal/sqlite", "internal/agent", "internal/agent/directory", "internal/agent/money", "internal/agent/importer"},

	"internal/gateway":       {".", "fault", "terms", "connector", "wire", "internal/durable"},
	"internal/gateway/store": {".", "fault", "terms", "internal/durable", "internal/sqlite", "internal/gateway"},
	// The same, in a database that several gateways share.
	"internal/gateway/pgstore": {".", "fault", "internal/durable", "internal/gateway"},
	// What is measured is what the gateway says it does, and the calls that it answers.
	"internal/gateway/metrics": {".", "fault", "wire", "internal/gateway"},

	// Mails are read and written the same way on both sides: hers, and a company's whose
	// helpdesk is a mailbox. What is hostile in them is so to both.
	"internal/mail": {".", "fault"},

	"internal/locale": {},
	// The r-button is one picture: her app shows it, and so does the company's page
	// that leads to her app.
	"internal/rbutton": {},
	"internal/meetus":  {".", "fault", "internal/rbutton"},
	// Small files that a crash leaves whole: keys, marks, manifests.
	"internal/durable": {},
	// A wrong key, a full disk and a database from a newer program ask for
	// different things of a person, and only the code that opens the file can
	// tell them apart.
	"internal/sqlite": {"fault", "internal/durable"},
	// Both programs print errors and their hints, and a command that failed in a
	// server has the same kind of error as one that failed alone.
	"internal/cli": {"fault"},

	// The agent's own types have parts of these: rules of hers, drafts of channels,
	// what is listed of a company, fields of a document. Pages show them.
	"internal/web": {".", "fault", "terms", "internal/locale", "internal/look", "internal/rbutton", "internal/agent", "internal/agent/policy", "internal/agent/channel", "internal/agent/directory", "internal/agent/money", "internal/agent/importer", "internal/agent/importer/fields", "internal/agent/mask"},
	// Two kinds of people sign in with a company: its staff, and its customers.
	"internal/oidc":   {"fault"},
	"internal/signin": {".", "fault", "internal/look", "internal/oidc"},
	"internal/desk":   {".", "fault", "terms", "connector", "internal/locale", "internal/look", "internal/oidc", "internal/gateway"},
	// A desk can do without passkeys, as those of the made-up world do: then their
	// library is no part of the customer's program.
	"internal/desk/passkey": {"fault", "internal/desk"},
	// One look for the pages of both programs, which know nothing of each other: the
	// style sheet, the script, icons, headers and what an error says stand in a package
	// of their own.
	"internal/look": {"fault"},

	"internal/world": {"..."},
	"internal/sim":   {"..."},
	"cmd/...":        {"..."}, // commands tie everything together

	// Starts a company's real systems, for tests and for the demo, which know what
	// joins a gateway to them.
	"internal/systems": {"fault"},

	// For tests. Suites that lie below what they test need no entry: see isSuite.
	"internal/needtest": {},
}

// isSuite reports whether pkg is the suite of the package in whose folder it lies,
// as fetch/fetchtest is. A suite may import that package, what it may import,
// internal/needtest, and logtest, whose promises are part of each store's.
func isSuite(pkg string) bool {
	return path.Dir(pkg) != "." && path.Base(pkg) == path.Base(path.Dir(pkg))+"test"
}

// pure packages compute: no files, no sockets, no processes, no database.
var pure = []string{".", "fault", "terms", "internal/agent/policy", "internal/agent/rights", "internal/agent/letters", "internal/agent/money"}

// impure are the packages outside of this module that a pure one can't have.
var impure = []string{"os", "os/...", "net", "net/http", "net/http/...", "net/rpc", "net/smtp", "crypto/tls", "database/sql", "database/sql/...",
	"syscall", "plugin", "log", "log/syslog", "C", "unsafe"}

// testOnly reports whether pkg, ours or not, is for tests: only tests, and other
// packages for tests, may import it. What the customer runs has none of it.
func testOnly(pkg string) bool {
	return strings.HasSuffix(path.Base(pkg), "test") || pkg == "testing" || strings.HasPrefix(pkg, "testing/") ||
		pkg == "conformance" || pkg == "internal/sim"
}

// lookup returns the entry of pkg in a map or list with "/..." entries.
func lookup(names []string, pkg string) (name string, ok bool) {
	if slices.Contains(names, pkg) {
		return pkg, true
	}
	for dir := path.Dir(pkg); dir != "."; dir = path.Dir(dir) {
		if slices.Contains(names, dir+"/...") {
			return dir + "/...", true
		}
	}
	return "", false
}

// allowed returns what pkg may import of ours, and whether it is on the map.
func allowed(pkg string) (of []string, ok bool) {
	var names []string
	for name := range imports {
		names = append(names, name)
	}
	if isSuite(pkg) {
		parent := path.Dir(pkg)
		name, ok := lookup(names, parent)
		return append([]string{parent, "internal/needtest", "logtest"}, imports[name]...), ok
	}
	name, ok := lookup(names, pkg)
	return imports[name], ok
}

// checkImports returns what is wrong with the imports of the module in tree. It
// reads the files itself, and does not ask the go command, so that the test cache
// knows what the result depends on.
func checkImports(tree fs.FS) (faults []string, err error) {
	err = fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(file)
		if d.IsDir() {
			if file != "." && (base == "testdata" || base[0] == '.' || base[0] == '_') {
				return fs.SkipDir
			}
			if _, err := fs.Stat(tree, path.Join(file, "go.mod")); err == nil && file != "." {
				return fs.SkipDir // another module
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") || base[0] == '.' || base[0] == '_' {
			return nil
		}
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		found, err := checkFile(file, text)
		faults = append(faults, found...)
		return err
	})
	return faults, err
}

func checkFile(file string, text []byte) (faults []string, err error) {
	pkg := path.Dir(file)
	mayImport, ok := allowed(pkg)
	if !ok {
		return []string{fmt.Sprintf("%s: package %s is not on the map of imports", file, pkg)}, nil
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		rel, ours := strings.CutPrefix(imp+"/", "firsthand/")
		if ours {
			if imp = strings.TrimSuffix(rel, "/"); imp == "" {
				imp = "."
			}
			if !slices.Contains(mayImport, imp) && !slices.Contains(mayImport, "...") {
				faults = append(faults, fmt.Sprintf("%s: %s may not import %s", file, pkg, imp))
			}
		} else if _, forbidden := lookup(impure, imp); forbidden && slices.Contains(pure, pkg) {
			faults = append(faults, fmt.Sprintf("%s: %s is pure and may not import %s", file, pkg, imp))
		}
		if testOnly(imp) && !testOnly(pkg) {
			faults = append(faults, fmt.Sprintf("%s: %s is for tests", file, imp))
		}
	}
	return faults, nil
}

func TestImports(t *testing.T) {
	faults, err := checkImports(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}

// The check must find what it is there for.
func TestImportsAreChecked(t *testing.T) {
	tests := []struct{ file, text, want string }{
		{"entry.go", `import "firsthand/fault"`, ""},
		{"entry.go", `import "firsthand/terms"`, "entry.go: . may not import terms"},
		{"entry.go", `import "os"`, "entry.go: . is pure and may not import os"},
		{"entry.go", `import "net/http"`, "entry.go: . is pure and may not import net/http"},
		{"entry.go", `import "net/url"`, ""},
		{"fault/fault.go", `import "firsthand"`, "fault/fault.go: fault may not import ."},
		{"fault/fault.go", `import . "firsthand/fetch"`, "fault/fault.go: fault may not import fetch"},
		{"fault/fault.go", `import "firsthandy/fetch"`, ""},
		{"terms/terms.go", `import _ "os/exec"`, "terms/terms.go: terms is pure and may not import os/exec"},
		{"connector/rt/rt.go", `import "firsthand/fetch"`, ""},
		{"connector/connector.go", `import "firsthand/fetch"`, "connector/connector.go: connector may not import fetch"},
		{"connector/rt/rt.go", `import "firsthand/internal/gateway"`, "connector/rt/rt.go: connector/rt may not import internal/gateway"},
		{"connector/rt/v5/rt.go", `import "firsthand/connector/rt"`, "connector/rt/v5/rt.go: connector/rt/v5 may not import connector/rt"},
		{"internal/agent/agent.go", `import "firsthand/internal/agent/store"`, "internal/agent/agent.go: internal/agent may not import internal/agent/store"},
		{"internal/agent/channel/mail/mail.go", `import "firsthand/wire"`, "internal/agent/channel/mail/mail.go: internal/agent/channel/mail may not import wire"},
		{"internal/agent/channel/native/native.go", `import "firsthand/wire"`, ""},
		{"internal/utils/utils.go", `import "fmt"`, "internal/utils/utils.go: package internal/utils is not on the map of imports"},
		{"cmd/firsthand/main.go", `import "firsthand/internal/agent/store"`, ""},
		{"cmd/firsthand/main.go", `import "testing"`, "cmd/firsthand/main.go: testing is for tests"},
		{"internal/world/world.go", `import "testing/fstest"`, "internal/world/world.go: testing/fstest is for tests"},
		{"internal/world/world.go", `import "net/http/httptest"`, "internal/world/world.go: net/http/httptest is for tests"},
		{"internal/world/world.go", `import "firsthand/conformance"`, "internal/world/world.go: conformance is for tests"},
		{"internal/world/world.go", `import "firsthand/internal/sim"`, "internal/world/world.go: internal/sim is for tests"},
		{"fetch/fetchtest/suite.go", `import ("firsthand/fetch"; "firsthand/internal/needtest"; "testing"; "net/http/httptest")`, ""},
		{"fetch/fetchtest/suite.go", `import "firsthand/wire"`, "fetch/fetchtest/suite.go: fetch/fetchtest may not import wire"},
		{"fetch/fetch.go", `import "firsthand/fetch/fetchtest"`, "fetch/fetch.go: fetch may not import fetch/fetchtest|fetch/fetch.go: fetch/fetchtest is for tests"},
		{"connector/connectortest/suite.go", `import ("firsthand/connector"; "testing")`, ""},
		{"entry_test.go", `import ("firsthand/internal/agent"; "os"; "testing")`, ""},
		{"fetch/testdata/x.go", `import "firsthand/wire"`, ""},
		{"tools/x.go", `import "firsthand/wire"`, ""},
	}
	for _, tt := range tests {
		tree := fstest.MapFS{
			tt.file:        {Data: []byte("package x\n" + tt.text)},
			"tools/go.mod": {Data: []byte("module firsthand/tools\n")},
		}
		got, err := checkImports(tree)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(got, "|") != tt.want {
			t.Errorf("%s: %s: found %q, want %q", tt.file, tt.text, got, tt.want)
		}
	}
}
