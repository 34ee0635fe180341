package look

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"html/template"
	"sync"
)

//go:embed icons.svg
var iconFile []byte

// icons are the drawings of icons.svg by their ids.
var icons = sync.OnceValue(func() map[string]template.HTML {
	var sprite struct {
		Symbols []struct {
			ID    string `xml:"id,attr"`
			Inner string `xml:",innerxml"`
		} `xml:"symbol"`
	}
	if err := xml.Unmarshal(iconFile, &sprite); err != nil {
		panic(err) // a test would have found it
	}
	all := make(map[string]template.HTML)
	for _, s := range sprite.Symbols {
		all[s.ID] = template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + s.Inner + `</svg>`)
	}
	return all
})

// Icon returns the drawing of that name.
func Icon(name string) (template.HTML, error) {
	svg, ok := icons()[name]
	if !ok {
		return "", fmt.Errorf("no icon %s", name)
	}
	return svg, nil
}

// A Status is a step as it is always shown: a picture, a word and a colour.
type Status struct{ Icon, Word, Class string }

// HTML returns s as a page shows it. It is made here and not by a template, which takes
// ten times as long: lists have three in each row.
func (s Status) HTML() (template.HTML, error) {
	icon, err := Icon(s.Icon)
	if err != nil {
		return "", err
	}
	esc := template.HTMLEscapeString
	return template.HTML(`<span class="status ` + esc(s.Class) + `">` + string(icon) + `<span>` + esc(s.Word) + `</span></span>`), nil
}
