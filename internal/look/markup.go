package look

import (
	"html/template"
	"strings"
)

// A Markup is HTML that is written without a template, which takes too long for the
// rows of a list: they print a thousand things on a page. The zero value is empty.
//
// What it is given is one of three, and the compiler tells them apart: tags, which can
// only be constants of the program; text, which may be anything and is escaped; and
// [template.HTML], which is markup already. So nothing that a company or a file says
// can become markup, as in a template. What it doesn't know is where it is: attributes
// are quoted by who writes them, and a link to elsewhere, a script or a style belongs
// into a template.
type Markup struct{ b strings.Builder }

// tags are markup. To other packages nothing but an untyped constant is assignable to it.
type tags string

// Tags adds markup of the program's own, which is a constant.
func (m *Markup) Tags(t tags) *Markup {
	m.b.WriteString(string(t))
	return m
}

// Text adds a text: between tags, or within a quoted attribute.
func (m *Markup) Text(s string) *Markup {
	m.b.WriteString(template.HTMLEscapeString(s))
	return m
}

// Add adds what is HTML already.
func (m *Markup) Add(h template.HTML) *Markup {
	m.b.WriteString(string(h))
	return m
}

// HTML returns all that was written.
func (m *Markup) HTML() template.HTML { return template.HTML(m.b.String()) }

// Grow makes room for n bytes more.
func (m *Markup) Grow(n int) { m.b.Grow(n) }
