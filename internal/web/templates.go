package web

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"firsthand"
	"firsthand/internal/agent/money"
	"firsthand/internal/locale"
	"firsthand/internal/rbutton"
)

//go:embed templates/*.html
var templateFiles embed.FS

// A page is the template of one page in one language.
type page struct{ t *template.Template }

func (p *page) execute(w io.Writer, _ time.Time, f frame) error {
	return p.t.ExecuteTemplate(w, "layout", f)
}

// parse parses all templates once for each language: functions that know the
// language are theirs, so that nothing is swapped while pages are made.
func (s *Server) parse(langs []*locale.Language) (map[string]map[string]*page, error) {
	all := make(map[string]map[string]*page)
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, l := range langs {
		base, err := template.New("").Option("missingkey=error").Funcs(s.funcs(l)).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
		if err != nil {
			return nil, err
		}
		pages := make(map[string]*page)
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "layout" || name == "parts" {
				continue
			}
			t, err := base.Clone()
			if err != nil {
				return nil, err
			}
			if t, err = t.ParseFS(templateFiles, file); err != nil {
				return nil, err
			}
			pages[name] = &page{t}
		}
		all[l.Tag] = pages
	}
	return all, nil
}

// funcs are what templates may call, in one language.
func (s *Server) funcs(l *locale.Language) template.FuncMap {
	now := func() time.Time { return s.Now().In(s.Zone) }
	return template.FuncMap{
		"t":          l.Say,
		"n":          l.Count,
		"word":       func(family string, value any) string { return l.Word(family, fmt.Sprint(value)) },
		"num":        l.Number,
		"day":        func(t time.Time) string { return l.Day(t.In(s.Zone), now()) },
		"at":         func(t time.Time) string { return l.Moment(t.In(s.Zone), now()) },
		"month":      func(t time.Time) string { return l.MonthYear(t.In(s.Zone)) },
		"iso":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"date":       func(d firsthand.Date) string { return dateText(l, d, s.Zone, now()) },
		"period":     func(p money.Period) string { return periodText(l, p) },
		"monthname":  func(d firsthand.Date) string { return monthText(l, d, s.Zone) },
		"shortmonth": func(d firsthand.Date) string { return shortMonth(l, d) },
		"size":       func(n int64) string { return l.Number(int((n+1023)>>10)) + " KiB" },
		"asset": func(name string) (string, error) {
			a := assets()[name]
			if a == nil {
				return "", fmt.Errorf("no static file %s", name)
			}
			return "/static/" + a.name, nil
		},
		"icon": func(name string) (template.HTML, error) {
			svg, ok := icons()[name]
			if !ok {
				return "", fmt.Errorf("no icon %s", name)
			}
			return svg, nil
		},
		"rbutton":  func(state rbutton.State) string { return "/static/" + assets()[string(state)+".svg"].name },
		"mailstep": mailStep,
		"seen": func(step string) string { // a step that nobody has signed
			if step == "received" {
				return "seen"
			}
			return step
		},
		"status":    func(step string) Status { return statusOfStep(l, step) },
		"tile":      tile,
		"lines":     func(v firsthand.Value) []string { return valueLines(l, v) },
		"input":     func(f Form, name, label string, more ...any) (Input, error) { return input(l, f, name, label, more) },
		"list":      func(all ...any) []any { return all },
		"path":      func(parts ...string) string { return pathOf(parts...) },
		"https":     httpsOnly,
		"host":      hostOf,
		"form":      func() Form { return newForm() },
		"list2":     func(icon, word, class string) Status { return Status{icon, word, class} },
		"isaddress": isAddress,
		"address": func(f Form, prefix string) (ins []Input, err error) {
			for _, name := range addressParts {
				in, err := input(l, f, prefix+name, "part."+name, nil)
				if err != nil {
					return nil, err
				}
				ins = append(ins, in)
			}
			return ins, nil
		},
		"short": func(id firsthand.ID) string { return short(id.String()) },
	}
}

// periodText returns how often something is paid, in words.
func periodText(l *locale.Language, p money.Period) string {
	if p.IsZero() {
		return ""
	}
	return l.Count(map[money.Unit]string{money.Day: "period.day", money.Week: "period.week", money.Month: "period.month", money.Year: "period.year"}[p.Unit], p.N)
}

