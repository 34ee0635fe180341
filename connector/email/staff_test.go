package email_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/email"
)

// Staff are the people of a company: they have a mail program, and a book in which they
// keep their customers. Nothing but what they read in mails gets into the book.
type staff struct {
	host   func() (net.Conn, error)
	client *imapclient.Client
	folder string
	done   string

	mu   sync.Mutex
	book map[string]*page
}

// A page of the book is one customer's.
type page struct {
	facts map[string]firsthand.Value
	rels  []firsthand.ID // by which she speaks
}

func newStaff(t testing.TB, host func() (net.Conn, error)) *staff {
	t.Helper()
	p := &staff{host: host, book: map[string]*page{}}
	p.connect(t)
	t.Cleanup(func() { p.client.Close() })
	return p
}

// connect connects the mail program, again after a restart of the host.
func (p *staff) connect(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		p.client.Close()
	}
	conn, err := p.host()
	must(t, err)
	p.client = imapclient.New(conn, nil)
	must(t, p.client.Login(address, password).Wait())
}

// A letter is a mail as somebody reads it.
type letter struct {
	uid    imap.UID
	header mail.Header
	text   string
}

func parse(t testing.TB, uid imap.UID, raw []byte) letter {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	must(t, err)
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	must(t, err)
	return letter{uid, m.Header, strings.ReplaceAll(string(text), "\r\n", "\n")}
}

// letters returns the mails of a folder with a text in a header, oldest first.
func (p *staff) letters(t testing.TB, folder, field, value string) (all []letter) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.client.Select(folder, nil).Wait(); err != nil {
		if _, said := errors.AsType[*imap.Error](err); !said {
			t.Fatal(err)
		}
		return nil // nobody has put one there yet
	}
	found, err := p.client.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: field, Value: value}}}, nil).Wait()
	must(t, err)
	if len(found.AllUIDs()) == 0 {
		return nil
	}
	part := &imap.FetchItemBodySection{}
	got, err := p.client.Fetch(imap.UIDSetNum(found.AllUIDs()...), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{part}}).Collect()
	must(t, err)
	for _, m := range got {
		all = append(all, parse(t, m.UID, m.FindBodySection(part)))
	}
	slices.SortFunc(all, func(a, b letter) int { return int(a.uid) - int(b.uid) })
	return all
}

// both returns letters from where they are put and from where they are done.
func (p *staff) both(t testing.TB, field, value string) []letter {
	return slices.Concat(p.letters(t, p.done, field, value), p.letters(t, p.folder, field, value))
}

// put puts a mail into a folder, as a mail program does with what it has sent.
func (p *staff) put(t testing.TB, folder, raw string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	put := p.client.Append(folder, int64(len(raw)), nil)
	_, err := io.WriteString(put, raw)
	must(t, err)
	must(t, put.Close())
	_, err = put.Wait()
	must(t, err)
}

// move moves the mails with a text in a header.
func (p *staff) move(t testing.TB, field, value, to string) {
	t.Helper()
	var set imap.UIDSet
	for _, l := range p.letters(t, p.folder, field, value) {
		set.AddNum(l.uid)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.client.Move(set, to).Wait()
	must(t, err)
}

// answerTo returns an answer to a letter, as a mail program writes it.
func answerTo(l letter, from, text, more string) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: %s <%s>\r\nTo: %s\r\nSubject: Re: %s\r\nDate: %s\r\nMessage-ID: <%s@acme.test>\r\nIn-Reply-To: %s\r\nReferences: %[7]s\r\n%[8]s",
		from, address, l.header.Get("From"), l.header.Get("Subject"), time.Now().Format(time.RFC1123Z), rand.Text(), l.header.Get("Message-ID"), more)
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	w := quotedprintable.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String() + "\r\n"
}

func (p *staff) reply(t testing.TB, ticket connector.Ref, author, text string) {
	all := p.both(t, "X-Firsthand-Ticket", ticket.ID)
	if len(all) == 0 {
		t.Fatalf("there is no thread %s", ticket.ID)
	}
	quoted := "\n\n-- \n" + author + ", Acme\n\nOn Friday " + replyTo + " wrote:\n> " + strings.ReplaceAll(all[0].text, "\n", "\n> ")
	p.put(t, "Sent", answerTo(all[0], author, text+quoted, ""))
}

// A change is what a letter asks a person to do.
type change struct {
	customer, fact string
	proved         bool
	value          firsthand.Value
	rel            firsthand.ID
}

