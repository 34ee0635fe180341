package web

import (
	"cmp"
	"html/template"
	"strconv"
	"sync/atomic"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/locale"
	"firsthand/internal/look"
)

// Rows of lists are written here and not by templates, which take a microsecond for
// each thing that they print: a page has fifty rows with twenty things each. All around
// the rows is in the templates, which call what is here by the names in [Server.lists].

// lists are the functions that write rows, in one language.
func (s *Server) lists(l *locale.Language) template.FuncMap {
	return template.FuncMap{
		"companyrows": rowsBy(s, l, (*rows).companies),
		"boardrows":   rowsBy(s, l, (*rows).legs),
		"previewrows": rowsBy(s, l, (*rows).planned),
		"taskrows":    rowsBy(s, l, (*rows).tasks),
		"holderrows":  rowsBy(s, l, (*rows).holders),
		"foundrows":   rowsBy(s, l, (*rows).found),

		"holdingrows":  rowsBy(s, l, (*rows).holdings),
		"timelinerows": rowsBy(s, l, (*rows).timeline),
	}
}

// rows are rows that are being written.
type rows struct {
	look.Markup
	*locale.Language
	now time.Time // where she is
	err error
}

// rowsBy returns the function that writes rows of a page, or of a part of one.
func rowsBy[P any](s *Server, l *locale.Language, write func(*rows, P)) func(P) (template.HTML, error) {
	var size atomic.Int64 // of the last ones: the next will be about as long
	return func(p P) (template.HTML, error) {
		w := rows{Language: l, now: s.Now().In(s.Zone)}
		w.Grow(int(size.Load()) + 1<<10)
		write(&w, p)
		size.Store(int64(len(w.HTML())))
		return w.HTML(), w.err
	}
}

// say writes a sentence of the catalogue, count one with a number, word a word.
func (w *rows) say(key string, args ...any)   { w.Text(w.Say(key, args...)) }
func (w *rows) count(key string, n int)       { w.Text(w.Count(key, n)) }
func (w *rows) word(family, value string)     { w.Text(w.Word(family, value)) }
func (w *rows) date(d firsthand.Date) string  { return dateText(w.Language, d, w.now.Location(), w.now) }
func (w *rows) day(t time.Time) string        { return w.Day(t.In(w.now.Location()), w.now) }
func (w *rows) of(h template.HTML, err error) { w.Add(h); w.err = cmp.Or(w.err, err) }
func (w *rows) icon(name string)              { w.of(look.Icon(name)) }
func (w *rows) status(step string)            { w.of(statusOfStep(w.Language, step).HTML()) }

// start begins a row with the company's tile, behind what was written of it.
func (w *rows) start(name string) { w.Add(tile(name)).Tags("\n" + `<div class="what">`) }

// company writes the link to a company.
func (w *rows) company(domain, name string) {
	w.Tags(`<a class="name" href="`).Text(pathOf("companies", domain)).Tags(`">`).Text(name).Tags("</a>\n")
}

// sr writes a name for those who hear the page.
func (w *rows) sr(name string) { w.Tags(` <span class="sr">`).Text(name).Tags(`</span>`) }

// lines writes the lines of a value, with something between them.
func (w *rows) lines(v firsthand.Value, between template.HTML) {
	for i, line := range valueLines(w.Language, v) {
		if i > 0 {
			w.Add(between)
		}
		w.Text(line)
	}
}

