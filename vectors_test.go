package firsthand_test

import (
	"testing"

	"firsthand/conformance"
)

// The vectors again, so that they count for this package and its planted bugs;
// those about HTTP are the concern of package conformance.
func TestVectors(t *testing.T) {
	vectors, err := conformance.Vectors()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		switch v.Type {
		case "address", "request", "response", "failure":
			continue
		}
		t.Run(v.Name, func(t *testing.T) {
			for _, f := range conformance.Check(conformance.Reference{}, v) {
				t.Error(f)
			}
		})
	}
}
