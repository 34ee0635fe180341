package web

import (
	"net/http"
	"net/url"
	"strings"

	"firsthand/internal/agent"
	"firsthand/internal/agent/mask"
)

// A MaskPart is what a company's page says of an address that it has for itself.
type MaskPart struct {
	Can    bool // a provider is set up
	Mask   *agent.Mask
	Told   bool // the company has it
	Holds  bool // the company has another address of hers
	Leaks  []agent.Leak
	Former int // that are retired
}

// maskPart adds to p what its company has for itself.
func (s *Server) maskPart(v *visit, p *CompanyPage) error {
	c, err := v.agent().MaskConfig(v.ctx())
	if err != nil {
		return err
	}
	p.Own.Can = c.Kind != ""
	masks, err := v.agent().Masks(v.ctx(), p.C.Domain)
	if err != nil {
		return err
	}
	for i := range masks {
		switch {
		case masks[i].State == agent.MaskRetired:
			p.Own.Former++
		case p.Own.Mask == nil:
			p.Own.Mask = &masks[i]
		}
	}
	for _, h := range p.Holdings {
		if h.Fact == agent.MailFact && p.Own.Mask != nil {
			p.Own.Told = p.Own.Told || strings.EqualFold(h.Value.String(), p.Own.Mask.Address)
			p.Own.Holds = true
		}
	}
	p.Own.Leaks, err = v.agent().Leaks(v.ctx(), p.C.Domain)
	return err
}

// maskCompany serves POST /companies/{domain}/mask: act is make, pause, resume, retire.
func (s *Server) maskCompany(v *visit) error {
	domain := v.PathValue("domain")
	back := pathOf("companies", domain) + "?did=saved#own"
	token := v.PostFormValue("token")
	return v.once(func() (string, error) {
		switch v.PostFormValue("act") {
		case "make":
			_, err := v.agent().MakeMask(v.ctx(), domain)
			return back, err
		case "pause", "resume":
			held, err := v.agent().PauseMask(v.ctx(), token, v.PostFormValue("act") == "pause")
			if err == nil && !held && v.PostFormValue("act") == "pause" {
				back = pathOf("companies", domain) + "?did=left_alone#own"
			}
			return back, err
		case "retire":
			return back, v.agent().RetireMask(v.ctx(), token)
		}
		return "", errNoPage
	})
}

// judgeLeak serves POST /companies/{domain}/leak: whose mail it is.
func (s *Server) judgeLeak(v *visit) error {
	domain := v.PathValue("domain")
	return v.once(func() (string, error) {
		return pathOf("companies", domain) + "?did=saved#own", v.agent().JudgeLeak(v.ctx(), v.PostFormValue("token"), v.PostFormValue("from"), v.PostFormValue("verdict"))
	})
}

// A MasksPage is all addresses that one company has each, and where they are made.
type MasksPage struct {
	Masks []agent.Mask
	Kind  string // of the provider, "" for none
	Form  Form
	Kinds []Option
}

// showMasks serves GET /masks.
func (s *Server) showMasks(v *visit) error {
	c, err := v.agent().MaskConfig(v.ctx())
	if err != nil {
		return err
	}
	f := newForm()
	f.Values = url.Values{"kind": {c.Kind}, "base": {c.Base}, "url": {c.URL}} // the key is shown to nobody
	return s.masks(v, http.StatusOK, f)
}

func (s *Server) masks(v *visit, status int, f Form) error {
	c, err := v.agent().MaskConfig(v.ctx())
	if err != nil {
		return err
	}
	p := MasksPage{Kind: c.Kind, Form: f}
	if p.Masks, err = v.agent().Masks(v.ctx(), ""); err != nil {
		return err
	}
	for _, kind := range []string{"", mask.Subaddress, mask.Domain, mask.SimpleLogin} {
		name := kind
		if name == "" {
			name = "none"
		}
		p.Kinds = append(p.Kinds, Option{Value: kind, Text: v.lang.Word("mask_kind", name), Chosen: f.Value("kind") == kind})
	}
	return s.render(v, status, "masks", p)
}

// setMasks serves POST /masks: where they are made.
func (s *Server) setMasks(v *visit) error {
	f := v.form()
	c := mask.Config{Kind: f.Value("kind")}
	switch c.Kind {
	case mask.SimpleLogin:
		c.URL, c.Key = strings.TrimSpace(f.Value("url")), strings.TrimSpace(f.Value("secret"))
		if c.Key == "" { // as it was
			old, err := v.agent().MaskConfig(v.ctx())
			if err != nil {
				return err
			}
			c.Key = old.Key
		}
	case mask.Subaddress, mask.Domain:
		c.Base = strings.TrimSpace(f.Value("base"))
	}
	f.Values.Del("secret")
	err := v.once(func() (string, error) { return "/masks?did=saved", v.agent().SetMaskConfig(v.ctx(), c) })
	if err == nil || !again(&f, err) {
		return err
	}
	return s.masks(v, http.StatusUnprocessableEntity, f)
}
