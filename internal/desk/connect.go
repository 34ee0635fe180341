package desk

import (
	"net/http"
	"time"

	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A ConnectPage is how the company's system and keys are.
type ConnectPage struct {
	System, Configured string
	C                  gateway.Connection
	Many               bool // relationships are behind, and weren't all counted
	Stale              bool // the system was not asked for changes for long
	Steps              []gateway.TrialStep
	Green              bool
	CanCheck           bool
}

// showConnect serves GET /connect.
func (s *Server) showConnect(v *visit) error { return s.connect(v, nil) }

func (s *Server) connect(v *visit, steps []gateway.TrialStep) error {
	c, err := s.Gateway.Connection(v.ctx())
	if err != nil {
		return err
	}
	p := ConnectPage{System: s.System, Configured: s.Configured, C: c, Many: c.Behind >= gateway.ManyBehind, Steps: steps, Green: len(steps) > 0,
		CanCheck: v.member.Role.covers(Admin) && s.Scratch != nil,
		Stale:    c.Connected && (c.Polls > 0 || !c.Asked.IsZero() && v.now.Sub(c.Asked) > 10*c.Poll)}
	for _, step := range steps {
		p.Green = p.Green && step.Fine
	}
	return s.render(v, http.StatusOK, "connect", p)
}

// checkTime bounds each step of a check.
const checkTime = 20 * time.Second

// check serves POST /connect/check: a customer who doesn't exist lives her whole life
// with this company. It leaves nothing, so its answer is a page. There is one at a time.
func (s *Server) check(v *visit) error {
	if s.Scratch == nil {
		return errNoPage
	}
	if !s.checking.TryLock() {
		return fault.Tell(fault.Unavailable, v.say("connect.busy"), "")
	}
	defer s.checking.Unlock()
	store, drop, err := s.Scratch(v.ctx())
	if err != nil {
		return err
	}
	steps, err := s.Gateway.Trial(v.ctx(), v.by(), store, checkTime)
	if err2 := drop(); err == nil {
		err = err2
	}
	if err != nil {
		return err
	}
	return s.connect(v, steps)
}
