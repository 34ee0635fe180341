package world

import "time"

// A firm is a company without a gateway, or one of the cast, as it occurs in what
// Mia's programs have exported. All of them are made up.
type firm struct {
	domain, name string
	group        string // hers, where her life is made up
	since, used  int    // months ago: the first and the last sign of it
	in           string // the exports it is in: c Chrome, b Bitwarden, f Firefox, s SimpleLogin, v contacts
	as           string // how it knows her: o by the old e-mail address, n by the new one, on by both, u by a user name
	address      string // what it has from before, as she knows: o the old address, n the new one
	host         string // under which she signs in there; "" if it is domain
}

var firms = []firm{
	{"veloshop.example", "Veloshop BV", "shops", 74, 5, "cf", "o", "o", "www.veloshop.example"},
	{"gentwater.example", "Gent Water CV", "house", 3, 1, "c", "n", "o", "mijn.gentwater.example"},
	{"leiebank.example", "Leiebank NV", "money", 130, 0, "cv", "o", "o", "secure.leiebank.example"},
	{"kruidenbox.example", "Kruidenbox BV", "shops", 20, 1, "cb", "n", "o", ""},
	{"leeszaal.example", "Leeszaal vzw", "free time", 60, 2, "cb", "o", "o", ""},

	{"stoffenhuis.example", "Stoffenhuis NV", "shops", 50, 14, "c", "on", "o", "webwinkel.stoffenhuis.example"},
	{"papierlade.example", "Papierlade", "shops", 41, 9, "cb", "o", "o", ""},
	{"bakkerijdemolen.example", "Bakkerij De Molen", "shops", 12, 1, "c", "n", "", ""},
	{"wolenwol.example", "Wol & Wol", "shops", 66, 39, "cs", "u", "o", "shop.wolenwol.example"},
	{"keukenkist.example", "Keukenkist NV", "shops", 47, 7, "cf", "o", "o", ""},
	{"groenevingers.example", "Groene Vingers", "shops", 30, 4, "c", "on", "", ""},
	{"boekenhoek.example", "Boekenhoek CV", "shops", 120, 2, "cf", "o", "o", "www.boekenhoek.example"},
	{"speelmuis.example", "Speelmuis", "shops", 88, 61, "f", "o", "", ""},
	{"lampenlicht.example", "Lampenlicht BV", "shops", 58, 44, "cf", "o", "o", ""},
	{"tweedewind.example", "Tweede Wind", "shops", 26, 3, "cs", "n", "", "www.tweedewind.example"},
	{"schoenpost.example", "Schoenpost NV", "shops", 77, 18, "cb", "o", "o", ""},

	{"dagbladdekoerier.example", "Dagblad De Koerier", "subscriptions", 90, 0, "cbv", "o", "o", "abonnement.dagbladdekoerier.example"},
	{"muziekzolder.example", "Muziekzolder", "subscriptions", 52, 0, "c", "o", "", ""},
	{"filmhuisthuis.example", "Filmhuis Thuis", "subscriptions", 33, 1, "cb", "n", "", ""},
	{"praatplank.example", "Praatplank", "subscriptions", 15, 2, "c", "u", "", ""},

	{"zonnestroom.example", "Zonnestroom CV", "house", 64, 1, "cv", "o", "o", "mijn.zonnestroom.example"},
	{"kabelkoppel.example", "Kabelkoppel NV", "house", 70, 0, "cb", "o", "o", "account.kabelkoppel.example"},
	{"afvalrond.example", "Afvalrond", "house", 3, 1, "c", "n", "n", ""},
	{"polderpolis.example", "Polderpolis Verzekeringen", "money", 105, 6, "cfv", "o", "o", ""},
	{"puntenpas.example", "Puntenpas", "money", 84, 40, "cf", "o", "", ""},
	{"spaarvarken.example", "Spaarvarken", "money", 97, 71, "f", "o", "", ""},

	{"apotheekdehoorn.example", "Apotheek De Hoorn", "health", 44, 3, "cv", "o", "o", ""},
	{"tandartsvos.example", "Tandarts Vos", "health", 36, 8, "v", "", "o", ""},
	{"bijenfonds.example", "Ziekenfonds De Bij", "health", 140, 2, "cbf", "o", "o", "mijn.bijenfonds.example"},
	{"brilofniet.example", "Bril of Niet", "health", 29, 13, "c", "n", "o", ""},

	{"treinkaart.example", "Treinkaart", "on the way", 110, 0, "cf", "o", "o", "www.treinkaart.example"},
	{"deelwagen.example", "Deelwagen CV", "on the way", 24, 2, "cb", "n", "", ""},
	{"logeerhuis.example", "Logeerhuis", "on the way", 79, 48, "cf", "o", "", ""},

	{"koorlokaal.example", "Koorlokaal vzw", "free time", 55, 1, "cs", "o", "", ""},
	{"sportclubleie.example", "Sportclub Leie", "free time", 31, 6, "c", "n", "o", ""},
	{"knutselforum.example", "Knutselforum", "free time", 115, 80, "cf", "u", "", "forum.knutselforum.example"},
	{"fotowolk.example", "Fotowolk", "free time", 68, 0, "cb", "on", "", ""},
	{"mailgans.example", "Mailgans", "free time", 125, 0, "cb", "u", "", ""},
	{"jobvogel.example", "Jobvogel", "free time", 49, 42, "cf", "o", "", ""},
	{"woonzoeker.example", "Woonzoeker", "free time", 9, 4, "c", "n", "", ""},
}

// signIn is the host under which she signs in.
func (f *firm) signIn() string {
	if f.host != "" {
		return f.host
	}
	return f.domain
}

// logins are how the company knows her, the older one first.
func (f *firm) logins() (all []string) {
	for _, c := range f.as {
		all = append(all, map[rune]string{'o': OldEmail, 'n': NewEmail, 'u': "mia_p"}[c])
	}
	return all
}

// monthsAgo is a day that many months before now, at an hour of its own.
func (f *firm) monthsAgo(now time.Time, months int) time.Time {
	day := now.AddDate(0, -months, -len(f.domain)) // so that they don't all fall on one day
	return time.Date(day.Year(), day.Month(), day.Day(), 7+len(f.name)%14, len(f.domain)*3%60, 0, 0, time.UTC)
}
