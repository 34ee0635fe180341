package mail

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"firsthand"
	"firsthand/internal/agent/channel"
	"firsthand/internal/mail"
)

// Bounds of what is read of one mail, and of how many are looked at in one go.
const (
	headBatch  = 50
	lookBack   = 2000 // mails, where her mail host has numbered them anew
	idlePoll   = 9 * time.Minute
	plainPoll  = 2 * time.Minute
	inboxName  = "INBOX"
	mostLittle = 20 // mails of hers with one Message-ID
)

// A mailbox is an account that is open for reading.
type mailbox struct {
	post   *Post
	client *imapclient.Client
	conn   net.Conn
	stop   func() bool
	host   string
	news   chan struct{} // told when the server says that there is something new
	sent   string        // name of the mailbox of mails sent, "" if there is none
	junk   string        // likewise of what her host takes for junk, where answers land too
	open   string        // which is selected
	dead   bool
}

// Mailbox implements [channel.Post].
func (p *Post) Mailbox(ctx context.Context, a channel.Account) (_ channel.Mailbox, err error) {
	conn, err := p.dial(ctx, a.Receive, toReceive)
	if err != nil {
		return nil, err
	}
	m := &mailbox{post: p, conn: conn, host: a.Receive.Host, news: make(chan struct{}, 1)}
	m.stop = context.AfterFunc(ctx, func() { conn.Close() })
	defer func() {
		if err != nil {
			m.stop()
			conn.Close()
		}
	}()
	options := &imapclient.Options{TLSConfig: p.tls(a.Receive), UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil {
				select {
				case m.news <- struct{}{}:
				default:
				}
			}
		}}}
	done := m.guard()
	defer done()
	if a.Receive.TLS == channel.StartTLS {
		m.client, err = imapclient.NewStartTLS(conn, options)
		var said *imap.Error
		if errors.As(err, &said) || err != nil && strings.Contains(err.Error(), "STARTTLS") {
			return nil, told(channel.ErrAccount, "%s at port %d offers no STARTTLS, and nothing is sent without", "try tls at port 993", a.Receive.Host, a.Receive.Port)
		}
		if err != nil {
			return nil, badTLS(err, a.Receive, toReceive)
		}
	} else {
		m.client = imapclient.New(conn, options)
	}
	if err := m.client.WaitGreeting(); err != nil {
		return nil, told(channel.ErrAccount, "%s at port %d doesn't answer as a mailbox does", "receiving goes to the port for IMAP: 993 with tls, 143 with starttls", a.Receive.Host, a.Receive.Port)
	}
	user := a.User
	if user == "" {
		user = a.Address
	}
	if err := m.client.Login(user, string(a.Password)).Wait(); err != nil {
		var said *imap.Error
		if errors.As(err, &said) {
			return nil, told(channel.ErrAccount, "%s refuses your user name or password", "many providers want a password made for this app, and IMAP switched on in their settings: do that, then set the account again: firsthand mail account", a.Receive.Host)
		}
		return nil, m.lost(err)
	}
	return m, m.folders()
}

// guard closes the connection if a step takes too long; the result ends that.
func (m *mailbox) guard() (done func()) {
	timer := time.AfterFunc(5*m.post.patience(), func() { m.conn.Close() })
	return func() { timer.Stop() }
}

// lost is the error of a connection that ended, or a server that can't do what is
// asked of it.
func (m *mailbox) lost(err error) error {
	var said *imap.Error
	if errors.As(err, &said) {
		return told(channel.ErrAccount, "the mailbox at %s answers: %s", "this is tried again", m.host, channel.Clean(said.Text))
	}
	m.dead = true
	return told(channel.ErrAccount, "the connection with the mailbox at %s was lost", "this is tried again", m.host)
}

// sentNames are those under which hosts keep what was sent, where they don't say it.
var sentNames = []string{"Sent", "INBOX.Sent", "Sent Items", "Sent Messages", "Gesendet", "Gesendete Objekte", "Envoyés", "Verzonden", "Enviados"}

var junkNames = []string{"Junk", "INBOX.Junk", "Spam", "INBOX.Spam", "Junk E-mail"}

// folders finds out what the mailboxes are called.
func (m *mailbox) folders() error {
	special := m.client.Caps().Has(imap.CapSpecialUse)
	var options *imap.ListOptions
	if special {
		options = &imap.ListOptions{ReturnSpecialUse: true}
	}
	list := m.client.List("", "*", options)
	var names []string
	for n := 0; ; n++ {
		d := list.Next()
		if d == nil {
			break
		}
		if n > 10_000 || slices.Contains(d.Attrs, imap.MailboxAttrNoSelect) {
			continue
		}
		names = append(names, d.Mailbox)
		if slices.Contains(d.Attrs, imap.MailboxAttrSent) {
			m.sent = d.Mailbox
		}
		if slices.Contains(d.Attrs, imap.MailboxAttrJunk) {
			m.junk = d.Mailbox
		}
	}
	if err := list.Close(); err != nil {
		return m.lost(err)
	}
	for at, known := range map[*string][]string{&m.sent: sentNames, &m.junk: junkNames} {
		for _, name := range known {
			if *at == "" && slices.Contains(names, name) {
				*at = name
			}
		}
	}
	return nil
}

