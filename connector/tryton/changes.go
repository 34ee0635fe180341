package tryton

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"firsthand/connector"
)

// page is how many rows are asked for at once.
const page = 500

// An edit is a row as somebody else than us has left it. Edits are ordered by when
// they were made, and those of one transaction, which have the same time, somehow.
type edit struct {
	at    time.Time
	model int // index into models
	row   int
	party int // to which the row belongs
}

// models are those whose rows make up a record.
var models = []string{"party.party", "party.address", "party.contact_mechanism"}

func (e edit) compare(f edit) int {
	return cmp.Or(e.at.Compare(f.at), cmp.Compare(e.model, f.model), cmp.Compare(e.row, f.row))
}

// Changes implements [connector.Connector]. Tryton shows who wrote a row last, and
// when: so what staff have written is told with what stands there now, of several edits
// of one fact the last is told, and that a row was deleted can't be seen. It is told of
// parties with a note, and since the first of them.
//
// A transaction shows when it ends, with the time of its beginning. So what was written
// up to [overlap] before the last edit that was told is looked at again; what took
// longer is missed.
func (t *Tryton) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		stopped := false
		err := t.changes(ctx, cursor, func(c connector.Change) bool {
			stopped = !yield(c, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(connector.Change{}, fmt.Errorf("changes: %w", err))
		}
	}
}

func (t *Tryton) changes(ctx context.Context, text string, yield func(connector.Change) bool) error {
	at, err := parseCursor(text)
	if err != nil {
		return err
	}
	s, err := t.client.signedIn(ctx)
	if err != nil {
		return err
	}
	for from, more := at.floor, true; more; {
		var edits []edit
		if edits, more, err = t.edits(ctx, from, s.uid); err != nil || len(edits) == 0 {
			return err
		}
		from = edits[len(edits)-1]
		edits = slices.DeleteFunc(edits, at.whole)
		parties, err := t.partiesOf(ctx, edits)
		if err != nil {
			return err
		}
		for _, e := range edits {
			for _, p := range t.placesOf(parties[e.party], e) {
				if at.told(e, p.fact) {
					continue
				}
				r := parties[e.party]
				at.tell(e, p.fact)
				if !yield(connector.Change{Cursor: at.String(), ID: fmt.Sprintf("%s,%d@%d %s", models[e.model], e.row, e.at.UnixMicro(), p.fact),
					Ref: t.versioned(r), At: e.at, Fact: p.fact, Value: r.value(p)}) {
					return nil
				}
			}
		}
	}
	return nil
}

// placesOf returns the places of which e is an edit: those that stand in its row or, if
// it is active no more, could have.
func (t *Tryton) placesOf(r *record, e edit) (places []place) {
	if r == nil || !bool(r.Active) || !e.at.After(r.noted()) {
		return nil
	}
	for _, fact := range slices.Sorted(maps.Keys(t.places)) {
		p := t.places[fact]
		var here bool
		switch {
		case p.kind == "name":
			here = e.model == 0
		case p.kind == "address":
			a := r.addressOf(e.row)
			here = e.model == 1 && a != nil && (!bool(a.Active) || r.row(p) == e.row)
		default:
			m := r.mechanismOf(e.row)
			here = e.model == 2 && m != nil && m.at(p) && (!bool(m.Active) || r.row(p) == e.row)
		}
		if here {
			places = append(places, p)
		}
	}
	return places
}

// noted returns when the first of r's notes was made.
func (r *record) noted() (first time.Time) {
	for _, m := range r.Mechanisms {
		if m.Name == noteName && (first.IsZero() || m.CreateDate.Before(first)) {
			first = m.CreateDate.Time
		}
	}
	return first
}

// partiesOf returns the parties of edits.
func (t *Tryton) partiesOf(ctx context.Context, edits []edit) (map[int]*record, error) {
	ids := map[int]bool{}
	for _, e := range edits {
		ids[e.party] = true
	}
	parties := map[int]*record{}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(ids)), 100) {
		list, err := t.load(ctx, []any{[]any{"id", "in", some}}, 0)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			parties[r.ID] = r
		}
	}
	return parties, nil
}

