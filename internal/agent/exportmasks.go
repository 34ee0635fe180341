package agent

import (
	"context"
	"errors"
)

// A lifeMask is an address that one company has, in an export.
type lifeMask struct {
	Token   string `json:"token"`
	Domain  string `json:"domain"`
	Kind    string `json:"kind"`
	Address string `json:"address"`
	ID      string `json:"id,omitempty"`
	State   string `json:"state"`
	Made    string `json:"made"`
}

// A lifeLeak is mail to one of them from somewhere else.
type lifeLeak struct {
	Token   string `json:"token"`
	From    string `json:"from"`
	N       int    `json:"n"`
	First   string `json:"first"`
	Last    string `json:"last"`
	Verdict string `json:"verdict,omitempty"`
}

// exportMasks adds her masks to l.
func (a *Agent) exportMasks(ctx context.Context, l *life) error {
	masks, err := a.Store.Masks(ctx, "")
	if err != nil {
		return err
	}
	for _, m := range masks {
		l.Masks = append(l.Masks, lifeMask{m.Token, m.Domain, m.Kind, m.Address, m.ID, m.State, m.Made.UTC().Format(timeFormat)})
	}
	leaks, err := a.Store.Leaks(ctx)
	for _, k := range leaks {
		l.Leaks = append(l.Leaks, lifeLeak{k.Token, k.From, k.N, k.First.UTC().Format(timeFormat), k.Last.UTC().Format(timeFormat), k.Verdict})
	}
	return err
}

// importMasks adds l's masks to c.
func (l *life) importMasks(c *Commit) (err error) {
	for _, x := range l.Masks {
		m := Mask{Token: x.Token, Domain: x.Domain, Kind: x.Kind, Address: x.Address, ID: x.ID, State: x.State}
		if m.Made, err = parseTime(x.Made); err != nil {
			return err
		}
		c.Masks = append(c.Masks, m)
	}
	for _, x := range l.Leaks {
		k := Leak{Token: x.Token, From: x.From, N: x.N, Verdict: x.Verdict}
		var ferr, lerr error
		k.First, ferr = parseTime(x.First)
		k.Last, lerr = parseTime(x.Last)
		if err := errors.Join(ferr, lerr); err != nil {
			return err
		}
		c.Leaks = append(c.Leaks, k)
	}
	return nil
}
