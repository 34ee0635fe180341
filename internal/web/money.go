package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/money"
)

// A MoneyPage is what contracts cost, month by month, and by when she has to decide.
type MoneyPage struct {
	Strip     Strip
	Decide    []ContractRow // of which the last day to cancel comes
	Dearer    []ContractRow // whose price has changed in the last year
	Silent    []ContractRow
	Contracts []ContractRow // that go on
	Over      []ContractRow
	PerMonth  []money.Amount
	Next      ContractRow // the next payment; zero if there is none
	Calendar  bool
	Form      Form
}

// A ContractRow is a contract in words.
type ContractRow struct {
	agent.Contract
	Path    string
	Change  money.Change // the last
	Dearer  bool         // by it
	Trial   bool         // it costs nothing yet
	Decided bool
}

// decideDays is how many days before the last day to cancel a contract is shown among
// those that need a decision.
const decideDays = 60

// showMoney serves GET /money.
func (s *Server) showMoney(v *visit) error {
	all, err := v.agent().Contracts(v.ctx())
	if err != nil {
		return err
	}
	p := MoneyPage{Form: newForm()}
	if p.Calendar, err = v.agent().HasCalendar(v.ctx()); err != nil {
		return err
	}
	today := firsthand.DateOf(v.now)
	soon := firsthand.DateOf(v.now.AddDate(0, 0, decideDays))
	year := firsthand.DateOf(v.now.AddDate(-1, 0, 0))
	for _, c := range all {
		r := rowOf(c, today)
		if c.IsOver(today) || c.Stopped {
			p.Over = append(p.Over, r)
			continue
		}
		p.Contracts = append(p.Contracts, r)
		if c.NeedsDecision(today, soon) {
			p.Decide = append(p.Decide, r)
		}
		if r.Change.Day >= year {
			p.Dearer = append(p.Dearer, r)
		}
		if c.Silent != "" {
			p.Silent = append(p.Silent, r)
		}
		if c.Next >= today && c.Next != "" && (p.Next.Path == "" || c.Next < p.Next.Next) {
			p.Next = r
		}
	}
	slices.SortStableFunc(p.Dearer, func(a, b ContractRow) int { return strings.Compare(string(b.Change.Day), string(a.Change.Day)) })
	p.PerMonth = agent.PerMonth(all, today)
	p.Strip = stripOf(agent.Year(all, today))
	return s.render(v, http.StatusOK, "money", p)
}

func rowOf(c agent.Contract, today firsthand.Date) ContractRow {
	r := ContractRow{Contract: c, Path: pathOf("money", c.Ref()), Trial: c.IsTrial(today), Decided: c.Decided()}
	if n := len(c.Changes); n > 0 {
		r.Change = c.Changes[n-1]
		r.Dearer = r.Change.To.Minor > r.Change.From.Minor
	}
	return r
}

// A ContractPage is one contract: what is hers of it, where it comes from, and what she
// can do.
type ContractPage struct {
	C       ContractRow
	Sources []agent.Source
	More    int // that are not shown
	Form    Form
	New     bool
}

const sourcesLimit = 60

// contract returns the contract of the path.
func (v *visit) contract() (agent.Contract, error) {
	c, err := v.agent().ContractOf(v.ctx(), v.PathValue("ref"))
	if fault.KindOf(err) == fault.NotExist {
		err = errNoPage
	}
	return c, err
}

// showContract serves GET /money/{ref}.
func (s *Server) showContract(v *visit) error {
	c, err := v.contract()
	if err != nil {
		return err
	}
	return s.contractPage(v, http.StatusOK, c, formOf(c))
}

// formOf returns what can be edited of a contract.
func formOf(c agent.Contract) Form {
	r := c.ContractRow
	return newForm("name", r.Name, "company", r.Domain, "number", r.Number, "price", r.Price.String(), "period", r.Period.String(), "next", string(r.Next),
		"renews", string(r.Renews), "term", r.Term.String(), "notice", r.Notice.String(), "trial", string(r.Trial), "ended", string(r.Ended), "note", r.Note)
}

func (s *Server) contractPage(v *visit, status int, c agent.Contract, f Form) error {
	p := ContractPage{C: rowOf(c, firsthand.DateOf(v.now)), Form: f}
	all, err := v.agent().Sources(v.ctx(), c)
	if err != nil {
		return err
	}
	p.Sources = all[:min(len(all), sourcesLimit)]
	p.More = len(all) - len(p.Sources)
	return s.render(v, status, "contract", p)
}

