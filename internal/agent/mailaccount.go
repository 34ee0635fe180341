package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// A Mailing carries mails and reads those that come. *mail.Post is the one for real
// use.
type Mailing interface {
	channel.Post
	channel.Reader
}

// MailChannel is the name of the channel by which entries go as mails.
const MailChannel = "mail"

// Names of settings about mail.
const (
	accountSetting   = "mail_account"
	addressesSetting = "mail_addresses" // of companies, as she typed them
	rulesSetting     = "mail_rules"
	cursorSetting    = "mail_cursor"
	copiesSetting    = "mail_copies" // "yes" once a copy of a mail of hers was found in the account
)

// mailing is what is known of her account while the program runs.
type mailing struct {
	mu      sync.Mutex
	once    sync.Once
	send    chan struct{} // told when there may be mails to send
	fetch   chan struct{} // told when the mailbox is to be opened anew
	sending problem       // guarded by mu, as is the next
	reading problem
	checked time.Time // when the mailbox was last read to its end
	working sync.Mutex
}

// A problem keeps all mails of an account from going or coming.
type problem struct {
	tries   int
	failure string
	next    time.Time
}

func (m *mailing) init() {
	m.once.Do(func() { m.send, m.fetch = make(chan struct{}, 1), make(chan struct{}, 1) })
}

