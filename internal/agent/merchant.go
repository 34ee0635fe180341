package agent

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"firsthand"
	"firsthand/internal/agent/directory"
)

// Banks and cards name who was paid in their own way: "SPOTIFY P2C4F8 STOCKHOLM",
// "PayPal Europe S.a.r.l.", "AMZN Mktp DE*1X2". Which company that is, is a guess, and
// only made where there is just one that it can be; she confirms it with the contract.

// merchants are the names under which companies are known.
type merchants struct {
	names map[string][]string // folded, to the keys of those that have it
}

// knownAs are companies that are one over the whole world, by how cards name them.
var knownAs = map[string]string{
	"netflix": "netflix.com", "spotify": "spotify.com", "adobe": "adobe.com", "dropbox": "dropbox.com", "github": "github.com", "openai": "openai.com",
	"disney plus": "disneyplus.com", "disneyplus": "disneyplus.com", "google": "google.com", "google payment": "google.com", "microsoft": "microsoft.com",
	"apple com bill": "apple.com", "itunes": "apple.com", "icloud": "apple.com", "tidal": "tidal.com", "deezer": "deezer.com", "linkedin": "linkedin.com",
	"patreon": "patreon.com", "airbnb": "airbnb.com", "booking com": "booking.com", "nytimes": "nytimes.com", "economist": "economist.com",
}

// merchants reads the names that she and the data sets in her file have for companies.
func (a *Agent) merchants(ctx context.Context) (*merchants, error) {
	m := &merchants{names: make(map[string][]string)}
	same, err := a.sameCompany(ctx)
	if err != nil {
		return nil, err
	}
	add := func(name, domain string) {
		if name = foldMerchant(name); name != "" && !slices.Contains(m.names[name], domain) {
			m.names[name] = append(m.names[name], domain)
		}
	}
	for name, domain := range knownAs {
		add(name, domain)
	}
	hers, _, err := a.Store.Companies(ctx, CompanyQuery{})
	if err != nil {
		return nil, err
	}
	own := make(map[string]bool)
	for _, c := range hers {
		own[c.Domain] = true
		add(c.Name, c.Domain)
	}
	for r, err := range a.Store.AllRecords(ctx) {
		if err != nil {
			return nil, err
		}
		if len(r.Hosts) == 0 {
			continue
		}
		domain := CompanyKey(r.Hosts[0])
		if group := same.Of(r.Hosts[0]); group != nil {
			domain = CompanyKey(same.Domain(r.Hosts[0]))
		}
		add(r.Name, domain)
		if r.Legal != nil {
			add(r.Legal.Name, domain)
			for _, name := range r.Legal.Runs {
				add(name, domain)
			}
		}
	}
	// Of several of that name, the one that she deals with already.
	for name, domains := range m.names {
		if len(domains) < 2 {
			continue
		}
		var hers []string
		for _, d := range domains {
			if own[d] {
				hers = append(hers, d)
			}
		}
		if len(hers) == 1 {
			m.names[name] = hers
		}
	}
	return m, nil
}

// of returns the key of the company that a payment went to, "" if none is sure.
func (m *merchants) of(name, text string) string {
	who := throughService(name, text)
	if domain := domainIn(who); domain != "" {
		return domain
	}
	words := strings.Fields(foldMerchant(who))
	for n := len(words); n > 0; n-- {
		switch domains := m.names[strings.Join(words[:n], " ")]; {
		case len(domains) == 1:
			return domains[0]
		case len(domains) > 1:
			return "" // two companies of that name
		}
		if n == 2 && len(words[0]) < 5 {
			break // one short word is too little
		}
	}
	return ""
}

// services are those through which others are paid, and what stands before whom.
var services = []struct{ service, before string }{
	{"paypal", "einkauf bei "}, {"paypal", "achat chez "}, {"paypal", "purchase at "}, {"paypal", "aankoop bij "}, {"paypal", "compra en "},
	{"klarna", "einkauf bei "}, {"klarna", "purchase at "}, {"klarna", "aankoop bij "},
}

