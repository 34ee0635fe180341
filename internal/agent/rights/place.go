package rights

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the same day on every machine, with zones of its own or without

	"firsthand"
)

// A Place is where somebody is at home, or a company has its establishment, as far
// as it is known.
type Place struct {
	Country string // ISO 3166, two capitals: DE; "" if unknown
	Region  string // a state or Land, as an address has it: CA, Bayern; "" if unknown
}

// IsZero reports whether nothing is known of p.
func (p Place) IsZero() bool { return p == Place{} }

// Californian reports whether p lies in California.
func (p Place) Californian() bool {
	return p.Country == "US" && slices.Contains([]string{"ca", "calif", "california"}, strings.ToLower(strings.Trim(p.Region, " .")))
}

// european are the countries in which the GDPR is law: the Union, and Iceland,
// Liechtenstein and Norway.
var european = strings.Fields("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK")

// European reports whether the GDPR is law at p.
func (p Place) European() bool { return slices.Contains(european, p.Country) }

// Claimable returns the laws under which a person may claim rights of a company,
// the one of her own place first; nil where none is known.
//
//   - GDPR Art. 3: the company is established in the Union, or it offers something
//     to people who are there, and she, its customer, is.
//   - UK GDPR Art. 3: the same of the United Kingdom.
//   - CCPA (Cal. Civ. Code 1798.140(i)): she is a resident of California. Whether
//     the company is big enough for that law it has to say itself.
func Claimable(her, company Place) (laws []string) {
	add := func(law string, applies bool) {
		if applies && !slices.Contains(laws, law) {
			laws = append(laws, law)
		}
	}
	for _, p := range []Place{her, company} {
		add(GDPR, p.European())
		add(UK, p.Country == "GB")
	}
	add(CCPA, her.Californian())
	return laws
}

// zones are where the clocks of a country's capital are read; of countries with
// several zones, where most companies are.
var zones = map[string]string{
	"AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia", "CH": "Europe/Zurich", "CY": "Asia/Nicosia", "CZ": "Europe/Prague", "DE": "Europe/Berlin", "DK": "Europe/Copenhagen",
	"EE": "Europe/Tallinn", "ES": "Europe/Madrid", "FI": "Europe/Helsinki", "FR": "Europe/Paris", "GB": "Europe/London", "GR": "Europe/Athens", "HR": "Europe/Zagreb", "HU": "Europe/Budapest",
	"IE": "Europe/Dublin", "IS": "Atlantic/Reykjavik", "IT": "Europe/Rome", "LI": "Europe/Vaduz", "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "LV": "Europe/Riga", "MT": "Europe/Malta",
	"NL": "Europe/Amsterdam", "NO": "Europe/Oslo", "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest", "SE": "Europe/Stockholm", "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava",
	"US": "America/Los_Angeles", // the only American law here is California's
}

// Day returns the day that it is at a place at t. No law says whose day counts; here
// it is the company's, and UTC where that isn't known.
func Day(t time.Time, at Place) firsthand.Date {
	if name, ok := zones[at.Country]; ok {
		if zone, err := time.LoadLocation(name); err == nil {
			return firsthand.Date(t.In(zone).Format(time.DateOnly))
		}
	}
	return firsthand.DateOf(t)
}

// names are countries as addresses have them, in lower case. ISO codes need none.
var names = map[string]string{
	"austria": "AT", "österreich": "AT", "autriche": "AT", "oostenrijk": "AT",
	"belgium": "BE", "belgië": "BE", "belgie": "BE", "belgique": "BE", "belgien": "BE", "bélgica": "BE",
	"bulgaria": "BG", "българия": "BG", "cyprus": "CY", "κύπρος": "CY", "czech republic": "CZ", "czechia": "CZ", "česko": "CZ", "česká republika": "CZ", "tschechien": "CZ",
	"germany": "DE", "deutschland": "DE", "allemagne": "DE", "duitsland": "DE", "alemania": "DE",
	"denmark": "DK", "danmark": "DK", "dänemark": "DK", "estonia": "EE", "eesti": "EE", "estland": "EE",
	"spain": "ES", "españa": "ES", "spanien": "ES", "espagne": "ES", "spanje": "ES", "finland": "FI", "suomi": "FI", "finnland": "FI",
	"france": "FR", "frankreich": "FR", "frankrijk": "FR", "francia": "FR", "greece": "GR", "ελλάδα": "GR", "griechenland": "GR", "hellas": "GR",
	"croatia": "HR", "hrvatska": "HR", "kroatien": "HR", "hungary": "HU", "magyarország": "HU", "ungarn": "HU",
	"ireland": "IE", "republic of ireland": "IE", "éire": "IE", "irland": "IE", "irlande": "IE", "ierland": "IE", "irlanda": "IE",
	"iceland": "IS", "ísland": "IS", "italy": "IT", "italia": "IT", "italien": "IT", "italie": "IT", "italië": "IT", "liechtenstein": "LI",
	"lithuania": "LT", "lietuva": "LT", "litauen": "LT", "luxembourg": "LU", "luxemburg": "LU", "luxemburgo": "LU", "latvia": "LV", "latvija": "LV", "lettland": "LV", "malta": "MT",
	"netherlands": "NL", "the netherlands": "NL", "nederland": "NL", "niederlande": "NL", "pays-bas": "NL", "países bajos": "NL", "holland": "NL",
	"norway": "NO", "norge": "NO", "norwegen": "NO", "poland": "PL", "polska": "PL", "polen": "PL", "pologne": "PL", "polonia": "PL",
	"portugal": "PT", "romania": "RO", "românia": "RO", "rumänien": "RO", "sweden": "SE", "sverige": "SE", "schweden": "SE", "suède": "SE", "zweden": "SE", "suecia": "SE",
	"slovenia": "SI", "slovenija": "SI", "slowenien": "SI", "slovakia": "SK", "slovensko": "SK", "slowakei": "SK",
	"united kingdom": "GB", "uk": "GB", "u.k": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB", "vereinigtes königreich": "GB", "royaume-uni": "GB", "verenigd koninkrijk": "GB", "reino unido": "GB",
	"switzerland": "CH", "schweiz": "CH", "suisse": "CH", "svizzera": "CH", "zwitserland": "CH", "suiza": "CH",
	"united states": "US", "united states of america": "US", "usa": "US", "u.s.a": "US", "u.s": "US", "vereinigte staaten": "US", "vereinigte staaten von amerika": "US", "états-unis": "US", "verenigde staten": "US", "estados unidos": "US",
}