// showNewContract serves GET /money/new.
func (s *Server) showNewContract(v *visit) error {
	return s.render(v, http.StatusOK, "contract", ContractPage{New: true, Form: newForm("company", v.URL.Query().Get("company"), "period", "1 month")})
}

// contractForm reads the fields of a contract into row, and notes in f what is wrong.
func contractForm(v *visit, f *Form, row *agent.ContractRow) {
	get := func(name string) string { return strings.TrimSpace(f.Value(name)) }
	row.Name, row.Domain, row.Number, row.Note = get("name"), get("company"), get("number"), get("note")
	if row.Name == "" {
		f.fault("name", v.say("money.no_name"))
	}
	row.Price = money.Amount{}
	if text := get("price"); text != "" {
		price, err := money.Parse(text, "", 0)
		if err != nil || price.Minor < 0 || price.Currency == "" {
			f.fault("price", v.say("money.no_price"))
		}
		row.Price = price
	}
	for name, to := range map[string]*money.Period{"period": &row.Period, "term": &row.Term, "notice": &row.Notice} {
		p, err := money.ParsePeriod(get(name))
		if err != nil {
			f.fault(name, v.say("money.no_period"))
		}
		*to = p
	}
	for name, to := range map[string]*firsthand.Date{"next": &row.Next, "renews": &row.Renews, "trial": &row.Trial, "ended": &row.Ended} {
		d, err := firsthand.ParseDate(get(name))
		if err != nil {
			f.fault(name, v.say("form.date"))
		}
		*to = d
	}
}

// addContract serves POST /money/new.
func (s *Server) addContract(v *visit) error {
	f := v.form()
	var row agent.ContractRow
	contractForm(v, &f, &row)
	if f.Fine() {
		err := v.once(func() (string, error) {
			id, err := v.agent().AddContract(v.ctx(), row)
			return pathOf("money", itoa(id)) + "?did=added", err
		})
		if err == nil || !again(&f, err) {
			return err
		}
	}
	return s.render(v, http.StatusUnprocessableEntity, "contract", ContractPage{New: true, Form: f})
}

// editContract serves POST /money/{ref}. A guess becomes hers.
func (s *Server) editContract(v *visit) error {
	c, err := v.contract()
	if err != nil {
		return err
	}
	f := v.form()
	row := c.ContractRow
	contractForm(v, &f, &row)
	if f.Fine() {
		err := v.once(func() (to string, err error) {
			id := c.ID
			if c.Guessed {
				if id, err = v.agent().ConfirmContract(v.ctx(), v.PathValue("ref"), row.Domain); err != nil {
					return "", err
				}
			}
			return pathOf("money", itoa(id)) + "?did=saved", v.agent().EditContract(v.ctx(), id, func(r *agent.ContractRow) {
				r.Name, r.Domain, r.Number, r.Note, r.Price, r.Period, r.Term, r.Notice = row.Name, row.Domain, row.Number, row.Note, row.Price, row.Period, row.Term, row.Notice
				r.Next, r.Renews, r.Trial, r.Ended = row.Next, row.Renews, row.Trial, row.Ended
			})
		})
		if err == nil || !again(&f, err) {
			return err
		}
	}
	return s.contractPage(v, http.StatusUnprocessableEntity, c, f)
}

// keepContract serves POST /money/{ref}/keep. To keep what is guessed confirms it.
func (s *Server) keepContract(v *visit) error {
	c, err := v.contract()
	if err != nil {
		return err
	}
	return v.once(func() (to string, err error) {
		id := c.ID
		if c.Guessed {
			if id, err = v.agent().ConfirmContract(v.ctx(), v.PathValue("ref"), ""); err != nil {
				return "", err
			}
		}
		return "/money?did=saved", v.agent().KeepContract(v.ctx(), id)
	})
}

// dropContract serves POST /money/{ref}/drop: it is no contract, or none of hers.
func (s *Server) dropContract(v *visit) error {
	return v.once(func() (string, error) {
		err := v.agent().DismissContract(v.ctx(), v.PathValue("ref"))
		if fault.KindOf(err) == fault.NotExist {
			err = errNoPage
		}
		return "/money?did=removed", err
	})
}

// A SayPage is what she says about a contract, before it is said.
type SayPage struct {
	C    ContractRow
	Act  string // cancel, haggle
	Form Form
}

