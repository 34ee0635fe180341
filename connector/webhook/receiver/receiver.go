// Package receiver is an example of what a company puts behind the webhook
// connector. It is made to be copied, in this language or another: it imports
// nothing of ours and shows, in some two hundred lines, the three things that
// matter. Check the signature before anything else (verify.go). Store the id of
// an event in the same transaction as what it does, together with the report, so
// that an event that comes again is answered and not done (crm.go). Sign the
// report (here), for without that the customer never reads "applied".
//
// The [CRM] is made of maps and stands for your database.
package receiver

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// MaxBody is how long an event may be: 64 KiB of text, each byte of which may
// have become six in JSON, and the rest.
const MaxBody = 512 << 10

// A Receiver takes the events of one gateway.
type Receiver struct {
	Secret []byte // see ParseSecret
	CRM    *CRM
	Now    func() time.Time
}

// An Event is what the gateway sends.
type Event struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Subject string          `json:"subject"` // the relationship: keep it with the record
	Data    json.RawMessage `json:"data"`
}

// ServeHTTP takes an event and answers with a signed report.
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		http.Error(w, "too long, or cut off", http.StatusRequestEntityTooLarge)
		return
	}
	id, err := Verify(rc.Secret, r.Header, body, rc.Now())
	if err != nil {
		http.Error(w, "not signed by the gateway", http.StatusUnauthorized)
		return
	}
	var e Event
	if err := json.Unmarshal(body, &e); err != nil || e.ID != id {
		http.Error(w, "no event", http.StatusBadRequest)
		return
	}
	report, err := rc.take(e)
	switch {
	case errors.Is(err, errConflict):
		http.Error(w, "the record has changed", http.StatusConflict)
		return
	case errors.Is(err, errUnknown):
		http.Error(w, "no such event here", http.StatusNotImplemented)
		return
	case err != nil: // ours: it will be tried again
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	answer, err := json.Marshal(report)
	if err != nil {
		http.Error(w, "try again", http.StatusInternalServerError)
		return
	}
	// The id says what the report is about. It differs from that of the request,
	// so that nobody can send the gateway's own words back to it.
	Sign(rc.Secret, w.Header(), "report_"+id, rc.Now(), answer)
	w.Header().Set("Content-Type", "application/json")
	w.Write(answer)
}

var (
	errConflict = errors.New("the record has changed")
	errUnknown  = errors.New("unknown type")
)

// take hands e to the CRM.
func (rc *Receiver) take(e Event) (any, error) {
	var d Data
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return nil, errUnknown
	}
	kind, ok := strings.CutPrefix(e.Type, "firsthand.")
	if !ok {
		return nil, errUnknown
	}
	switch kind {
	case "read":
		return rc.CRM.read(d.Record), nil
	case "changes":
		return rc.CRM.since(d.Cursor), nil
	case "redact":
		return rc.CRM.redact(d.Record, d.Fact), nil
	case "disclose", "change", "withdraw", "message", "request":
		return rc.CRM.deliver(e.ID, e.Subject, kind, d, rc.Now())
	}
	return nil, errUnknown
}
