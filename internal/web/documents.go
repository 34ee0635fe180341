package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// A DocumentPage is one file that a company gave her: what is in it, what of that she
// has taken over, and what may become of the file.
type DocumentPage struct {
	Doc      agent.Document
	Name     string // of the company
	Mail     int64  // the answer it came with, 0 for none
	Read     agent.DocumentFields
	Unread   string // why it can't be read, and what to do; "" if it can
	Known    int    // rows that seem to be facts of hers
	Only     bool   // just those are shown
	Rows     []FieldRow
	Pager    Pager
	Taken    []agent.Statement
	Requests []agent.Task // that it may answer
	Facts    []Option     // what a row may be
	Form     Form
}

// A FieldRow is one field of a document, with what she says of it, or the guess.
type FieldRow struct {
	agent.DocumentRow
	Chosen  bool
	Name    string // of the fact, as she may type it
	Origins []Option
}

const fieldsLimit = 50

// showDocument serves GET /documents/{id}: ?only=known, from.
func (s *Server) showDocument(v *visit) error { return s.document(v, http.StatusOK, newForm()) }

func (s *Server) document(v *visit, status int, f Form) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	p := DocumentPage{Form: f, Pager: newPager(v, fieldsLimit), Only: v.URL.Query().Get("only") == "known"}
	if p.Doc, err = v.agent().Document(v.ctx(), id); err != nil {
		return err
	}
	c, err := v.agent().Company(v.ctx(), p.Doc.Domain)
	if err != nil && fault.KindOf(err) != fault.NotExist {
		return err
	}
	p.Name = wordOr(c.Name, p.Doc.Domain)
	if !p.Doc.Mail.IsZero() {
		for _, r := range c.Relationships {
			answers, _, err := v.agent().Answers(v.ctx(), agent.AnswerQuery{Rel: r.ID})
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(answers, func(a agent.Answer) bool { return a.Key == p.Doc.Mail }); i >= 0 {
				p.Mail = answers[i].ID
			}
		}
	}
	if p.Taken, err = v.agent().Taken(v.ctx(), id); err != nil {
		return err
	}
	if p.Doc.Entry.IsZero() {
		if p.Requests, err = v.agent().Requests(v.ctx(), p.Doc); err != nil {
			return err
		}
	}
	switch p.Read, err = v.agent().Fields(v.ctx(), id); {
	case fault.KindOf(err) == fault.Invalid && err != nil:
		text, hint := sentence(err)
		p.Unread = strings.TrimSpace(text + " " + hint)
	case err != nil:
		return err
	default:
		p.fields(v)
	}
	return s.render(v, status, "document", p)
}

// fields fills in the part of the rows that is shown.
func (p *DocumentPage) fields(v *visit) {
	rows := p.Read.Rows
	known := slices.DeleteFunc(slices.Clone(rows), func(r agent.DocumentRow) bool { return !r.Known })
	if p.Known = len(known); p.Only {
		rows = known
	}
	p.Pager.total(len(rows))
	first := min(p.Pager.offset, len(rows))
	for _, r := range rows[first:max(first, p.Pager.To)] {
		n := strconv.Itoa(r.Row)
		row := FieldRow{DocumentRow: r, Chosen: p.Form.Has("row", n), Name: r.Fact}
		if r.Part != "" {
			row.Name += ":" + r.Part
		}
		origin := string(r.Origin)
		if typed, ok := p.Form.Values["fact-"+n]; ok {
			row.Name, origin = typed[0], p.Form.Value("origin-"+n)
		}
		for _, o := range agent.TakeOrigins {
			row.Origins = append(row.Origins, Option{string(o), v.lang.Word("origin", string(o)), string(o) == origin})
		}
		p.Rows = append(p.Rows, row)
	}
	for _, fact := range commonFacts {
		if !isAddress(fact) {
			p.Facts = append(p.Facts, Option{Value: fact, Text: v.lang.Word("fact", fact)})
			continue
		}
		for _, part := range addressParts {
			p.Facts = append(p.Facts, Option{Value: fact + ":" + part, Text: v.lang.Word("fact", fact) + ": " + v.lang.Word("part", part)})
		}
	}
}

