package carddav_test

import (
	"context"
	"crypto/rand"
	"iter"
	"regexp"
	"testing"

	"firsthand/connector"
	"firsthand/connector/carddav"
	"firsthand/connector/connectortest"
)

// TestSuiteCatches plants mistakes of connectors to address books, and of servers.
func TestSuiteCatches(t *testing.T) {
	journal := regexp.MustCompile(`(?m)^X-FIRSTHAND:.*\r\n( .*\r\n)*`)
	bugs := []struct {
		name, test string
		plant      plant
	}{
		{"a program drops what it doesn't know", "requests take effect in order, and old ones never again",
			plant{border: func(_, _ string, body []byte) []byte { return journal.ReplaceAll(body, nil) }}},
		{"a server drops what it doesn't know", "a change replaces one fact of a customer's record",
			plant{server: func(s *server) {
				s.keep = func(text string) string { return regexp.MustCompile(`X-STAFF.*\r\n`).ReplaceAllString(text, "") }
			}}},
		{"a server cuts values", "hostile values stay text",
			plant{server: func(s *server) {
				s.keep = func(text string) string { return regexp.MustCompile(`(EMAIL:.{20}).*`).ReplaceAllString(text, "$1") }
			}}},
		{"every version is the same", "a stale version writes nothing", plant{server: func(s *server) { s.etag = func(string) string { return `"1"` } }}},
		{"the list of changes has none", "an edit by staff is a change",
			plant{border: func(method, _ string, body []byte) []byte {
				if method != "REPORT" {
					return body
				}
				return response.ReplaceAll(body, nil)
			}}},
		{"versions don't count", "a stale version writes nothing", altered(func(r *connector.Request) { r.Record.Version = "" })},
		{"records don't count", "a change replaces one fact of a customer's record", altered(func(r *connector.Request) { r.Record = connector.Ref{} })},
		{"proposals are written", "a proposal never writes over anything", altered(func(r *connector.Request) { r.Proposal = false })},
		{"a request that comes again is another", "requests take effect in order, and old ones never again", altered(func(r *connector.Request) { rand.Read(r.ID[:]) })},
		{"relationships share a card", "relationships are kept apart", altered(func(r *connector.Request) { clear(r.Relationship[1:]); r.Relationship[0] = 1 })},
		{"cursors don't count", "changes come oldest first and go on from each cursor", wrapped(func(b *carddav.Book) connector.Connector { return forgetful{b} })},
		{"redacts nothing", "redact removes a record", wrapped(func(b *carddav.Book) connector.Connector { return keeping{b} })},
		{"redacts what was done too", "what was redacted does not come back", wrapped(func(b *carddav.Book) connector.Connector { return renaming{b} })},
	}
	for _, b := range bugs {
		failures := connectortest.Check(t, fixture(b.plant), b.test)
		if len(failures) == 0 {
			t.Errorf("planted bug not caught: %s (by %q)", b.name, b.test)
			continue
		}
		t.Logf("%s: %.150s", b.name, failures[0].Text)
	}
}

func wrapped(f func(*carddav.Book) connector.Connector) plant {
	return plant{connector: func(c connector.Connector) connector.Connector { return f(c.(*carddav.Book)) }}
}

func altered(f func(*connector.Request)) plant {
	return wrapped(func(b *carddav.Book) connector.Connector { return altering{b, f} })
}

type altering struct {
	*carddav.Book
	f func(*connector.Request)
}

func (c altering) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	c.f(&r)
	return c.Book.Deliver(ctx, r)
}

type forgetful struct{ *carddav.Book }

func (c forgetful) Changes(ctx context.Context, _ string) iter.Seq2[connector.Change, error] {
	return c.Book.Changes(ctx, "")
}

type keeping struct{ *carddav.Book }

func (keeping) Redact(context.Context, connector.Ref, string) error { return nil }

// A renaming connector doesn't know again what was done before a redaction.
type renaming struct{ *carddav.Book }

func (c renaming) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	res, err := c.Book.Deliver(ctx, r)
	if rec, e := c.Book.Read(ctx, res.Ref); e != nil || rec.Facts[r.Fact].IsZero() {
		rand.Read(r.ID[:])
		return c.Book.Deliver(ctx, r)
	}
	return res, err
}
