package tryton

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// The models that references name.
const (
	party       = "party.party"
	opportunity = "sale.opportunity"
)

// A record is a party, with what belongs to it, also what isn't active.
type record struct {
	ID         int         `json:"id"`
	Name       string      `json:"name"`
	Code       string      `json:"code"`
	Active     flag        `json:"active"`
	ReplacedBy int         `json:"replaced_by"`
	Timestamp  string      `json:"_timestamp"`
	Addresses  []address   `json:"addresses."`
	Mechanisms []mechanism `json:"contact_mechanisms."`
	touched

	notes []note // oldest first
}

type address struct {
	ID         int    `json:"id"`
	Active     flag   `json:"active"`
	Sequence   int    `json:"sequence"` // null comes first, as in Tryton's order
	Timestamp  string `json:"_timestamp"`
	Street     string `json:"street"`
	PostalCode string `json:"postal_code"`
	City       string `json:"city"`
	Country    coded  `json:"country."`
	Region     coded  `json:"subdivision."`
	touched
}

type mechanism struct {
	ID        int    `json:"id"`
	Active    flag   `json:"active"`
	Sequence  int    `json:"sequence"`
	Timestamp string `json:"_timestamp"`
	Type      string `json:"type"`
	Value     string `json:"value"`
	Name      string `json:"name"`
	Comment   string `json:"comment"`
	touched
}

type coded struct {
	Code string `json:"code"`
}

// touched says who wrote a row last, and when; before the first change it is who made
// it.
type touched struct {
	WriteDate  stamp `json:"write_date"`
	WriteUID   int   `json:"write_uid"`
	CreateDate stamp `json:"create_date"`
	CreateUID  int   `json:"create_uid"`
}

func (t touched) at() time.Time {
	if t.WriteDate.IsZero() {
		return t.CreateDate.Time
	}
	return t.WriteDate.Time
}

func (t touched) by() int { return cmp.Or(t.WriteUID, t.CreateUID) }

// columns are what of a party is read.
var columns = func() []string {
	list := []string{"name", "code", "active", "replaced_by", "_timestamp", "write_date", "write_uid", "create_date", "create_uid"}
	rows := []string{"active", "sequence", "_timestamp", "write_date", "write_uid", "create_date", "create_uid"}
	for _, f := range append([]string{"street", "postal_code", "city", "country.code", "subdivision.code"}, rows...) {
		list = append(list, "addresses."+f)
	}
	for _, f := range append([]string{"type", "value", "name", "comment"}, rows...) {
		list = append(list, "contact_mechanisms."+f)
	}
	return list
}()

// load returns the parties that fit a domain, at most limit if that isn't 0.
func (t *Tryton) load(ctx context.Context, domain []any, limit int) ([]*record, error) {
	var list []*record
	var most any
	if limit > 0 {
		most = limit
	}
	if err := t.client.call(ctx, &list, "model.party.party.search_read", domain, 0, most, []any{[]string{"id", "ASC"}}, columns, hidden); err != nil {
		return nil, err
	}
	for _, r := range list {
		slices.SortStableFunc(r.Addresses, func(a, b address) int { return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.ID, b.ID)) })
		slices.SortStableFunc(r.Mechanisms, func(a, b mechanism) int { return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), cmp.Compare(a.ID, b.ID)) })
		r.readNotes()
	}
	return list, nil
}

// party returns the party of that id, or the one that took its place when staff put
// two together. [fault.NotExist] if there is none, or none that is active.
func (t *Tryton) party(ctx context.Context, id int, among []*record) (*record, error) {
	for range 8 { // a chain of that many is none
		i := slices.IndexFunc(among, func(r *record) bool { return r.ID == id })
		if i < 0 {
			var err error
			if among, err = t.load(ctx, []any{[]any{"id", "=", id}}, 1); err != nil {
				return nil, err
			}
			if len(among) == 0 {
				break
			}
			i = 0
		}
		r := among[i]
		if r.Active {
			return r, nil
		}
		if id = r.ReplacedBy; id == 0 {
			break
		}
	}
	return nil, fmt.Errorf("%w: there is no such party", fault.NotExist)
}