func (w *rows) companies(p CompaniesPage) {
	for i := range p.Rows {
		c := &p.Rows[i]
		w.Tags(`<li class="row"><label class="pick"><input type="checkbox" name="domain" value="`).Text(c.Domain).Tags(`"`)
		if p.Many.Has("domain", c.Domain) {
			w.Tags(` checked`)
		}
		w.Tags(`><span class="sr">`).Text(w.Say("companies.pick", c.Name)).Tags("</span></label>\n")
		w.start(c.Name)
		w.company(c.Domain, c.Name)
		w.Tags(`<span class="detail">`)
		if c.Name != c.Domain {
			w.Text(c.Domain)
		}
		for _, group := range c.Groups {
			w.Tags(` <span class="tag">`).Text(group).Tags(`</span>`)
		}
		w.Tags("</span></div>\n" + `<div class="facts">`)
		if c.Held != 0 {
			w.Tags(`<span>`).Text(w.Count("companies.held", c.Held)).Tags("</span>\n")
		}
		if c.Due != "" {
			w.Tags(`<span>`).Text(w.Say("companies.due", w.date(c.Due))).Tags("</span>\n")
		}
		if c.Asks != 0 {
			w.Tags(`<span class="yours">`)
			w.icon("hand")
			w.Tags(` `).Text(w.Count("companies.asks", c.Asks)).Tags("</span>\n")
		}
		if c.Agreement != "" {
			w.status("agreed")
		}
		if c.Closed {
			w.status("closed")
		} else if c.Step != "" {
			w.status(c.Step)
		}
		way := "companies.by_hand"
		if c.Gateway {
			way = "companies.connected"
		}
		w.Tags("\n" + `<span class="channel">`).Text(w.Say(way)).Tags(`</span>`)
		if c.Guessed {
			w.status("guessed")
		}
		w.Tags("</div>\n</li>\n")
	}
}

func (w *rows) legs(p BoardPage) {
	id, claim := strconv.FormatInt(p.Board.ID, 10), p.Board.Move.Claim.Right != ""
	for i := range p.Legs {
		l := &p.Legs[i]
		n := strconv.Itoa(l.N)
		w.Tags(`<li class="row" id="leg-`).Text(n).Tags(`">`)
		w.start(l.Name)
		w.company(l.Domain, cmp.Or(l.Name, l.Domain))
		w.Tags(`<span class="detail">`)
		w.legDetail(l, claim)
		w.Tags("</span></div>\n" + `<div class="facts">`)
		if l.Unproved && l.Step != "needs you" {
			w.Tags(`<span class="quiet">`).Text(w.Say("board.unproved")).Tags("</span>\n")
		}
		switch {
		case claim && l.Step == "applied":
			w.status("done")
		case l.Unproved:
			w.status(seenStep(l.Step))
		default:
			w.status(l.Step)
		}
		if l.Step == "needs you" {
			w.Tags(`<a class="button" href="`).Text(pathOf("tasks", l.Entry.String())).Tags(`">`).Text(w.Say("board.do"))
			w.sr(l.Name)
			w.Tags("</a>\n")
		} else if l.Failed {
			w.Tags(`<form method="post" action="`).Text(pathOf("changes", id, "retry")).Tags(`"><button name="n" value="`).Text(n).Tags(`">`).Text(w.Say("board.retry"))
			w.sr(l.Name)
			w.Tags("</button></form>\n")
		}
		byHand := l.Channel == "manual" || l.Channel == "letter" || l.Channel == "mail"
		if path, key := "", "company.exact"; !l.Entry.IsZero() {
			if byHand && l.Step != "needs you" {
				path, key = pathOf("tasks", l.Entry.String()), "board.task"
			} else if !l.Rel.IsZero() {
				path = pathOf("relationships", l.Rel.String(), "entries", l.Entry.String())
				if l.Step == agent.StepReceived || l.Step == agent.StepApplied || l.Step == agent.StepRefused {
					key = "board.receipt" // the company has signed for it
				}
			}
			if path != "" {
				w.Tags(`<a href="`).Text(path).Tags(`">`).Text(w.Say(key))
				w.sr(l.Name)
				w.Tags(`</a>`)
			}
		}
		w.Tags("</div>\n</li>\n")
	}
}

// legDetail says what a leg is about and what came of it.
func (w *rows) legDetail(l *BoardRow, claim bool) {
	if claim {
		w.Text(l.Basis.Right)
	} else {
		w.word("fact", l.Fact)
	}
	and := func(text string) { w.Tags(` · `).Text(text) }
	if l.System != "" {
		and(w.Say("timeline.record", l.System, l.Record))
	}
	if l.Why != "" {
		and(l.Why)
	}
	if l.Step == "left out" {
		and(l.Reason)
	}
	if l.Of != 0 {
		and(w.Say("timeline.day", l.Day, l.Of))
	}
	if l.Failed && l.Failure != l.Why {
		if l.Failure == "unavailable" {
			and(w.Say("board.unreached"))
		} else {
			and(w.Say("board.failed", l.Failure))
		}
	}
}

