package exports

import (
	"bytes"
	"io"
	"iter"
	"slices"

	"firsthand/internal/agent/importer"
)

// Catima is the format of catima.csv, in a backup of Catima: cards of shops. A card's
// number is by what the shop knows her. The file has several tables; that of cards is
// read.
type Catima struct{}

// Name implements [importer.Format].
func (Catima) Name() string { return "catima" }

// Match implements [importer.Format].
func (Catima) Match(head []byte) (int, error) {
	if at := cards(head); at >= 0 {
		return 20, nil
	}
	return 0, nil
}

// cards returns where the table of cards begins, -1 if there is none.
func cards(head []byte) int {
	for at := 0; at < len(head); {
		if columns := importer.Columns(head[at:]); slices.Contains(columns, "store") && slices.Contains(columns, "cardid") {
			return at
		}
		i := bytes.IndexByte(head[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return -1
}

// Read implements [importer.Format].
func (Catima) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		head := make([]byte, importer.HeadSize)
		n, err := io.ReadFull(r, head)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			yield(importer.Found{}, err)
			return
		}
		at := cards(head[:n])
		if at < 0 {
			yield(importer.Found{}, errDamaged)
			return
		}
		before := bytes.Count(head[:at], []byte{'\n'})
		rows := importer.Table(io.MultiReader(bytes.NewReader(head[at:n]), r), func(columns []string) func(*importer.Row) (importer.Found, bool) {
			store, number := slices.Index(columns, "store"), slices.Index(columns, "cardid")
			note := slices.Index(columns, "note")
			id := slices.Index(columns, "_id")
			return func(row *importer.Row) (importer.Found, bool) {
				if n := row.Bytes(id); len(n) > 0 && len(bytes.Trim(n, "0123456789")) == 0 {
					row.Doubtful = false // a line of a note doesn't begin like that, and have as many cells
				}
				f := importer.Found{Kind: importer.Account, Title: row.Text(store), Login: row.Text(number), Folder: "card"}
				if row.Has(note) {
					f.Secrets.Notes++
				}
				return f, f.Title != ""
			}
		})
		for f, err := range rows {
			if bad, ok := err.(*importer.BadRow); ok {
				bad.Row += before
			}
			f.Row += before
			if !yield(f, err) {
				return
			}
		}
	}
}
