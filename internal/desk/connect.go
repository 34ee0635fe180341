package desk

import (
	"net/http"
	"time"

	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A ConnectPage is how the company's systems and keys are.
type ConnectPage struct {
	Systems  []SystemCard
	C        gateway.Connection
	Many     bool // relationships are behind, and weren't all counted
	Steps    []gateway.TrialStep
	Verdict  string // of the check: green, hand or red
	CanCheck bool
}

// A SystemCard is how one of the company's systems is.
type SystemCard struct {
	gateway.SystemState
	Type       string // of its connector
	Two        bool   // there is another
	Configured string
	Stale      bool // it was not asked for changes for long
}

// showConnect serves GET /connect.
func (s *Server) showConnect(v *visit) error { return s.connect(v, nil) }

func (s *Server) connect(v *visit, steps []gateway.TrialStep) error {
	c, err := s.Gateway.Connection(v.ctx())
	if err != nil {
		return err
	}
	p := ConnectPage{C: c, Many: c.Behind >= gateway.ManyBehind, Steps: steps, Verdict: verdict(steps),
		CanCheck: v.member.Role.covers(Admin) && s.Scratch != nil}
	for _, state := range c.Systems {
		card := SystemCard{SystemState: state, Two: len(c.Systems) > 1,
			Stale: !state.Elsewhere && !state.Asked.IsZero() && (state.Polls > 0 || v.now.Sub(state.Asked) > 10*c.Poll)}
		for _, known := range s.Configured {
			if known.Lane == state.Lane {
				card.Type, card.Configured = known.Type, known.Config
			}
		}
		p.Systems = append(p.Systems, card)
	}
	return s.render(v, http.StatusOK, "connect", p)
}

// verdict is what a check comes to: where a person decides or removes, as the company
// has it, nothing is wrong, and not all was tried.
func verdict(steps []gateway.TrialStep) string {
	all := "green"
	for _, step := range steps {
		switch {
		case step.Hand:
			all = "hand"
		case !step.Fine && !step.Skipped:
			return "red"
		}
	}
	return all
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