// addDocument serves POST /companies/{domain}/documents. The file is kept as it
// arrives, and lies nowhere else.
func (s *Server) addDocument(v *visit) error {
	domain := v.PathValue("domain")
	if firsthand.CheckDomain(domain) != nil {
		return errNoPage
	}
	v.Body = http.MaxBytesReader(v.w, v.Body, agent.MaxDocument+maxForm)
	var d agent.Document
	found := false
	f := newForm()
	err := eachPart(v, func(name, file string, r io.Reader) (err error) {
		if name != "file" || file == "" || found {
			return nil
		}
		found = true
		d, err = v.agent().AddDocument(v.ctx(), domain, cutName(file), r)
		return err
	})
	switch {
	case err == nil && found:
		return v.to(pathOf("documents", itoa(d.ID)) + "?did=added")
	case err == nil:
		f.fault("", v.say("bring.no_file"))
	case errors.Is(err, context.Canceled) || fault.KindOf(err) == fault.Internal || !again(&f, err):
		return err
	}
	p, perr := s.companyAt(v, timelineLimit)
	if perr != nil {
		return perr
	}
	p.DocForm = f
	return s.render(v, http.StatusUnprocessableEntity, "company", p)
}

// keepAttachment serves POST /answers/{id}/attachments/{n}/keep: what came with a mail
// is a document from then on.
func (s *Server) keepAttachment(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	n, err := v.number("n")
	if err != nil || n < 0 || n > 1000 {
		return errNoPage
	}
	return v.once(func() (string, error) {
		d, err := v.agent().KeepAttachment(v.ctx(), id, int(n))
		return pathOf("documents", itoa(d.ID)) + "?did=added", err
	})
}

// saveDocument serves GET /documents/{id}/file: a file of a stranger, which the browser
// keeps and never shows.
func (s *Server) saveDocument(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	return saveBlob(v, func(create func(firsthand.Blob) (io.Writer, error)) error {
		return v.agent().SaveDocument(v.ctx(), id, create)
	})
}

// takeOver serves POST /documents/{id}/take: the rows that are marked become what the
// company holds, as the fields beside them say.
func (s *Server) takeOver(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	f := v.form()
	var rows []agent.Taking
	for _, text := range f.Values["row"] {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return errNoPage
		}
		fact, part, _ := strings.Cut(f.Value("fact-"+text), ":")
		if fact = nameOfFact(fact); part != "" {
			fact += ":" + nameOfFact(part)
		}
		rows = append(rows, agent.Taking{Row: n, Fact: fact, Origin: firsthand.Origin(f.Value("origin-" + text))})
	}
	if len(rows) == 0 {
		f.fault("", v.say("document.none"))
	} else {
		err := v.once(func() (string, error) {
			_, err := v.agent().TakeOver(v.ctx(), id, rows...)
			return pathOf("documents", itoa(id)) + "?did=saved", err
		})
		if err == nil || !again(&f, err) {
			return err
		}
	}
	return s.document(v, http.StatusUnprocessableEntity, f)
}

// takeBack serves POST /documents/{id}/back: a fact by its origin, or without one all
// that was taken over.
func (s *Server) takeBack(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	fact, origin := v.PostFormValue("fact"), firsthand.Origin(v.PostFormValue("origin"))
	if fact != "" && !factName.MatchString(fact) {
		return errNoPage
	}
	return v.once(func() (string, error) {
		return pathOf("documents", itoa(id)) + "?did=undone", v.agent().TakeBack(v.ctx(), id, fact, origin)
	})
}

// answerRequest serves POST /documents/{id}/answers: it is what she asked for.
func (s *Server) answerRequest(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	entry, err := firsthand.ParseID(v.PostFormValue("entry"))
	if err != nil {
		return errNoPage
	}
	return v.once(func() (string, error) {
		return pathOf("documents", itoa(id)) + "?did=noted", v.agent().AnswerRequest(v.ctx(), id, entry)
	})
}

// dropDocument serves POST /documents/{id}/drop: keep=yes leaves what was taken over.
func (s *Server) dropDocument(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	return v.once(func() (string, error) {
		d, err := v.agent().Document(v.ctx(), id)
		if err == nil {
			err = v.agent().DropDocument(v.ctx(), id, v.PostFormValue("keep") == "yes")
		}
		return pathOf("companies", d.Domain) + "?did=dropped", err
	})
}
