package web

import (
	"net/url"
	"strconv"

	"firsthand"
	"firsthand/internal/agent"
)

// timeline writes what both sides said, on the page of a company.
func (w *rows) timeline(p CompanyPage) {
	rel := p.C.Rel.String()
	for i := range p.Timeline {
		r := &p.Timeline[i]
		kind := w.Word("kind", string(r.Kind))
		if r.Mine {
			w.Tags(`<li class="mine">`).Tags("\n" + `<div class="line"><b>`).Text(w.Say("timeline.you"))
		} else {
			w.Tags(`<li class="theirs">`).Tags("\n" + `<div class="line"><b>`).Text(p.C.Name)
		}
		w.Tags(`</b> <span>`).Text(kind)
		if r.Fact != "" {
			w.Tags(`: `).Text(w.Word("fact", r.Fact))
		}
		if r.Code != "" {
			w.Tags(` `).Text(r.Code)
		}
		w.Tags("</span>\n")
		if r.Progress != nil {
			w.progress(r.Progress)
		}
		w.Tags("</div>\n")
		if !r.Value.IsZero() {
			w.Tags(`<div>`)
			w.lines(r.Value, "<br>")
			w.Tags("</div>\n")
		}
		if r.Detail != "" {
			w.Tags(`<div class="detail">`).Text(w.Word("detail", r.Detail)).Tags("</div>\n")
		}
		w.said(r.Text)
		if r.Erased {
			w.Tags(`<p class="quiet">`).Text(w.Say("timeline.erased")).Tags("</p>\n")
		}
		if r.Progress != nil {
			if r.Progress.System != "" {
				w.Tags(`<div class="detail">`).Text(w.Say("timeline.record", r.Progress.System, r.Progress.Record)).Tags("</div>\n")
			}
			w.said(r.Progress.Reason)
		}
		if r.Clock != nil {
			w.Tags(`<div class="detail">`).Text(w.Say("timeline.day", r.Clock.Day, r.Clock.Of)).Tags("</div>\n")
		}
		at := w.Moment(r.At.In(w.now.Location()), w.now)
		w.Tags(`<div class="detail">`).Text(w.Say("timeline.says", at))
		if r.From != "" {
			w.Tags(` · `).Text(r.From)
		}
		w.until(r.Until)
		w.Tags(` · <a href="`).Text(pathOf("relationships", rel, "entries", r.ID.String())).Tags(`">`).Text(w.Say("company.exact"))
		w.sr(kind + ", " + at)
		w.Tags(`</a>`)
		if !r.Mine && r.Kind == "message" {
			w.Tags(` · <a href="`).Text(pathOf("companies", p.C.Domain, "do", "message") + "?thread=" + r.ID.String()).Tags(`">`).Text(w.Say("timeline.reply")).Tags(`</a>`)
		}
		w.Tags("</div>\n</li>\n")
	}
}

// said writes words of somebody, if there are any.
func (w *rows) said(text string) {
	if text != "" {
		w.Tags(`<p class="said">`).Text(text).Tags("</p>\n")
	}
}

func (w *rows) until(d firsthand.Date) {
	if d != "" {
		w.Tags(` · `).Text(w.Say("company.until", w.date(d)))
	}
}

// progress writes how far something that she said has come.
func (w *rows) progress(p *agent.Progress) {
	if p.Flag != "" {
		w.of(Status{Icon: "warning", Word: w.Say("timeline.flag"), Class: "late"}.HTML())
	} else {
		w.status(p.Step)
	}
}

// holdings writes what a company holds.
func (w *rows) holdings(p CompanyPage) {
	for i := range p.Holdings {
		h := &p.Holdings[i]
		w.Tags("<li>\n" + `<div class="line"><b>`).Text(w.Word("fact", h.Fact)).Tags(`</b> `)
		if h.Guessed {
			w.status("guessed")
		}
		if h.Proposed {
			w.status("proposed")
		}
		if h.Progress != nil {
			w.status(h.Progress.Step)
		}
		w.Tags("</div>\n<div>")
		if h.Value.IsZero() {
			w.Tags(`<span class="quiet">`).Text(w.Say("company.unsaid")).Tags(`</span>`)
		} else {
			w.lines(h.Value, "<br>")
		}
		w.Tags("</div>\n" + `<div class="detail">`).Text(w.Word("origin", string(h.Origin)))
		if !h.Since.IsZero() {
			w.Tags(` · `).Text(w.Say("fact.since", w.day(h.Since)))
		}
		if h.SinceDay != "" {
			w.Tags(` · `).Text(w.Say("fact.since", w.date(h.SinceDay)))
		}
		w.until(h.Until)
		if h.Purpose != "" {
			w.Tags(` · `).Text(w.Word("purpose", h.Purpose))
		}
		if h.Basis != "" {
			w.Tags(` · `).Text(w.Word("basis_kind", h.Basis))
			if h.BasisIs != "" {
				w.Tags(`: `).Text(h.BasisIs)
			}
		}
		w.Tags("</div>\n" + `<div class="small-actions">` + "\n")
		w.holdingActs(p, h)
		w.Tags("</div>\n</li>\n")
	}
}

// holdingActs writes what she can do about something that a company holds.
func (w *rows) holdingActs(p CompanyPage, h *HoldingRow) {
	fact := w.Word("fact", h.Fact)
	act := func(path, key string) {
		w.Tags(`<a href="`).Text(path).Tags(`">`).Text(w.Say(key))
		w.sr(fact)
		w.Tags("</a>\n")
	}
	if h.Told {
		act("/change?fact="+url.QueryEscape(h.Fact), "company.change")
	}
	if h.Document != 0 {
		act(pathOf("documents", strconv.FormatInt(h.Document, 10)), "company.document")
	}
	if h.Withdraw {
		act(pathOf("companies", p.C.Domain, "do", "withdraw")+"?fact="+url.QueryEscape(h.Fact), "company.withdraw")
	}
	if h.Stated {
		w.Tags(`<form method="post" action="`).Text(pathOf("companies", p.C.Domain, "unstate")).Tags(`"><input type="hidden" name="fact" value="`).Text(h.Fact).
			Tags(`"><input type="hidden" name="origin" value="`).Text(string(h.Origin)).Tags(`"><button class="linklike">`).Text(w.Say("company.unstate"))
		w.sr(fact)
		w.Tags("</button></form>\n")
	}
	if !h.Entry.IsZero() {
		act(pathOf("relationships", p.C.Rel.String(), "entries", h.Entry.String()), "company.exact")
	}
}
