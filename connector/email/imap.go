package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"firsthand/fault"
	"firsthand/internal/mail"
)

// Limits of what a mail host may do.
const (
	patience = 30 * time.Second // for one step
	batch    = 200              // mails that are asked for at once
	maxWhole = 8 << 20          // bytes of a mail that are read
)

// A session is a connection to the mailbox, used by one call at a time.
type session struct {
	client *imapclient.Client
	conn   net.Conn
	sent   string // the folder of mails sent, "" if there is none
	folder string // the one in use
	number uint32 // its numbering
	used   bool   // by a call before: it may have ended since
}

// with calls f with a session. Where one that was used before turns out to have ended, f
// is called once more, with a new one.
func (m *Mailbox) with(ctx context.Context, f func(*session) error) error {
	select {
	case m.lock <- struct{}{}:
	case <-ctx.Done():
		return m.failed(ctx, ctx.Err())
	}
	defer func() { <-m.lock }()
	for {
		if err := ctx.Err(); err != nil {
			return m.failed(ctx, err)
		}
		s, err := m.session(ctx)
		if err != nil {
			return m.failed(ctx, err)
		}
		stop := context.AfterFunc(ctx, func() { s.conn.Close() })
		err = f(s)
		stop()
		if err == nil {
			s.used = true
			return nil
		}
		_, said := errors.AsType[*imap.Error](err)
		if ours := fault.KindOf(err); ours == fault.NotExist || ours == fault.Conflict || ours == fault.Invalid {
			s.used = true
			return err
		}
		s.conn.Close()
		m.now = nil
		if !said && s.used && ctx.Err() == nil {
			continue
		}
		return m.failed(ctx, err)
	}
}

// failed is the error of a mailbox that can't be used now.
func (m *Mailbox) failed(ctx context.Context, err error) error {
	if err == nil || fault.KindOf(err) == fault.Denied {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", fault.Unavailable, ctx.Err())
	}
	said, ok := errors.AsType[*imap.Error](err)
	switch {
	case !ok:
		return fmt.Errorf("%w: the mailbox at %s: %w", fault.Unavailable, m.cfg.Host, err)
	case said.Code == imap.ResponseCodeOverQuota:
		return fault.Tell(fault.Unavailable, "the mailbox is full", "make room, and what waits is put there")
	}
	return fault.Tell(fault.Unavailable, "the mailbox answers: "+mail.Clean(said.Text), "its log should say why")
}

// session returns the connection that is open, or opens one.
func (m *Mailbox) session(ctx context.Context) (*session, error) {
	if m.now != nil {
		return m.now, nil
	}
	s, err := m.connect(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { s.conn.Close() })
	defer stop()
	if err = m.login(s); err == nil {
		err = m.folders(s)
	}
	if err != nil {
		s.conn.Close()
		return nil, err
	}
	m.now = s
	return s, nil
}

