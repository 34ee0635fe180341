package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/mask"
)

// A Mask is an e-mail address of hers that one company has.
type Mask struct {
	Token   string // names it
	Domain  string // key of the company
	Kind    string // of the provider
	Address string // "" while it is made
	ID      string // by which the provider knows it
	State   string // MaskMaking …
	Made    time.Time
}

// States of a mask.
const (
	MaskMaking  = "making" // ordered; what became of it isn't known yet
	MaskActive  = "active"
	MaskPaused  = "paused"
	MaskRetired = "retired" // for good
)

// A Leak is mail to a company's mask that came from somewhere else. It is a question:
// many companies have others send their mail.
type Leak struct {
	Token       string // of the mask
	From        string // registrable domain
	N           int
	First, Last time.Time
	Verdict     string // hers: "", LeakTheirs, LeakReal
}

// What she may say of a leak.
const (
	LeakTheirs = "theirs" // it writes for the company
	LeakReal   = "leak"
)

// maskSetting names the setting with the provider's [mask.Config].
const maskSetting = "mask_provider"

// maskTokens is how long a token is, and maskDigits what it is of: nothing that is
// easily misread.
const (
	maskTokens = 8
	maskDigits = "abcdefghjkmnpqrstuvwxyz23456789"
)

// MaskConfig returns where masks are made. Its key is not for eyes.
func (a *Agent) MaskConfig(ctx context.Context) (c mask.Config, err error) {
	text, err := a.Store.Setting(ctx, maskSetting)
	if err != nil || text == "" {
		return c, err
	}
	return c, firsthand.ParseJSON([]byte(text), &c)
}

// SetMaskConfig says where masks are made from now on. Masks of another provider stay
// as they are.
func (a *Agent) SetMaskConfig(ctx context.Context, c mask.Config) error {
	if err := c.Check(); err != nil {
		return err
	}
	text := ""
	if c.Kind != "" {
		text = string(firsthand.EncodeJSON(c))
	}
	return a.Store.Commit(ctx, Commit{Settings: map[string]string{maskSetting: text}})
}

func (a *Agent) masker(ctx context.Context) (mask.Config, mask.Provider, error) {
	c, err := a.MaskConfig(ctx)
	if err != nil {
		return c, nil, err
	}
	if a.NewMasks == nil {
		return c, nil, fault.Tell(fault.NotExist, "nothing here makes addresses", "")
	}
	p, err := a.NewMasks(c)
	return c, p, err
}

// Masks returns her masks, those of one company or with "" all: the last made first.
func (a *Agent) Masks(ctx context.Context, domain string) ([]Mask, error) {
	if domain != "" {
		domain = CompanyKey(domain)
	}
	return a.Store.Masks(ctx, domain)
}

// activeMask returns the mask by which a company reaches her, or nil.
func (a *Agent) activeMask(ctx context.Context, key string) (*Mask, error) {
	all, err := a.Store.Masks(ctx, key)
	for i := range all {
		if all[i].State == MaskActive {
			return &all[i], err
		}
	}
	return nil, err
}

// toldMask returns the mask from which she can write to a company: one that the company
// was told, at a mailbox or domain of hers; else "". A service has reverse addresses for
// that, one for each whom she writes to, which it does not make for mail hosts.
func (a *Agent) toldMask(ctx context.Context, key string) (string, error) {
	m, err := a.activeMask(ctx, key)
	if err != nil || m == nil || m.Kind == mask.SimpleLogin {
		return "", err
	}
	holders, err := a.Store.CompanyHolders(ctx, key)
	for _, h := range holders {
		if h.Fact == MailFact && strings.EqualFold(h.Value.String(), m.Address) {
			return m.Address, err
		}
	}
	return "", err
}

// maskedCompanies returns the addresses that companies have for themselves, by key.
func (a *Agent) maskedCompanies(ctx context.Context) (map[string]string, error) {
	all, err := a.Store.Masks(ctx, "")
	at := make(map[string]string)
	for _, m := range all {
		if m.State == MaskActive {
			at[m.Domain] = m.Address
		}
	}
	return at, err
}