// Read implements [connector.Connector]. A lead reads as a record without facts.
func (t *Tryton) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	model, id := parseRef(ref)
	switch model {
	case party:
		r, err := t.party(ctx, id, nil)
		if err != nil {
			return connector.Record{}, fmt.Errorf("read %s: %w", ref.ID, err)
		}
		return connector.Record{Ref: t.versioned(r), Facts: t.facts(r)}, nil
	case opportunity:
		var ids []int
		err := t.client.call(ctx, &ids, "model.sale.opportunity.search", []any{[]any{"id", "=", id}}, 0, 1, nil, none)
		if err == nil && len(ids) == 0 {
			err = fault.NotExist
		}
		if err != nil {
			return connector.Record{}, fmt.Errorf("read %s: %w", ref.ID, err)
		}
		return connector.Record{Ref: t.ref(opportunity, id), Facts: map[string]firsthand.Value{}}, nil
	}
	return connector.Record{}, fmt.Errorf("read %s: %w", ref.ID, fault.NotExist)
}

// ref names a record as Tryton itself does in its references.
func (t *Tryton) ref(model string, id int) connector.Ref {
	return connector.Ref{System: t.name, ID: model + "," + strconv.Itoa(id)}
}

// parseRef returns what ref names, or an empty model.
func parseRef(ref connector.Ref) (model string, id int) {
	model, number, _ := strings.Cut(ref.ID, ",")
	id, err := strconv.Atoi(number)
	if err != nil || id < 1 || strconv.Itoa(id) != number || model != party && model != opportunity {
		return "", 0
	}
	return model, id
}

// partyID returns which party ref names, 0 if it names none.
func partyID(ref connector.Ref) int {
	if model, id := parseRef(ref); model == party {
		return id
	}
	return 0
}

// versioned names r as it is now.
func (t *Tryton) versioned(r *record) connector.Ref {
	h := sha256.New()
	note := func(id int, at touched, active flag) { fmt.Fprintf(h, "%d %d %t\n", id, at.at().UnixMicro(), active) }
	note(r.ID, r.touched, r.Active)
	for _, a := range r.Addresses {
		note(a.ID, a.touched, a.Active)
	}
	for _, m := range r.Mechanisms {
		if m.Name != noteName {
			note(m.ID, m.touched, m.Active)
		}
	}
	ref := t.ref(party, r.ID)
	ref.Version = fmt.Sprintf("%x", h.Sum(nil)[:8])
	return ref
}

// A flag is a truth value, which on SQLite is a number.
type flag bool

// UnmarshalJSON implements [json.Unmarshaler].
func (f *flag) UnmarshalJSON(text []byte) error {
	switch s := string(text); s {
	case "true", "1":
		*f = true
	case "false", "0", "null":
		*f = false
	default:
		return fmt.Errorf("%s is no truth value", s)
	}
	return nil
}

// A stamp is a time as Tryton writes it, in UTC and microseconds.
type stamp struct{ time.Time }

type stampParts struct {
	Class       string `json:"__class__"`
	Year        int    `json:"year"`
	Month       int    `json:"month"`
	Day         int    `json:"day"`
	Hour        int    `json:"hour"`
	Minute      int    `json:"minute"`
	Second      int    `json:"second"`
	Microsecond int    `json:"microsecond"`
}

// MarshalJSON implements [json.Marshaler].
func (s stamp) MarshalJSON() ([]byte, error) {
	u := s.UTC()
	return json.Marshal(stampParts{"datetime", u.Year(), int(u.Month()), u.Day(), u.Hour(), u.Minute(), u.Second(), u.Nanosecond() / 1000})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (s *stamp) UnmarshalJSON(text []byte) error {
	*s = stamp{}
	if bytes.Equal(text, []byte("null")) {
		return nil
	}
	var p stampParts
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	if p.Class != "datetime" {
		return fmt.Errorf("%q is no datetime", p.Class)
	}
	s.Time = time.Date(p.Year, time.Month(p.Month), p.Day, p.Hour, p.Minute, p.Second, p.Microsecond*1000, time.UTC)
	return nil
}
