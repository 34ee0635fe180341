package email_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/email"
	"firsthand/fault"
)

// A talk is one message of a customer's, and what comes of it.
type talk struct {
	*stand
	c      *email.Mailbox
	r      connector.Request
	ticket connector.Ref
	letter letter
	cursor string
}

func newID() (id firsthand.ID) {
	rand.Read(id[:])
	return id
}

func message() connector.Request {
	return connector.Request{ID: newID(), Relationship: newID(), Kind: "message", At: time.Now(), Subject: "Your order", Text: "Where is it?"}
}

func newAddress(rel firsthand.ID) connector.Request {
	return connector.Request{ID: newID(), Relationship: rel, Kind: "change", At: time.Now(), Fact: "email", Value: firsthand.Text("mia@new.example"),
		Old: firsthand.Text("mia@old.example"), Purpose: "dpv:ServiceProvision", Record: connector.Ref{System: "mailbox", ID: "C-1"}}
}

func newTalk(t *testing.T, config map[string]any) *talk {
	t.Helper()
	s := newStand(t, newMemory(t), "")
	s.config = config
	k := &talk{stand: s, c: s.restart(t), r: message()}
	k.ticket = k.deliver(t, k.r).Ref
	k.letter = k.one(t, k.r)
	return k
}

func (k *talk) deliver(t *testing.T, r connector.Request) connector.Result {
	t.Helper()
	res, err := k.c.Deliver(t.Context(), r)
	must(t, err)
	return res
}

// one returns the only letter about a request.
func (k *talk) one(t *testing.T, r connector.Request) letter {
	t.Helper()
	all := k.both(t, "X-Firsthand-Request", r.ID.String())
	if len(all) != 1 {
		t.Fatalf("%d mails of one request, want 1", len(all))
	}
	return all[0]
}

// news returns what has happened since the last time.
func (k *talk) news(t *testing.T) (all []connector.Change) {
	t.Helper()
	for c, err := range k.c.Changes(t.Context(), k.cursor) {
		must(t, err)
		all = append(all, c)
		k.cursor = c.Cursor
	}
	return all
}

// shown is what a change says.
func shown(c connector.Change) string {
	var s string
	if c.State != "" {
		s = fmt.Sprintf("%s %s %s", c.State, c.Ref.ID, c.Reason)
	}
	if c.Text != "" {
		s += c.Author + ": " + c.Text
	}
	if c.Resolved {
		s += "resolved"
	}
	return strings.TrimSpace(s)
}

