package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// mappingsSetting holds which column of her banks' tables holds what, as JSON.
const mappingsSetting = "mappings"

// maxMappings is how many banks she may have.
const maxMappings = 100

// Mappings returns what she has said about the columns of tables, by name.
func (a *Agent) Mappings(ctx context.Context) (all []importer.Mapping, err error) {
	text, err := a.Store.Setting(ctx, mappingsSetting)
	if err != nil || text == "" {
		return nil, err
	}
	return all, json.Unmarshal([]byte(text), &all)
}

// SaveMapping says, under a name, which column of a table holds what, in place of what
// it said before. Files with such columns are read by it from then on.
func (a *Agent) SaveMapping(ctx context.Context, m importer.Mapping) error {
	if err := checkWord("name", m.Name); err != nil {
		return err
	}
	for _, c := range []*string{&m.Day, &m.Amount, &m.Out, &m.In, &m.Sign, &m.Payee, &m.Text, &m.Currency, &m.Ref, &m.Mandate, &m.Creditor} {
		if *c = strings.ToLower(strings.TrimSpace(*c)); len(*c) > 200 {
			return fault.Tell(fault.Invalid, "the name of a column is too long", "copy it from the first row of the table")
		}
	}
	m.Unit = strings.ToUpper(strings.TrimSpace(m.Unit))
	switch {
	case !m.IsComplete():
		return fault.Tell(fault.Invalid, "it isn't said which columns hold the day, the amount, and who was paid or what for", "copy their names from the first row of the table")
	case !slices.Contains([]string{"", "dmy", "mdy", "ymd"}, m.Order):
		return fault.Tell(fault.Invalid, fmt.Sprintf("%.20q is no order of a day", m.Order), "dmy, mdy or ymd")
	case !slices.Contains([]string{"", "comma", "point"}, m.Decimal):
		return fault.Tell(fault.Invalid, fmt.Sprintf("%.20q separates no decimals", m.Decimal), "comma or point")
	case m.Unit != "" && !money.IsCurrency(m.Unit):
		return fault.Tell(fault.Invalid, fmt.Sprintf("%.20q is no currency", m.Unit), "such as EUR")
	}
	return a.editMappings(ctx, func(all []importer.Mapping) []importer.Mapping {
		all = append(slices.DeleteFunc(all, func(o importer.Mapping) bool { return o.Name == m.Name }), m)
		slices.SortFunc(all, func(x, y importer.Mapping) int { return strings.Compare(x.Name, y.Name) })
		return all[:min(len(all), maxMappings)]
	})
}

// DropMapping forgets what she has said under a name. Gone already is no error.
func (a *Agent) DropMapping(ctx context.Context, name string) error {
	return a.editMappings(ctx, func(all []importer.Mapping) []importer.Mapping {
		return slices.DeleteFunc(all, func(o importer.Mapping) bool { return o.Name == name })
	})
}

func (a *Agent) editMappings(ctx context.Context, edit func([]importer.Mapping) []importer.Mapping) error {
	a.finishing.Lock()
	defer a.finishing.Unlock()
	all, err := a.Mappings(ctx)
	if err != nil {
		return err
	}
	text := ""
	if all = edit(all); len(all) > 0 {
		text = string(firsthand.EncodeJSON(all))
	}
	return a.Store.Commit(ctx, Commit{Settings: map[string]string{mappingsSetting: text}})
}
