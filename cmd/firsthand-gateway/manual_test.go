package main

import (
	"os"
	"strings"
	"testing"
)

// TestManual holds the package comment against the table of commands.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(program().Manual()) {
		if want := "//\t" + strings.TrimSpace(line); !strings.Contains(string(text), want) {
			t.Errorf("the package comment lacks %q", want)
		}
	}
}