// monthText returns the month of a day with its year.
func monthText(l *locale.Language, d firsthand.Date, zone *time.Location) string {
	t, err := time.ParseInLocation(time.DateOnly, string(d), zone)
	if err != nil {
		return ""
	}
	return l.MonthYear(t)
}

// shortMonth returns the first letters of the month of a day, for a picture whose table
// has the whole name.
func shortMonth(l *locale.Language, d firsthand.Date) string {
	r := []rune(monthText(l, d, time.UTC))
	return string(r[:min(3, len(r))])
}

// dateText returns a day in words, "" for none.
func dateText(l *locale.Language, d firsthand.Date, zone *time.Location, now time.Time) string {
	t, err := time.ParseInLocation(time.DateOnly, string(d), zone)
	if err != nil {
		return ""
	}
	return l.Day(t, now)
}

// A Status is a step as it is always shown: a picture, a word and a colour.
type Status struct{ Icon, Word, Class string }

// statusIcons are the pictures of steps; the class names a colour.
var statusIcons = map[string][2]string{
	"scheduled": {"scheduled", "quiet"}, "left out": {"leave", "quiet"}, "needs you": {"hand", "yours"}, "open": {"hand", "yours"},
	"draft": {"draft", "quiet"}, "paused": {"paused", "quiet"}, "sent": {"sent", "moving"}, "received": {"received", "moving"},
	"applied": {"applied", "good"}, "done": {"applied", "good"}, "refused": {"refused", "bad"}, "no answer": {"late", "late"}, "replaced": {"changes", "quiet"},
	"instant": {"sent", "good"}, "prepared": {"draft", "moving"},
	"guessed": {"unsure", "late"}, "confirmed": {"check", "good"},
	"nameless": {"hidden", "quiet"}, "pseudonym": {"hidden", "quiet"}, "reachable": {"message", "moving"}, "known": {"me", "late"}, "verified": {"check", "good"},
	"seen": {"received", "moving"}, "got": {"received", "moving"}, "sending": {"sent", "late"}, "returned": {"warning", "bad"}, "unsure": {"unsure", "late"}, "stranger": {"warning", "bad"}, "automatic": {"message", "quiet"}, "answered": {"message", "yours"},
	"mark_applied": {"applied", "good"}, "mark_refused": {"refused", "bad"}, "mark_proof": {"hand", "yours"}, "mark_answer": {"message", "quiet"},
	"overdue": {"late", "late"}, "making": {"draft", "quiet"}, "active": {"check", "good"}, "retired": {"leave", "quiet"}, "closed": {"leave", "quiet"}, "agreed": {"terms", "good"}, "proposed": {"unsure", "late"},
}

// HTML returns s as a page shows it. It is made here and not by a template, which takes
// ten times as long: lists have three in each row.
func (s Status) HTML() (template.HTML, error) {
	icon, ok := icons()[s.Icon]
	if !ok {
		return "", fmt.Errorf("no icon %s", s.Icon)
	}
	esc := template.HTMLEscapeString
	return template.HTML(`<span class="status ` + esc(s.Class) + `">` + string(icon) + `<span>` + esc(s.Word) + `</span></span>`), nil
}

func statusOfStep(l *locale.Language, step string) Status {
	s, ok := statusIcons[step]
	if !ok {
		s = [2]string{"unsure", "quiet"}
	}
	return Status{s[0], l.Word("step", step), s[1]}
}

// tile returns what stands for a company: its first letter on one of some colours,
// always the same. No picture of a company is ever fetched. Like a status it is made
// here.
func tile(name string) template.HTML {
	letter, colour := "·", 0
	for _, r := range name {
		if letter == "·" && isLetter(r) {
			letter = strings.ToUpper(string(r))
		}
		colour = (colour*31 + int(r)) & 0xffff
	}
	return template.HTML(`<span class="tile c` + strconv.Itoa(colour%6) + `" aria-hidden="true">` + template.HTMLEscapeString(letter) + `</span>`)
}

// partOrder is how the parts of a value are read; what isn't here follows by name.
var partOrder = []string{"given", "family", "street", "house", "extra", "postal_code", "city", "region", "country"}
