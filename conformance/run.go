package conformance

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// An Implementation is what the vectors test.
type Implementation interface {
	// Judge reads the content of v as its type says. It returns the name of the
	// rule that refuses it, or "" and the results that the type has. It looks at
	// neither v.Expect nor v.Results.
	Judge(v *Vector) (rule string, results []Header)
}

// Run runs all vectors.
func Run(t *testing.T, impl Implementation) {
	vectors, err := Vectors()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			for _, f := range Check(impl, v) {
				t.Error(f)
			}
		})
	}
}

// Check returns in which respects impl fails v.
func Check(impl Implementation, v *Vector) (faults []string) {
	rule, results := impl.Judge(v)
	switch {
	case rule == "" && v.Expect != "accept":
		return []string{fmt.Sprintf("accepted, want it refused by %s (%s)", v.Expect, v.Comment)}
	case rule != "" && v.Expect == "accept":
		return []string{fmt.Sprintf("refused by %s, want it accepted (%s)", rule, v.Comment)}
	case rule != "" && rule != v.Expect:
		return []string{fmt.Sprintf("refused by %s, want %s (%s)", rule, v.Expect, v.Comment)}
	}
	if slices.Equal(results, v.Results) || rule != "" {
		return nil
	}
	for i := range max(len(results), len(v.Results)) {
		got, want := line(results, i), line(v.Results, i)
		if got != want {
			faults = append(faults, fmt.Sprintf("got  %s\nwant %s", got, want))
		}
	}
	return faults
}

func line(headers []Header, i int) string {
	if i >= len(headers) {
		return "nothing"
	}
	return headers[i].Name + ": " + headers[i].Value
}

// Command returns the Implementation that a program is. It is started for each
// vector, gets it on standard input without expect, comment and results, and
// prints "expect: " with accept or the rule on a line, and after accept a line for
// each result, in the order that the type names them.
func Command(name string, args ...string) Implementation { return command{name, args} }

type command struct {
	name string
	args []string
}

func (c command) Judge(v *Vector) (rule string, results []Header) {
	var in bytes.Buffer
	fmt.Fprintf(&in, "type: %s\n", v.Type)
	for _, h := range v.Params {
		fmt.Fprintf(&in, "%s: %s\n", h.Name, h.Value)
	}
	fmt.Fprintf(&in, "\n%s\n", v.Content)
	cmd := exec.Command(c.name, c.args...)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		return "nothing: " + err.Error(), nil
	}
	for text := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(text, "\n"), ": ")
		results = append(results, Header{name, value})
	}
	if len(results) == 0 || results[0].Name != "expect" {
		return fmt.Sprintf("nothing: %q", out), nil
	}
	if rule = results[0].Value; rule == "accept" {
		return "", results[1:]
	}
	return rule, nil
}
