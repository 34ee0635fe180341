package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"firsthand"
	"firsthand/internal/agent/money"
	"firsthand/internal/locale"
	"firsthand/internal/look"
	"firsthand/internal/rbutton"
)

//go:embed templates/*.html
var templateFiles embed.FS

// A page is the template of one page in one language. It is parsed when it is asked
// for first: all of them cost more than everything else at the server's start, and a
// quarter of its memory, and few are looked at in one evening. That each can be parsed
// is shown by the gallery.
type page struct {
	template func() (*template.Template, error)
	size     atomic.Int64 // of the last one: the next will be about as long
}

func (p *page) execute(f frame) ([]byte, error) {
	t, err := p.template()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(int(p.size.Load()) + 1<<10)
	err = t.ExecuteTemplate(&b, "layout", f)
	p.size.Store(int64(b.Len()))
	return b.Bytes(), err
}

// pages returns the templates of all pages, once for each language: functions that
// know the language are theirs, so that nothing is swapped while pages are made.
func (s *Server) pages(langs []*locale.Language) (map[string]map[string]*page, error) {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	all := make(map[string]map[string]*page)
	for _, l := range langs {
		base := sync.OnceValues(func() (*template.Template, error) {
			return template.New("").Option("missingkey=error").Funcs(s.funcs(l)).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
		})
		pages := make(map[string]*page)
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "layout" || name == "parts" {
				continue
			}
			pages[name] = &page{template: sync.OnceValues(func() (*template.Template, error) {
				t, err := base()
				if err == nil {
					t, err = t.Clone()
				}
				if err != nil {
					return nil, err
				}
				return t.ParseFS(templateFiles, file)
			})}
		}
		all[l.Tag] = pages
	}
	return all, nil
}

// funcs are what templates may call, in one language.
func (s *Server) funcs(l *locale.Language) template.FuncMap {
	now := func() time.Time { return s.Now().In(s.Zone) }
	all := template.FuncMap{
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
		"asset":      assets().Path,
		"rbutton":    func(state rbutton.State) (string, error) { return assets().Path(string(state) + ".svg") },
		"icon":       look.Icon,
		"mailstep":   mailStep,
		"seen":       seenStep,
		"status":     func(step string) Status { return statusOfStep(l, step) },
		"tile":       tile,
		"lines":      func(v firsthand.Value) []string { return valueLines(l, v) },
		"input":      func(f Form, name, label string, more ...any) (Input, error) { return input(l, f, name, label, more) },
		"list":       func(all ...any) []any { return all },
		"path":       func(parts ...string) string { return pathOf(parts...) },
		"https":      httpsOnly,
		"host":       hostOf,
		"form":       func() Form { return newForm() },
		"list2":      func(icon, word, class string) Status { return Status{Icon: icon, Word: word, Class: class} },
		"isaddress":  isAddress,
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
	maps.Copy(all, s.lists(l))
	return all
}

// seenStep returns how a step is called that nobody has signed.
func seenStep(step string) string {
	if step == "received" {
		return "seen"
	}
	return step
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

// A Status is a step as it is always shown.
type Status = look.Status

// statusIcons are the pictures of steps; the class names a colour.
var statusIcons = map[string][2]string{
	"scheduled": {"scheduled", "quiet"}, "cancelled": {"leave", "quiet"}, "left out": {"leave", "quiet"}, "needs you": {"hand", "yours"}, "open": {"hand", "yours"},
	"draft": {"draft", "quiet"}, "paused": {"paused", "quiet"}, "sent": {"sent", "moving"}, "received": {"received", "moving"},
	"applied": {"applied", "good"}, "done": {"applied", "good"}, "refused": {"refused", "bad"}, "no answer": {"late", "late"}, "replaced": {"changes", "quiet"},
	"instant": {"sent", "good"}, "prepared": {"draft", "moving"},
	"guessed": {"unsure", "late"}, "confirmed": {"check", "good"},
	"nameless": {"hidden", "quiet"}, "pseudonym": {"hidden", "quiet"}, "reachable": {"message", "moving"}, "known": {"me", "late"}, "verified": {"check", "good"},
	"seen": {"received", "moving"}, "got": {"received", "moving"}, "sending": {"sent", "late"}, "returned": {"warning", "bad"}, "unsure": {"unsure", "late"}, "stranger": {"warning", "bad"}, "automatic": {"message", "quiet"}, "answered": {"message", "yours"},
	"mark_applied": {"applied", "good"}, "mark_refused": {"refused", "bad"}, "mark_proof": {"hand", "yours"}, "mark_answer": {"message", "quiet"},
	"overdue": {"late", "late"}, "making": {"draft", "quiet"}, "active": {"check", "good"}, "retired": {"leave", "quiet"}, "closed": {"leave", "quiet"}, "agreed": {"terms", "good"}, "proposed": {"unsure", "late"},
}

func statusOfStep(l *locale.Language, step string) Status {
	s, ok := statusIcons[step]
	if !ok {
		s = [2]string{"unsure", "quiet"}
	}
	return Status{Icon: s[0], Word: l.Word("step", step), Class: s[1]}
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
