package rt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// columns are the fields of a user by what a mapping calls them, with how many bytes
// RT keeps of each: it cuts what is longer, and says nothing.
var columns = map[string][]column{
	"RealName":     {{"RealName", 120}},
	"NickName":     {{"NickName", 16}},
	"Organization": {{"Organization", 200}},
	"EmailAddress": {{"EmailAddress", 120}},
	"MobilePhone":  {{"MobilePhone", 30}},
	"HomePhone":    {{"HomePhone", 30}},
	"WorkPhone":    {{"WorkPhone", 30}},
	"address":      {{"Address1", 200}, {"Address2", 200}, {"Zip", 16}, {"City", 100}, {"State", 100}, {"Country", 50}},
}

type column struct {
	name string
	max  int
}

// parts are those of an address, by column; Address1 and Address2 are the street.
var parts = map[string]string{"Zip": "postal_code", "City": "city", "State": "region", "Country": "country"}

// spread returns what v is in the columns of to, and why it has no place there.
func spread(to string, v firsthand.Value) (fields map[string]string, unfit string) {
	fields = map[string]string{}
	if (to == "address") != (len(v.Parts) > 0) {
		return nil, "our system wants an address in its parts, and all else as one text"
	}
	if to != "address" {
		fields[to] = v.Text
		if to == "EmailAddress" && (strings.Count(v.Text, "@") != 1 || strings.ContainsAny(v.Text, " ,;<>\"")) {
			return nil, "our system takes this for no e-mail address"
		}
	} else {
		rest := maps.Clone(v.Parts)
		fields["Address1"], fields["Address2"], _ = strings.Cut(rest["street"], "\n")
		delete(rest, "street")
		for column, part := range parts {
			fields[column] = rest[part]
			delete(rest, part)
		}
		for _, part := range slices.Sorted(maps.Keys(rest)) {
			return nil, fmt.Sprintf("our system's addresses have no %s; write it with the street", part)
		}
	}
	for _, c := range columns[to] {
		text := fields[c.name]
		switch {
		case len(text) > c.max:
			return nil, fmt.Sprintf("our system has room for %d letters there", c.max)
		case strings.TrimSpace(text) != text || strings.ContainsFunc(text, unshown):
			return nil, "our system keeps one line there, of text that can be shown"
		}
	}
	if !gather(to, fields).Equal(v) {
		return nil, "our system can't keep that as it is written"
	}
	return fields, ""
}

// unshown reports whether RT, or who reads it, may take r for something else.
func unshown(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// gather returns what the columns of to say.
func gather(to string, fields map[string]string) firsthand.Value {
	if to != "address" {
		return firsthand.Text(fields[to])
	}
	v := firsthand.Value{Parts: map[string]string{}}
	street := fields["Address1"]
	if second := fields["Address2"]; second != "" {
		street += "\n" + second
	}
	if street != "" {
		v.Parts["street"] = street
	}
	for column, part := range parts {
		if fields[column] != "" {
			v.Parts[part] = fields[column]
		}
	}
	if len(v.Parts) == 0 {
		return firsthand.Value{}
	}
	return v
}

// A user is a record of RT's that is a customer's.
type user struct {
	id, name string
	version  string // its ETag
	staff    bool   // has rights in RT
	bare     bool   // RT shows no more than its name
	fields   map[string]string
	custom   []customField
}

// userRef names a user, ticketRef a ticket.
func (t *Tracker) userRef(id string) connector.Ref {
	return connector.Ref{System: t.cfg.Name, ID: "user/" + id}
}

func (t *Tracker) ticketRef(id string) connector.Ref {
	return connector.Ref{System: t.cfg.Name, ID: "ticket/" + id}
}

// number returns the number in the id of a reference to such a thing.
func number(ref connector.Ref, kind string) (string, bool) {
	n, ok := strings.CutPrefix(ref.ID, kind+"/")
	return n, ok && isNumber(n)
}

func isNumber(s string) bool {
	return s != "" && len(s) < 19 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

// ours is how the users are called that the connector makes.
const ours = "firsthand:"

// user reads a user by number, or by a name that is none.
func (t *Tracker) user(ctx context.Context, id string) (*user, error) {
	var raw map[string]json.RawMessage
	etag, err := t.client.call(ctx, http.MethodGet, "/user/"+url.PathEscape(id), "", nil, &raw)
	if err != nil {
		return nil, err
	}
	u := &user{version: etag, fields: map[string]string{}}
	for name, text := range raw {
		var w word
		w.UnmarshalJSON(text)
		u.fields[name] = string(w)
	}
	u.id, u.name = u.fields["id"], u.fields["Name"]
	u.staff = u.fields["Privileged"] != "0" && u.fields["Privileged"] != ""
	if raw["Created"] == nil { // a summary, which of these has what RT is told to show
		var r row
		text, _ := json.Marshal(raw)
		json.Unmarshal(text, &r) // what can't be read is missing then
		u.bare, u.id = true, r.id()
		if isNumber(u.id) && raw["Privileged"] != nil && (!isNumber(id) || u.id == id) {
			return u, nil
		}
	}
	if custom := raw["CustomFields"]; custom != nil && json.Unmarshal(custom, &u.custom) != nil || !isNumber(u.id) || u.name == "" || raw["Privileged"] == nil {
		return nil, fault.Tell(fault.Invalid, "what RT says of a user can't be read", "")
	}
	if isNumber(id) && u.id != id || !isNumber(id) && u.name != id {
		return nil, fault.Tell(fault.Invalid, "RT shows another user than the one it was asked for", "")
	}
	return u, nil
}

// customer reads the user that ref names. A user with rights is nobody's record.
func (t *Tracker) customer(ctx context.Context, ref connector.Ref) (*user, error) {
	id, ok := number(ref, "user")
	if !ok {
		return nil, fmt.Errorf("%s is no user: %w", ref.ID, fault.NotExist)
	}
	u, err := t.user(ctx, id)
	if err == nil && u.staff {
		err = fmt.Errorf("%s is no customer: %w", ref.ID, fault.NotExist)
	}
	if err != nil {
		return nil, err
	}
	return u, nil
}

// Read implements [connector.Connector]. A ticket has no facts: that it is there is
// what can be read of it.
func (t *Tracker) Read(ctx context.Context, ref connector.Ref) (connector.Record, error) {
	if id, ok := number(ref, "ticket"); ok {
		if _, err := t.ticket(ctx, id); err != nil {
			return connector.Record{}, fmt.Errorf("read %s: %w", ref.ID, err)
		}
		return connector.Record{Ref: t.ticketRef(id)}, nil
	}
	u, err := t.customer(ctx, ref)
	if err != nil {
		return connector.Record{}, fmt.Errorf("read %s: %w", ref.ID, err)
	}
	if u.bare {
		err := fault.Tell(fault.Denied, "RT doesn't show the gateway's user what it has of customers", "grant "+t.cfg.User+" the global right AdminUsers")
		if t.cfg.Mode == Propose {
			err = fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
		}
		return connector.Record{}, fmt.Errorf("read %s: %w", ref.ID, err)
	}
	t.seen.put(u)
	rec := connector.Record{Ref: t.userRef(u.id), Facts: map[string]firsthand.Value{}}
	rec.Ref.Version = u.version
	for fact, to := range t.cfg.Mapping {
		if v := gather(to, u.fields); !v.IsZero() {
			rec.Facts[fact] = v
		}
	}
	return rec, nil
}
