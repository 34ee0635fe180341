package agent

import (
	"context"
	"net/url"
	"strings"

	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/letters"
)

// way returns how a company without a gateway is reached, and by which channel: the
// one that she chose, if it can, else the first that can.
func (a *Agent) way(chosen string, to channel.To) (channel.Way, string) {
	if ch, way, ok := a.channel(chosen, to); ok {
		return way, ch.Name()
	}
	// Nothing prepares it: she finds her own way, and notes what came of it.
	return channel.Way{Group: NeedsYou}, "manual"
}

// channel returns the channel that she chose, if it can reach the company; else the
// first that can and is no last resort; else the first that can.
func (a *Agent) channel(chosen string, to channel.To) (best channel.Channel, way channel.Way, ok bool) {
	for _, ch := range a.Channels {
		w, can := ch.Way(to)
		if !can {
			continue
		}
		if ch.Name() == chosen {
			return ch, w, true
		}
		if best == nil || way.LastResort && !w.LastResort {
			best, way = ch, w
		}
	}
	return best, way, best != nil
}

// A WayTo is one way in which her entries can reach a company.
type WayTo struct {
	Channel string // Native, or the name of a channel
	Group   string // what it takes: Instant, Prepared, NeedsYou
	Say     string // where it goes, in words for her; "" for Native
	Used    bool   // entries go by it
	Chosen  bool   // because she said so; else because it is the best
}

// Ways returns the ways to a company, the one that is used first, and then as good as
// they are. A gateway is the only way to a company with which she met there: what is
// said there is proved.
func (a *Agent) Ways(ctx context.Context, domain string) ([]WayTo, error) {
	host, err := hostOf(domain)
	if err != nil {
		return nil, err
	}
	key := CompanyKey(host)
	rows, err := a.Store.CompaniesAt(ctx, key)
	if err != nil {
		return nil, err
	}
	chosen, name := "", ""
	if len(rows) > 0 {
		if rows[0].Paired && !rows[0].Closed {
			return []WayTo{{Channel: Native, Group: Instant, Used: true}}, nil
		}
		chosen, name = rows[0].Channel, rows[0].Name
	}
	to, err := a.to(ctx, key, name)
	if err != nil {
		return nil, err
	}
	used, _, _ := a.channel(chosen, to)
	var ways, last []WayTo
	for _, ch := range a.Channels {
		way, ok := ch.Way(to)
		if !ok {
			continue
		}
		w := WayTo{Channel: ch.Name(), Group: way.Group, Say: way.Say, Used: ch == used, Chosen: ch.Name() == chosen}
		switch {
		case w.Used:
			ways = append([]WayTo{w}, ways...)
		case way.LastResort:
			last = append(last, w)
		default:
			ways = append(ways, w)
		}
	}
	return append(ways, last...), nil
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
	known, err := a.known(ctx, domain)
	if err != nil {
		return channel.To{Domain: domain, Name: name}, err
	}
	return known.to(ctx, domain, name)
}

// known is what her file has of some companies, read for all of them at once.
type known struct {
	a      *Agent
	listed map[string][]directory.Record // by host
	own    map[string]OwnCompany         // by company's key
	mail   *channel.Account              // nil if she has set none
	typed  map[string]string             // where she writes to companies, by key
}

func (a *Agent) known(ctx context.Context, domains ...string) (*known, error) {
	k := &known{a: a, listed: make(map[string][]directory.Record)}
	var hosts, keys []string
	for _, domain := range domains {
		hosts, keys = append(hosts, directory.Hosts(domain)...), append(keys, CompanyKey(domain))
	}
	records, err := a.Store.Records(ctx, hosts...)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		for _, host := range r.Hosts {
			k.listed[host] = append(k.listed[host], r)
		}
	}
	if k.own, err = a.Store.Own(ctx, keys...); err != nil || a.Mail == nil {
		return k, err
	}
	switch acc, err := a.account(ctx); {
	case err == nil:
		k.mail = &acc
	case fault.KindOf(err) != fault.NotExist:
		return nil, err
	}
	k.typed, err = a.addresses(ctx)
	return k, err
}

// to is Agent.to of one of the companies.
func (k *known) to(ctx context.Context, domain, name string) (channel.To, error) {
	to := channel.To{Domain: domain, Name: name}
	var records []directory.Record
	for _, host := range directory.Hosts(domain) {
		records = append(records, k.listed[host]...)
	}
	listed := directory.Join(domain, records)
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
		to.Email, to.Phone, to.Address, to.Lang = l.Email, l.Phone, l.Address, l.Language
		if to.Source == "" {
			to.Source = strings.TrimSpace(legal.Set + " " + legal.Date)
		}
	}
	own := k.own[CompanyKey(domain)]
	if own.Address != "" {
		to.Address = own.Address
	}
	to.Lang = letters.LanguageOf(own.Lang, to.Lang, letters.AddressLines(to), domain)
	return to, k.addressed(ctx, &to)
}

// addressed fills in how a company is reached by mail.
func (k *known) addressed(ctx context.Context, to *channel.To) error {
	if k.mail == nil {
		return nil
	}
	to.From = k.mail.Address
	own, err := k.a.toldMask(ctx, CompanyKey(to.Domain))
	if err != nil {
		return err
	}
	if own != "" {
		to.From = own // it knows her by no other
	}
	if typed := k.typed[CompanyKey(to.Domain)]; typed != "" {
		to.Email = typed
	}
	return nil
}

// linkHost returns the host of a link that a directory lists, "" if it has none.
func linkHost(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
