package connectortest

import (
	"slices"
	"testing"
)

func TestCasesHaveNames(t *testing.T) {
	var names []string
	for _, c := range cases {
		if slices.Contains(names, c.name) || c.name == "" || c.run == nil {
			t.Errorf("case %q is there twice, or empty", c.name)
		}
		names = append(names, c.name)
	}
}