// MakeMask makes an address that the company at a domain is to have; it is told
// nothing yet. One that is there and not retired is returned. After a crash the same
// call finds what was made before.
func (a *Agent) MakeMask(ctx context.Context, domain string) (m Mask, err error) {
	host, err := hostOf(domain)
	if err != nil {
		return m, err
	}
	key := CompanyKey(host)
	c, provider, err := a.masker(ctx)
	if err != nil {
		return m, err
	}
	a.masking.Lock()
	defer a.masking.Unlock()
	all, err := a.Store.Masks(ctx, key)
	if err != nil {
		return m, err
	}
	for _, old := range all {
		switch {
		case old.State == MaskMaking && old.Kind == c.Kind:
			m = old
		case old.State == MaskActive || old.State == MaskPaused:
			return old, nil
		}
	}
	if m.Token == "" {
		token := make([]byte, maskTokens)
		if _, err := a.Rand.Read(token); err != nil {
			return m, err
		}
		for i := range token {
			token[i] = maskDigits[int(token[i])%len(maskDigits)]
		}
		yes := true
		m = Mask{Token: string(token), Domain: key, Kind: c.Kind, State: MaskMaking, Made: a.Now().UTC().Round(0)}
		if err := a.Store.Commit(ctx, Commit{Masks: []Mask{m}, Edits: []CompanyEdit{{Domain: key, Confirmed: &yes}}}); err != nil {
			return m, err
		}
	}
	made, err := provider.Create(ctx, mask.Order{Token: m.Token, Company: key})
	if err != nil {
		return m, err
	}
	m.Address, m.ID, m.State = strings.ToLower(made.Value), made.ID, MaskActive
	return m, a.Store.Commit(ctx, Commit{Masks: []Mask{m}})
}

// mask returns one mask.
func (a *Agent) mask(ctx context.Context, token string) (Mask, error) {
	all, err := a.Store.Masks(ctx, "")
	if i := slices.IndexFunc(all, func(m Mask) bool { return m.Token == token }); i >= 0 {
		return all[i], err
	} else if err == nil {
		err = fault.Tell(fault.NotExist, "there is no such address", "firsthand mask")
	}
	return Mask{}, err
}

// sameProvider returns the provider of a mask.
func (a *Agent) sameProvider(ctx context.Context, m Mask) (mask.Provider, error) {
	c, p, err := a.masker(ctx)
	if err == nil && c.Kind != m.Kind {
		err = fault.Tell(fault.Conflict, "this address was made by "+m.Kind+", and "+c.Kind+" is set up now", "set up "+m.Kind+" again: firsthand mask provider")
	}
	return p, err
}

// PauseMask stops a mask, or starts it again. held says whether mail is held back where
// it comes in; else it still arrives, and only Firsthand leaves it alone.
func (a *Agent) PauseMask(ctx context.Context, token string, paused bool) (held bool, err error) {
	m, err := a.mask(ctx, token)
	if err != nil {
		return false, err
	}
	if m.State == MaskRetired || m.State == MaskMaking {
		return false, fault.Tell(fault.Conflict, m.Address+" is "+m.State, "make another for this company")
	}
	p, err := a.sameProvider(ctx, m)
	if err != nil {
		return false, err
	}
	if held, err = p.Pause(ctx, mask.Address{Value: m.Address, ID: m.ID}, paused); err != nil {
		return held, err
	}
	m.State = MaskActive
	if paused {
		m.State = MaskPaused
	}
	return held, a.Store.Commit(ctx, Commit{Masks: []Mask{m}})
}

// RetireMask ends a mask for good. It has to be paused first, so that one slip loses
// nothing.
func (a *Agent) RetireMask(ctx context.Context, token string) error {
	m, err := a.mask(ctx, token)
	if err != nil || m.State == MaskRetired {
		return err
	}
	if m.State == MaskActive {
		return fault.Tell(fault.Conflict, m.Address+" is in use", "pause it first, and see that you miss nothing")
	}
	if m.State == MaskPaused {
		p, err := a.sameProvider(ctx, m)
		if err != nil {
			return err
		}
		if err := p.Retire(ctx, mask.Address{Value: m.Address, ID: m.ID}); err != nil {
			return err
		}
	}
	m.State = MaskRetired
	return a.Store.Commit(ctx, Commit{Masks: []Mask{m}})
}

