package email_test

import (
	"bytes"
	"fmt"
	"testing"

	"firsthand"
	"firsthand/connector"
)

// TestSums: who starts reads what notes are summed up in, and not the notes; and knows
// all that they say.
func TestSums(t *testing.T) {
	k := newTalk(t, nil)
	k.sums = 20
	k.c = k.restart(t)
	all := map[firsthand.ID]connector.Ref{k.r.ID: k.ticket}
	requests := []connector.Request{k.r}
	for n := range 60 {
		r := message()
		if n%3 > 0 {
			r = newAddress(k.r.Relationship)
		}
		all[r.ID] = k.deliver(t, r).Ref
		requests = append(requests, r)
		if n%3 == 0 {
			k.put(t, "Sent", answerTo(k.one(t, r), "Anna", fmt.Sprint("Answer ", n), ""))
		}
	}
	heard := k.news(t)
	if len(heard) != 20 {
		t.Fatalf("%d answers, want 20", len(heard))
	}
	notes := 0
	k.set(func() {
		k.told = func(text []byte) { notes += bytes.Count(text, []byte("Note of the gateway's: ")) }
	})
	k.c = k.restart(t)
	k.says(t, "after a restart")
	if notes == 0 || notes > 20+len(all)/20+1 {
		t.Errorf("at its start it has read %d notes of %d", notes, len(all)+len(heard))
	}
	for _, r := range requests {
		if res := k.deliver(t, r); res.Ref != all[r.ID] {
			t.Fatalf("%s again: %+v, want %+v", r.Kind, res.Ref, all[r.ID])
		}
		k.one(t, r)
	}
	k.cursor = ""
	if again := k.news(t); len(again) != len(heard) || again[0].ID != heard[0].ID || again[19].Text != heard[19].Text {
		t.Errorf("%d changes from the beginning, want %d as before", len(again), len(heard))
	}

	// Another numbering, by which all sums are wrong.
	k.renumber(t, "Firsthand journal")
	k.c = k.restart(t)
	for _, r := range requests[:5] {
		if res := k.deliver(t, r); res.Ref != all[r.ID] {
			t.Errorf("numbered anew, %s again: %+v, want %+v", r.Kind, res.Ref, all[r.ID])
		}
		k.one(t, r)
	}
	again := message()
	again.Relationship, again.Thread = k.r.Relationship, k.ticket
	k.deliver(t, again)
	if l := k.one(t, again); l.header.Get("In-Reply-To") != k.letter.header.Get("Message-ID") {
		t.Errorf("the second of a thread answers %q, want %q", l.header.Get("In-Reply-To"), k.letter.header.Get("Message-ID"))
	}
}
