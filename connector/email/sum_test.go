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

	again := message()
	again.Relationship, again.Thread = k.r.Relationship, k.ticket
	k.deliver(t, again)
	if l := k.one(t, again); l.header.Get("In-Reply-To") != k.letter.header.Get("Message-ID") {
		t.Errorf("the second of a thread answers %q, want %q", l.header.Get("In-Reply-To"), k.letter.header.Get("Message-ID"))
	}

	// What people have deleted doesn't come back, also when the host numbers anew and all
	// sums are wrong.
	k.empty(t, k.folder)
	for _, when := range []string{"with sums", "numbered anew"} {
		k.c = k.restart(t)
		for _, r := range requests {
			if res := k.deliver(t, r); res.Ref != all[r.ID] {
				t.Errorf("%s, %s again: %+v, want %+v", when, r.Kind, res.Ref, all[r.ID])
			}
		}
		if left := k.letters(t, k.folder, "From", ""); len(left) > 0 {
			t.Errorf("%s, %d mails that were deleted are there again", when, len(left))
		}
		first := k.letters(t, "Firsthand journal", "Subject", "summed")
		if len(first) == 0 {
			t.Fatalf("%s: there is no sum", when)
		}
		k.remove(t, "Firsthand journal", first[0].uid) // so that the numbers are others
		k.renumber(t, "Firsthand journal")
	}
}