// MaskedMail looks at the header of a mail that came in at a time. to is the mask to
// which it came, "" for none. Where somebody else than the company sent it, that is
// noted as a question.
func (a *Agent) MaskedMail(ctx context.Context, header func(name string) []string, at time.Time) (to *Mask, err error) {
	_, p, err := a.masker(ctx)
	if fault.KindOf(err) == fault.NotExist {
		return nil, nil // she has none
	}
	if err != nil {
		return nil, err
	}
	address, from, ok := p.Incoming(header)
	if !ok {
		return nil, nil
	}
	all, err := a.Store.Masks(ctx, "")
	i := slices.IndexFunc(all, func(m Mask) bool { return m.Address == address })
	if err != nil || i < 0 {
		return nil, err
	}
	_, host, _ := strings.Cut(from, "@")
	sender := CompanyKey(host)
	if host == "" || sender == all[i].Domain {
		return &all[i], nil
	}
	company, err := a.to(ctx, all[i].Domain, "")
	if err != nil || slices.ContainsFunc(company.Hosts, func(h string) bool { return h != "" && CompanyKey(h) == sender }) {
		return &all[i], err
	}
	return &all[i], a.noteLeak(ctx, Leak{Token: all[i].Token, From: sender, N: 1, First: at, Last: at})
}

// noteLeak adds one mail to what is known of a leak.
func (a *Agent) noteLeak(ctx context.Context, l Leak) error {
	a.masking.Lock()
	defer a.masking.Unlock()
	known, err := a.Store.Leaks(ctx)
	if err != nil {
		return err
	}
	for _, k := range known {
		if k.Token == l.Token && k.From == l.From {
			l.N, l.First, l.Last, l.Verdict = k.N+1, k.First, later(k.Last, l.Last), k.Verdict
		}
	}
	return a.Store.Commit(ctx, Commit{Leaks: []Leak{l}})
}

// Leaks returns what came to masks from elsewhere, of one company or with "" of all,
// oldest first.
func (a *Agent) Leaks(ctx context.Context, domain string) (leaks []Leak, err error) {
	all, err := a.Store.Leaks(ctx)
	if err != nil || domain == "" {
		return all, err
	}
	masks, err := a.Masks(ctx, domain)
	for _, l := range all {
		if slices.ContainsFunc(masks, func(m Mask) bool { return m.Token == l.Token }) {
			leaks = append(leaks, l)
		}
	}
	return leaks, err
}

// JudgeLeak notes what she says of a leak.
func (a *Agent) JudgeLeak(ctx context.Context, token, from, verdict string) error {
	if verdict != LeakTheirs && verdict != LeakReal {
		return fault.Tell(fault.Invalid, fmt.Sprintf("%.20q is no verdict", verdict), "theirs or leak")
	}
	a.masking.Lock()
	defer a.masking.Unlock()
	all, err := a.Store.Leaks(ctx)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Token == token && l.From == from {
			l.Verdict = verdict
			return a.Store.Commit(ctx, Commit{Leaks: []Leak{l}})
		}
	}
	return fault.Tell(fault.NotExist, "nothing came to that address from there", "firsthand mask")
}

// CardLeak is mail to a company's mask from somewhere else.
const CardLeak = "leak"

// leakCards are leaks that she has said nothing of.
func (a *Agent) leakCards(ctx context.Context, _ firsthand.Date, _ int) (cards []Card, total int, err error) {
	leaks, err := a.Store.Leaks(ctx)
	if err != nil || len(leaks) == 0 {
		return nil, 0, err
	}
	masks, err := a.Store.Masks(ctx, "")
	for _, l := range leaks {
		if l.Verdict != "" {
			continue
		}
		i := slices.IndexFunc(masks, func(m Mask) bool { return m.Token == l.Token })
		if i < 0 {
			continue
		}
		cards = append(cards, Card{Key: CardLeak + " " + l.Token + " " + l.From, What: CardLeak, Domain: masks[i].Domain, File: l.From, N: l.N, Since: l.First})
	}
	return cards, len(cards), err
}