func (m *mailbox) use(name string) (*imap.SelectData, error) {
	d, err := m.client.Select(name, nil).Wait()
	if err != nil {
		m.open = ""
		return nil, m.lost(err)
	}
	m.open = name
	return d, nil
}

// search returns the mails of a mailbox with a Message-ID.
func (m *mailbox) search(name string, id channel.MessageID) ([]imap.UID, error) {
	if _, err := m.use(name); err != nil {
		return nil, err
	}
	d, err := m.client.UIDSearch(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: id.Local()}}}, nil).Wait()
	if err != nil {
		return nil, m.lost(err)
	}
	return d.AllUIDs(), nil
}

// Find implements [channel.Mailbox].
func (m *mailbox) Find(id channel.MessageID) (bool, error) {
	defer m.guard()()
	for _, name := range []string{m.sent, inboxName, m.junk} {
		if name == "" {
			continue
		}
		if uids, err := m.search(name, id); err != nil || len(uids) > 0 {
			return len(uids) > 0, err
		}
	}
	return false, nil
}

// File implements [channel.Mailbox]. A crash between its steps leaves what the next
// call finds: moving is one step, and what is there is not put there again.
func (m *mailbox) File(id channel.MessageID, raw []byte) error {
	defer m.guard()()
	if m.sent == "" {
		if err := m.client.Create("Sent", nil).Wait(); err != nil {
			return m.lost(err)
		}
		m.sent = "Sent"
	}
	there, err := m.search(m.sent, id)
	if err != nil {
		return err
	}
	for _, from := range []string{inboxName, m.junk} {
		if from == "" {
			continue
		}
		came, err := m.search(from, id)
		if err != nil {
			return err
		}
		if len(came) == 0 || len(came) > mostLittle {
			continue
		}
		// Without MOVE, and without UIDPLUS to remove only these, it stays where it is:
		// nothing else of hers is ever touched.
		if len(there) > 0 || !m.client.Caps().Has(imap.CapMove) && !m.client.Caps().Has(imap.CapUIDPlus) {
			continue
		}
		set := imap.UIDSetNum(came[0])
		if err := m.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close(); err != nil {
			return m.lost(err)
		}
		if _, err := m.client.Move(set, m.sent).Wait(); err != nil {
			return m.lost(err)
		}
		return nil
	}
	if len(there) > 0 {
		return nil
	}
	put := m.client.Append(m.sent, int64(len(raw)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}})
	if _, err := put.Write(raw); err != nil {
		return m.lost(err)
	}
	if err := put.Close(); err != nil {
		return m.lost(err)
	}
	if _, err := put.Wait(); err != nil {
		return m.lost(err)
	}
	return nil
}

// A cursor says up to where each mailbox was read.
type cursor map[string]place

type place struct {
	Mailbox  string `json:"mailbox"`
	Validity uint32 `json:"validity"` // the numbering that Next belongs to
	Next     uint32 `json:"next"`
}

// News implements [channel.Mailbox].
func (m *mailbox) News(at string, wanted func(channel.Header) (bool, error), take func(channel.Header, io.Reader) error) (string, error) {
	c := make(cursor)
	var places []place
	if at != "" && firsthand.ParseJSON([]byte(at), &places) == nil { // else it is only where to begin
		for _, p := range places {
			c[p.Mailbox] = p
		}
	}
	select {
	case <-m.news: // what it told of is read now
	default:
	}
	var errs error
	for _, name := range []string{m.junk, inboxName} { // which stays open, for Wait
		if name == "" {
			continue
		}
		if errs = m.read(name, at == "", c, wanted, take); errs != nil {
			break
		}
	}
	places = nil
	for _, name := range slices.Sorted(maps.Keys(c)) {
		places = append(places, c[name])
	}
	return string(firsthand.EncodeJSON(places)), errs
}

