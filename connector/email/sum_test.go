package email_test

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/emersion/go-imap/v2"

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

// TestFormerSums: a journal whose sums name notes by 64 bits is read anew, once; what they
// say counts for nothing, and later starts read new ones.
func TestFormerSums(t *testing.T) {
	k := newTalk(t, nil)
	k.sums = 1000
	k.c = k.restart(t)
	const journal = "Firsthand journal"
	all := map[firsthand.ID]connector.Ref{k.r.ID: k.ticket}
	requests := []connector.Request{k.r}
	for range 30 {
		r := message()
		all[r.ID] = k.deliver(t, r).Ref
		requests = append(requests, r)
	}
	notes := k.letters(t, journal, "From", "")
	raw, err := k.c.FormerSum(k.validity(t, journal), uint32(notes[len(notes)-1].uid))
	must(t, err)
	k.put(t, journal, string(raw))
	former := notes[len(notes)-1].uid + 1
	k.flag(t, journal, former)

	k.sums = 20
	var notesRead atomic.Int64
	k.set(func() {
		k.told = func(text []byte) { notesRead.Add(int64(bytes.Count(text, []byte("Note of the gateway's: delivered")))) }
	})
	for _, when := range []string{"at first", "later"} {
		notesRead.Store(0)
		k.c = k.restart(t)
		k.says(t, when)
		read := int(notesRead.Load())
		if when == "at first" && read < len(all) || when == "later" && read > 20 {
			t.Errorf("%s it has read %d notes of %d", when, read, len(all))
		}
		for _, r := range requests {
			if res := k.deliver(t, r); res.Ref != all[r.ID] {
				t.Fatalf("%s, %s again: %+v, want %+v", when, r.Kind, res.Ref, all[r.ID])
			}
			k.one(t, r)
		}
		if flagged := k.flagged(t, journal); len(flagged) != 1 || flagged[0] <= former {
			t.Errorf("%s, sums are %v, want one that came after %d", when, flagged, former)
		}
	}
}

// validity returns the numbering of a folder.
func (p *staff) validity(t *testing.T, folder string) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := p.client.Select(folder, nil).Wait()
	must(t, err)
	return d.UIDValidity
}

func (p *staff) flag(t *testing.T, folder string, uid imap.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.client.Select(folder, nil).Wait()
	must(t, err)
	must(t, p.client.Store(imap.UIDSetNum(uid), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagFlagged}}, nil).Close())
}

func (p *staff) flagged(t *testing.T, folder string) []imap.UID {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.client.Select(folder, nil).Wait()
	must(t, err)
	found, err := p.client.UIDSearch(&imap.SearchCriteria{Flag: []imap.Flag{imap.FlagFlagged}}, nil).Wait()
	must(t, err)
	return found.AllUIDs()
}

// TestFoldersAreOpenedOnce: a start, with what it delivers again, opens the journal and no
// folder in which there is nothing new; asking again opens none. Where there is something,
// it is seen.
func TestFoldersAreOpenedOnce(t *testing.T) {
	k := newTalk(t, nil)
	other := message()
	k.deliver(t, other)
	k.move(t, "X-Firsthand-Request", other.ID.String(), "Firsthand done")
	k.put(t, "Sent", answerTo(k.letter, "Anna", "We will.", ""))
	k.news(t)
	k.news(t)
	k.sums = 1
	k.c = k.restart(t)
	k.news(t)
	var opened atomic.Int64
	k.set(func() { k.told = func(text []byte) { opened.Add(int64(bytes.Count(text, []byte("[READ-WRITE]")))) } })
	count := func(what string, want int64, do func()) {
		t.Helper()
		opened.Store(0)
		do()
		if n := opened.Load(); n != want {
			t.Errorf("%s: %d folders were opened, want %d", what, n, want)
		}
	}
	k.c = k.restart(t)
	count("a start", 1, func() { k.says(t, "a start"); k.deliver(t, k.r) })
	count("asking again", 0, func() { k.says(t, "again") })
	k.put(t, "Sent", answerTo(k.letter, "Anna", "And soon.", ""))
	k.says(t, "with something new", "Anna: And soon.")
}
