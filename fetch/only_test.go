package fetch_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// exempt are the packages that may make HTTP calls without package fetch, and
// why. A path that ends in a slash is everything below.
var exempt = map[string]string{
	"fetch":      "it is what the others must use",
	"connector/": "calls the systems of the company, at addresses that its operator typed",
	"cmd/":       "calls the server of the same machine",

	"internal/oidc":          "calls the company's own provider, at the address that its operator typed",
	"internal/oidc/oidctest": "is a provider on loopback, for tests",
	"internal/signin":        "hands a client to internal/oidc",
	"internal/desk":          "hands a client to internal/oidc",
	"internal/systems":       "calls what it has started itself, on loopback",
}

// banned are the names of net/http with which a call can be made.
var banned = []string{
	"Client", "DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm",
	"ProxyFromEnvironment", "ProxyURL", "Transport",
}

// TestOnlyFetch reads all files of the module that are no tests.
func TestOnlyFetch(t *testing.T) {
	files := 0
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			// A folder with a go.mod of its own is another module.
			_, err := os.Stat(filepath.Join(file, "go.mod"))
			if name != ".." && (err == nil || name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel("..", file)
		if err != nil || isExempt(path.Dir(filepath.ToSlash(rel))) {
			return err
		}
		files++
		found, err := calls(file, nil)
		for _, f := range found {
			t.Errorf("%s: use package fetch, or give a reason in exempt", f)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if files == 0 {
		t.Error("no files read")
	}
}

func isExempt(pkg string) bool {
	for p := range exempt {
		if pkg == p || strings.HasSuffix(p, "/") && strings.HasPrefix(pkg+"/", p) {
			return true
		}
	}
	return false
}

// calls returns where a file names what is banned. src is as for
// parser.ParseFile.
func calls(file string, src any) (found []string, err error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	local := "" // what the file calls net/http
	for _, spec := range f.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); p == "net/http" {
			local = "http"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	if local == "." {
		found = append(found, fmt.Sprintf("%s: imports net/http with a dot", file))
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == local && slices.Contains(banned, sel.Sel.Name) {
			found = append(found, fmt.Sprintf("%v: http.%s", fset.Position(sel.Pos()), sel.Sel.Name))
		}
		return true
	})
	return found, nil
}

func TestOnlyFetchNotices(t *testing.T) {
	tests := []struct {
		src  string
		want int
	}{
		{`import "net/http"; var _ http.Handler`, 0},
		{`import "net/http"; var _ = http.MethodGet`, 0},
		{`import "firsthand/fetch"; var c fetch.Client; var _ = c.Get`, 0},
		{`import http "firsthand/fetch"; var _ http.Client`, 0},
		{`import "net/http"; var _, _ = http.Get("https://acme.example/")`, 1},
		{`import "net/http"; var get = http.Get`, 1},
		{`import "net/http"; func f() { http.Post("", "", nil); http.PostForm("", nil); http.Head("") }`, 3},
		{`import "net/http"; var _ = http.DefaultClient.Do`, 1},
		{`import "net/http"; var _ = http.DefaultTransport`, 1},
		{`import "net/http"; var _ = &http.Client{Transport: &http.Transport{}}`, 2},
		{`import "net/http"; var c http.Client`, 1},
		{`import "net/http"; var c = new(http.Client)`, 1},
		{`import "net/http"; type c struct{ http.Client }`, 1},
		{`import web "net/http"; var c web.Client`, 1},
		{`import . "net/http"; var c Client`, 1},
	}
	for _, tt := range tests {
		found, err := calls("a.go", "package a; "+tt.src)
		if err != nil || len(found) != tt.want {
			t.Errorf("%s: found %q, %v, want %d", tt.src, found, err, tt.want)
		}
	}
	for pkg, want := range map[string]bool{"fetch": true, "fetch/fetchtest": false, "connector": true, "connector/rt": true, "connectors": false, "cmd/firsthand": true, "wire": false, ".": false} {
		if isExempt(pkg) != want {
			t.Errorf("isExempt(%s) = %v, want %v", pkg, !want, want)
		}
	}
}