func (m *mailing) wake() {
	m.init()
	for _, c := range []chan struct{}{m.send, m.fetch} {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// A MailState is how her account fares.
type MailState struct {
	Account channel.Account // without its password
	Sending string          // what keeps mails from going, and what to do; "" for nothing
	Reading string          // likewise from coming
	NextTry time.Time       // of the first of the two that has a problem
	Checked time.Time       // when the mailbox was last read
	Waiting int             // mails to be sent
	Unsure  int             // mails of which nobody knows whether they left
}

// account returns her mail account with its password; [fault.NotExist] if she has set
// none.
func (a *Agent) account(ctx context.Context) (acc channel.Account, err error) {
	text, err := a.Store.Setting(ctx, accountSetting)
	if err != nil {
		return acc, err
	}
	if text == "" || a.Mail == nil {
		return acc, fault.Tell(fault.NotExist, "you have set no mail account", "firsthand mail account ADDRESS")
	}
	return acc, firsthand.ParseJSON([]byte(text), &acc)
}

// MailState returns how her account fares; [fault.NotExist] if she has set none.
func (a *Agent) MailState(ctx context.Context) (s MailState, err error) {
	if s.Account, err = a.account(ctx); err != nil {
		return s, err
	}
	s.Account.Password = ""
	mails, err := a.Store.Mails(ctx, MailQuery{})
	if err != nil {
		return s, err
	}
	for _, m := range mails {
		switch m.State {
		case MailWaiting, MailSending:
			s.Waiting++
		case MailUnsure:
			s.Unsure++
		}
	}
	a.mailing.mu.Lock()
	defer a.mailing.mu.Unlock()
	s.Sending, s.Reading, s.Checked = a.mailing.sending.failure, a.mailing.reading.failure, a.mailing.checked
	s.NextTry = a.mailing.sending.next
	if s.NextTry.IsZero() {
		s.NextTry = a.mailing.reading.next
	}
	return s, nil
}

// SetMailAccount notes her account, in place of the one before. Without a password
// the one that is known stays, as long as it goes to the same hosts for the same user.
func (a *Agent) SetMailAccount(ctx context.Context, acc channel.Account) error {
	if a.Mail == nil {
		return fmt.Errorf("%w: nothing carries mails here", fault.Internal)
	}
	if _, err := a.Mail.Write(channel.Posted{ID: "a@b.example", From: acc.Address, To: acc.Address}); err != nil {
		return err
	}
	for what, s := range map[string]*channel.Server{"sending": &acc.Submit, "receiving": &acc.Receive} {
		s.Host = strings.ToLower(strings.TrimSpace(s.Host))
		if s.Host == "" || len(s.Host) > 253 || strings.ContainsAny(s.Host, " /@\\\t\r\n") {
			return fault.Tell(fault.Invalid, "the host for "+what+" is missing, or is none", "it stands in the settings of your mail provider, such as mail.example.org")
		}
		if s.Port < 1 || s.Port > 65535 {
			return fault.Tell(fault.Invalid, fmt.Sprintf("there is no port %d", s.Port), "465 to send and 993 to receive, with tls")
		}
		if s.TLS != channel.Implicit && s.TLS != channel.StartTLS {
			return fault.Tell(fault.Invalid, "a mail server is reached with tls or starttls", "nothing goes without")
		}
	}
	old, err := a.account(ctx)
	if err != nil && fault.KindOf(err) != fault.NotExist {
		return err
	}
	if acc.Password == "" {
		if old.Password == "" || old.Submit != acc.Submit || old.Receive != acc.Receive || cmp.Or(old.User, old.Address) != cmp.Or(acc.User, acc.Address) {
			return fault.Tell(fault.Invalid, "the password is missing", "it is asked for anew when hosts or user change, so that it goes nowhere else")
		}
		acc.Password = old.Password
	}
	if err := checkPassword(string(acc.Password)); err != nil {
		return err
	}
	settings := map[string]string{accountSetting: string(firsthand.EncodeJSON(acc))}
	if old.Receive != acc.Receive || old.User != acc.User || old.Address != acc.Address {
		settings[cursorSetting], settings[copiesSetting] = "", ""
	}
	if err := a.Store.Commit(ctx, Commit{Settings: settings}); err != nil {
		return err
	}
	a.mailing.mu.Lock()
	a.mailing.sending, a.mailing.reading, a.mailing.checked = problem{}, problem{}, time.Time{}
	a.mailing.mu.Unlock()
	a.mailing.wake()
	return nil
}

func checkPassword(p string) error {
	if len(p) > 1000 || strings.ContainsAny(p, "\x00\r\n") {
		return fault.Tell(fault.Invalid, "this is no password of a mail account", "one line")
	}
	return nil
}

// DropMailAccount forgets her account with its password. Mails that wait stay, and go
// nowhere.
func (a *Agent) DropMailAccount(ctx context.Context) error {
	err := a.Store.Commit(ctx, Commit{Settings: map[string]string{accountSetting: "", cursorSetting: "", copiesSetting: ""}})
	a.mailing.wake()
	return err
}

// CheckMailAccount opens her account both ways, sends and reads nothing, and says what
// is wrong and what to do.
func (a *Agent) CheckMailAccount(ctx context.Context) error {
	acc, err := a.account(ctx)
	if err != nil {
		return err
	}
	s, serr := a.Mail.Submit(ctx, acc)
	if serr == nil {
		serr = s.Close()
	}
	m, merr := a.Mail.Mailbox(ctx, acc)
	if merr == nil {
		merr = m.Close()
	}
	a.mailing.mu.Lock()
	if serr == nil {
		a.mailing.sending = problem{}
	}
	if merr == nil {
		a.mailing.reading = problem{}
	}
	a.mailing.mu.Unlock()
	a.mailing.wake()
	return errors.Join(serr, merr)
}

// MailAddress returns where she writes to a company: the address that she typed, else
// that which a directory lists; "" for none. typed says which.
func (a *Agent) MailAddress(ctx context.Context, domain string) (address string, typed bool, err error) {
	host, err := hostOf(domain)
	if err != nil {
		return "", false, err
	}
	all, err := a.addresses(ctx)
	if err != nil {
		return "", false, err
	}
	if address = all[CompanyKey(host)]; address != "" {
		return address, true, nil
	}
	to, err := a.to(ctx, CompanyKey(host), "")
	return to.Email, false, err
}

// SetMailAddress says where she writes to a company; "" takes that back.
func (a *Agent) SetMailAddress(ctx context.Context, domain, address string) error {
	host, err := hostOf(domain)
	if err != nil {
		return err
	}
	if a.Mail == nil {
		return fmt.Errorf("%w: nothing carries mails here", fault.Internal)
	}
	address = strings.TrimSpace(address)
	if address != "" {
		if _, err := a.Mail.Write(channel.Posted{ID: "a@b.example", From: address, To: address}); err != nil {
			return err
		}
	}
	all, err := a.addresses(ctx)
	if err != nil {
		return err
	}
	all[CompanyKey(host)] = address
	var rows []mailAddress
	for _, domain := range slices.Sorted(maps.Keys(all)) {
		if all[domain] != "" {
			rows = append(rows, mailAddress{domain, all[domain]})
		}
	}
	text := ""
	if len(rows) > 0 {
		text = string(firsthand.EncodeJSON(rows))
	}
	return a.Store.Commit(ctx, Commit{Settings: map[string]string{addressesSetting: text}})
}

// A mailAddress is where she writes to a company.
type mailAddress struct {
	Domain  string `json:"domain"` // the company's key
	Address string `json:"address"`
}

// addresses returns those that she typed, by company.
func (a *Agent) addresses(ctx context.Context) (all map[string]string, err error) {
	all = make(map[string]string)
	text, err := a.Store.Setting(ctx, addressesSetting)
	if err != nil || text == "" {
		return all, err
	}
	var rows []mailAddress
	err = firsthand.ParseJSON([]byte(text), &rows)
	for _, r := range rows {
		all[r.Domain] = r.Address
	}
	return all, err
}
