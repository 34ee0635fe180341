package desk

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/locale"
	"firsthand/internal/look"
)

//go:embed templates/*.html
var templateFiles embed.FS

// templates are the pages by language and name.
type templates map[string]map[string]*template.Template

//go:embed catalog/en.json
var english []byte

// Languages returns those that the desk speaks. Its sentences stand in a catalogue of
// their own: the customer's program has no use for them.
var Languages = sync.OnceValue(func() []*locale.Language {
	l, err := locale.Parse("en", english)
	if err != nil {
		panic(err) // a test would have found it
	}
	return []*locale.Language{l}
})

// parse parses all templates once for each language.
func (s *Server) parse(langs []*locale.Language) (templates, error) {
	all := make(templates)
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, l := range langs {
		base, err := template.New("").Option("missingkey=error").Funcs(s.funcs(l)).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
		if err != nil {
			return nil, err
		}
		all[l.Tag] = make(map[string]*template.Template)
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "layout" || name == "parts" {
				continue
			}
			t, err := base.Clone()
			if err != nil {
				return nil, err
			}
			if all[l.Tag][name], err = t.ParseFS(templateFiles, file); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// funcs are what templates may call, in one language.
func (s *Server) funcs(l *locale.Language) template.FuncMap {
	now := func() time.Time { return s.Now().In(s.Zone) }
	return template.FuncMap{
		"t":     l.Say,
		"n":     l.Count,
		"word":  func(family string, value any) string { return l.Word(family, fmt.Sprint(value)) },
		"num":   l.Number,
		"at":    func(t time.Time) string { return l.Moment(t.In(s.Zone), now()) },
		"date":  func(d firsthand.Date) string { return l.Day(d.End().Add(-time.Second), now()) },
		"short": func(id string) string { return id[:min(len(id), 10)] },
		"asset": assets().Path,
		"icon":  look.Icon,
		"path":  pathOf,
		"once":  func() string { return newSecret()[:22] },
		"lines": func(v firsthand.Value) []string { return lines(l, v) },
		"step":  func(step any) look.Status { return status(l, fmt.Sprint(step)) },
		"took":  func(d time.Duration) string { return took(l, d) },
		"clock": func(r DueRow) look.Status { return clock(l, r.Due, r.Days) },
		"clockof": func(d gateway.Delivery, days int) look.Status {
			return clock(l, d.Due, days)
		},
		"purpose": func(p string) string { return l.Word("purpose", strings.TrimPrefix(p, "dpv:")) },
	}
}

// partOrder is how the parts of a value are read; what isn't here follows by name.
var partOrder = []string{"given", "family", "street", "house", "extra", "postal_code", "city", "region", "country"}

// lines returns a value as lines to read: its text, or its parts in the order in which
// an address is written.
func lines(l *locale.Language, v firsthand.Value) (all []string) {
	if len(v.Parts) == 0 {
		return strings.Split(v.Text, "\n")
	}
	for _, name := range partOrder {
		switch text := v.Parts[name]; {
		case text == "":
		case name == "city" && v.Parts["postal_code"] != "":
			all[len(all)-1] += " " + text
		default:
			all = append(all, text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.Parts)) {
		if !slices.Contains(partOrder, name) && v.Parts[name] != "" {
			all = append(all, l.Word("part", name)+": "+v.Parts[name])
		}
	}
	return all
}

// statuses are pictures and colours of steps.
var statuses = map[string][2]string{
	"waiting": {"sent", "moving"}, "checking": {"search", "moving"}, "stopped": {"warning", "bad"}, "held": {"hand", "yours"}, "proposed": {"hand", "yours"},
	"later": {"scheduled", "quiet"}, "answer": {"message", "yours"}, "agreed": {"check", "good"}, "applied": {"applied", "good"}, "declined": {"refused", "bad"}, "done": {"check", "good"}, "frozen": {"lock", "bad"},
	"fine": {"applied", "good"}, "wrong": {"refused", "bad"}, "skipped": {"paused", "quiet"}, "byhand": {"hand", "yours"}, "refused": {"refused", "bad"}, "erased": {"leave", "quiet"},
	"up": {"applied", "good"}, "down": {"warning", "bad"}, "unknown": {"unsure", "quiet"},
	"reader": {"search", "quiet"}, "agent": {"hand", "moving"}, "admin": {"key", "yours"}, "bound": {"check", "good"}, "unbound": {"unsure", "late"},
	"green": {"applied", "good"}, "red": {"refused", "bad"},
}

func status(l *locale.Language, step string) look.Status {
	is, ok := statuses[step]
	if !ok {
		is = [2]string{"unsure", "quiet"}
	}
	return look.Status{Icon: is[0], Word: l.Word("step", step), Class: is[1]}
}

// clock says in words how long there is until a day.
func clock(l *locale.Language, due firsthand.Date, days int) look.Status {
	switch {
	case due == "":
		return look.Status{Icon: "paused", Word: l.Say("clock.none"), Class: "quiet"}
	case days < 0:
		return look.Status{Icon: "late", Word: l.Count("clock.over", -days), Class: "bad"}
	case days == 0:
		return look.Status{Icon: "late", Word: l.Say("clock.today"), Class: "late"}
	case days <= 3:
		return look.Status{Icon: "late", Word: l.Count("clock.left", days), Class: "late"}
	}
	return look.Status{Icon: "scheduled", Word: l.Count("clock.left", days), Class: "quiet"}
}

// took says how long something took, in the unit that fits.
func took(l *locale.Language, d time.Duration) string {
	switch {
	case d <= 0:
		return l.Say("took.none")
	case d < time.Second:
		return l.Say("took.instant")
	case d < 2*time.Minute:
		return l.Count("took.seconds", int(d.Round(time.Second)/time.Second))
	case d < 2*time.Hour:
		return l.Count("took.minutes", int(d.Round(time.Minute)/time.Minute))
	case d < 48*time.Hour:
		return l.Count("took.hours", int(d.Round(time.Hour)/time.Hour))
	}
	return l.Count("took.days", int(d.Round(24*time.Hour)/(24*time.Hour)))
}
