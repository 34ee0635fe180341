package web

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"firsthand"
	"firsthand/internal/locale"
)

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// valueLines returns a value as lines to read: its text, or its parts in the order
// in which an address is written.
func valueLines(l *locale.Language, v firsthand.Value) (lines []string) {
	if len(v.Parts) == 0 {
		if v.Text == "" {
			return nil
		}
		return strings.Split(v.Text, "\n")
	}
	for _, name := range partsOf(v) {
		if text := v.Parts[name]; text != "" {
			if name == "city" && v.Parts["postal_code"] != "" && len(lines) > 0 {
				lines[len(lines)-1] += " " + text
			} else if slices.Contains(partOrder, name) {
				lines = append(lines, text)
			} else {
				lines = append(lines, l.Word("part", name)+": "+text)
			}
		}
	}
	return lines
}

// partsOf returns the names of a value's parts in the order of partOrder.
func partsOf(v firsthand.Value) []string {
	place := func(name string) int {
		if i := slices.Index(partOrder, name); i >= 0 {
			return i
		}
		return len(partOrder)
	}
	names := slices.Sorted(maps.Keys(v.Parts))
	slices.SortStableFunc(names, func(a, b string) int { return place(a) - place(b) })
	return names
}

// pathOf joins parts to the path of a page of ours, each escaped.
func pathOf(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}

// httpsOnly returns a link of a company if it is one that may be followed, else "".
func httpsOnly(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || strings.ContainsFunc(raw, unicode.IsControl) {
		return ""
	}
	if host := u.Hostname(); !strings.Contains(host, ".") || net.ParseIP(host) != nil {
		return "" // nobody's public page
	}
	return u.String()
}

// hostOf returns where a link leads, to be shown beside it.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func short(id string) string {
	if len(id) > 10 {
		return id[:10] + "…"
	}
	return id
}

// input makes the Input of a field: input form name label [type [hint [auto]]].
// A label is a key; a hint too, or "".
func input(l *locale.Language, f Form, name, label string, more []any) (Input, error) {
	in := Input{Name: name, Label: l.Say(label), Type: "text", Value: f.Value(name), Error: f.Error(name)}
	for i, m := range more {
		switch m := m.(type) {
		case []Option:
			in.Options = slices.Clone(m)
			for j := range in.Options {
				if f.Values.Has(name) {
					in.Options[j].Chosen = in.Options[j].Value == in.Value
				}
			}
			in.Type = "select"
		case string:
			switch {
			case i == 0:
				in.Type = m
			case m == "required":
				in.Required = true
			case strings.HasPrefix(m, "auto="):
				in.Auto = m[len("auto="):]
			case m != "":
				in.Hint = l.Say(m)
			}
		default:
			return in, fmt.Errorf("input: %T", m)
		}
	}
	return in, nil
}
