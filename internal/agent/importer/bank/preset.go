package bank

import (
	"io"
	"iter"

	"firsthand/internal/agent/importer"
)

// A preset is a table whose columns are known: the export of a company or a program.
type preset struct {
	name     string
	mappings []importer.Mapping // in its versions
	partly   bool               // rows may lack a day or an amount, and then say nothing
}

// presets are PayPal's list of payments, Amazon's of orders, and Homebox's of things.
// Of the last two the payment is what is of use here: when something was bought, of
// whom, and what.
var presets = []preset{
	{name: "paypal", mappings: []importer.Mapping{{Name: "paypal", Day: "date", Amount: "gross", Payee: "name", Text: "type", Currency: "currency", Ref: "transaction id"}}},
	{name: "amazon", partly: true, mappings: []importer.Mapping{{Name: "amazon", Day: "order date", Amount: "total owed", Payee: "website", Text: "product name", Currency: "currency", Flip: true, Decimal: "point", Order: "ymd"}}},
	{name: "homebox", partly: true, mappings: []importer.Mapping{
		{Name: "homebox", Day: "hb.purchase_date", Amount: "hb.purchase_price", Payee: "hb.purchase_from", Text: "hb.name", Flip: true, Decimal: "point", Order: "ymd"},
		{Name: "homebox", Day: "hb.purchase_time", Amount: "hb.purchase_price", Payee: "hb.purchase_from", Text: "hb.name", Flip: true, Decimal: "point", Order: "ymd"},
	}},
}

// Name implements [importer.Format].
func (p *preset) Name() string { return p.name }

// Match implements [importer.Format].
func (p *preset) Match(head []byte) (sure int, err error) {
	columns := importer.Columns(head)
	for _, m := range p.mappings {
		if n := m.Fits(columns); n > 0 {
			return 40 + n, nil // she may have said what a table of a bank is that looks the same
		}
	}
	return 0, nil
}

// Read implements [importer.Format].
func (p *preset) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return Table{saved: p.mappings, partly: p.partly}.Read(r)
}
