package agent

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"hash"
	"slices"
	"strings"
	"unicode/utf8"

	"firsthand"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// How much of a file is in memory.
const (
	bringBatch = 2000    // rows that are committed together
	bringKeys  = 50_000  // hosts of which the company is remembered
	maxBad     = 100     // bad rows that are kept
	maxShort   = 300     // bytes of a title, login or folder
	maxAddress = 2 << 10 // bytes of a URL
)

// A bringing is a file that is being read: the rows of a batch, and sums.
type bringing struct {
	Import
	agent    *Agent
	same     *directory.Siblings
	progress func(ImportCounts)
	keys     map[string]string // of hosts that were met
	digest   hash.Hash         // of everything found
	accounts []Account
	cards    []CardFound
	payments []Payment
	bounds   []Bound

	merchants *merchants // read when the first payment comes
	payees    map[[2]string]string
	signs     map[signKey]*Account
	recurring []money.Payment // to say how many contracts there are
	own       map[string]bool // her addresses, read when the first mail comes
}

// take takes one row, or why it can't be read.
func (b *bringing) take(ctx context.Context, f importer.Found, err error) error {
	n := &b.Counts
	if bad, ok := errors.AsType[*importer.BadRow](err); ok {
		n.Rows++
		if n.Bad++; len(b.Bad) < maxBad {
			b.Bad = append(b.Bad, BadRow{bad.Row, bad.Why})
		}
		return nil
	}
	if err != nil {
		return err
	}
	n.Rows++
	n.Passwords += f.Secrets.Passwords
	n.OneTimeCodes += f.Secrets.OneTimeCodes
	n.Keys += f.Secrets.Keys
	n.Notes += f.Secrets.Notes
	n.Cards += f.Secrets.Cards
	switch f.Kind {
	case importer.Account:
		err = b.account(ctx, f, LoginAccount)
	case importer.Alias:
		err = b.account(ctx, f, AliasAccount)
	case importer.Contact, importer.Own:
		err = b.card(ctx, f)
	case importer.Paid:
		err = b.payment(ctx, f)
	case importer.Bound:
		err = b.bound(ctx, f)
	case importer.Wrote:
		err = b.mail(ctx, f)
	}
	if err == nil && len(b.accounts)+len(b.cards)+len(b.payments)+len(b.bounds) >= bringBatch {
		err = b.flush(ctx)
	}
	return err
}

// account takes a login or an alias: one account for each company that it is at.
func (b *bringing) account(ctx context.Context, f importer.Found, kind string) error {
	acc := Account{Row: f.Row, Kind: kind, Title: clip(f.Title, maxShort), Login: clip(f.Login, maxShort), Folder: clip(f.Folder, maxShort),
		Created: f.Created, Used: later(f.Used, f.Changed)}
	urls := f.URLs
	if len(urls) == 0 {
		urls = []string{f.Title} // which names the site, often enough
	}
	var known []string // companies that this row has an account at
	var doubt *Account
	for _, url := range urls {
		one := acc
		site := directory.ParseSite(url)
		if len(f.URLs) > 0 {
			one.URL = bare(url)
		} else if site.Kind != directory.Web {
			site = directory.Site{}
		}
		if err := b.place(ctx, &one, site); err != nil {
			return err
		}
		switch {
		case one.Domain == "" && doubt == nil:
			doubt = &one
		case one.Domain != "" && !slices.Contains(known, one.Domain):
			known = append(known, one.Domain)
			b.add(one)
		}
	}
	if len(known) == 0 {
		b.add(*doubt)
	}
	return nil
}

// place says of which company an account is, or why that isn't certain.
func (b *bringing) place(ctx context.Context, acc *Account, site directory.Site) error {
	acc.Host = site.Host
	if site.Kind != directory.Web {
		acc.Why = site.Kind.String()
		return nil
	}
	key, ok := b.keys[site.Host]
	if !ok {
		var err error
		if key, err = b.agent.companyOf(ctx, b.same, site.Host); err != nil {
			return err
		}
		if firsthand.CheckDomain(key) != nil {
			key = ""
		}
		if len(b.keys) >= bringKeys {
			clear(b.keys)
		}
		b.keys[site.Host] = key
	}
	if acc.Domain = key; key == "" {
		acc.Why = directory.Odd.String()
	}
	acc.Name = companyName(acc.Title, site.Host)
	return nil
}

// companyName returns what a title calls the company, "" if it only repeats the
// host or a login. "Acme (mia)" is Acme.
func companyName(title, host string) string {
	name := strings.TrimSpace(title)
	if i := strings.LastIndexByte(name, '('); i > 0 && strings.HasSuffix(name, ")") {
		name = strings.TrimSpace(name[:i])
	}
	if name == "" || strings.ContainsAny(name, "@\n") || strings.Contains(name, "://") || len(name) > 100 {
		return ""
	}
	if site := directory.ParseSite(name); site.Kind == directory.Web && CompanyKey(site.Host) == CompanyKey(host) {
		return ""
	}
	return name
}