// read reads a letter as a person does.
func (l letter) read(t testing.TB) (c change) {
	t.Helper()
	c.proved = true
	must(t, c.rel.UnmarshalText([]byte(l.header.Get("X-Firsthand-Relationship"))))
	in := ""
	var lines []string
	for line := range strings.SplitSeq(l.text, "\n") {
		if s, ok := strings.CutPrefix(line, "Customer: "); ok {
			if c.customer = s; strings.HasPrefix(s, "NOT PROVED") {
				c.customer, c.proved = "", false
			}
		}
		if s, ok := strings.CutPrefix(line, "What: "); ok {
			c.fact = s
		}
		if s, ok := strings.CutPrefix(line, "    "); ok && in == "New:" {
			lines = append(lines, s)
		} else {
			in = line
		}
	}
	if strings.Contains(l.text, "takes back") {
		return c
	}
	if c.fact == "email" {
		c.value = firsthand.Text(strings.Join(lines, "\n"))
		return c
	}
	c.value.Parts = map[string]string{}
	for _, line := range lines {
		name, text, _ := strings.Cut(line, ": ")
		c.value.Parts[name] = text
	}
	return c
}

// write writes into the book what the newest letter about a request asks for.
func (p *staff) write(t testing.TB, id firsthand.ID, record string) (l letter) {
	t.Helper()
	all := p.both(t, "X-Firsthand-Request", id.String())
	if len(all) == 0 {
		t.Fatalf("there is no letter about %s", id)
	}
	l = all[len(all)-1]
	c := l.read(t)
	if c.customer != "" {
		record = c.customer // the letter says who she is
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pg := p.book[record]
	if pg == nil {
		pg = &page{facts: map[string]firsthand.Value{}}
		p.book[record] = pg
	}
	if pg.facts[c.fact] = c.value; c.value.IsZero() {
		delete(pg.facts, c.fact)
	}
	if c.proved && !slices.Contains(pg.rels, c.rel) {
		pg.rels = append(pg.rels, c.rel)
	}
	return l
}

// decide is a person who does what a letter asks for, or not, and says so.
func (p *staff) decide(t testing.TB, id firsthand.ID, record connector.Ref, reason string) {
	t.Helper()
	if reason != "" {
		all := p.both(t, "X-Firsthand-Request", id.String())
		p.put(t, "Sent", answerTo(all[len(all)-1], "Anna", "No: "+reason+"\n\n-- \nAnna", ""))
		return
	}
	l := p.write(t, id, record.ID)
	word := "Done."
	if !l.read(t).proved && record.ID != "" {
		word = "done: " + record.ID
	}
	p.put(t, "Sent", answerTo(l, "Anna", word+"\n\nOn Friday "+replyTo+" wrote:\n> "+strings.ReplaceAll(l.text, "\n", "\n> "), ""))
}

func (p *staff) look(ref connector.Ref) (map[string]firsthand.Value, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pg := p.book[ref.ID]
	if pg == nil {
		return nil, false
	}
	return maps.Clone(pg.facts), true
}

func (p *staff) records(rel firsthand.ID) (refs []connector.Ref) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, pg := range p.book {
		if slices.Contains(pg.rels, rel) {
			refs = append(refs, connector.Ref{System: "mailbox", ID: id})
		}
	}
	return refs
}

// left returns in which folders there is a mail that has a text, as somebody reads it.
func (s *stand) left(t testing.TB, text string) (where []string) {
	for _, folder := range []string{s.folder, s.done, "Firsthand journal" + s.suffix, "INBOX", "Sent"} {
		for _, l := range s.letters(t, folder, "From", "") {
			if strings.Contains(l.text, text) {
				where = append(where, folder)
				break
			}
		}
	}
	return where
}

// deleteSent is people deleting what they have sent about requests.
func (s *stand) deleteSent(t testing.TB, of ...firsthand.ID) {
	for _, folder := range []string{"INBOX", "Sent", s.folder, s.done} {
		for _, id := range of {
			ref := email.RefOf(id)
			for _, l := range s.letters(t, folder, "From", "") {
				if strings.Contains(l.text+l.header.Get("Subject"), ref) {
					s.remove(t, folder, l.uid)
				}
			}
		}
	}
}

// remove deletes a mail.
func (p *staff) remove(t testing.TB, folder string, uid imap.UID) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.client.Select(folder, nil).Wait()
	must(t, err)
	set := imap.UIDSetNum(uid)
	must(t, p.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close())
	must(t, p.client.UIDExpunge(set).Close())
}