// read shows what is new in one mailbox, and moves its place in c.
func (m *mailbox) read(name string, fresh bool, c cursor, wanted func(channel.Header) (bool, error), take func(channel.Header, io.Reader) error) error {
	done := m.guard()
	d, err := m.use(name)
	done()
	if err != nil {
		return err
	}
	was, known := c[name]
	switch next := uint32(d.UIDNext); {
	case !known && fresh:
		c[name] = place{name, d.UIDValidity, max(1, next)}
		return nil
	case !known || was.Validity != d.UIDValidity:
		was = place{name, d.UIDValidity, 1}
		if next > lookBack {
			was.Next = next - lookBack
		}
	}
	c[name] = was
	done = m.guard()
	var all imap.UIDSet
	all.AddRange(imap.UID(max(1, was.Next)), 0)
	found, err := m.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{all}}, nil).Wait()
	done()
	if err != nil {
		return m.lost(err)
	}
	uids := slices.DeleteFunc(found.AllUIDs(), func(u imap.UID) bool { return uint32(u) < was.Next }) // n:* always has the last one
	slices.Sort(uids)
	for batch := range slices.Chunk(uids, headBatch) {
		heads, err := m.heads(batch)
		if err != nil {
			return err
		}
		for _, uid := range batch {
			if h, ok := heads[uid]; ok {
				want, err := wanted(h)
				if err == nil && want {
					err = m.whole(uid, h, take)
				}
				if err != nil {
					return err
				}
			}
			c[name] = place{name, was.Validity, uint32(uid) + 1}
		}
	}
	return nil
}

// heads reads the headers of some mails. Those that are gone are left out.
func (m *mailbox) heads(uids []imap.UID) (map[imap.UID]channel.Header, error) {
	defer m.guard()()
	section := &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, Peek: true, Partial: &imap.SectionPartial{Size: mail.MaxHeader}}
	cmd := m.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{section}})
	heads := make(map[imap.UID]channel.Header)
	for {
		data := cmd.Next()
		if data == nil {
			break
		}
		var uid imap.UID
		var h channel.Header
		for item := data.Next(); item != nil; item = data.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataUID:
				uid = item.UID
			case imapclient.FetchItemDataRFC822Size:
				h.Size = item.Size
			case imapclient.FetchItemDataInternalDate:
				h.Came = item.Time
			case imapclient.FetchItemDataBodySection:
				if item.Literal == nil {
					continue
				}
				raw, err := io.ReadAll(io.LimitReader(item.Literal, mail.MaxHeader))
				if err == nil {
					_, err = io.Copy(io.Discard, item.Literal)
				}
				if err != nil {
					return nil, m.lost(err)
				}
				h.Raw = raw
			}
		}
		if slices.Contains(uids, uid) && h.Raw != nil {
			heads[uid] = h
		}
	}
	if err := cmd.Close(); err != nil {
		return nil, m.lost(err)
	}
	return heads, nil
}

// whole gives one mail to take, as a stream.
func (m *mailbox) whole(uid imap.UID, h channel.Header, take func(channel.Header, io.Reader) error) (err error) {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: mail.MaxMail}}
	cmd := m.client.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
	taken := false
	for data := cmd.Next(); data != nil; data = cmd.Next() {
		for item := data.Next(); item != nil; item = data.Next() {
			body, ok := item.(imapclient.FetchItemDataBodySection)
			if !ok || body.Literal == nil {
				continue
			}
			if !taken && err == nil {
				taken = true
				err = take(h, &exact{body.Literal, body.Literal.Size()})
			}
			if _, cerr := io.Copy(io.Discard, body.Literal); cerr != nil && err == nil {
				err = m.lost(cerr)
			}
		}
	}
	if cerr := cmd.Close(); cerr != nil && err == nil {
		err = m.lost(cerr)
	}
	return err
}

// An exact reader fails if less comes than was promised: half a mail is none.
type exact struct {
	io.Reader
	left int64
}

func (e *exact) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if e.left -= int64(n); err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Wait implements [channel.Mailbox].
func (m *mailbox) Wait(ctx context.Context) error {
	idles := m.client.Caps().Has(imap.CapIdle)
	longest := plainPoll
	if idles {
		longest = idlePoll
	}
	if m.post.Poll > 0 {
		longest = m.post.Poll
	}
	timer := time.NewTimer(longest)
	defer timer.Stop()
	if m.open != inboxName {
		done := m.guard()
		_, err := m.use(inboxName)
		done()
		if err != nil {
			return err
		}
	}
	if !idles {
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		return ctx.Err()
	}
	idle, err := m.client.Idle()
	if err != nil {
		return m.lost(err)
	}
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-m.news:
	case <-m.client.Closed():
	}
	defer m.guard()()
	if err := errors.Join(idle.Close(), idle.Wait()); err != nil {
		return m.lost(err)
	}
	return ctx.Err()
}

// Close implements [channel.Mailbox].
func (m *mailbox) Close() error {
	defer m.stop()
	if !m.dead {
		done := m.guard()
		m.client.Logout().Wait() // a courtesy
		done()
	}
	return m.client.Close()
}
