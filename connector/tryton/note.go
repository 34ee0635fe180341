package tryton

import (
	"encoding/json"
	"slices"
	"time"

	"firsthand"
)

// noteName is the name of the contact mechanisms that are notes.
const noteName = "Firsthand"

// A note is what the connector remembers with a party: that a request was done there,
// that a relationship made it, or that a message went to its contact. It is kept in a
// contact mechanism: its value is the id of the request, the relationship or the
// message, its comment the rest. It has no value of hers.
type note struct {
	ID           string       `json:"-"`
	Relationship firsthand.ID `json:"relationship,omitzero"`
	Did          string       `json:"did"` // for people: "change of email"; made; sent
	Fact         string       `json:"fact,omitempty"`
	Row          int          `json:"row,omitempty"` // of the address or contact mechanism where Fact stands

	// Staff is when somebody else had written the party's own row, of which that shows
	// nothing more since we wrote it; see [Tryton.Changes].
	Staff time.Time `json:"staff,omitzero"`

	To string `json:"to,omitempty"` // of a message: the contact, masked

	row int // where it stands
}

// What notes do that are about no request.
const (
	made = "made"
	sent = "sent"
)

// values returns the contact mechanism that keeps n.
func (n note) values() map[string]any {
	comment, err := json.Marshal(n)
	if err != nil {
		panic(err) // no value of these types can't be encoded
	}
	return map[string]any{"type": "other", "active": false, "name": noteName, "value": n.ID, "comment": string(comment)}
}

// readNotes reads r's notes. What reads as none is none: staff may write what they
// like.
func (r *record) readNotes() {
	r.notes = nil
	for _, m := range r.Mechanisms {
		n := note{ID: m.Value, row: m.ID}
		if m.Name == noteName && m.Type == "other" && json.Unmarshal([]byte(m.Comment), &n) == nil && n.Did != "" {
			r.notes = append(r.notes, n)
		}
	}
	slices.SortFunc(r.notes, func(a, b note) int { return a.row - b.row })
}

// noted returns the note of that id, in one of the records.
func noted(among []*record, id string) (r *record, n note, ok bool) {
	for _, r := range among {
		for _, n := range r.notes {
			if n.ID == id {
				return r, n, true
			}
		}
	}
	return nil, note{}, false
}
