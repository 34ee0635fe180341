package bank

import (
	"slices"
	"strings"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// words are what banks call their columns, in English, German, French, Dutch and
// Spanish, as plain makes them: the better ones first.
var words = map[string][]string{
	"day": {"buchungstag", "buchungsdatum", "booking date", "transaction date", "posting date", "date operation", "date de l operation", "date de comptabilisation", "boekdatum",
		"boekingsdatum", "transactiedatum", "fecha operacion", "fecha de operacion", "f operacion", "fecha de la operacion", "date", "datum", "fecha", "buchung", "dateop", "posted date",
		"completed date", "wertstellung", "wertstellungsdatum", "valutadatum", "value date", "date valeur", "fecha valor", "rentedatum"},
	"amount": {"betrag", "umsatz", "amount", "montant", "importe", "bedrag", "transaction amount", "betrag in kontowahrung", "montant operation", "importe de la operacion", "bedrag transactie", "transactiebedrag"},
	"out":    {"soll", "debit", "ausgang", "belastung", "lastschrift", "money out", "paid out", "withdrawal", "withdrawals", "debit amount", "cargo", "cargos", "debe", "uitgaven", "debits"},
	"in":     {"haben", "credit", "eingang", "gutschrift", "money in", "paid in", "deposit", "deposits", "credit amount", "abono", "abonos", "haber", "inkomsten", "credits"},
	"sign":   {"af bij", "soll haben", "debit credit", "credit debit", "s h", "dc", "d c", "credit debit indicator", "debito credito", "sens"},
	"payee": {"beguenstigter zahlungspflichtiger", "begunstigter zahlungspflichtiger", "name zahlungsbeteiligter", "zahlungsempfanger in", "zahlungsempfanger", "auftraggeber empfanger",
		"auftraggeber begunstigter", "empfanger", "partnername", "partner name", "counterparty name", "counterparty", "merchant name", "merchant", "payee", "beneficiary", "name", "beneficiaire",
		"nom de la contrepartie", "nom contrepartie", "contrepartie", "tiers", "libelle simplifie", "naam tegenpartij", "tegenpartij", "naam omschrijving", "begunstigde", "beneficiario", "comercio", "ordenante beneficiario"},
	"text": {"verwendungszweck", "description", "transaction description", "details", "narrative", "memo", "libelle", "libelle operation", "libelle de l operation", "communication", "omschrijving",
		"mededelingen", "mededeling", "concepto", "descripcion", "observaciones", "movimiento", "buchungstext", "payment reference", "reference"},
	"currency": {"wahrung", "waehrung", "currency", "devise", "munt", "muntsoort", "moneda", "divisa"},
	"ref":      {"transaction id", "transactie id", "transaktions id", "fitid", "bankreferenz", "numero de operacion", "reference operation", "volgnummer"},
	"mandate":  {"mandatsreferenz", "mandaat id", "machtigingskenmerk", "mandate reference", "reference du mandat", "referencia del mandato", "kundenreferenz mandat"},
	"creditor": {"glaubiger id", "glaeubiger id", "incassant id", "creditor id", "identifiant creancier", "identificador del acreedor"},
}

// guess guesses what the columns of a table of payments hold, by their names alone.
func guess(columns []string) (m importer.Mapping) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = plain(c)
	}
	taken := make([]bool, len(columns))
	for _, role := range []struct {
		name string
		to   *string
	}{{"day", &m.Day}, {"amount", &m.Amount}, {"out", &m.Out}, {"in", &m.In}, {"sign", &m.Sign}, {"payee", &m.Payee}, {"text", &m.Text},
		{"currency", &m.Currency}, {"ref", &m.Ref}, {"mandate", &m.Mandate}, {"creditor", &m.Creditor}} {
		for _, word := range words[role.name] {
			if i := slices.Index(names, word); i >= 0 && !taken[i] {
				*role.to, taken[i] = columns[i], true
				break
			}
		}
	}
	if m.Amount != "" {
		m.Out, m.In = "", "" // a column of each would be a summary
		m.Unit = unit(m.Amount)
	} else {
		m.Unit = unit(m.Out)
	}
	return m
}

// unit returns the currency that the name of a column has in it, "" for none.
func unit(column string) string {
	for _, w := range strings.FieldsFunc(strings.ToUpper(column), func(r rune) bool { return strings.ContainsRune(" ()[]_/.:", r) }) {
		if w == "€" || w == "EUROS" || w == "EURO" {
			return "EUR"
		}
		if money.IsCurrency(w) && slices.Contains([]string{"EUR", "USD", "GBP", "CHF", "SEK", "DKK", "NOK", "PLN", "CZK", "CAD", "AUD"}, w) {
			return w
		}
	}
	return ""
}

// accents are the letters that columns have in the five languages.
var accents = strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss", "é", "e", "è", "e", "ê", "e", "ë", "e", "à", "a", "â", "a", "á", "a", "ç", "c", "î", "i", "ï", "i",
	"í", "i", "ô", "o", "ó", "o", "ñ", "n", "ú", "u", "û", "u", "\u00a0", " ", "\u0308", "", "\u0301", "")

// plain returns the name of a column as words has it: without accents, signs, and what
// says a currency.
func plain(column string) string {
	column = accents.Replace(strings.ToLower(column))
	var out []string
	for _, w := range strings.FieldsFunc(column, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		switch w {
		case "eur", "euro", "euros", "usd", "gbp", "chf":
			if n := len(out); n > 1 && out[n-1] == "in" { // "Betrag in EUR"
				out = out[:n-1]
			}
		default:
			out = append(out, w)
		}
	}
	return strings.Join(out, " ")
}

// What a column says that tells who paid.
var (
	outWords = []string{"af", "s", "soll", "d", "debit", "dbit", "debet", "débit", "cargo", "-", "dr"}
	inWords  = []string{"bij", "h", "haben", "c", "credit", "crdt", "crédit", "abono", "+", "cr"}
)
