package agent

import (
	"context"
	"net/url"
	"strings"

	"firsthand/internal/agent/channel"
)

// way returns how a company without a gateway is reached, and by which channel: the
// one that she chose, if it can, else the first that can.
func (a *Agent) way(ctx context.Context, chosen, domain string) (channel.Way, string, error) {
	to, err := a.to(ctx, domain, "")
	if err != nil {
		return channel.Way{}, "", err
	}
	if ch, way, ok := a.channel(chosen, to); ok {
		return way, ch.Name(), nil
	}
	// Nothing prepares it: she finds her own way, and notes what came of it.
	return channel.Way{Group: NeedsYou}, "manual", nil
}

func (a *Agent) channel(chosen string, to channel.To) (channel.Channel, channel.Way, bool) {
	for _, only := range []bool{true, false} {
		for _, ch := range a.Channels {
			if only && ch.Name() != chosen {
				continue
			}
			if way, ok := ch.Way(to); ok {
				return ch, way, true
			}
		}
	}
	return nil, channel.Way{}, false
}

// chosen returns the channel that she chose for a company, "" for none.
func (a *Agent) chosen(ctx context.Context, domain string) (string, error) {
	rows, err := a.Store.CompaniesAt(ctx, CompanyKey(domain))
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0].Channel, nil
}

// to returns a company as channels may know it: what the directories in her file
// list. Nobody is asked.
func (a *Agent) to(ctx context.Context, domain, name string) (channel.To, error) {
	to := channel.To{Domain: domain, Name: name}
	listed, err := a.Listed(ctx, domain)
	if err != nil {
		return to, err
	}
	for _, s := range listed.Account {
		to.AccountURL, to.Hosts = s.Value, append(to.Hosts, s.Host, linkHost(s.Value))
		to.Source = strings.TrimSpace(s.Set + " " + s.Date)
		break
	}
	for _, s := range listed.Deletion {
		to.DeleteURL, to.Hosts = s.Value.Link, append(to.Hosts, s.Host, linkHost(s.Value.Link))
		break
	}
	if legal, certain := listed.LegalIn(""); certain {
		l := legal.Value
		to.Email, to.Phone, to.Address = l.Email, l.Phone, l.Address
		if to.Source == "" {
			to.Source = strings.TrimSpace(legal.Set + " " + legal.Date)
		}
	}
	return to, nil
}

// linkHost returns the host of a link that a directory lists, "" if it has none.
func linkHost(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