// edits returns the next edits after from, in order, and whether there are more.
func (t *Tryton) edits(ctx context.Context, from edit, me int) (list []edit, more bool, err error) {
	if list, err = t.masked(ctx, from); err != nil {
		return nil, false, err
	}
	var end *edit // of the list that was cut off first
	for model := range models {
		few, err := t.rows(ctx, from, model, []string{"write", "create"}, me)
		if err != nil {
			return nil, false, err
		}
		if len(few) < page { // as nearly always
			list = append(list, few...)
			continue
		}
		for _, column := range []string{"write", "create"} { // Tryton can order by one of them
			some, err := t.rows(ctx, from, model, []string{column}, me)
			if err != nil {
				return nil, false, err
			}
			if len(some) == page && (end == nil || some[page-1].compare(*end) < 0) {
				end = &some[page-1]
			}
			list = append(list, some...)
		}
	}
	slices.SortFunc(list, edit.compare)
	list = slices.CompactFunc(list, func(a, b edit) bool { return a.compare(b) == 0 })
	if end != nil {
		list = slices.DeleteFunc(list, func(e edit) bool { return e.compare(*end) > 0 })
	}
	return list, end != nil, nil
}

// rows returns a page of rows of one model after from, which somebody else has written
// ("write"), or made and nobody written since ("create"). Of one of the two they come in
// order.
func (t *Tryton) rows(ctx context.Context, from edit, model int, columns []string, me int) (edits []edit, err error) {
	owner, of := "party", "party.contact_mechanisms.name"
	if model == 0 {
		owner, of = "id", "contact_mechanisms.name"
	}
	either, fields, order := []any{"OR"}, []string{owner}, []any{}
	for _, column := range columns {
		date := column + "_date"
		after := []any{"OR", []any{date, ">", stamp{from.at}}}
		switch {
		case model == from.model:
			after = append(after, []any{[]any{date, "=", stamp{from.at}}, []any{"id", ">", from.row}})
		case model > from.model:
			after = append(after, []any{date, "=", stamp{from.at}})
		}
		both := []any{[]any{column + "_uid", "!=", me}, after}
		if column == "create" {
			both = append(both, []any{"write_date", "=", nil})
		}
		either, fields = append(either, both), append(fields, date)
		if len(columns) == 1 {
			order = append(order, []string{date, "ASC"})
		}
	}
	var got []struct {
		ID         int   `json:"id"`
		Party      int   `json:"party"`
		WriteDate  stamp `json:"write_date"`
		CreateDate stamp `json:"create_date"`
	}
	err = t.client.call(ctx, &got, "model."+models[model]+".search_read", []any{[]any{of, "=", noteName}, either}, 0, page,
		append(order, []string{"id", "ASC"}), fields, hidden)
	for _, g := range got {
		e := edit{at: touched{WriteDate: g.WriteDate, CreateDate: g.CreateDate}.at(), model: model, row: g.ID, party: cmp.Or(g.Party, g.ID)}
		edits = append(edits, e)
	}
	return edits, err
}

// masked returns the edits of parties' own rows after from that don't show there,
// because we have written the row since: our notes tell of them.
func (t *Tryton) masked(ctx context.Context, from edit) (edits []edit, err error) {
	for offset := 0; ; offset += page {
		var got []struct {
			Party   int    `json:"party"`
			Comment string `json:"comment"`
		}
		domain := []any{[]any{"name", "=", noteName}, []any{"create_date", ">", stamp{from.at}}, []any{"comment", "like", `%"staff":%`}}
		if err := t.client.call(ctx, &got, "model.party.contact_mechanism.search_read", domain, offset, page,
			[]any{[]string{"id", "ASC"}}, []string{"party", "comment"}, hidden); err != nil {
			return nil, err
		}
		for _, g := range got {
			var n note
			if json.Unmarshal([]byte(g.Comment), &n) != nil {
				continue
			}
			if e := (edit{at: n.Staff, row: g.Party, party: g.Party}); e.compare(from) > 0 {
				edits = append(edits, e)
			}
		}
		if len(got) < page {
			return edits, nil
		}
	}
}
