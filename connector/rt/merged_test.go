package rt_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/rt"
)

// Staff merge the tickets of two customers and one of their own. What they say then is
// for both, what the customers say comes into the one ticket, once, and what was said
// before stays with whom it was for.
func TestMerged(t *testing.T) {
	o := &office{RT: start(t), mode: rt.Write}
	begin := o.last(t)
	open := func() *rt.Tracker {
		c, err := rt.Open(rt.Config{URL: o.URL, TokenFile: o.TokenFile, Queue: o.Queue})
		must(t, err)
		return c
	}
	c := open()
	mia, jan := newID(), newID()
	post := func(c *rt.Tracker, r connector.Request) connector.Ref {
		t.Helper()
		res, err := c.Deliver(t.Context(), r)
		must(t, err)
		if res.State != connector.Written {
			t.Fatalf("a message is %s: %s", res.State, res.Reason)
		}
		return res.Ref
	}
	say := func(rel firsthand.ID, text string, thread connector.Ref) connector.Request {
		return connector.Request{ID: newID(), Relationship: rel, Kind: "message", Subject: "Help", Text: text, Thread: thread}
	}
	reply := func(ticket connector.Ref, text string) {
		o.call(t, http.MethodPost, "/"+ticket.ID+"/correspond", map[string]string{"Content": text, "ContentType": "text/plain"}, nil)
	}
	number := func(r connector.Ref) string { return strings.TrimPrefix(r.ID, "ticket/") }

	first, second, his := say(mia, "The lamp is broken.", connector.Ref{}), say(mia, "It is the blue one.", connector.Ref{}), say(jan, "No light.", connector.Ref{})
	a, d, b := post(c, first), post(c, second), post(c, his)
	more := say(mia, "Are you there?", a)
	post(c, more)
	reply(a, "Only for Mia.")
	reply(b, "Only for Jan.")
	var made struct{ ID string }
	o.call(t, http.MethodPost, "/ticket", map[string]string{"Queue": o.Queue, "Subject": "The lamps", "Content": "All of them."}, &made)
	one := connector.Ref{System: a.System, ID: "ticket/" + made.ID}
	reply(one, "Only among us.")
	merge := func(from, into connector.Ref) {
		o.call(t, http.MethodPut, "/"+from.ID, map[string]string{"MergeInto": number(into)}, nil)
	}
	merge(a, b)
	merge(d, b)
	reply(b, "For Mia and Jan.")
	merge(b, one)
	reply(a, "For both, in the one.") // RT takes it into the one

	for _, c := range []*rt.Tracker{c, open()} {
		for _, r := range []connector.Request{first, second, his, more} { // again
			want := map[firsthand.ID]connector.Ref{first.ID: a, second.ID: d, his.ID: b, more.ID: a}[r.ID]
			if got := post(c, r); got != want {
				t.Errorf("a message of before is in %s, and was in %s", got.ID, want.ID)
			}
		}
	}
	next := say(mia, "And now?", a)
	for range 2 {
		if got := post(c, next); got != a {
			t.Errorf("her next message is in %s, want %s", got.ID, a.ID)
		}
	}
	if astray := post(c, say(mia, "To whom?", b)); astray == a || astray == b { // of a thread that isn't hers
		t.Errorf("a message of Mia's is in Jan's %s", astray.ID)
	}
	if texts := o.texts(t, made.ID); !slices.Contains(texts, next.Text) {
		t.Errorf("what she said next isn't in the one ticket: %q", texts)
	} else if n := strings.Count(strings.Join(texts, "\n"), more.Text) + strings.Count(strings.Join(texts, "\n"), next.Text); n != 2 {
		t.Errorf("two messages are there %d times: %q", n, texts)
	}
	o.call(t, http.MethodPut, "/"+one.ID, map[string]string{"Status": "resolved"}, nil)

	got := map[string]int{}
	for change, err := range (later{c, begin}).Changes(t.Context(), "") {
		must(t, err)
		who := map[firsthand.ID]string{mia: "Mia", jan: "Jan"}[change.Relationship]
		of := map[firsthand.ID]string{first.ID: "first", second.ID: "second", his.ID: "his"}[change.Of]
		if who == "" {
			continue // another test's
		}
		if who == "Mia" && change.Text != "" {
			of = "either"
		}
		got[fmt.Sprintf("%s of %s: %s %t", who, of, change.Text, change.Resolved)]++
		again := 0 // whoever goes on from there gets what comes after, at least
		for _, err := range c.Changes(t.Context(), change.Cursor) {
			must(t, err)
			again++
		}
		got["rest"] = again
	}
	want := map[string]int{
		"Mia of either: Only for Mia. false": 1, "Jan of his: Only for Jan. false": 1,
		"Mia of either: For Mia and Jan. false": 1, "Jan of his: For Mia and Jan. false": 1,
		"Mia of either: For both, in the one. false": 1, "Jan of his: For both, in the one. false": 1,
		"Mia of first:  true": 1, "Mia of second:  true": 1, "Jan of his:  true": 1, "rest": 0,
	}
	for what, n := range want {
		if got[what] != n {
			t.Errorf("%q is told %d times, want %d", what, got[what], n)
		}
		delete(got, what)
	}
	for what := range got {
		t.Errorf("%q is told", what)
	}
}