func (m *Mailbox) connect(ctx context.Context) (*session, error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", net.JoinHostPort(m.cfg.Host, strconv.Itoa(m.cfg.Port)))
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer s.step()()
	options := &imapclient.Options{TLSConfig: &tls.Config{ServerName: m.cfg.Host, RootCAs: m.cfg.Roots, MinVersion: tls.VersionTLS12}}
	switch m.cfg.TLS {
	case "tls":
		s.client = imapclient.New(tls.Client(conn, options.TLSConfig), options)
	case "starttls":
		if s.client, err = imapclient.NewStartTLS(conn, options); err != nil {
			conn.Close()
			return nil, err
		}
	default:
		s.client = imapclient.New(conn, options)
	}
	if err := s.client.WaitGreeting(); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// step closes the connection if a step takes too long; the result ends that.
func (s *session) step() (done func()) {
	timer := time.AfterFunc(patience, func() { s.conn.Close() })
	return func() { timer.Stop() }
}

func (m *Mailbox) login(s *session) error {
	defer s.step()()
	err := s.client.Login(m.cfg.User, m.password).Wait()
	said, ok := errors.AsType[*imap.Error](err)
	// A host that can't look passwords up now says so, one that doesn't know this one says
	// that, or nothing in particular.
	if ok && said.Type == imap.StatusResponseTypeNo && slices.Contains([]imap.ResponseCode{"", imap.ResponseCodeAuthenticationFailed, imap.ResponseCodeAuthorizationFailed, imap.ResponseCodeExpired, imap.ResponseCodePrivacyRequired}, said.Code) {
		return fault.Tell(fault.Denied, "the mailbox refuses user or password", "compare user and password_file; many hosts want a password made for a program, and IMAP switched on")
	}
	return err
}

// sentNames are those under which hosts keep what was sent, where they don't say it.
var sentNames = []string{"Sent", "INBOX.Sent", "Sent Items", "Sent Messages", "Gesendet", "Gesendete Objekte", "Envoy&AOk-s", "Verzonden", "Enviados"}

// folders makes those of ours that are missing, and finds the one of mails sent.
func (m *Mailbox) folders(s *session) error {
	list, err := s.list()
	if err != nil {
		return err
	}
	defer s.step()()
	there := map[string]bool{}
	for _, d := range list {
		there[d.Mailbox] = true
		if slices.Contains(d.Attrs, imap.MailboxAttrSent) && s.sent == "" {
			s.sent = d.Mailbox
		}
	}
	for _, name := range sentNames {
		if s.sent == "" && there[name] {
			s.sent = name
		}
	}
	if m.cfg.Sent != "" {
		s.sent = m.cfg.Sent
	}
	for _, name := range []string{m.cfg.Folder, m.cfg.Done, m.cfg.Journal} {
		if there[name] {
			continue
		}
		if err := s.client.Create(name, nil).Wait(); err != nil {
			if said, ok := errors.AsType[*imap.Error](err); !ok || said.Code != imap.ResponseCodeAlreadyExists { // another gateway was quicker
				return err
			}
		}
		if name != m.cfg.Journal { // people see what they have subscribed to
			if err := s.client.Subscribe(name).Wait(); err != nil {
				return err
			}
		}
	}
	return nil
}

// list returns the folders that can be opened.
func (s *session) list() ([]*imap.ListData, error) {
	defer s.step()()
	var options *imap.ListOptions
	if s.client.Caps().Has(imap.CapSpecialUse) {
		options = &imap.ListOptions{ReturnSpecialUse: true}
	}
	list, err := s.client.List("", "*", options).Collect()
	return slices.DeleteFunc(list, func(d *imap.ListData) bool {
		return slices.Contains(d.Attrs, imap.MailboxAttrNoSelect) || slices.Contains(d.Attrs, imap.MailboxAttrNonExistent)
	}), err
}

// use opens a folder, and says how it is now.
func (s *session) use(name string) (*imap.SelectData, error) {
	defer s.step()()
	s.folder = ""
	d, err := s.client.Select(name, nil).Wait()
	if err == nil && (d.UIDNext == 0 || d.UIDValidity == 0) {
		err = fault.Tell(fault.Invalid, "the mail host doesn't say how it numbers mails", "it needs IMAP with UIDNEXT and UIDVALIDITY (RFC 3501)")
	}
	if err == nil {
		s.folder, s.number = name, d.UIDValidity
	}
	return d, err
}

// still reports whether a folder is in use, by a numbering, and has the host say what has
// come into it since: to open a large one again may take it seconds.
func (s *session) still(name string, number uint32) (bool, error) {
	if s.folder != name || s.number != number {
		return false, nil
	}
	defer s.step()()
	return true, s.client.Noop().Wait()
}

// isQuiet reports whether nothing has come into a folder after a mail, without opening it.
// Where the host doesn't say, it hasn't said that.
func (s *session) isQuiet(last place) (bool, error) {
	if s.folder == last.Folder || last.UID == 0 {
		return false, nil
	}
	defer s.step()()
	d, err := s.client.Status(last.Folder, &imap.StatusOptions{UIDNext: true, UIDValidity: true}).Wait()
	if _, said := errors.AsType[*imap.Error](err); said {
		return false, nil
	}
	return err == nil && d.UIDValidity == last.Validity && d.UIDNext > 0 && uint32(d.UIDNext)-1 <= last.UID, err
}

// in opens a folder that isn't open, for mails that are known: a host may have to look
// through a large one each time.
func (s *session) in(name string) error {
	if s.folder == name {
		return nil
	}
	_, err := s.use(name)
	return err
}

// search returns the mails of the folder in use that fit, by number.
func (s *session) search(c *imap.SearchCriteria) ([]imap.UID, error) {
	defer s.step()()
	d, err := s.client.UIDSearch(c, nil).Wait()
	if err != nil {
		return nil, err
	}
	uids := d.AllUIDs()
	slices.Sort(uids)
	return uids, nil
}

// named are the mails whose header has a text in a field.
func named(field, text string) *imap.SearchCriteria {
	return &imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: field, Value: text}}}
}

