package conformance_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"firsthand/conformance"
)

var program = flag.String("command", "", "run all vectors with this `program`; see Command")

// TestMain lets the test be a program that judges, for TestCommand.
func TestMain(m *testing.M) {
	if os.Getenv("CONFORMANCE_JUDGE") == "" {
		os.Exit(m.Run())
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		os.Exit(1)
	}
	typ, _, _ := strings.Cut(strings.TrimPrefix(string(text), "type: "), "\n")
	v, err := conformance.Parse(typ+"/stdin", append([]byte("comment: from standard input\nexpect: accept\n"), text...))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	rule, results := whole{}.Judge(v)
	if rule == "" {
		rule = "accept"
	}
	fmt.Println("expect: " + rule)
	for _, h := range results {
		fmt.Println(h.Name + ": " + h.Value)
	}
	os.Exit(0)
}

// A program in any language can be run. Without -command this is our own, which is
// run for some of the vectors.
func TestCommand(t *testing.T) {
	if *program != "" {
		words := strings.Fields(*program)
		conformance.Run(t, conformance.Command(words[0], words[1:]...))
		return
	}
	t.Setenv("CONFORMANCE_JUDGE", "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := conformance.Vectors()
	if err != nil {
		t.Fatal(err)
	}
	impl := conformance.Command(self)
	seen := map[string]bool{} // one of a sort: to start a program takes time
	for _, v := range vectors {
		sort := fmt.Sprint(v.Type, v.Expect == "accept")
		if slices.Contains([]string{"entry", "bundle", "derive"}, v.Type) && !seen[sort] {
			seen[sort] = true
			for _, f := range conformance.Check(impl, v) {
				t.Errorf("%s: %s", v.Name, f)
			}
		}
	}
	if got := conformance.Check(conformance.Command(self+" is not there"), vectors[0]); len(got) == 0 {
		t.Error("a program that isn't there passes")
	}
}

// What is misspelt is refused: it would test nothing.
func TestParse(t *testing.T) {
	good := "expect: accept\ntype: derive\ncomment: x\nkit: k\nlabel: l\nkey: k\nhash: h\n\n\n"
	v, err := conformance.Parse("derive/x", []byte(good))
	if err != nil || string(v.Format()) != good || len(v.Params) != 2 || len(v.Results) != 2 || len(v.Content) != 0 {
		t.Fatalf("Parse = %+v, %v", v, err)
	}
	for _, edit := range [][2]string{
		{"expect:", "expects:"}, {"comment: x\n", ""}, {"type: derive\n", ""}, {"expect: accept\n", ""}, {"kit: k", "kitt: k"}, {"kit: k", "kit:k"}, {"kit: k", "kit: "},
		{"\n\n\n", "\n"}, {"\n\n\n", "\n\n"}, {"accept", "derive-form"}, {"type: derive", "type: derives"}, {"type: derive", "type: mac"},
		{"comment: x", "comment: x\ncomment: y"}, {"expect: accept\ntype: derive\ncomment: x\nkit: k", "kit: k\nexpect: accept\ntype: derive\ncomment: x"},
	} {
		if _, err := conformance.Parse("derive/x", []byte(strings.Replace(good, edit[0], edit[1], 1))); err == nil {
			t.Errorf("accepted with %q for %q", edit[1], edit[0])
		}
	}
	if _, err := conformance.Parse("key/x", []byte(good)); err == nil {
		t.Error("accepted in another folder")
	}
}

// wrong is an implementation that always says the same.
type wrong struct {
	rule    string
	results []conformance.Header
}

func (w wrong) Judge(*conformance.Vector) (string, []conformance.Header) { return w.rule, w.results }

// The runner notices every way to be wrong.
func TestCheck(t *testing.T) {
	accepted := &conformance.Vector{Expect: "accept", Results: []conformance.Header{{Name: "id", Value: "1"}}}
	refused := &conformance.Vector{Expect: "entry-id"}
	for _, tt := range []struct {
		v    *conformance.Vector
		impl wrong
		good bool
	}{
		{accepted, wrong{"", accepted.Results}, true},
		{accepted, wrong{"", nil}, false},
		{accepted, wrong{"", []conformance.Header{{Name: "id", Value: "2"}}}, false},
		{accepted, wrong{"", append(accepted.Results, accepted.Results...)}, false},
		{accepted, wrong{"entry-id", nil}, false},
		{refused, wrong{"entry-id", nil}, true},
		{refused, wrong{"entry-time", nil}, false},
		{refused, wrong{"", nil}, false},
	} {
		if got := len(conformance.Check(tt.impl, tt.v)) == 0; got != tt.good {
			t.Errorf("%+v judged by %+v: good is %v", tt.v, tt.impl, got)
		}
	}
}