// showCancel serves GET /money/{ref}/cancel.
func (s *Server) showCancel(v *visit) error { return s.sayPage(v, http.StatusOK, "cancel", newForm()) }

// showHaggle serves GET /money/{ref}/haggle.
func (s *Server) showHaggle(v *visit) error { return s.sayPage(v, http.StatusOK, "haggle", newForm()) }

func (s *Server) sayPage(v *visit, status int, act string, f Form) error {
	c, err := v.contract()
	if err != nil {
		return err
	}
	if !f.Values.Has("company") {
		f.Values.Set("company", c.Domain)
	}
	if !f.Values.Has("ends") && act == "cancel" && c.Goes != "" {
		f.Values.Set("ends", string(money.Period{N: 1, Unit: money.Day}.After(c.Goes, -1)))
	}
	return s.render(v, status, "contractact", SayPage{C: rowOf(c, firsthand.DateOf(v.now)), Act: act, Form: f})
}

// cancelContract serves POST /money/{ref}/cancel.
func (s *Server) cancelContract(v *visit) error {
	f := v.form()
	ends, err := firsthand.ParseDate(strings.TrimSpace(f.Value("ends")))
	if err != nil {
		f.fault("ends", v.say("form.date"))
	}
	return s.sayOf(v, "cancel", f, func(id int64) (agent.Act, error) {
		return v.agent().CancelContract(v.ctx(), id, agent.Cancelling{Ends: ends, Lang: v.lang.Tag})
	})
}

// haggleContract serves POST /money/{ref}/haggle.
func (s *Server) haggleContract(v *visit) error {
	f := v.form()
	return s.sayOf(v, "haggle", f, func(id int64) (agent.Act, error) {
		return v.agent().HaggleContract(v.ctx(), id, f.Value("offer"), v.lang.Tag)
	})
}

// sayOf says something of a contract, which becomes hers, of the company that the form
// names, and leads to where it is carried.
func (s *Server) sayOf(v *visit, act string, f Form, say func(id int64) (agent.Act, error)) error {
	c, err := v.contract()
	if err != nil {
		return err
	}
	company := strings.TrimSpace(f.Value("company"))
	if company == "" {
		f.fault("company", v.say("money.no_company"))
	}
	if f.Fine() {
		err := v.once(func() (to string, err error) {
			id := c.ID
			if c.Guessed {
				if id, err = v.agent().ConfirmContract(v.ctx(), v.PathValue("ref"), company); err != nil {
					return "", err
				}
			} else if company != c.Domain {
				if err := v.agent().EditContract(v.ctx(), id, func(r *agent.ContractRow) { r.Domain = company }); err != nil {
					return "", err
				}
			}
			if _, err := say(id); err != nil {
				return "", err
			}
			return pathOf("money", itoa(id)) + "?did=sent", nil
		})
		if err == nil || !again(&f, err) {
			return err
		}
	}
	return s.sayPage(v, http.StatusUnprocessableEntity, act, f)
}

// A CalendarPage shows the link to her calendar, once.
type CalendarPage struct{ Link string }

// openCalendar serves POST /money/calendar: a new link, in place of the old one.
func (s *Server) openCalendar(v *visit) error {
	word, err := v.agent().OpenCalendar(v.ctx())
	if err != nil {
		return err
	}
	scheme := "http"
	if s.Secure {
		scheme = "https"
	}
	return s.render(v, http.StatusOK, "calendar", CalendarPage{Link: scheme + "://" + v.Host + pathOf("calendar", word+".ics")})
}

// closeCalendar serves POST /money/calendar/close.
func (s *Server) closeCalendar(v *visit) error {
	if err := v.agent().CloseCalendar(v.ctx()); err != nil {
		return err
	}
	return v.to("/money?did=saved")
}

// calendar serves GET /calendar/{word}: to whoever has the word, while her file is
// open. Calendar programs can't show a passphrase or a cookie.
func (s *Server) calendar(v *visit) error {
	room, leave, err := s.House.Enter(v.Context())
	if err != nil {
		return errNoPage
	}
	defer leave()
	v.room = room
	text, err := v.agent().Calendar(v.ctx(), strings.TrimSuffix(v.PathValue("word"), ".ics"))
	if fault.KindOf(err) == fault.NotExist {
		return errNoPage
	}
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/calendar; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="firsthand.ics"`)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	_, err = v.w.Write(text)
	return ignoreGone(err)
}
