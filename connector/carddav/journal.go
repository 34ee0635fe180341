package carddav

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// property is where a card has its journal. Programs keep what they don't know, and
// none shows it.
const property = "X-FIRSTHAND"

// maxEvents is how many changes by staff a card remembers.
const maxEvents = 32

// A journal is what a card says of itself. Anybody who can write the card can alter
// it; nothing in it is signed.
type journal struct {
	Record string         `json:"record"` // whose it is: the copy of a card has another's
	Gone   bool           `json:"gone,omitempty"`
	Rels   []firsthand.ID `json:"relationships,omitempty"`
	Done   []string       `json:"done,omitempty"` // the requests that were written

	// Seen is what each fact was when the gateway last wrote it or saw it changed:
	// a hash, of nothing too. What differs was changed by staff.
	Seen map[string]string `json:"seen,omitempty"`

	// Given is likewise what requests have written: no contact to send a code to.
	Given map[string]string `json:"given,omitempty"`
	// Sent are the messages that went to the contact, and what was said of where.
	Sent map[string]string `json:"sent,omitempty"`

	Events []event `json:"events,omitempty"`
}

// An event is that staff had changed a fact when the gateway looked.
type event struct {
	At    int64           `json:"at"` // microseconds; no two have the same
	Fact  string          `json:"fact"`
	Value firsthand.Value `json:"value,omitzero"`
}

// journalOf returns the journal of the card called id, nil if it has none of its own.
func journalOf(id string, c *card) (*journal, error) {
	text := c.first(property)
	if text == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	var j journal
	if err == nil {
		err = json.Unmarshal(raw, &j)
	}
	if err != nil {
		return nil, &oddCard{c.etag, fault.Tell(fault.Invalid, "the card "+id+" has a damaged "+property,
			"remove that line from it; requests that come again may then be done again")}
	}
	if j.Record != id {
		return nil, nil
	}
	return &j, nil
}

// into puts the journal into its card.
func (j *journal) into(c *card) error {
	raw, err := json.Marshal(j)
	if err != nil {
		return err
	}
	c.set(property, base64.RawURLEncoding.EncodeToString(raw))
	return nil
}

// short is how a journal names a request.
func short(id firsthand.ID) string { return base64.RawURLEncoding.EncodeToString(id[:12]) }

func (j *journal) did(id firsthand.ID) bool { return slices.Contains(j.Done, short(id)) }

func (j *journal) done(id firsthand.ID) {
	if !j.did(id) {
		j.Done = append(j.Done, short(id))
	}
}

// forget removes what remembers the value of a fact.
func (j *journal) forget(fact string) {
	j.Events = slices.DeleteFunc(j.Events, func(e event) bool { return e.Fact == fact })
	if j.Seen != nil {
		j.Seen[fact] = hash(firsthand.Value{})
	}
	delete(j.Given, fact)
	for id := range j.Sent {
		j.Sent[id] = connector.Mask("")
	}
}

// hash tells values apart.
func hash(v firsthand.Value) string {
	sum := sha256.Sum256(firsthand.EncodeJSON(v))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// look notes what of c differs from what j has seen, and reports whether anything
// does. Facts for which there was no field before are taken as they are.
func (b *Book) look(id string, c *card, j *journal, stamp func() int64) (news bool) {
	for _, f := range b.fields {
		v := b.value(id, c, f)
		before, known := j.Seen[f.Fact]
		if j.Seen == nil {
			j.Seen = map[string]string{}
		}
		if j.Seen[f.Fact] = hash(v); known && before != j.Seen[f.Fact] {
			j.Events = append(j.Events, event{At: stamp(), Fact: f.Fact, Value: v})
			news = true
		}
	}
	j.Events = j.Events[max(0, len(j.Events)-maxEvents):]
	return news
}

// nameless is what a card is called while its customer's name isn't known. A card
// must be called something.
func nameless(id string) string { return "Customer " + id[:min(len(id), 12)] }

func newCard(id, name string) *card {
	return &card{lines: []line{{name: "VERSION", value: "3.0"}, {name: "UID", value: escape(id)},
		{name: "FN", value: escape(name)}, {name: "N", value: ";;;;"}}}
}

// aside returns what the gateway's own address book says of a card that isn't
// there; an empty journal if nothing.
func (b *Book) aside(ctx context.Context, id string) (*journal, error) {
	c, err := b.journal.get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &journal{Record: id}
	if c != nil {
		if own, err := journalOf(id, c); own == nil || err != nil {
			return j, err
		} else {
			j = own
		}
	}
	return j, nil
}

// note changes what is noted aside of the card called id.
func (b *Book) note(ctx context.Context, id string, f func(*journal)) error {
	err := b.journal.update(ctx, id, func(c *card) (*card, error) {
		j := &journal{Record: id}
		if c == nil {
			c = newCard(id, "Firsthand "+id)
		} else if own, err := journalOf(id, c); err != nil {
			return nil, err
		} else if own != nil {
			j = own
		}
		f(j)
		return c, j.into(c)
	})
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

func at(stamp int64) time.Time { return time.UnixMicro(stamp).UTC() }
