package web

import (
	"net/http"
	"strings"

	"firsthand"
	"firsthand/internal/agent"
)

// A WritingRow is where and how letters to a company go, as its page shows it.
type WritingRow struct {
	agent.Writing
	Langs []Option
}

var letterLangs = []string{"en", "de", "fr", "nl", "es"}

func (v *visit) writing(domain string) (row WritingRow, err error) {
	if row.Writing, err = v.agent().Writing(v.ctx(), domain); err != nil {
		return row, err
	}
	row.Langs = []Option{{Value: "", Text: v.say("writing.auto")}}
	for _, lang := range letterLangs {
		row.Langs = append(row.Langs, Option{Value: lang, Text: v.lang.Word("lang", lang), Chosen: lang == row.OwnLang})
	}
	return row, nil
}

// setWriting serves POST /companies/{domain}/writing: where letters to it go, and in
// which language.
func (s *Server) setWriting(v *visit) error {
	domain := v.PathValue("domain")
	if firsthand.CheckDomain(domain) != nil {
		return errNoPage
	}
	f := v.form()
	err := v.agent().SetAddress(v.ctx(), domain, strings.TrimSpace(f.Value("postal")))
	if err == nil {
		err = v.agent().SetLang(v.ctx(), domain, f.Value("lang"))
	}
	if err == nil {
		return v.to(pathOf("companies", domain) + "?did=saved")
	}
	if !again(&f, err) {
		return err
	}
	p, err := s.companyAt(v, timelineLimit)
	if err != nil {
		return err
	}
	p.Form = f
	return s.render(v, http.StatusUnprocessableEntity, "company", p)
}

// saveLetter serves GET /tasks/{entry}/letter: one letter as a PDF; with ?part= its
// reminder, or the complaint about it.
func (s *Server) saveLetter(v *visit) error {
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	file := agent.Printed{}
	if part := v.URL.Query().Get("part"); part != "" {
		file.PDF, err = v.agent().PrintFollow(v.ctx(), "", id, part)
	} else {
		file, err = v.agent().Print(v.ctx(), "", id)
	}
	f := newForm()
	if err != nil {
		if again(&f, err) {
			return s.task(v, http.StatusUnprocessableEntity, f)
		}
		return err
	}
	return attach(v, "firsthand-letter.pdf", "application/pdf", file.PDF)
}

// saveLetters serves GET /letters: all that wait to be printed as one PDF.
func (s *Server) saveLetters(v *visit) error {
	tasks, err := v.agent().PaperLetters(v.ctx())
	if err != nil {
		return err
	}
	entries := make([]firsthand.ID, len(tasks))
	for i, t := range tasks {
		entries[i] = t.Entry
	}
	if len(entries) == 0 {
		return v.to("/tasks")
	}
	file, err := v.agent().Print(v.ctx(), "", entries...)
	if err != nil {
		return err
	}
	return attach(v, "firsthand-letters.pdf", "application/pdf", file.PDF)
}

// postedTask serves POST /tasks/{entry}/posted: the day on which she posted it.
func (s *Server) postedTask(v *visit) error {
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	f := v.form()
	on, err := firsthand.ParseDate(f.Value("posted"))
	if err != nil {
		f.fault("posted", v.say("form.date"))
		return s.task(v, http.StatusUnprocessableEntity, f)
	}
	return s.onTask(v, &f, func() (string, error) {
		return pathOf("tasks", id.String()) + "?did=done", v.agent().Posted(v.ctx(), id, on)
	})
}
