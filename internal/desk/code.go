package desk

import (
	"net/http"
	"strings"

	"firsthand/fault"
)

// A CodeForm is what was typed to give a code by hand, and the code that was given.
type CodeForm struct {
	Record, How string
	Error       string
	Code        string // shown on the page that answers, and nowhere else
}

// giveCode serves POST /requests/{rel}/{entry}/code: staff gives the customer on record a
// code herself, where no system can. The code is in no address and in no audit; the form
// that is sent twice shows the one that was made, since each new one voids the one before.
func (s *Server) giveCode(v *visit) error {
	rel, entry, err := ids(v)
	if err != nil {
		return err
	}
	f := CodeForm{Record: v.number(), How: strings.Join(strings.Fields(v.PostFormValue("how")), " ")}
	status := http.StatusOK
	var refused error
	f.Code, refused = v.onceOnly(func() (string, error) { return s.Gateway.CodeByHand(v.ctx(), v.by(), rel, entry, f.Record, f.How) })
	if refused != nil {
		text, hint := sentence(refused)
		if fault.KindOf(refused) != fault.Invalid || text == "" {
			return refused
		}
		status, f.Error = http.StatusUnprocessableEntity, strings.TrimSpace(text+" "+hint)
	}
	q, err := s.Gateway.Inquire(v.ctx(), v.by(), rel, entry)
	if err != nil {
		return err
	}
	p := s.requestPage(v, rel, entry, &q)
	if p.CodeForm = f; f.Error != "" && !p.Code {
		return refused // there is no form to say it at
	}
	return s.render(v, status, "request", p)
}
