package rights

import (
	"slices"
	"strings"
)

// An Authority is one to which she may complain. Authorities move house; her page
// shows the link, by which the address can be checked before anything is posted.
type Authority struct {
	Name    string
	Country string
	Region  string   // of a Land's or a state's
	Lang    string   // to write in, of those that letters know; else "en"
	Address []string // without the country; nil where only its page is given
	Link    string   // its own page
	Form    string   // where it takes complaints, if that is known
}

// AuthoritiesFor returns to whom she may complain about a company under a law, the
// nearest to her first.
//
//   - GDPR Art. 77(1): where she lives or works, or where the infringement was. In
//     Germany those of the Länder oversee companies.
//   - UK GDPR Art. 77: the Information Commissioner.
//   - CCPA: the California Privacy Protection Agency (Cal. Civ. Code 1798.199.45)
//     and the Attorney General (1798.199.90).
func AuthoritiesFor(law string, her, company Place) (all []Authority) {
	add := func(p Place) {
		near, rest := []Authority(nil), []Authority(nil)
		for _, a := range authorities {
			if a.Country != p.Country || slices.ContainsFunc(all, func(b Authority) bool { return b.Name == a.Name }) {
				continue
			}
			if a.Region != "" && sameRegion(a.Region, p.Region) {
				near = append(near, a)
			} else if a.Region == "" || p.Region == "" {
				rest = append(rest, a)
			}
		}
		all = append(append(all, near...), rest...)
	}
	switch law {
	case GDPR:
		for _, p := range []Place{her, company} {
			if p.European() {
				add(p)
			}
		}
	case UK:
		add(Place{Country: "GB"})
	case CCPA:
		add(Place{Country: "US", Region: "CA"})
	}
	return all
}

// regions are other names of the regions that authorities have.
var regions = map[string][]string{
	"CA": {"california"},
	"BW": {"baden-württemberg", "de-bw"}, "BY": {"bayern", "bavaria", "de-by"}, "BE": {"berlin", "de-be"}, "BB": {"brandenburg", "de-bb"}, "HB": {"bremen", "de-hb"}, "HE": {"hessen", "hesse", "de-he"},
	"HH": {"hamburg", "de-hh"}, "MV": {"mecklenburg-vorpommern", "de-mv"}, "NI": {"niedersachsen", "lower saxony", "de-ni"}, "NW": {"nordrhein-westfalen", "nrw", "north rhine-westphalia", "de-nw"},
	"RP": {"rheinland-pfalz", "rhineland-palatinate", "de-rp"}, "SL": {"saarland", "de-sl"}, "SN": {"sachsen", "saxony", "de-sn"}, "ST": {"sachsen-anhalt", "saxony-anhalt", "de-st"},
	"SH": {"schleswig-holstein", "de-sh"}, "TH": {"thüringen", "thuringia", "de-th"},
}

func sameRegion(code, name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return name == strings.ToLower(code) || slices.Contains(regions[code], name)
}