// card takes a card of an address book. An organisation is a company at the domain
// of its web or mail address. Persons are counted, and theirs is kept with a company
// if they are of one; of whom the rest is is found out only while it is a preview.
func (b *bringing) card(ctx context.Context, f importer.Found) error {
	card := f.Card
	if card == nil {
		return nil
	}
	name := clip(f.Title, maxShort)
	if card.Person || f.Kind == importer.Own {
		b.Counts.Persons++
		found := CardFound{Row: f.Row, Name: name, Org: clip(card.Org, maxShort), Own: f.Kind == importer.Own}
		for _, fact := range card.Facts {
			found.Facts = append(found.Facts, Fact{Name: fact.Name, Value: fact.Value})
		}
		b.addCard(found)
		if card.Org == "" || f.Kind == importer.Own {
			return nil
		}
	}
	acc := Account{Row: f.Row, Kind: ContactAccount, Title: name, Folder: clip(f.Folder, maxShort), Used: f.Changed}
	site := directory.Site{}
	for _, url := range f.URLs {
		if s := directory.ParseSite(url); s.Kind == directory.Web && site.Kind != directory.Web {
			site, acc.URL = s, bare(url)
		}
	}
	for _, fact := range card.Facts {
		_, host, ok := strings.Cut(fact.Value.Text, "@")
		root, _, _ := strings.Cut(fact.Name, ".")
		if s := directory.ParseSite(host); ok && root == "email" && s.Kind == directory.Web && site.Kind != directory.Web && !mailHosts[s.Host] {
			site, acc.URL = s, clip("mailto:"+fact.Value.Text, maxAddress)
		}
	}
	if site.Kind != directory.Web && card.Person {
		return nil // a person whose company has no address here
	}
	if err := b.place(ctx, &acc, site); err != nil {
		return err
	}
	if acc.Name = companyName(cmp.Or(card.Org, f.Title), site.Host); len(acc.Name) > maxShort {
		acc.Name = ""
	}
	b.add(acc)
	return nil
}

// mailHosts are hosts at which everybody may have a mailbox: an address there says
// nothing of a person's company.
var mailHosts = map[string]bool{
	"gmail.com": true, "googlemail.com": true, "outlook.com": true, "hotmail.com": true, "live.com": true, "msn.com": true, "yahoo.com": true,
	"icloud.com": true, "me.com": true, "mac.com": true, "aol.com": true, "gmx.de": true, "gmx.net": true, "gmx.at": true, "gmx.com": true, "web.de": true,
	"t-online.de": true, "freenet.de": true, "posteo.de": true, "mailbox.org": true, "proton.me": true, "protonmail.com": true, "pm.me": true,
	"tutanota.com": true, "tuta.com": true, "fastmail.com": true, "hey.com": true, "zoho.com": true, "yandex.ru": true, "mail.ru": true, "qq.com": true,
	"163.com": true, "orange.fr": true, "laposte.net": true, "free.fr": true, "wanadoo.fr": true, "libero.it": true, "telenet.be": true, "skynet.be": true,
	"ziggo.nl": true, "btinternet.com": true, "comcast.net": true, "hotmail.fr": true, "hotmail.de": true, "hotmail.co.uk": true, "yahoo.fr": true,
	"yahoo.de": true, "yahoo.co.uk": true, "yahoo.it": true, "yahoo.es": true, "hotmail.it": true, "hotmail.es": true, "outlook.de": true, "outlook.fr": true,
	"live.nl": true, "live.be": true, "hotmail.be": true, "bluewin.ch": true, "simplelogin.com": true, "duck.com": true,
}

func (b *bringing) add(acc Account) {
	said := acc
	said.Row = 0 // a row more at the top moves all
	b.digest.Write(append(firsthand.EncodeJSON(said), '\n'))
	b.accounts = append(b.accounts, acc)
}

func (b *bringing) addCard(c CardFound) {
	said := c
	said.Row = 0
	b.digest.Write(append(firsthand.EncodeJSON(said), '\n'))
	b.cards = append(b.cards, c)
}

// flush commits what was read since the last time.
func (b *bringing) flush(ctx context.Context) error {
	if len(b.accounts)+len(b.cards) > 0 || len(b.payments)+len(b.bounds) == 0 {
		if err := b.agent.Store.AddFound(ctx, b.ID, b.accounts, b.cards); err != nil {
			return err
		}
	}
	if len(b.payments)+len(b.bounds) > 0 {
		if err := b.agent.Store.AddMoney(ctx, b.ID, b.payments, b.bounds); err != nil {
			return err
		}
	}
	b.accounts, b.cards, b.payments, b.bounds = b.accounts[:0], b.cards[:0], b.payments[:0], b.bounds[:0]
	if b.progress != nil {
		b.progress(b.Counts)
	}
	return nil
}

// finish makes a preview of what was read, unless the same was read before.
func (b *bringing) finish(ctx context.Context) (Import, error) {
	b.addSigns()
	b.Counts.Contracts += len(money.Recurring(b.recurring, b.until()))
	if err := b.flush(ctx); err != nil {
		return Import{}, err
	}
	b.Digest = hex.EncodeToString(b.digest.Sum(nil))
	b.agent.finishing.Lock()
	defer b.agent.finishing.Unlock()
	all, err := b.agent.Imports(ctx)
	if err != nil {
		return Import{}, err
	}
	for _, i := range all {
		if i.Digest == b.Digest && i.Format == b.Format {
			i.Again = true
			return i, b.agent.Store.Commit(ctx, Commit{UndoImports: []int64{b.ID}})
		}
	}
	return b.agent.Store.FinishImport(ctx, b.Import)
}

// clip returns s, cut off after max bytes, as valid UTF-8.
func clip(s string, max int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= max {
		return s
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max]
}

// bare returns a URL without what may hold a secret: what follows the path, and a
// user before the host.
func bare(url string) string {
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		url = url[:i]
	}
	if scheme, rest, ok := strings.Cut(url, "://"); ok && !strings.HasPrefix(scheme, "android") {
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			url = scheme + "://" + rest[at+1:]
		}
	}
	return clip(url, maxAddress)
}
