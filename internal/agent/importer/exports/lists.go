package exports

import (
	"io"
	"iter"
	"strings"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// Wallos is the format of Wallos' export of subscriptions.
type Wallos struct{}

// Name implements [importer.Format].
func (Wallos) Name() string { return "wallos" }

// Match implements [importer.Format].
func (Wallos) Match(head []byte) (int, error) {
	if looks(head, "subscriptions", "Payment Cycle", "Next Payment") {
		return 20, nil
	}
	return 0, nil
}

type wallos struct {
	Name   string
	Cycle  string `json:"Payment Cycle"`
	Next   string `json:"Next Payment"`
	Group  string `json:"Category"`
	Price  string
	Notes  string
	URL    string
	Cancel string `json:"Cancellation Date"`
}

// Read implements [importer.Format].
func (Wallos) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return each(r, "subscriptions", func(w wallos) (f importer.Found, why string) {
		if w.Name == "" {
			return f, "has no name"
		}
		p, err := money.ParsePeriod(w.Cycle)
		if err != nil {
			return f, "has no period"
		}
		price, _ := money.Parse(w.Price, "", 0)
		f = importer.Found{Kind: importer.Bound, Title: clean(w.Name), Folder: clean(w.Group),
			Contract: &importer.Contract{Price: price, Period: p, Next: day(w.Next), Ended: day(w.Cancel)}}
		if w.URL != "" {
			f.URLs = []string{clean(w.URL)}
		}
		if w.Notes != "" {
			f.Secrets.Notes++
		}
		return f, ""
	})
}

// Play is the format of the subscriptions in Google Takeout, of Google Play.
type Play struct{}

// Name implements [importer.Format].
func (Play) Name() string { return "google-play" }

// Match implements [importer.Format].
func (Play) Match(head []byte) (int, error) {
	if looks(head, "subscription", "doc", "documentType") {
		return 20, nil
	}
	return 0, nil
}

type play struct {
	Subscription *struct {
		Doc struct {
			Title string `json:"title"`
		} `json:"doc"`
		Renewal    string `json:"renewalDate"`
		Expiration string `json:"expirationDate"`
		State      string `json:"state"`
		Price      string `json:"price"`
		Period     struct {
			Count int    `json:"count"`
			Unit  string `json:"unit"`
		} `json:"period"`
	} `json:"subscription"`
}

// Read implements [importer.Format].
func (Play) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return each(r, "", func(p play) (f importer.Found, why string) {
		s := p.Subscription
		if s == nil || s.Doc.Title == "" {
			return f, "has no name"
		}
		price, _ := money.Parse(s.Price, "", 0)
		c := &importer.Contract{Price: price, Next: day(s.Renewal), Ended: day(s.Expiration)}
		if s.Period.Count > 0 {
			c.Period, _ = money.ParsePeriod(money.Period{N: s.Period.Count, Unit: money.Unit(strings.ToLower(s.Period.Unit))}.String())
		}
		if strings.EqualFold(s.State, "active") && c.Next != "" {
			c.Ended = ""
		}
		// Who is paid is the maker of the app, of whom the file says nothing.
		return importer.Found{Kind: importer.Bound, Title: clean(s.Doc.Title), Contract: c}, ""
	})
}

// Netflix is the format of the bills in the file that Netflix gives to who asks for
// her data.
type Netflix struct{}

// Name implements [importer.Format].
func (Netflix) Name() string { return "netflix" }

// Match implements [importer.Format].
func (Netflix) Match(head []byte) (sure int, err error) {
	columns := importer.Columns(head)
	for _, want := range []string{"transaction date", "gross sale amt", "next billing date", "description"} {
		for _, c := range columns {
			if c == want {
				sure += 10
			}
		}
	}
	if sure < 30 {
		return 0, nil
	}
	return sure, nil
}

// Read implements [importer.Format]. Each bill says the price of its time, and the last
// one counts. The digits of cards in it aren't read.
func (Netflix) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return importer.Table(r, func(columns []string) func(*importer.Row) (importer.Found, bool) {
		at := func(name string) int {
			for i, c := range columns {
				if c == name {
					return i
				}
			}
			return -1
		}
		date, sum, currency, next, what, card := at("transaction date"), at("gross sale amt"), at("currency"), at("next billing date"), at("description"), at("mop last 4")
		return func(row *importer.Row) (f importer.Found, ok bool) {
			charged := day(row.Text(date))
			price, err := money.Parse(row.Text(sum), strings.ToUpper(strings.TrimSpace(row.Text(currency))), '.')
			if charged != "" && err == nil {
				row.Doubtful = false
			}
			title := row.Text(what)
			if row.Doubtful || charged == "" || err != nil || price.Minor <= 0 || title == "" {
				return f, false
			}
			f = importer.Found{Kind: importer.Bound, Title: title, URLs: []string{"https://www.netflix.com/"},
				Contract: &importer.Contract{Price: price, Period: money.Period{N: 1, Unit: money.Month}, Next: day(row.Text(next))}}
			if row.Has(card) {
				f.Secrets.Cards++
			}
			return f, true
		}
	})
}
