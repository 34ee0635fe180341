package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/webhook/receiver"
	"firsthand/fault"
)

// TestSuiteCatches plants mistakes that the developer of a receiver makes.
func TestSuiteCatches(t *testing.T) {
	bugs := []struct {
		name, test string
		plant      plant
	}{
		{"an event that comes again is done again", "the same request again changes nothing", plant{event: func(e *receiver.Event) { e.ID += again() }}},
		{"a message that comes again is a ticket again", "a message makes one ticket", plant{event: func(e *receiver.Event) { e.ID += again() }}},
		{"an event whose answer was lost is done again", "an answer that is lost is given again", plant{event: func(e *receiver.Event) { e.ID += again() }}},
		{"the gateway gives each attempt an id", "an answer that is lost is given again", plant{connector: func(c connector.Connector) connector.Connector { return renaming{c} }}},
		{"reports aren't signed", "deliver makes one record", plant{sign: func(h http.Header) { h.Del("Webhook-Signature") }}},
		{"reports are signed with something else", "deliver makes one record", plant{sign: func(h http.Header) { h.Set("Webhook-Signature", "v1,"+h.Get("Webhook-Timestamp")) }}},
		{"reports are about the request", "deliver makes one record", plant{sign: func(h http.Header) { h.Set("Webhook-Id", strings.TrimPrefix(h.Get("Webhook-Id"), "report_")) }}},
		{"a report doesn't say the value", "deliver makes one record", plant{report: member("value", "")}},
		{"a report doesn't say the record", "deliver makes one record", plant{report: member("record", "")}},
		{"a report says another value", "deliver makes one record", plant{report: member("value", `"Kerkstraat 1"`)}},
		{"declined without a reason", "what the system has no place for is declined", plant{report: member("reason", "")}},
		{"proposals are written", "a proposal never writes over anything", plant{event: data("proposal", "")}},
		{"proposals are written, and it says proposed", "a proposal never writes over anything", plant{event: data("proposal", ""), report: member("state", `"proposed"`)}},
		{"versions don't count", "a stale version writes nothing", plant{event: data("version", "")}},
		{"records don't count", "a change replaces one fact of a customer's record", plant{event: data("record", "")}},
		{"threads don't count", "a thread stays in its ticket", plant{event: data("thread", "")}},
		{"values are cut, and it says what came", "hostile values stay text", plant{event: cutValue, report: repeatValue}},
		{"reads nothing", "what is read is what the system has", plant{report: member("facts", "")}},
		{"what isn't there reads as empty", "what is read is what the system has", plant{report: func(e receiver.Event, text []byte) []byte {
			var d receiver.Data
			json.Unmarshal(e.Data, &d)
			return bytes.Replace(text, []byte(`{"gone":true}`), []byte(`{"record":"`+d.Record+`"}`), 1)
		}}},
		{"decisions don't show", "a person decides on a proposal", plant{report: changes(func(cs []any) []any {
			return slices.DeleteFunc(cs, func(c any) bool { return c.(map[string]any)["state"] != nil })
		})}},
		{"newest first", "changes come oldest first and go on from each cursor", plant{report: changes(func(cs []any) []any {
			slices.Reverse(cs)
			return cs
		})}},
		{"cursors don't count", "changes come oldest first and go on from each cursor", plant{event: data("cursor", "")}},
		{"the first change after a cursor is lost", "changes may be left in the middle", plant{report: changes(func(cs []any) []any { return cs[min(1, len(cs)):] })}},
		{"redacts nothing", "redact removes a record", plant{event: data("record", `"none"`)}},
		{"says that it redacts, and doesn't", "redact removes a fact", plant{event: func(e *receiver.Event) {
			if e.Type == "firsthand.redact" {
				data("fact", `"none"`)(e)
			}
		}}},
		{"how long to wait is forgotten", "a busy system is asked again when it says", plant{connector: func(c connector.Connector) connector.Connector { return impatient{c} }}},
		{"a broken system has no news", "a broken system is not believed", plant{connector: func(c connector.Connector) connector.Connector { return deaf{c} }}},
		{"a broken system has done it", "a broken system is not believed", plant{connector: func(c connector.Connector) connector.Connector { return hopeful{c} }}},
	}
	for _, b := range bugs {
		failures := connectortest.Check(t, fixture(b.plant), b.test)
		if len(failures) == 0 {
			t.Errorf("planted bug not caught: %s (by %q)", b.name, b.test)
			continue
		}
		t.Logf("%s: %.150s", b.name, failures[0].Text)
	}
	t.Logf("%d planted bugs", len(bugs))
}

// again returns something new each time.
func again() string { return randomID().String() }

// An impatient connector doesn't say for how long the system wants to be left alone.
type impatient struct{ connector.Connector }

func (c impatient) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	res, err := c.Connector.Deliver(ctx, r)
	if connector.WaitOf(err) > 0 {
		err = fault.Unavailable
	}
	return res, err
}

// A deaf connector takes an error for the end of the changes.
type deaf struct{ connector.Connector }

func (c deaf) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		for change, err := range c.Connector.Changes(ctx, cursor) {
			if err != nil || !yield(change, nil) {
				return
			}
		}
	}
}

// A hopeful connector takes what it couldn't hear for success.
type hopeful struct{ connector.Connector }

func (c hopeful) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	res, err := c.Connector.Deliver(ctx, r)
	if err != nil {
		res, err = connector.Result{State: connector.Written, Ref: connector.Ref{System: "Flow", ID: "1"}, Reported: true, Value: r.Value}, nil
	}
	return res, err
}

// A renaming connector gives each delivery a new id.
type renaming struct{ connector.Connector }

func (c renaming) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	r.ID = randomID()
	return c.Connector.Deliver(ctx, r)
}

// data is a plant that changes a member of each event's data, member one that
// changes a member of each report. Without a value the member goes.
func data(name, value string) func(*receiver.Event) {
	return func(e *receiver.Event) { e.Data = set(e.Data, name, value) }
}

func member(name, value string) func(receiver.Event, []byte) []byte {
	return func(_ receiver.Event, text []byte) []byte { return set(text, name, value) }
}

func set(text []byte, name, value string) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members[name] == nil {
		return text
	}
	if members[name] = json.RawMessage(value); value == "" {
		delete(members, name)
	}
	changed, _ := json.Marshal(members)
	return changed
}

// cutValue cuts long values in the system, while its report repeats the event's.
func cutValue(e *receiver.Event) {
	var d receiver.Data
	if json.Unmarshal(e.Data, &d); len(d.Value) > 255 {
		data("value", `"cut"`)(e)
	}
}

func repeatValue(e receiver.Event, text []byte) []byte {
	var d receiver.Data
	json.Unmarshal(e.Data, &d)
	return set(text, "value", string(d.Value))
}

// changes is a plant that changes pages of changes.
func changes(f func([]any) []any) func(receiver.Event, []byte) []byte {
	return func(e receiver.Event, text []byte) []byte {
		var page map[string][]any
		if e.Type != "firsthand.changes" || json.Unmarshal(text, &page) != nil {
			return text
		}
		page["changes"] = f(page["changes"])
		changed, _ := json.Marshal(page)
		return changed
	}
}
