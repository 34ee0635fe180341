package conformance_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firsthand"
	"firsthand/conformance"
)

var update = flag.Bool("update", false, "write the vectors anew")

// A generator makes the vectors. All follows from names, so that it makes the
// same ones each time; the files are the frozen truth nevertheless.
type generator struct {
	t   testing.TB
	all []*conformance.Vector
}

func generate(t testing.TB) []*conformance.Vector {
	g := &generator{t: t}
	for _, group := range []func(*generator){
		jsonVectors, idVectors, keyVectors, deriveVectors, valueVectors,
		entryVectors, lineVectors, bodyVectors,
		chainVectors, openVectors, rotateVectors, forkVectors,
		orderVectors, kindVectors, termsVectors, boundVectors, holdingVectors, appliedVectors, requestVectors, closeVectors, disownVectors, erasedVectors, nowVectors,
		bundleVectors, writeVectors, receiptVectors, companyVectors, callVectors,
		httpCallVectors, httpAnswerVectors,
	} {
		group(g)
	}
	return g.all
}

// add adds a vector. more are parameters, "name: value". The results of one that
// is to be accepted are what package firsthand makes of it.
func (g *generator) add(name, expect, comment, content string, more ...string) {
	g.t.Helper()
	typ, _, _ := strings.Cut(name, "/")
	v := &conformance.Vector{Name: name, Type: typ, Expect: expect, Comment: comment, Content: []byte(content)}
	for _, p := range more {
		name, value, _ := strings.Cut(p, ": ")
		v.Params = append(v.Params, conformance.Header{Name: name, Value: value})
	}
	if expect == "accept" {
		_, v.Results = whole{}.Judge(v)
	}
	g.all = append(g.all, v)
}

// bundle adds the two logs of s as a bundle.
func (g *generator) bundle(name, expect, comment string, s *conformance.Script, more ...string) {
	g.t.Helper()
	g.add("bundle/"+name, expect, comment, s.Bundle(), more...)
}

// wrong adds the logs of s with one more entry, which is wrong.
func (g *generator) wrong(name, expect, comment string, s *conformance.Script, d conformance.Draft) {
	g.t.Helper()
	s.Add(d)
	g.bundle(name, expect, comment, s)
}

// script returns a Script whose keys and salts occur in no other vector.
func (g *generator) script(name string) *conformance.Script {
	return conformance.NewScript("vector " + name)
}

const (
	first  = firsthand.First
	second = firsthand.Second
)

func TestVectorsAreGenerated(t *testing.T) {
	want := map[string][]byte{}
	for _, v := range generate(t) {
		file := v.Name + ".txt"
		if want[file] != nil {
			t.Errorf("two vectors are named %s", v.Name)
		}
		want[file] = v.Format()
	}
	if *update {
		saveVectors(t, want)
	}
	for file, text := range want {
		got, err := os.ReadFile(filepath.Join("vectors", filepath.FromSlash(file)))
		if err != nil {
			t.Errorf("%v; if it is new: go test ./conformance -update", err)
		} else if !bytes.Equal(got, text) {
			t.Errorf("%s is not what is generated now. A released vector never changes: what did?", file)
		}
	}
	err := fs.WalkDir(os.DirFS("vectors"), ".", func(file string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && want[file] == nil && d.Name() != ".gitattributes" {
			t.Errorf("nobody generates %s", file)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func saveVectors(t *testing.T, want map[string][]byte) {
	old, err := filepath.Glob("vectors/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range old {
		if want[filepath.ToSlash(strings.TrimPrefix(file, "vectors"+string(filepath.Separator)))] == nil {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	for file, text := range want {
		file = filepath.Join("vectors", filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVectors(t *testing.T) { conformance.Run(t, whole{}) }

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // a mistake in a test
	}
	return b
}

// replace returns an edit of a payload that must contain old once.
func replace(old, new string) func(string) string {
	return func(s string) string {
		if strings.Count(s, old) != 1 {
			panic(fmt.Sprintf("%q is not once in %s", old, s))
		}
		return strings.Replace(s, old, new, 1)
	}
}

// someID is an id that names nothing.
var someID = firsthand.ID(conformance.NewScriptUnopened("nothing").Seed("id"))
