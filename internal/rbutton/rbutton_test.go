package rbutton_test

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"firsthand/internal/rbutton"
)

// Each picture is one that may stand on anybody's site: it says what it means, it
// has both colours, it does nothing, and it differs from the others in shape.
func TestPictures(t *testing.T) {
	shapes := map[string]rbutton.State{}
	for _, s := range rbutton.States {
		text := string(s.SVG())
		if !strings.Contains(text, "prefers-color-scheme:dark") {
			t.Errorf("%s has no colours for the dark", s)
		}
		var shape, title string
		for d := xml.NewDecoder(strings.NewReader(text)); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			e, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			switch e.Name.Local {
			case "svg", "style":
			case "path", "circle":
				shape += e.Name.Local
				for _, a := range e.Attr {
					shape += " " + a.Value
				}
			case "title":
				if err := d.DecodeElement(&title, &e); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("%s has an element %s", s, e.Name.Local)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
					t.Errorf("%s has an attribute %s", s, a.Name.Local)
				}
			}
		}
		if strings.Contains(text, "dasharray") {
			shape += " broken"
		}
		if title == "" {
			t.Errorf("%s doesn't say what it means", s)
		}
		if other, ok := shapes[shape]; ok {
			t.Errorf("%s and %s differ in colour alone", s, other)
		}
		shapes[shape] = s
	}
	if rbutton.State("x").SVG() != nil {
		t.Error("a picture of nothing")
	}
}
