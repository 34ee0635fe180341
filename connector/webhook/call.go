package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"firsthand"
	"firsthand/fault"
)

// An event is a request's body, in the order in which people read it.
type event struct {
	SpecVersion     string       `json:"specversion"`
	ID              string       `json:"id"`
	Source          string       `json:"source"`
	Type            string       `json:"type"`
	Time            time.Time    `json:"time"`
	Subject         firsthand.ID `json:"subject,omitzero"` // may be logged on the way: the pairwise id and no more
	DataContentType string       `json:"datacontenttype"`
	Data            any          `json:"data"`
}

// call POSTs the event and returns the body of the answer, and whether it was
// signed. Errors for an operator are [fault.Notice]s.
func (h *Hook) call(ctx context.Context, e event) (body []byte, proved bool, err error) {
	e.SpecVersion, e.Source, e.DataContentType = "1.0", "firsthand-gateway", "application/json"
	e.Time = e.Time.UTC()
	text := firsthand.EncodeJSON(e)
	header := http.Header{"Content-Type": {"application/cloudevents+json"}}
	h.keys.sign(header, e.ID, h.now(), text)
	resp, err := h.remote.Call(ctx, http.MethodPost, h.url, header, text)
	if err != nil {
		return nil, false, err
	}
	if err := h.remote.Check(resp); err != nil {
		if s := resp.Status; s == http.StatusNotFound || s == http.StatusNotImplemented { // an event that it doesn't know
			err = fmt.Errorf("%w: %w", err, errors.ErrUnsupported)
		}
		return nil, false, fmt.Errorf("call webhook: %w", err)
	}
	body = resp.Body
	if len(resp.Header.Values(headerSignature)) == 0 {
		return body, false, nil
	}
	if err := h.keys.verify(resp.Header, "report_"+e.ID, h.now(), body); err != nil {
		return nil, false, tell(fault.Denied, "the webhook's answer can't be trusted: "+err.Error(),
			"compare the secret or the keys, and the clocks, of both sides")
	}
	return body, true, nil
}

// ask is call under a new id for what must be answered with a signature.
func (h *Hook) ask(ctx context.Context, typ string, data any, into any) error {
	id := "ask_" + rand.Text()
	body, proved, err := h.call(ctx, event{ID: id, Type: typ, Time: h.now(), Data: data})
	if err != nil {
		return err
	}
	if !proved {
		return tell(fault.Denied, "the webhook answers "+typ+" without a signature", "let it answer 501 if it doesn't offer that")
	}
	return decode(body, into)
}

func tell(k fault.Kind, text, hint string) error { return fault.Tell(k, text, hint) }
