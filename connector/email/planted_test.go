package email_test

import (
	"context"
	"crypto/rand"
	"iter"
	"testing"

	"firsthand/connector"
	"firsthand/connector/connectortest"
	"firsthand/connector/email"
)

// TestSuiteCatches plants mistakes of connectors to mailboxes.
func TestSuiteCatches(t *testing.T) {
	for _, b := range []struct {
		name, test string
		plant      func(*email.Mailbox) connector.Connector
	}{
		{"a request that comes again is another", "a message makes one ticket", func(m *email.Mailbox) connector.Connector {
			return altering{m, func(r *connector.Request) { rand.Read(r.ID[:]) }}
		}},
		{"threads don't count", "a thread stays in its ticket", func(m *email.Mailbox) connector.Connector {
			return altering{m, func(r *connector.Request) { r.Thread = connector.Ref{} }}
		}},
		{"records don't count", "a change replaces one fact of a customer's record", func(m *email.Mailbox) connector.Connector {
			return altering{m, func(r *connector.Request) { r.Record = connector.Ref{} }}
		}},
		{"cursors don't count", "changes come oldest first and go on from each cursor", func(m *email.Mailbox) connector.Connector { return forgetful{m} }},
	} {
		failures := connectortest.Check(t, fixture(plant{b.plant}), b.test)
		if len(failures) == 0 {
			t.Errorf("planted bug not caught: %s (by %q)", b.name, b.test)
			continue
		}
		t.Logf("%s: %.150s", b.name, failures[0].Text)
	}
}

type altering struct {
	*email.Mailbox
	f func(*connector.Request)
}

func (c altering) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	c.f(&r)
	return c.Mailbox.Deliver(ctx, r)
}

type forgetful struct{ *email.Mailbox }

func (c forgetful) Changes(ctx context.Context, _ string) iter.Seq2[connector.Change, error] {
	return c.Mailbox.Changes(ctx, "")
}
