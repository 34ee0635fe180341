package webhook

import (
	"errors"
	"fmt"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// Limits of what an answer may say, in bytes. Texts end up in signed entries.
const (
	maxName   = 256 // of a record, version, change, author, fact
	maxCursor = 1 << 10
	maxReason = 2 << 10
	maxText   = 64 << 10
	maxPage   = 1000 // changes
)

// A delivery is the data of an event that brings a request.
type delivery struct {
	Record   string          `json:"record,omitempty"`
	Version  string          `json:"version,omitempty"`
	Proposal bool            `json:"proposal,omitempty"`
	Fact     string          `json:"fact,omitempty"`
	Value    firsthand.Value `json:"value,omitzero"`
	Old      firsthand.Value `json:"old,omitzero"`
	Purpose  string          `json:"purpose,omitempty"`
	Subject  string          `json:"subject,omitempty"`
	Text     string          `json:"text,omitempty"`
	Thread   string          `json:"thread,omitempty"`
}

// A report is what the system says became of a delivery.
type report struct {
	State   connector.State `json:"state"`
	Record  string          `json:"record,omitempty"`
	Version string          `json:"version,omitempty"`
	Value   firsthand.Value `json:"value,omitzero"`
	Reason  string          `json:"reason,omitempty"`
}

// A reading is what the system says that a record is.
type reading struct {
	Record  string        `json:"record,omitempty"`
	Version string        `json:"version,omitempty"`
	Facts   []readingFact `json:"facts,omitempty"`
	Gone    bool          `json:"gone,omitempty"`
}

type readingFact struct {
	Fact  string          `json:"fact"`
	Value firsthand.Value `json:"value"`
}

// A page is some of what the system says has happened.
type page struct {
	Changes []pageChange `json:"changes"`
}

type pageChange struct {
	Cursor       string          `json:"cursor"`
	ID           string          `json:"id"`
	Relationship firsthand.ID    `json:"relationship,omitzero"`
	Record       string          `json:"record,omitempty"`
	Version      string          `json:"version,omitempty"`
	At           time.Time       `json:"at"`
	Of           firsthand.ID    `json:"of,omitzero"`
	State        connector.State `json:"state,omitempty"`
	Reason       string          `json:"reason,omitempty"`
	Author       string          `json:"author,omitempty"`
	Text         string          `json:"text,omitempty"`
	Resolved     bool            `json:"resolved,omitempty"`
	Fact         string          `json:"fact,omitempty"`
	Value        firsthand.Value `json:"value,omitzero"`
}

// decode reads the body of a signed answer into one of the types above.
func decode(body []byte, into any) error {
	err := firsthand.ParseJSON(body, into)
	if c, ok := into.(interface{ check() error }); ok && err == nil {
		err = c.check()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", tell(fault.Invalid, "the webhook's answer has a form that isn't known", "its developer finds the form in the documentation of package webhook"), err)
	}
	return nil
}

// long returns an error if one of the texts is longer than max.
func long(max int, texts ...string) error {
	for _, s := range texts {
		if len(s) > max {
			return fmt.Errorf("a text of %d bytes where %d are allowed", len(s), max)
		}
	}
	return nil
}

func (r *report) check() error {
	switch r.State {
	case connector.Written, connector.Proposed:
	case connector.Declined:
		if r.Reason == "" {
			return errors.New("declined without a reason")
		}
	default:
		return fmt.Errorf("%.20q is no state", r.State)
	}
	return errors.Join(long(maxName, r.Record, r.Version), long(maxReason, r.Reason))
}

func (r *reading) check() error {
	if r.Gone == (r.Record != "") {
		return errors.New("a record, or that it is gone")
	}
	seen := map[string]bool{}
	for _, f := range r.Facts {
		if f.Fact == "" || seen[f.Fact] || long(maxName, f.Fact) != nil {
			return errors.New("a fact without a name, or twice")
		}
		seen[f.Fact] = true
	}
	return long(maxName, r.Record, r.Version)
}

func (p *page) check() error {
	if p.Changes == nil {
		return errors.New("no changes, not even []")
	}
	if len(p.Changes) > maxPage {
		return fmt.Errorf("%d changes on one page, at most %d", len(p.Changes), maxPage)
	}
	for _, c := range p.Changes {
		if c.Cursor == "" || c.ID == "" || c.At.IsZero() {
			return errors.New("a change without a cursor, an id or a time")
		}
		decided := c.State == connector.Written || c.State == connector.Declined && c.Reason != ""
		if c.State != "" && (!decided || c.Of.IsZero()) {
			return errors.New("a decision is written, or declined with a reason, of a request")
		}
		if c.Resolved && c.Of.IsZero() {
			return errors.New("a matter that is done, and not of which message")
		}
		if err := errors.Join(long(maxName, c.ID, c.Record, c.Version, c.Author, c.Fact), long(maxCursor, c.Cursor), long(maxReason, c.Reason), long(maxText, c.Text)); err != nil {
			return err
		}
	}
	return nil
}