// authorities, as their own pages name them. A postal address stands here only where
// the public list of datenanfragen.de (CC0), which names its sources, has it and
// nothing is known against it. Looked at in November 2026.
var authorities = []Authority{
	{Name: "Österreichische Datenschutzbehörde", Country: "AT", Lang: "de", Address: []string{"Barichgasse 40-42", "1030 Wien"}, Link: "https://www.dsb.gv.at/"},
	{Name: "Gegevensbeschermingsautoriteit / Autorité de protection des données", Country: "BE", Lang: "nl", Address: []string{"Drukpersstraat 35", "1000 Brussel"}, Link: "https://www.dataprotectionauthority.be/"},
	{Name: "Commission for Personal Data Protection", Country: "BG", Lang: "en", Address: []string{"2 Prof. Tsvetan Lazarov Blvd.", "Sofia 1592"}, Link: "https://www.cpdp.bg/"},
	{Name: "Commissioner for Personal Data Protection", Country: "CY", Lang: "en", Link: "https://www.dataprotection.gov.cy/"},
	{Name: "Úřad pro ochranu osobních údajů", Country: "CZ", Lang: "en", Address: []string{"Pplk. Sochora 27", "170 00 Praha 7"}, Link: "https://www.uoou.cz/"},
	{Name: "Datatilsynet", Country: "DK", Lang: "en", Address: []string{"Carl Jacobsens Vej 35", "2500 Valby"}, Link: "https://www.datatilsynet.dk/"},
	{Name: "Andmekaitse Inspektsioon", Country: "EE", Lang: "en", Link: "https://www.aki.ee/"},
	{Name: "Agencia Española de Protección de Datos", Country: "ES", Lang: "es", Address: []string{"C/ Jorge Juan, 6", "28001 Madrid"}, Link: "https://www.aepd.es/"},
	{Name: "Tietosuojavaltuutetun toimisto", Country: "FI", Lang: "en", Address: []string{"PL 800", "00531 Helsinki"}, Link: "https://tietosuoja.fi/", Form: "https://tietosuoja.fi/ilmoitus-tietosuojavaltuutetulle"},
	{Name: "Commission nationale de l’informatique et des libertés (CNIL)", Country: "FR", Lang: "fr", Address: []string{"3 place de Fontenoy", "TSA 80715", "75334 Paris Cedex 07"}, Link: "https://www.cnil.fr/"},
	{Name: "Hellenic Data Protection Authority", Country: "GR", Lang: "en", Address: []string{"Kifissias 1-3", "115 23 Athens"}, Link: "https://www.dpa.gr/"},
	{Name: "Agencija za zaštitu osobnih podataka", Country: "HR", Lang: "en", Link: "https://azop.hr/"},
	{Name: "Nemzeti Adatvédelmi és Információszabadság Hatóság", Country: "HU", Lang: "en", Link: "https://www.naih.hu/"},
	{Name: "Data Protection Commission", Country: "IE", Lang: "en", Link: "https://www.dataprotection.ie/"},
	{Name: "Persónuvernd", Country: "IS", Lang: "en", Link: "https://www.personuvernd.is/"},
	{Name: "Garante per la protezione dei dati personali", Country: "IT", Lang: "en", Address: []string{"Piazza Venezia 11", "00187 Roma"}, Link: "https://www.garanteprivacy.it/"},
	{Name: "Datenschutzstelle Fürstentum Liechtenstein", Country: "LI", Lang: "de", Address: []string{"Städtle 38", "Postfach 684", "9490 Vaduz"}, Link: "https://www.datenschutzstelle.li/"},
	{Name: "Valstybinė duomenų apsaugos inspekcija", Country: "LT", Lang: "en", Link: "https://vdai.lrv.lt/"},
	{Name: "Commission nationale pour la protection des données", Country: "LU", Lang: "fr", Address: []string{"15, boulevard du Jazz", "L-4370 Belvaux"}, Link: "https://cnpd.public.lu/", Form: "https://cnpd.public.lu/en/particuliers/faire-valoir/formulaire-plainte.html"},
	{Name: "Datu valsts inspekcija", Country: "LV", Lang: "en", Address: []string{"Elijas iela 17", "Rīga, LV-1050"}, Link: "https://www.dvi.gov.lv/"},
	{Name: "Office of the Information and Data Protection Commissioner", Country: "MT", Lang: "en", Link: "https://idpc.org.mt/"},
	{Name: "Autoriteit Persoonsgegevens", Country: "NL", Lang: "nl", Address: []string{"Postbus 93374", "2509 AJ Den Haag"}, Link: "https://autoriteitpersoonsgegevens.nl/"},
	{Name: "Datatilsynet (Norge)", Country: "NO", Lang: "en", Address: []string{"Postboks 458 Sentrum", "0105 Oslo"}, Link: "https://www.datatilsynet.no/"},
	{Name: "Urząd Ochrony Danych Osobowych", Country: "PL", Lang: "en", Link: "https://uodo.gov.pl/"},
	{Name: "Comissão Nacional de Proteção de Dados", Country: "PT", Lang: "en", Link: "https://www.cnpd.pt/"},
	{Name: "Autoritatea Naţională de Supraveghere a Prelucrării Datelor cu Caracter Personal", Country: "RO", Lang: "en", Address: []string{"28-30 G-ral Gheorghe Magheru Bld.", "Sector 1", "010336 Bucureşti"}, Link: "https://www.dataprotection.ro/"},
	{Name: "Integritetsskyddsmyndigheten", Country: "SE", Lang: "en", Address: []string{"Box 8114", "104 20 Stockholm"}, Link: "https://www.imy.se/"},
	{Name: "Informacijski pooblaščenec", Country: "SI", Lang: "en", Address: []string{"Dunajska cesta 22", "1000 Ljubljana"}, Link: "https://www.ip-rs.si/"},
	{Name: "Úrad na ochranu osobných údajov Slovenskej republiky", Country: "SK", Lang: "en", Link: "https://dataprotection.gov.sk/"},

	{Name: "Der Landesbeauftragte für den Datenschutz und die Informationsfreiheit Baden-Württemberg", Country: "DE", Region: "BW", Lang: "de", Address: []string{"Postfach 10 29 32", "70025 Stuttgart"}, Link: "https://www.baden-wuerttemberg.datenschutz.de/"},
	{Name: "Bayerisches Landesamt für Datenschutzaufsicht", Country: "DE", Region: "BY", Lang: "de", Address: []string{"Promenade 18", "91522 Ansbach"}, Link: "https://www.lda.bayern.de/"},
	{Name: "Berliner Beauftragte für Datenschutz und Informationsfreiheit", Country: "DE", Region: "BE", Lang: "de", Address: []string{"Alt-Moabit 59-61", "10555 Berlin"}, Link: "https://www.datenschutz-berlin.de/", Form: "https://www.datenschutz-berlin.de/eingabe"},
	{Name: "Die Landesbeauftragte für den Datenschutz und für das Recht auf Akteneinsicht Brandenburg", Country: "DE", Region: "BB", Lang: "de", Address: []string{"Stahnsdorfer Damm 77", "14532 Kleinmachnow"}, Link: "https://www.lda.brandenburg.de/", Form: "https://www.lda.brandenburg.de/de/beschwerdeformular"},
	{Name: "Die Landesbeauftragte für Datenschutz und Informationsfreiheit Bremen", Country: "DE", Region: "HB", Lang: "de", Address: []string{"Arndtstraße 1", "27570 Bremerhaven"}, Link: "https://www.datenschutz.bremen.de/"},
	{Name: "Der Hamburgische Beauftragte für Datenschutz und Informationsfreiheit", Country: "DE", Region: "HH", Lang: "de", Link: "https://datenschutz-hamburg.de/", Form: "https://datenschutz-hamburg.de/beschwerde/"},
	{Name: "Der Hessische Beauftragte für Datenschutz und Informationsfreiheit", Country: "DE", Region: "HE", Lang: "de", Address: []string{"Postfach 3163", "65021 Wiesbaden"}, Link: "https://datenschutz.hessen.de/", Form: "https://datenschutz.hessen.de/service/beschwerde"},
	{Name: "Der Landesbeauftragte für Datenschutz und Informationsfreiheit Mecklenburg-Vorpommern", Country: "DE", Region: "MV", Lang: "de", Address: []string{"Schloss Schwerin", "Lennéstraße 1", "19053 Schwerin"}, Link: "https://www.datenschutz-mv.de/"},
	{Name: "Der Landesbeauftragte für den Datenschutz Niedersachsen", Country: "DE", Region: "NI", Lang: "de", Address: []string{"Postfach 221", "30002 Hannover"}, Link: "https://www.lfd.niedersachsen.de/"},
	{Name: "Landesbeauftragte für Datenschutz und Informationsfreiheit Nordrhein-Westfalen", Country: "DE", Region: "NW", Lang: "de", Address: []string{"Postfach 20 04 44", "40102 Düsseldorf"}, Link: "https://www.ldi.nrw.de/"},
	{Name: "Der Landesbeauftragte für den Datenschutz und die Informationsfreiheit Rheinland-Pfalz", Country: "DE", Region: "RP", Lang: "de", Address: []string{"Postfach 30 40", "55020 Mainz"}, Link: "https://www.datenschutz.rlp.de/"},
	{Name: "Unabhängiges Datenschutzzentrum Saarland", Country: "DE", Region: "SL", Lang: "de", Address: []string{"Fritz-Dobisch-Straße 12", "66111 Saarbrücken"}, Link: "https://www.datenschutz.saarland.de/"},
	{Name: "Sächsische Datenschutz- und Transparenzbeauftragte", Country: "DE", Region: "SN", Lang: "de", Link: "https://www.datenschutz.sachsen.de/"},
	{Name: "Landesbeauftragte für den Datenschutz Sachsen-Anhalt", Country: "DE", Region: "ST", Lang: "de", Address: []string{"Postfach 1947", "39009 Magdeburg"}, Link: "https://datenschutz.sachsen-anhalt.de/"},
	{Name: "Unabhängiges Landeszentrum für Datenschutz Schleswig-Holstein", Country: "DE", Region: "SH", Lang: "de", Address: []string{"Postfach 71 16", "24171 Kiel"}, Link: "https://www.datenschutzzentrum.de/"},
	{Name: "Thüringer Landesbeauftragter für den Datenschutz und die Informationsfreiheit", Country: "DE", Region: "TH", Lang: "de", Address: []string{"Postfach 90 04 55", "99107 Erfurt"}, Link: "https://www.tlfdi.de/"},

	{Name: "Information Commissioner’s Office", Country: "GB", Lang: "en", Address: []string{"Wycliffe House", "Water Lane", "Wilmslow", "Cheshire SK9 5AF"}, Link: "https://ico.org.uk/", Form: "https://ico.org.uk/make-a-complaint/"},
	{Name: "California Privacy Protection Agency", Country: "US", Region: "CA", Lang: "en", Link: "https://cppa.ca.gov/", Form: "https://cppa.ca.gov/webapplications/complaint"},
	{Name: "California Attorney General", Country: "US", Region: "CA", Lang: "en", Link: "https://oag.ca.gov/", Form: "https://oag.ca.gov/contact/consumer-complaint-against-business-or-company"},
}
