package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"firsthand"
	"firsthand/internal/agent"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// number returns a number of the path.
func (v *visit) number(name string) (int64, error) {
	n, err := strconv.ParseInt(v.PathValue(name), 10, 64)
	if err != nil {
		return 0, errNoPage
	}
	return n, nil
}

// A ChangesPage lists all changes.
type ChangesPage struct{ Moves []agent.MoveRow }

// showChanges serves GET /changes.
func (s *Server) showChanges(v *visit) error {
	moves, err := v.agent().Moves(v.ctx())
	if err != nil {
		return err
	}
	return s.render(v, http.StatusOK, "changes", ChangesPage{Moves: moves})
}

// A BoardPage follows one change to its end.
type BoardPage struct {
	Board    agent.Board
	Counts   []BoardCount
	Show     string // a step, "" for all
	Legs     []BoardRow
	Pager    Pager
	Moving   bool // something may still come by itself
	Finished int
	All      int
	Form     Form
}

// A BoardCount is how many legs are at one step.
type BoardCount struct {
	Step string
	N    int
}

// A BoardRow is one leg, and whether another try makes sense. Its fields are its own:
// a template looks for long for those of a struct within a struct.
type BoardRow struct {
	N                                   int
	Domain, Name, Fact, Channel, Reason string
	Rel, Entry                          firsthand.ID
	Basis                               firsthand.Basis
	Step, System, Record, Why           string
	Day, Of                             int
	Unproved                            bool
	Failed                              bool
	Failure                             string
}

func boardRow(l *agent.BoardLeg) BoardRow {
	return BoardRow{N: l.N, Domain: l.Domain, Name: l.Name, Fact: l.Fact, Channel: l.Channel, Reason: l.Reason, Rel: l.Rel, Entry: l.Entry,
		Basis: l.Basis, Step: l.Step, System: l.System, Record: l.Record, Why: l.Why, Day: l.Day, Of: l.Of, Unproved: l.Unproved,
		Failed: l.Failure != "", Failure: l.Failure}
}

var boardSteps = []string{agent.StepNeedsYou, agent.StepScheduled, agent.StepDraft, agent.StepPaused, agent.StepSent, agent.StepReceived,
	agent.StepApplied, agent.StepRefused, agent.StepNoAnswer, agent.StepReplaced, agent.StepLeftOut}

const boardLimit = 50

// showBoard serves GET /changes/{id}. The page asks for itself again while something
// may come; see static/firsthand.js.
func (s *Server) showBoard(v *visit) error { return s.board(v, http.StatusOK, newForm()) }

func (s *Server) board(v *visit, status int, f Form) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	p := BoardPage{Form: f, Show: v.URL.Query().Get("step"), Pager: newPager(v, boardLimit)}
	b, n, err := v.agent().BoardPart(v.ctx(), id, p.Show, p.Pager.offset, boardLimit)
	if err != nil {
		return err
	}
	p.Board = b
	for _, step := range boardSteps {
		if n := b.Counts[step]; n > 0 {
			p.Counts = append(p.Counts, BoardCount{step, n})
			if step != agent.StepLeftOut {
				p.All += n
			}
			switch step {
			case agent.StepApplied, agent.StepRefused, agent.StepReplaced:
				p.Finished += n
			case agent.StepDraft, agent.StepSent, agent.StepReceived:
				p.Moving = p.Moving || !b.Paused
			}
		}
	}
	for i := range b.Legs {
		p.Legs = append(p.Legs, boardRow(&b.Legs[i]))
	}
	p.Pager.total(n)
	return s.render(v, status, "board", p)
}

// A Pager leads through a long list.
type Pager struct {
	Total, Limit, From, To int
	Prev, Next             string

	offset int
	url    *url.URL
}

func newPager(v *visit, limit int) Pager {
	offset, _ := strconv.Atoi(v.URL.Query().Get("from"))
	return Pager{Limit: limit, offset: max(0, offset), url: v.URL}
}

// total says how long the list is of which this part was asked for.
func (p *Pager) total(n int) {
	p.Total = n
	p.From, p.To = p.offset+1, min(p.offset+p.Limit, p.Total)
	at := func(offset int) string {
		q := p.url.Query()
		q.Del("did")
		q.Del("from")
		if offset > 0 {
			q.Set("from", fmt.Sprint(offset))
		}
		return p.url.Path + "?" + q.Encode()
	}
	if p.offset > 0 {
		p.Prev = at(max(0, p.offset-p.Limit))
	}
	if p.To < p.Total {
		p.Next = at(p.offset + p.Limit)
	}
}

// pauseMove serves POST /changes/{id}/pause, with paused=yes or no.
func (s *Server) pauseMove(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	return s.onBoard(v, id, "saved", v.agent().PauseMove(v.ctx(), id, v.PostFormValue("paused") == "yes"))
}

// retryMove serves POST /changes/{id}/retry: one leg n, or all.
func (s *Server) retryMove(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	var legs []int
	for _, text := range v.PostForm["n"] {
		n, err := strconv.Atoi(text)
		if err != nil {
			return errNoPage
		}
		legs = append(legs, n)
	}
	return s.onBoard(v, id, "retried", v.agent().Retry(v.ctx(), id, legs...))
}

// cancelMove serves POST /changes/{id}/cancel, of a change that has not begun.
func (s *Server) cancelMove(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	return s.onBoard(v, id, "undone", v.agent().CancelMove(v.ctx(), id))
}

// onBoard leads back to the board, or says there what is wrong.
func (s *Server) onBoard(v *visit, id int64, did string, err error) error {
	if err == nil {
		return v.to(pathOf("changes", itoa(id)) + "?did=" + did)
	}
	f := newForm()
	if again(&f, err) {
		return s.board(v, http.StatusUnprocessableEntity, f)
	}
	return err
}