// throughService returns who was really paid, where a payment service stands in
// between, and name otherwise.
func throughService(name, text string) string {
	lower := strings.ToLower(name)
	for _, s := range services {
		if !strings.Contains(lower, s.service) {
			continue
		}
		if len(text) != len(strings.ToLower(text)) {
			continue
		}
		if i := strings.Index(strings.ToLower(text), s.before); i >= 0 {
			who := text[i+len(s.before):]
			if j := strings.IndexAny(who, ",;/"); j > 0 {
				who = who[:j]
			}
			return strings.TrimSpace(who)
		}
	}
	// "PAYPAL *SPOTIFY", "SumUp *Café", "SQ *BAKERY"
	if service, who, ok := strings.Cut(name, "*"); ok && len(strings.TrimSpace(who)) > 2 {
		switch strings.ToLower(strings.TrimSpace(service)) {
		case "paypal", "sumup", "sq", "zettle", "iz", "stripe", "sp", "ls", "google", "klarna", "adyen", "ppl", "pp":
			return strings.TrimSpace(who)
		}
	}
	return name
}

// tops are the endings by which a domain in a name is told from a point in it.
var tops = map[string]bool{"com": true, "net": true, "org": true, "de": true, "at": true, "ch": true, "fr": true, "nl": true, "be": true, "es": true, "it": true, "eu": true,
	"uk": true, "io": true, "app": true, "tv": true, "shop": true, "pl": true, "se": true, "dk": true, "ie": true, "lu": true, "example": true}

// domainIn returns the company whose domain stands in a name: NETFLIX.COM.
func domainIn(name string) string {
	for _, w := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return r != '.' && r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		w = strings.Trim(w, ".-")
		i := strings.LastIndexByte(w, '.')
		if i < 2 || !tops[w[i+1:]] {
			continue
		}
		if site := directory.ParseSite(w); site.Kind == directory.Web && firsthand.CheckDomain(CompanyKey(site.Host)) == nil && strings.Contains(CompanyKey(site.Host), ".") {
			return CompanyKey(site.Host)
		}
	}
	return ""
}

// dropped are words that say nothing of who it is: legal forms, what a bank adds.
var dropped = func() map[string]bool {
	all := make(map[string]bool)
	for _, w := range strings.Fields(`gmbh ag kg ohg ug se sa sas sarl srl spa bv nv ltd limited llc inc corp plc co kgaa mbh ev eg ab as oy aps sl slu scrl cv vof
		group holding international europe deutschland germany france nederland belgium espana
		lastschrift sepa prlv recibo cb achat kartenzahlung vir paiement carte incasso domiciliation dauerauftrag card payment debit direct visa mastercard`) {
		all[w] = true
	}
	return all
}()

// foldMerchant makes names equal that mean the same company: without case, accents,
// legal forms, and numbers that change each time.
func foldMerchant(name string) string {
	var words, all []string
	for _, w := range strings.FieldsFunc(strings.ToLower(unaccent(name)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '&' }) {
		digits := strings.Count(w, "") - 1 - len(strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return -1
			}
			return 'x'
		}, w))
		if digits > 0 && (len(w) > 4 || digits == len(w)) || w == "&" {
			continue
		}
		if all = append(all, w); !dropped[w] && len(w) > 1 {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		words = all
	}
	return strings.Join(words, " ")
}

var accents = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "Ä", "a", "Ö", "o", "Ü", "u", "ß", "ss", "é", "e", "è", "e", "ê", "e", "ë", "e", "É", "e", "à", "a", "â", "a", "á", "a",
	"ç", "c", "î", "i", "ï", "i", "í", "i", "ô", "o", "ó", "o", "ñ", "n", "ú", "u", "û", "u", "\u0301", "", "\u0308", "", "ø", "o", "å", "a", "'", "", "’", "", "+", " plus ")

func unaccent(s string) string { return accents.Replace(s) }
