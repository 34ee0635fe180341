package fields

import (
	"errors"
	"io"
	"slices"

	"firsthand/internal/agent/importer"
)

// table reads a table: a field for each column. One of two columns, of which the first
// names what the second has, is a list of fields itself.
func (t *reading) table(prefix string, r io.Reader) error {
	bad := false
	for _, err := range importer.Table(r, func(columns []string) func(*importer.Row) (importer.Found, bool) {
		paths := make([]string, len(columns))
		for i, c := range columns {
			paths[i] = where(prefix, plain(c, maxPath))
		}
		named := len(columns) == 2 && names(columns[0], keyColumns) && names(columns[1], valueColumns)
		return func(row *importer.Row) (importer.Found, bool) {
			if row.Doubtful || t.res.Cut {
				return importer.Found{}, true
			}
			if named {
				t.add(where(prefix, plain(row.Text(0), maxPath)), row.Text(1))
				return importer.Found{}, false
			}
			for i, path := range paths {
				if !t.add(path, row.Text(i)) {
					break
				}
			}
			return importer.Found{}, false
		}
	}) {
		if t.res.Cut {
			return nil
		}
		if _, ok := errors.AsType[*importer.BadRow](err); ok {
			bad = true
		} else if err != nil {
			return err
		}
	}
	if bad {
		t.leave(prefix[:max(0, len(prefix)-2)], Rows)
	}
	return nil
}

// What the columns of a list of fields are called.
var (
	keyColumns   = []string{"field", "key", "name", "attribute", "property", "label", "item", "feld", "merkmal", "bezeichnung", "schlussel", "champ", "cle", "attribut", "intitule", "veld", "kenmerk", "sleutel", "naam", "campo", "clave", "atributo", "dato"}
	valueColumns = []string{"value", "values", "content", "data", "wert", "inhalt", "valeur", "contenu", "donnee", "waarde", "inhoud", "gegevens", "valor", "contenido"}
)

func names(column string, all []string) bool { return slices.Contains(all, fold(column)) }