func (w *rows) planned(g PreviewGroup) {
	for i := range g.Legs {
		l := &g.Legs[i]
		w.Tags(`<li class="row">`)
		if g.Group != "left out" {
			w.Tags(`<label class="pick"><input type="checkbox" name="except" value="`).Text(l.Domain).Tags(`"><span class="sr">`).Text(w.Say("preview.except", l.Name)).Tags("</span></label>\n")
		}
		w.start(l.Name)
		w.company(l.Domain, cmp.Or(l.Name, l.Domain))
		w.Tags(`<span class="detail">`)
		if l.Law != "" {
			w.Text(l.Basis.Right)
			if l.Due != "" {
				w.Tags(` · `).Text(w.Say("rights.due", w.date(l.Due)))
			}
		} else if l.Fact != "" {
			w.word("fact", l.Fact)
		}
		if !l.Old.IsZero() {
			w.Tags(` · `).Text(w.Say("preview.old")).Tags(` `)
			w.lines(l.Old, ", ")
		}
		w.Tags("</span></div>\n" + `<div class="facts"><span>`).Text(l.Reason).Tags(`</span>`)
		if l.Guessed {
			w.status("guessed")
		}
		if l.Proposal {
			w.status("proposed")
		}
		w.Tags("</div>\n</li>\n")
	}
}

func (w *rows) tasks(p TasksPage) {
	for i := range p.Tasks {
		t := &p.Tasks[i]
		name := cmp.Or(t.Name, t.Domain)
		w.Tags(`<li class="row">`)
		w.start(name)
		w.Tags(`<a class="name" href="`).Text(pathOf("tasks", t.Entry.String())).Tags(`">`).Text(name).Tags(`</a><span class="detail">`)
		w.word("kind", string(t.Kind))
		if t.Fact != "" {
			w.Tags(`: `)
			w.word("fact", t.Fact)
		}
		if t.Note != "" {
			w.Tags(` · `).Text(t.Note)
		}
		w.Tags("</span></div>\n" + `<div class="facts"><span>`)
		switch {
		case t.Remind != "":
			w.say("tasks.remind", w.date(t.Remind))
		case t.Due != "":
			w.say("company.by", w.date(t.Due))
		default:
			w.Text(w.day(t.Made))
		}
		w.Tags(`</span>`)
		w.status(seenStep(t.Step))
		w.Tags("</div></li>\n")
	}
}

func (w *rows) holders(holders []HolderRow) {
	for i := range holders {
		h := &holders[i]
		w.Tags(`<li class="row">`)
		w.start(cmp.Or(h.Name, h.Domain))
		w.company(h.Domain, cmp.Or(h.Name, h.Domain))
		w.Tags(`<span class="detail">`)
		w.lines(h.Value, "<br>")
		w.Tags("</span></div>\n" + `<div class="facts"><span>`)
		w.word("origin", string(h.Origin))
		if !h.Since.IsZero() {
			w.Tags(`, `).Text(w.Say("fact.since", w.MonthYear(h.Since.In(w.now.Location()))))
		}
		w.Tags("</span>\n")
		if h.Old {
			w.Tags(`<span class="late">`)
			w.icon("late")
			w.Tags(` `).Text(w.Say("fact.old")).Tags("</span>\n")
		}
		if h.Guessed {
			w.status("guessed")
		}
		w.Tags("</div>\n</li>\n")
	}
}

func (w *rows) found(found []agent.PreviewRow) {
	for i := range found {
		r := &found[i]
		name := cmp.Or(r.Name, r.Domain)
		w.Tags(`<li class="row">`)
		w.start(name)
		w.Tags(`<span class="name">`).Text(name).Tags(`</span><span class="detail">`).Text(r.Domain)
		for _, host := range r.Hosts {
			if host != r.Domain {
				w.Tags(` + `).Text(host)
			}
		}
		w.Tags("</span></div>\n" + `<div class="facts"><span>`)
		w.count("import.accounts", r.Accounts)
		w.Tags(`</span>`)
		if !r.New {
			w.Tags(`<span>`).Text(w.Say("import.known")).Tags(`</span>`)
		}
		w.status("guessed")
		w.Tags("</div></li>\n")
	}
}
