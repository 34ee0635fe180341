package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/importer/fields"
)

// A DocumentRow is one field of a document, and what it may be. Row, from 1, names it:
// the same document has the same rows.
type DocumentRow struct {
	Row int
	fields.Field
	fields.Guess
}

// DocumentFields are the fields of a document.
type DocumentFields struct {
	Rows  []DocumentRow
	Files int           // that were read: 1, or those of an archive
	Left  []fields.Left // the first of what couldn't be read
	More  int           // how many more of them there are
	Cut   bool          // it holds more than is read
}

// Fields reads a document: each place in it at which values stand, with a guess which
// fact of hers it is, and how the company has come to it. [fault.Invalid], with a hint,
// means that it can't be read; it is kept all the same.
func (a *Agent) Fields(ctx context.Context, id int64) (f DocumentFields, err error) {
	d, err := a.Document(ctx, id)
	if err != nil {
		return f, err
	}
	res, err := a.read.get(ctx, a.Store, d.Blob)
	if err != nil {
		return f, err
	}
	hers, err := a.comparable(ctx, d.Domain)
	if err != nil {
		return f, err
	}
	f = DocumentFields{Files: res.Files, Left: res.Left, More: res.More, Cut: res.Cut, Rows: make([]DocumentRow, len(res.Fields))}
	for i := range res.Fields {
		f.Rows[i] = DocumentRow{i + 1, res.Fields[i], fields.GuessOf(&res.Fields[i], hers)}
	}
	return f, nil
}

// comparable returns what of her a company may have: what it was told, and what she has
// noted of herself.
func (a *Agent) comparable(ctx context.Context, domain string) (hers []fields.Fact, err error) {
	holders, err := a.Store.CompanyHolders(ctx, domain)
	if err != nil {
		return nil, err
	}
	for _, h := range holders {
		if IsTold(h.Origin) {
			hers = append(hers, fields.Fact{Name: h.Fact, Value: h.Value})
		}
	}
	facts, err := a.Store.Facts(ctx)
	for _, f := range facts {
		hers = append(hers, fields.Fact{Name: f.Name, Value: f.Value})
	}
	return hers, err
}

// A Taking says what a row of a document is.
type Taking struct {
	Row    int
	Fact   string           // "" as it is guessed; with a colon and a part: address.home:city
	Origin firsthand.Origin // "" as it is guessed
}

// TakeOrigins are the origins by which a company may have what a document says.
var TakeOrigins = []firsthand.Origin{firsthand.Told, firsthand.Observed, firsthand.Inferred, firsthand.Bought}

// TakeOver makes rows of a document what its company holds, as she says, and returns
// that. Parts of one fact and origin become one value. Each takes the place of what she
// has said of that fact and origin before.
func (a *Agent) TakeOver(ctx context.Context, id int64, rows ...Taking) ([]Statement, error) {
	d, err := a.Document(ctx, id)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	f, err := a.Fields(ctx, id)
	if err != nil {
		return nil, err
	}
	var c Commit
	from := make(map[FactAt]int) // the first row of each
	for _, t := range rows {
		if t.Row < 1 || t.Row > len(f.Rows) {
			return nil, fault.Tell(fault.NotExist, fmt.Sprintf("the document has no row %d", t.Row), fmt.Sprint("firsthand document show ", id))
		}
		s, part, err := f.Rows[t.Row-1].statement(d, t)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(c.State, func(o Statement) bool { return o.at() == s.at() })
		if i < 0 {
			from[s.at()] = t.Row
			c.State = append(c.State, s)
			continue
		}
		if had := &c.State[i]; part != "" && had.Value.Parts != nil && had.Value.Parts[part] == "" {
			had.Value.Parts[part] = s.Value.Parts[part]
		} else if !had.Value.Equal(s.Value) && (part == "" || had.Value.Parts[part] != s.Value.Parts[part]) {
			return nil, fault.Tell(fault.Invalid, fmt.Sprintf("the rows %d and %d would both be %s (%s)", from[s.at()], t.Row, t.name(part, s.Fact), s.Origin),
				"give one of them another name, or another origin")
		}
	}
	return c.State, a.Store.Commit(ctx, c)
}

func (t *Taking) name(part, fact string) string {
	if part != "" {
		return fact + ":" + part
	}
	return fact
}

// statement returns what a row says if it is what t says.
func (r *DocumentRow) statement(d Document, t Taking) (s Statement, part string, err error) {
	s = Statement{Domain: d.Domain, Fact: r.Guess.Fact, Origin: r.Origin, Document: d.Blob.Hash}
	if part = r.Part; t.Fact != "" {
		s.Fact, part, _ = strings.Cut(strings.TrimSpace(t.Fact), ":")
	}
	if t.Origin != "" {
		s.Origin = t.Origin
	}
	if !slices.Contains(TakeOrigins, s.Origin) {
		return s, part, fault.Tell(fault.Invalid, fmt.Sprintf("row %d: there is no origin %.60q", t.Row, s.Origin), "told, observed, inferred or bought")
	}
	text := strings.Join(r.Values, ", ")
	if r.More {
		text += ", …"
	}
	s.Value = firsthand.Text(text)
	if part != "" {
		s.Value = firsthand.Value{Parts: map[string]string{part: text}}
	}
	if err := checkFact(s.Fact, s.Value); err != nil {
		return s, part, fault.Tell(fault.Invalid, fmt.Sprintf("row %d: %.120q is no name of a fact", t.Row, t.Fact), "a-z, 0-9, _ and dots, and a part after a colon, as in address.home:city")
	}
	return s, part, nil
}

// Taken returns what was taken over from a document, by fact.
func (a *Agent) Taken(ctx context.Context, id int64) ([]Statement, error) {
	d, err := a.Document(ctx, id)
	if err != nil {
		return nil, err
	}
	return a.takenFrom(ctx, d)
}

func (a *Agent) takenFrom(ctx context.Context, d Document) (taken []Statement, err error) {
	for s, err := range a.Store.Statements(ctx, "", d.Domain) {
		if err != nil {
			return nil, err
		}
		if s.Document == d.Blob.Hash {
			taken = append(taken, s)
		}
	}
	return taken, nil
}

// TakeBack takes back what was taken over from a document as some fact, by some origin,
// or with "" all of the fact, or with two all. Nothing to take back is no error.
func (a *Agent) TakeBack(ctx context.Context, id int64, fact string, o firsthand.Origin) error {
	taken, err := a.Taken(ctx, id)
	if err != nil {
		return err
	}
	var c Commit
	for _, s := range taken {
		if (fact == "" || s.Fact == fact) && (o == "" || s.Origin == o) {
			c.Unstate = append(c.Unstate, s.at())
		}
	}
	if len(c.Unstate) == 0 {
		return nil
	}
	return a.Store.Commit(ctx, c)
}