// put puts a mail into a folder.
func (s *session) put(folder string, raw []byte, flags ...imap.Flag) error {
	defer s.step()()
	put := s.client.Append(folder, int64(len(raw)), &imap.AppendOptions{Flags: flags})
	if _, err := put.Write(raw); err != nil {
		return err
	}
	if err := put.Close(); err != nil {
		return err
	}
	_, err := put.Wait()
	return err
}

// move moves mails of the folder in use, if the host can do that with these alone.
func (s *session) move(uids []imap.UID, to string) error {
	if len(uids) == 0 || !s.client.Caps().Has(imap.CapMove) && !s.client.Caps().Has(imap.CapUIDPlus) {
		return nil
	}
	defer s.step()()
	_, err := s.client.Move(imap.UIDSetNum(uids...), to).Wait()
	return err
}

// unflag takes the flag from mails of the folder in use.
func (s *session) unflag(set imap.UIDSet) error {
	defer s.step()()
	return s.client.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsDel, Silent: true, Flags: []imap.Flag{imap.FlagFlagged}}, nil).Close()
}

// A fetched is a mail of the folder in use, or its header.
type fetched struct {
	uid  imap.UID
	came time.Time
	raw  []byte
}

// Parts of mails that are asked for.
var (
	headers = &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, Peek: true, Partial: &imap.SectionPartial{Size: mail.MaxHeader}}
	whole   = &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: maxWhole}}
	names   = &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Message-ID"}, Peek: true}
)

// fetch returns mails of the folder in use, oldest first. Those that are gone are left out.
func (s *session) fetch(set imap.UIDSet, part *imap.FetchItemBodySection) (all []fetched, err error) {
	defer s.step()()
	cmd := s.client.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true, BodySection: []*imap.FetchItemBodySection{part}})
	for data := cmd.Next(); data != nil; data = cmd.Next() {
		var one fetched
		for item := data.Next(); item != nil; item = data.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataUID:
				one.uid = item.UID
			case imapclient.FetchItemDataInternalDate:
				one.came = item.Time
			case imapclient.FetchItemDataBodySection:
				if item.Literal == nil {
					continue
				}
				var b bytes.Buffer
				n, err := io.Copy(&b, item.Literal)
				if err == nil && n < item.Literal.Size() {
					err = io.ErrUnexpectedEOF
				}
				if err != nil {
					return nil, err
				}
				one.raw = b.Bytes()
			}
		}
		if one.uid != 0 && one.raw != nil {
			all = append(all, one)
		}
	}
	if err := cmd.Close(); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b fetched) int { return int(a.uid) - int(b.uid) })
	return all, nil
}

// inBatches calls f with the mails of uids, some at a time.
func (s *session) inBatches(uids []imap.UID, part *imap.FetchItemBodySection, f func(fetched) error) error {
	for some := range slices.Chunk(uids, batch) {
		all, err := s.fetch(imap.UIDSetNum(some...), part)
		if err != nil {
			return err
		}
		for _, one := range all {
			if err := f(one); err != nil {
				return err
			}
		}
	}
	return nil
}