func (k *talk) says(t *testing.T, what string, want ...string) {
	t.Helper()
	var got []string
	for _, c := range k.news(t) {
		got = append(got, shown(c))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

const passed = "Authentication-Results: mx.acme.test; dkim=pass header.d=acme.test; dmarc=pass header.from=acme.test\r\n"

// TestWhoSpeaksAsTheCompany: who has guessed a reference, or seen a whole mail, is nobody.
func TestWhoSpeaksAsTheCompany(t *testing.T) {
	k := newTalk(t, map[string]any{"staff": []string{"anna@acme.test"}, "authserv": "mx.acme.test"})
	from := func(address, more string) string {
		return strings.Replace(answerTo(k.letter, "Anna", "I speak.", more), "Anna <privacy@acme.test>", address, 1)
	}
	anna := "Anna <anna@acme.test>"
	for _, tt := range []struct {
		name, folder, raw string
		speaks            bool
	}{
		{"sent from the mailbox", "Sent", answerTo(k.letter, "Anna", "I speak.", ""), true},
		{"sent, and its program names no thread", "Sent", strings.NewReplacer("In-Reply-To: ", "X-A: ", "References: ", "X-B: ").Replace(answerTo(k.letter, "Anna", "I speak.", "")), true},
		{"staff, vouched for", "INBOX", from(anna, passed), true},
		{"anybody", "INBOX", from("Thief <thief@example.net>", "Authentication-Results: mx.acme.test; dkim=pass header.d=example.net; dmarc=pass header.from=example.net\r\n"), false},
		{"the mailbox itself, says somebody", "INBOX", answerTo(k.letter, "Anna", "I speak.", passed), false},
		{"staff, without a word of the host", "INBOX", from(anna, ""), false},
		{"staff, vouched for by another host", "INBOX", from(anna, strings.Replace(passed, "mx.acme.test", "mx.thief.test", 1)), false},
		{"staff, which failed", "INBOX", from(anna, "Authentication-Results: mx.acme.test; dkim=fail header.d=acme.test; dmarc=fail header.from=acme.test\r\n"), false},
		{"staff, signed by another domain", "INBOX", from(anna, "Authentication-Results: mx.acme.test; dkim=pass header.d=thief.test\r\n"), false},
		{"below the host's word another's", "INBOX", from(anna, "Authentication-Results: mx.acme.test; dkim=none\r\n"+passed), false},
		{"two senders", "INBOX", from(anna, passed+"From: Thief <thief@example.net>\r\n"), false},
		{"staff's machine", "INBOX", from(anna, passed+"Auto-Submitted: auto-replied\r\n"), false},
		{"a machine of the mailbox", "Sent", answerTo(k.letter, "Anna", "I am away.", "Auto-Submitted: auto-replied\r\n"), false},
		{"somebody else of the company", "INBOX", from("Bob <bob@acme.test>", passed), false},
		{"forwarded to a colleague", "Sent", strings.Replace(answerTo(k.letter, "Anna", "What shall I say?", ""), "<"+replyTo+">", "<bob@acme.test>", 1), false},
		{"in the name of the address", "Sent", strings.Replace(answerTo(k.letter, "Anna", "What shall I say?", ""), "<"+replyTo+">", `"`+replyTo+`" <bob@acme.test>`, 1), false},
		{"about nothing", "Sent", "From: " + address + "\r\nTo: " + replyTo + "\r\nSubject: Hello FH-AAAAAAAAAAAAAAAA\r\n\r\nWho?\r\n", false},
	} {
		k.put(t, tt.folder, tt.raw)
		var want []string
		if tt.speaks {
			want = []string{"Anna: I speak."}
		}
		k.says(t, tt.name, want...)
	}
	raw := answerTo(k.letter, "Anna", "Once.", "")
	k.put(t, "Sent", raw)
	k.put(t, "INBOX", strings.Replace(passed+raw, address, "anna@acme.test", 1)) // the copy that came back
	k.put(t, "Sent", raw)                                                        // and what some programs do
	k.says(t, "three copies of one mail", "Anna: Once.")
}

func TestWhatStaffWrote(t *testing.T) {
	k := newTalk(t, nil)
	quoted := "> " + strings.ReplaceAll(strings.TrimSpace(k.letter.text), "\n", "\n> ")
	plain, html := "text/plain; charset=utf-8", "text/html; charset=utf-8"
	for _, tt := range []struct{ name, kind, body, want string }{
		{"plain", plain, "It left us today.\r\n\r\nAnna", "It left us today.\n\nAnna"},
		{"below a line", plain, "It left.\r\n\r\nOn Fri, 27 Nov 2026, A customer, by Firsthand <" + replyTo + "> wrote:\r\n\r\n" + quoted, "It left."},
		{"a line that is two", plain, "It left.\r\n\r\nOn Fri, 27 Nov 2026 at 09:30, A customer, by Firsthand <\r\n" + replyTo + "> wrote:\r\n\r\n" + quoted, "It left."},
		{"a line that is two, between words", plain, "Es ist weg.\r\n\r\nAm Freitag schrieb A customer, by\r\nFirsthand:\r\n" + quoted, "Es ist weg."},
		{"above what is quoted", plain, "A customer, by Firsthand wrote:\r\n" + quoted + "\r\n\r\nIt left.\r\n", "It left."},
		{"in between", plain, replyTo + " wrote:\r\n> Where is it?\r\nIt left.\r\n> Will it come?\r\nYes.\r\n-- \r\nAnna, Acme", "It left.\nYes."},
		{"as Outlook has it", plain, "It left.\r\n\r\n-----Original Message-----\r\nFrom: A customer, by Firsthand <" + replyTo + ">\r\nSent: Friday\r\n\r\nWhere is it?\r\n", "It left."},
		{"as Outlook has it, in HTML", html, "<p>It <b>left</b>.</p><script>alert(1)</script><hr><div><b>From:</b> A customer, by Firsthand &lt;" + replyTo + "&gt;<br>Where is it?</div>", "It left."},
		{"only what is quoted", plain, replyTo + " wrote:\r\n> Where is it?", replyTo + " wrote:\n> Where is it?"},
		{"nothing", plain, "\r\n \r\n", ""},
		{"another charset", "text/plain; charset=iso-8859-1", "Caf\xe9", "Café"},
		{"no UTF-8", plain, "a\xff\x00b", "a\ufffdb"},
		{"with a picture", "multipart/mixed; boundary=b", "--b\r\n\r\nSee there.\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"../a.png\"\r\n\r\nx\r\n--b--\r\n",
			"See there.\n\n[Not carried over: _a.png]"},
		{"half of one", "multipart/mixed; boundary=b", "--b\r\n\r\nSee there.\r\n--b\r\nContent-Type: image/png\r\nX\x1b\r\n\r\nx\r\n--b--\r\n", "See there.\n\n[Not carried over: what could not be read]"},
		{"two forms of one", "multipart/alternative; boundary=b", "--b\r\n\r\nIt left.\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>It came back.\r\n--b--\r\n", "It left."},
	} {
		raw, _, _ := strings.Cut(answerTo(k.letter, "Anna", "", ""), "MIME-Version")
		k.put(t, "Sent", raw+"MIME-Version: 1.0\r\nContent-Type: "+tt.kind+"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"+tt.body)
		var want []string
		if tt.want != "" {
			want = []string{"Anna: " + tt.want}
		}
		k.says(t, tt.name, want...)
	}
}

// TestHostileMails: none of them keeps the one behind it from being heard.
func TestHostileMails(t *testing.T) {
	k := newTalk(t, nil)
	head, _, _ := strings.Cut(answerTo(k.letter, "Anna", "", ""), "Message-ID")
	deep := strings.Builder{}
	for n := range 200 {
		fmt.Fprintf(&deep, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", n, n+1)
	}
	for name, rest := range map[string]string{
		"a thousand parts":     "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 1000),
		"parts in parts":       "Content-Type: multipart/mixed; boundary=b0\r\n\r\n" + deep.String(),
		"no charset there is":  "Content-Type: text/plain; charset=klingon\r\n\r\nqapla'",
		"a broken encoding":    "Content-Transfer-Encoding: base64\r\n\r\n!!!!",
		"HTML without an end":  "Content-Type: text/html\r\n\r\n" + strings.Repeat("<div><table><b>", 50_000),
		"a header without end": "X: " + strings.Repeat("x", 100_000) + "\r\n\r\nx",
		"a flood":              "\r\n" + strings.Repeat("flood\r\n", 100_000),
		"no body":              "",
		"a name of controls":   "Subject: =?utf-8?q?=00=1B[2J?=\r\n\r\nx",
	} {
		id := "Message-ID: <" + rand.Text() + "@x>\r\nIn-Reply-To: " + k.letter.header.Get("Message-ID") + "\r\n"
		k.put(t, "Sent", head+id+rest)
		for _, c := range k.news(t) {
			if len(c.Text) > 65<<10 || c.Of != k.r.ID {
				t.Errorf("%s: %d bytes about %s", name, len(c.Text), c.Of)
			}
		}
		k.put(t, "Sent", answerTo(k.letter, "Anna", "After it.", ""))
		k.says(t, "after "+name, "Anna: After it.")
	}
}

func TestDecisions(t *testing.T) {
	k := newTalk(t, nil)
	for _, tt := range []struct{ answer, want string }{
		{"done", "written C-1"}, {"Done.\n\nAnna", "written C-1"}, {"erledigt!", "written C-1"}, {"done: C-2", "written C-2"},
		{"no: we don't know you", "declined C-1 we don't know you"}, {"Nein: das\ngeht nicht", "declined C-1 das\ngeht nicht"},
		{"No problem, I'll do it.", "Anna: No problem, I'll do it."}, {"no", "Anna: no"}, {"no:", "Anna: no:"}, {"What is done is done", "Anna: What is done is done"},
	} {
		r := newAddress(k.r.Relationship)
		if res := k.deliver(t, r); res.State != connector.Proposed {
			t.Fatalf("a change is %s", res.State)
		}
		l := k.one(t, r)
		k.put(t, "Sent", answerTo(l, "Anna", tt.answer, ""))
		k.says(t, tt.answer, tt.want)
		if strings.HasPrefix(tt.want, "Anna") {
			continue
		}
		if left := k.letters(t, k.folder, "X-Firsthand-Request", r.ID.String()); len(left) > 0 {
			t.Errorf("%s: the mail still waits for somebody", tt.answer)
		}
		k.put(t, "Sent", answerTo(l, "Bob", "done", ""))
		k.put(t, "Sent", answerTo(l, "Bob", "no: I say", ""))
		k.says(t, "the second decision")
	}
}

func TestMovedToDone(t *testing.T) {
	k := newTalk(t, nil)
	r := newAddress(k.r.Relationship)
	k.deliver(t, r)
	l := k.one(t, r)
	k.put(t, k.done, rawOf(l)) // a copy, as of a program that can't move, while the mail is there yet
	k.says(t, "a copy")
	k.move(t, "X-Firsthand-Request", r.ID.String(), k.done)
	k.says(t, "a change that was moved", "written C-1")

	// What is not proved, and then is: the mail before it decides nothing any more.
	r = newAddress(newID())
	r.Proposal, r.Record = true, connector.Ref{}
	k.deliver(t, r)
	old := k.one(t, r)
	r.Proposal, r.Record = false, connector.Ref{System: "mailbox", ID: "C-7"}
	k.deliver(t, r)
	k.staff.mu.Lock()
	_, err := k.client.Select(k.folder, nil).Wait()
	must(t, err)
	_, err = k.client.Move(imap.UIDSetNum(old.uid), k.done).Wait()
	must(t, err)
	k.staff.mu.Unlock()
	k.says(t, "a proposal that was put away")
	k.move(t, "X-Firsthand-Request", r.ID.String(), k.done)
	k.says(t, "the proved one", "written C-7")

	// A thread is done when all of it is.
	second := message()
	second.Relationship, second.Thread, second.Text = k.r.Relationship, k.ticket, "And when?"
	k.deliver(t, second)
	k.move(t, "X-Firsthand-Request", k.r.ID.String(), k.done)
	k.says(t, "half a thread")
	k.move(t, "X-Firsthand-Ticket", k.ticket.ID, k.done)
	k.says(t, "a thread", "resolved")
	third := second
	third.ID = newID()
	k.deliver(t, third)
	k.says(t, "she asks again")
	k.move(t, "X-Firsthand-Ticket", k.ticket.ID, k.done)
	k.says(t, "and it is done again", "resolved")
}

func rawOf(l letter) string {
	var b strings.Builder
	for name, values := range l.header {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	return b.String() + "\r\nx\r\n"
}

// lost delivers r, and the process dies when the mail lies in the folder.
func (k *talk) lost(t *testing.T, r connector.Request) {
	t.Helper()
	k.set(func() { k.lose = true }) // the connection ends as well, so that it isn't tried at once
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	k.c = k.restart(t)
	k.border.mu.Lock()
	k.after = cancel
	k.border.mu.Unlock()
	if _, err := k.c.Deliver(ctx, r); err == nil || fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("deliver, when the answer is lost: %v", err)
	}
	k.c = k.restart(t)
}

// TestCrashBeforeTheNote: the mail lies in the folder, and nothing else knows of it.
func TestCrashBeforeTheNote(t *testing.T) {
	k := newTalk(t, nil)
	lost := func(r connector.Request) { k.lost(t, r) }
	m := message()
	lost(m)
	k.put(t, "Sent", answerTo(k.one(t, m), "Anna", "Quick.", ""))
	k.says(t, "an answer before the note", "Anna: Quick.")
	if res := k.deliver(t, m); res.State != connector.Written {
		t.Errorf("%+v", res)
	}
	k.one(t, m)

	m = message()
	lost(m)
	k.deliver(t, m)
	k.one(t, m)

	r := newAddress(m.Relationship)
	lost(r)
	k.move(t, "X-Firsthand-Request", r.ID.String(), k.done)
	k.says(t, "a decision before the note", "written C-1")
	k.deliver(t, r)
	k.one(t, r)
}

// TestNothingIsLostOrTwice: people delete mails, and hosts number them anew.
func TestNothingIsLostOrTwice(t *testing.T) {
	k := newTalk(t, nil)
	k.put(t, "Sent", answerTo(k.letter, "Anna", "One.", ""))
	first := k.news(t)
	k.empty(t, "Sent")
	k.empty(t, k.folder)
	k.c = k.restart(t)
	if res := k.deliver(t, k.r); res.Ref != k.ticket {
		t.Errorf("again it is %+v", res)
	}
	if all := k.both(t, "X-Firsthand-Request", k.r.ID.String()); len(all) > 0 {
		t.Error("what somebody has deleted is there again")
	}
	k.put(t, "Sent", answerTo(k.letter, "Anna", "Two.", ""))
	k.says(t, "an answer to what was deleted", "Anna: Two.")

	k.renumber(t, "Firsthand journal")
	k.renumber(t, "Sent")
	k.put(t, "Sent", answerTo(k.letter, "Anna", "Three.", ""))
	for range 2 {
		again := k.news(t) // from a cursor of before
		var ids []string
		for _, c := range again {
			ids = append(ids, shown(c))
		}
		if len(again) > 0 && (again[0].ID != first[0].ID || !slices.Equal(ids, []string{"Anna: One.", "Anna: Two.", "Anna: Three."})) {
			t.Errorf("numbered anew: %q", ids)
		}
		k.c = k.restart(t)
	}
	if res := k.deliver(t, k.r); res.Ref != k.ticket {
		t.Errorf("again it is %+v", res)
	}
}

// empty deletes the mails of a folder.
func (p *staff) empty(t *testing.T, folder string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	d, err := p.client.Select(folder, nil).Wait()
	must(t, err)
	if d.NumMessages == 0 {
		return
	}
	var all imap.SeqSet
	all.AddRange(1, 0)
	must(t, p.client.Store(all, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	must(t, p.client.Expunge().Close())
}

// renumber has the host number the mails of a folder anew, as after a move to another.
func (p *staff) renumber(t *testing.T, folder string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	must(t, p.client.Create("other", nil).Wait())
	_, err := p.client.Select(folder, nil).Wait()
	must(t, err)
	var all imap.SeqSet
	all.AddRange(1, 0)
	_, err = p.client.Copy(all, "other").Wait()
	must(t, err)
	must(t, p.client.Unselect().Wait())
	must(t, p.client.Delete(folder).Wait())
	must(t, p.client.Rename("other", folder, nil).Wait())
}

// TestTwoGateways: both listen, and each hears each answer once, under the same name.
func TestTwoGateways(t *testing.T) {
	k := newTalk(t, nil)
	other := &talk{stand: k.stand, c: k.open(t)}
	t.Cleanup(func() { other.c.Close() })
	const n = 20
	var heard [2][]connector.Change
	for range n {
		k.put(t, "Sent", answerTo(k.letter, "Anna", "Answer.", ""))
		var wg sync.WaitGroup
		for i, x := range []*talk{k, other} {
			wg.Go(func() { heard[i] = append(heard[i], x.news(t)...) })
		}
		wg.Wait()
	}
	for i, x := range []*talk{k, other} {
		heard[i] = append(heard[i], x.news(t)...)
		ids := map[string]bool{}
		for _, c := range heard[i] {
			ids[c.ID] = true
		}
		if len(ids) != n || len(heard[i]) != n {
			t.Errorf("gateway %d: %d changes of %d answers", i+1, len(heard[i]), len(ids))
		}
	}
	r := newAddress(k.r.Relationship)
	var wg sync.WaitGroup
	for _, x := range []*talk{k, other} {
		wg.Go(func() { x.c.Deliver(t.Context(), r) })
	}
	wg.Wait()
}

func TestTroubles(t *testing.T) {
	k := newTalk(t, nil)
	k.set(func() { k.full = true })
	m := message()
	_, err := k.c.Deliver(t.Context(), m)
	var notice *fault.Notice
	if fault.KindOf(err) != fault.Unavailable || !errors.As(err, &notice) || !strings.Contains(notice.Error(), "full") {
		t.Errorf("a full mailbox: %v", err)
	}
	k.set(func() { k.full = false })
	k.deliver(t, m)
	k.one(t, m)

	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte("wrong\n"), 0o600))
	k.config = map[string]any{"password_file": file}
	_, err = k.open(t).Deliver(t.Context(), m)
	if fault.KindOf(err) != fault.Denied || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong password: %v", err)
	}
	for _, cursor := range []string{"x", "1", "1 x", "-1 2"} {
		for _, err := range k.c.Changes(t.Context(), cursor) {
			if fault.KindOf(err) != fault.Invalid {
				t.Errorf("cursor %q: %v", cursor, err)
			}
		}
	}
	if _, err := k.c.Deliver(t.Context(), connector.Request{ID: newID(), Relationship: newID(), Kind: "leave"}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a kind that has no place: %v", err)
	}
}

func TestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(file, []byte("a secret\n"), 0o600))
	good := `"address":"care@acme.test","host":"mail.acme.test","port":993,"tls":"tls","password_file":"` + file + `"`
	for config, want := range map[string]string{
		`{` + good + `}`: "",
		`{` + good + `,"staff":["anna@acme.test"],"authserv":"mx.acme.test","sent":"INBOX.Sent"}`: "",
		`{` + good + `,"hosts":1}`:                       "hosts",
		`{` + good + `} {}`:                              "text after",
		`{` + good + `,"tls":"none"}`:                    "tls",
		`{` + good + `,"tls":"none","host":"::1"}`:       "",
		`{` + good + `,"port":0}`:                        "port",
		`{` + good + `,"address":"Care <care@a.test>"}`:  "address",
		`{` + good + `,"reply_to":"CARE@acme.test"}`:     "reply_to",
		`{` + good + `,"folder":"inbox"}`:                "twice",
		`{` + good + `,"journal":"Firsthand"}`:           "twice",
		`{` + good + `,"done":"x\u0000"}`:                "name",
		`{` + good + `,"staff":["anna@acme.test"]}`:      "authserv",
		`{` + good + `,"authserv":"mx.acme.test"}`:       "authserv",
		`{` + good + `,"staff":["Anna"],"authserv":"x"}`: "staff",
		`{` + good + `,"password_file":"/none"}`:         "none",
		`{}`:                                             "address",
	} {
		c, err := email.New([]byte(config))
		if (err == nil) != (want == "") || err != nil && (fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want that it says %q", config, err, want)
		}
		if s := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(s, "a secret") {
			t.Errorf("it prints its password: %s", s)
		}
	}
}