// CountryNamed returns the country that a text names, by its ISO code or its name;
// "" if it names none that is known here.
func CountryNamed(text string) string {
	text = strings.ToLower(strings.Trim(strings.TrimSpace(text), ".,"))
	if code, ok := names[text]; ok {
		return code
	}
	code := strings.ToUpper(text)
	if _, ok := zones[code]; ok {
		return code
	}
	return ""
}

// english are the names of countries as the last line of an address has them, in
// full and in a language that each post reads.
var english = map[string]string{
	"AT": "Austria", "BE": "Belgium", "BG": "Bulgaria", "CH": "Switzerland", "CY": "Cyprus", "CZ": "Czech Republic", "DE": "Germany", "DK": "Denmark", "EE": "Estonia",
	"ES": "Spain", "FI": "Finland", "FR": "France", "GB": "United Kingdom", "GR": "Greece", "HR": "Croatia", "HU": "Hungary", "IE": "Ireland", "IS": "Iceland", "IT": "Italy",
	"LI": "Liechtenstein", "LT": "Lithuania", "LU": "Luxembourg", "LV": "Latvia", "MT": "Malta", "NL": "Netherlands", "NO": "Norway", "PL": "Poland", "PT": "Portugal",
	"RO": "Romania", "SE": "Sweden", "SI": "Slovenia", "SK": "Slovakia", "US": "United States",
}

// CountryLine returns a country as it stands in an address: its name, where text is
// the code of one that is known here, else text.
func CountryLine(text string) string {
	if name, ok := english[strings.ToUpper(strings.TrimSpace(text))]; ok {
		return name
	}
	return text
}

// CountryOfDomain returns the country whose top-level domain a domain has; "" for
// the others, which say nothing.
func CountryOfDomain(domain string) string {
	tld := strings.ToUpper(domain[strings.LastIndexByte(domain, '.')+1:])
	if tld == "UK" {
		return "GB"
	}
	if _, ok := zones[tld]; ok {
		return tld
	}
	return ""
}

// PlaceOf returns the place of the lines of an address, as far as its last lines
// say it: a country by name, a state before an American postcode.
func PlaceOf(lines []string) (p Place) {
	for i := len(lines) - 1; i >= 0 && i >= len(lines)-2; i-- {
		line := strings.TrimSpace(lines[i])
		if p.Country == "" {
			p.Country = CountryNamed(line)
			if p.Country == "" { // San Francisco, CA 94103, USA
				if at := strings.LastIndexByte(line, ','); at >= 0 {
					if p.Country = CountryNamed(line[at+1:]); len(strings.TrimSpace(line[at+1:])) == 2 {
						p.Country = "" // a state
					}
					if p.Country != "" {
						line = line[:at]
					}
				}
			}
		}
		if p.Country == "US" && p.Region == "" {
			words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == ',' })
			for n, w := range words {
				if n > 0 && len(w) == 2 && w == strings.ToUpper(w) && n+1 < len(words) && words[n+1][0] >= '0' && words[n+1][0] <= '9' {
					p.Region = w
				}
			}
		}
	}
	return p
}

// PlaceOfValue returns the place of a value of hers that is an address.
func PlaceOfValue(v firsthand.Value) (p Place) {
	p.Country = CountryNamed(v.Parts["country"])
	for _, name := range []string{"region", "state", "province"} {
		if p.Region = strings.TrimSpace(v.Parts[name]); p.Region != "" {
			break
		}
	}
	if len(v.Parts) == 0 {
		return PlaceOf(strings.Split(v.Text, "\n"))
	}
	return p
}
