package web

import (
	"net/url"

	"firsthand/fault"
	"firsthand/internal/agent"
)

// meetMany serves POST /companies/meet: all companies that she has no relationship
// with are asked whether they have a gateway, and she meets those that do, nameless.
func (s *Server) meetMany(v *visit) error {
	return v.once(func() (string, error) {
		rows, _, err := v.agent().Companies(v.ctx(), agent.CompanyQuery{})
		if err != nil {
			return "", err
		}
		var domains []string
		for _, c := range rows {
			if c.Rel.IsZero() {
				domains = append(domains, c.Domain)
			}
		}
		found, err := v.agent().LookForGateways(v.ctx(), domains...)
		if err != nil {
			return "", err
		}
		did := "met_none"
		for _, at := range found {
			if at.Err != nil {
				continue
			}
			_, err := v.agent().Meet(v.ctx(), at.Domain, agent.MeetOptions{})
			switch fault.KindOf(err) {
			case fault.Conflict, fault.Unavailable, fault.NotExist: // met a moment ago, or gone again
				continue
			}
			if err != nil {
				return "", err
			}
			did = "met"
		}
		return "/?" + url.Values{"did": {did}}.Encode(), nil
	})
}
