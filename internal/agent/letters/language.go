package letters

import (
	"regexp"
	"slices"
	"strconv"

	"firsthand/internal/agent/rights"
)

// spoken are the languages of countries, where letters know one.
var spoken = map[string]string{"DE": "de", "AT": "de", "LI": "de", "CH": "de", "FR": "fr", "LU": "fr", "NL": "nl", "BE": "nl", "ES": "es"}

// LanguageOf returns the language in which to write to a company: her choice, else
// the one in which a directory says that it wants to be written to, else that of
// the country of its address or, failing that, of its domain; else English.
func LanguageOf(choice, listed string, address []string, domain string) string {
	for _, lang := range []string{choice, listed} {
		if slices.Contains(Languages(), lang) {
			return lang
		}
	}
	country := rights.PlaceOf(address).Country
	if country == "" {
		country = rights.CountryOfDomain(domain)
	}
	for _, f := range french[country] {
		for _, line := range address {
			if m := postcode.FindStringSubmatch(line); m != nil {
				if n, err := strconv.Atoi(m[1]); err == nil && n >= f[0] && n <= f[1] {
					return "fr"
				}
			}
		}
	}
	if lang, ok := spoken[country]; ok {
		return lang
	}
	return "en"
}

// french are the postcodes where companies are written to in French, in countries
// with several languages: Brussels (where both are at home, and most companies of
// the country) stays Dutch.
var french = map[string][][2]int{
	"BE": {{1300, 1499}, {4000, 7999}},
	"CH": {{1000, 1699}, {1800, 2399}, {2800, 2999}},
}

var postcode = regexp.MustCompile(`^(?:[A-Z]{1,2}[- ])?(\d{4})\s+\pL`)
