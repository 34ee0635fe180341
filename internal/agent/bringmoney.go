package agent

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// How much of payments and mails is in memory while a file is read. What is beyond
// that is kept all the same; only the number of contracts is too low then.
const (
	maxRecurring = 200_000
	maxSigns     = 20_000
)

// A signKey is what mails and payments are put together by: one account for each
// company, and each of her addresses that it has.
type signKey struct{ kind, host, login string }

// payment takes a row of a bank statement. What she got isn't kept.
func (b *bringing) payment(ctx context.Context, f importer.Found) error {
	p := f.Payment
	if p == nil {
		return nil
	}
	if p.Amount.Minor <= 0 {
		b.Counts.Incoming++
		return nil
	}
	b.Counts.Payments++
	pay := Payment{Row: f.Row, Day: p.Day, Amount: p.Amount, Name: clip(cutNumbers(clip(f.Title, maxShort)), maxShort), Text: clip(cutNumbers(clip(p.Text, maxShort)), maxShort),
		Ref: clip(p.Ref, 100), Creditor: clip(p.Creditor, 100), Mandate: clip(p.Mandate, 100)}
	var err error
	if pay.Domain, err = b.payee(ctx, pay.Name, pay.Text); err != nil {
		return err
	}
	said := pay
	said.Row = 0
	b.digest.Write(append(firsthand.EncodeJSON(said), '\n'))
	b.payments = append(b.payments, pay)
	if len(b.recurring) < maxRecurring {
		b.recurring = append(b.recurring, money.Payment{ID: int64(len(b.recurring)), Payee: pay.payee(), Day: pay.Day, Amount: pay.Amount})
	}
	if pay.Domain != "" {
		day, _ := time.Parse(time.DateOnly, string(pay.Day))
		b.sign(Account{Row: f.Row, Kind: PaidAccount, Domain: pay.Domain, Host: pay.Domain, Title: contractName(throughService(pay.Name, pay.Text)), Created: day, Used: day})
	}
	return nil
}

// payee returns the company that a payment went to, "" if none is sure.
func (b *bringing) payee(ctx context.Context, name, text string) (domain string, err error) {
	if b.merchants == nil {
		if b.merchants, err = b.agent.merchants(ctx); err != nil {
			return "", err
		}
		b.payees = make(map[[2]string]string)
	}
	who := throughService(name, text)
	domain, ok := b.payees[[2]string{who}]
	if !ok {
		if domain = b.merchants.of(who, ""); domain != "" {
			if domain, err = b.agent.companyOf(ctx, b.same, domain); err != nil {
				return "", err
			}
		}
		if len(b.payees) >= bringKeys {
			clear(b.payees)
		}
		b.payees[[2]string{who}] = domain
	}
	return domain, nil
}

// bound takes what a file says of a contract.
func (b *bringing) bound(ctx context.Context, f importer.Found) error {
	if f.Contract == nil {
		return nil
	}
	b.Counts.Contracts++
	found := Bound{Row: f.Row, Title: contractName(f.Title), Contract: *f.Contract}
	for _, url := range f.URLs {
		if site := directory.ParseSite(url); site.Kind == directory.Web && found.Domain == "" {
			acc := Account{}
			if err := b.place(ctx, &acc, site); err != nil {
				return err
			}
			found.Domain = acc.Domain
		}
	}
	var err error
	if found.Domain == "" {
		if found.Domain, err = b.payee(ctx, found.Title, ""); err != nil {
			return err
		}
	}
	said := found
	said.Row = 0
	b.digest.Write(append(firsthand.EncodeJSON(said), '\n'))
	b.bounds = append(b.bounds, found)
	if found.Domain != "" {
		b.sign(Account{Row: f.Row, Kind: PaidAccount, Domain: found.Domain, Host: found.Domain, Title: found.Title, Folder: clip(f.Folder, maxShort)})
	}
	return nil
}

// mail takes who wrote a mail, and to which of her addresses. Mail from persons at
// hosts where everybody has a mailbox, from herself, and what her mail host has found
// to be forged counts for nothing.
func (b *bringing) mail(ctx context.Context, f importer.Found) error {
	if f.Mail == nil || len(f.URLs) == 0 {
		return nil
	}
	if f.Mail.Forged {
		b.Counts.Unproved++
		return nil
	}
	site := directory.ParseSite(f.URLs[0])
	if site.Kind != directory.Web || mailHosts[site.Host] || mailHosts[CompanyKey(site.Host)] {
		return nil
	}
	if b.own == nil {
		b.own = make(map[string]bool)
		facts, err := b.agent.Store.Facts(ctx)
		if err != nil {
			return err
		}
		for _, fact := range facts {
			if _, host, ok := strings.Cut(FoldText(fact.Value.Text), "@"); ok && strings.HasPrefix(fact.Name, MailFact) {
				b.own[CompanyKey(host)] = true
			}
		}
	}
	if b.own[CompanyKey(site.Host)] {
		return nil
	}
	acc := Account{Row: f.Row, Kind: MailAccount, Title: contractName(f.Title), Login: clip(FoldText(f.Login), maxShort), Created: f.Used, Used: f.Used}
	if err := b.place(ctx, &acc, site); err != nil {
		return err
	}
	if acc.Domain == "" {
		return nil
	}
	if b.Counts.Mails++; f.Mail.List {
		acc.Folder = Newsletter
	}
	acc.Host, acc.Name = acc.Domain, companyName(f.Title, site.Host)
	b.sign(acc)
	return nil
}

// Newsletter is the folder of a MailAccount that says how not to get its mail.
const Newsletter = "newsletter"

// sign adds a sign to those of its company.
func (b *bringing) sign(acc Account) {
	key := signKey{acc.Kind, acc.Host, acc.Login}
	s, ok := b.signs[key]
	if !ok {
		if len(b.signs) >= maxSigns {
			b.addSigns()
		}
		b.signs[key] = &acc
		return
	}
	s.Created, s.Used = earlier(s.Created, acc.Created), later(s.Used, acc.Used)
	s.Folder, s.Name = cmp.Or(s.Folder, acc.Folder), cmp.Or(s.Name, acc.Name)
}

// addSigns makes accounts of the signs there are, in the order of the file.
func (b *bringing) addSigns() {
	all := make([]*Account, 0, len(b.signs))
	for _, s := range b.signs {
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y *Account) int {
		return cmp.Or(cmp.Compare(x.Row, y.Row), strings.Compare(x.Host, y.Host), strings.Compare(x.Kind, y.Kind), strings.Compare(x.Login, y.Login))
	})
	for _, s := range all {
		b.add(*s)
	}
	clear(b.signs)
}

// until is the last day of which the file has a payment.
func (b *bringing) until() (last firsthand.Date) {
	for _, p := range b.recurring {
		last = max(last, p.Day)
	}
	return last
}
