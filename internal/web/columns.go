package web

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
)

// A ColumnsPage is which columns of her bank's table hold what.
type ColumnsPage struct {
	Saved            []importer.Mapping
	Guess            bool // the form has what was guessed of a file
	Orders, Decimals []Option
	Form             Form
}

// showColumns serves GET /import/columns; with ?import=ID the form has how that file
// was read.
func (s *Server) showColumns(v *visit) error {
	f, guess := newForm(), false
	if id, err := strconv.ParseInt(v.URL.Query().Get("import"), 10, 64); err == nil {
		im, err := v.agent().Brought(v.ctx(), id)
		if err != nil && fault.KindOf(err) != fault.NotExist {
			return err
		}
		m := im.Counts.Columns
		flip := ""
		if m.Flip {
			flip = "yes"
		}
		guess = m.Day != ""
		f = newForm("name", m.Name, "day", m.Day, "amount", m.Amount, "out", m.Out, "in", m.In, "sign", m.Sign, "payee", m.Payee, "text", m.Text,
			"currency", m.Currency, "unit", m.Unit, "order", m.Order, "decimal", m.Decimal, "flip", flip)
	}
	return s.columnsPage(v, http.StatusOK, f, guess)
}

func (s *Server) columnsPage(v *visit, status int, f Form, guess bool) error {
	saved, err := v.agent().Mappings(v.ctx())
	if err != nil {
		return err
	}
	p := ColumnsPage{Saved: saved, Guess: guess, Form: f}
	for _, o := range []string{"", "dmy", "mdy", "ymd"} {
		p.Orders = append(p.Orders, Option{Value: o, Text: v.lang.Word("order", cmp.Or(o, "guess"))})
	}
	for _, d := range []string{"", "comma", "point"} {
		p.Decimals = append(p.Decimals, Option{Value: d, Text: v.lang.Word("decimal", cmp.Or(d, "guess"))})
	}
	return s.render(v, status, "columns", p)
}

// saveColumns serves POST /import/columns.
func (s *Server) saveColumns(v *visit) error {
	f := v.form()
	get := func(name string) string { return strings.TrimSpace(f.Value(name)) }
	m := importer.Mapping{Name: get("name"), Day: get("day"), Amount: get("amount"), Out: get("out"), In: get("in"), Sign: get("sign"), Payee: get("payee"), Text: get("text"),
		Currency: get("currency"), Unit: get("unit"), Order: get("order"), Decimal: get("decimal"), Flip: get("flip") == "yes"}
	err := v.once(func() (string, error) { return "/import/columns?did=saved", v.agent().SaveMapping(v.ctx(), m) })
	if err == nil || !again(&f, err) {
		return err
	}
	return s.columnsPage(v, http.StatusUnprocessableEntity, f, false)
}

// dropColumns serves POST /import/columns/drop.
func (s *Server) dropColumns(v *visit) error {
	return v.once(func() (string, error) {
		return "/import/columns?did=removed", v.agent().DropMapping(v.ctx(), v.PostFormValue("name"))
	})
}
