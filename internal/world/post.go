package world

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/mail"
)

// A post is all mail of the world, by whomever it was sent: one folder, with one
// file for each mail, as it was delivered. Above what its sender wrote stand the
// lines of the host that took it: to which addresses it went, when, and what that
// host thinks of where it comes from. Mailboxes are made of these files, so that one
// mail lies in all of them or in none, whatever crashes.
type post struct {
	dir string
	now func() time.Time

	mu    sync.Mutex // held while a mail is delivered; guards what follows
	mails []*Mail    // as they came
	heard func(*Mail)
	shut  bool // nothing is delivered any more
}

// A Mail was delivered. What is exported of it never changes.
type Mail struct {
	Name    string   // of its file
	To      []string // addresses to which it was delivered
	From    string   // address
	At      time.Time
	Subject string
	Text    string
	ID      string // its Message-ID
	Of      string // the Message-ID of the mail that it answers
	Auto    bool   // nobody wrote it
	Raw     []byte

	quiet bool // the visitor wants nobody to answer it
}

// Names of files: of a mail, and beside it of the wish that nobody answers.
const mailEnd, quietEnd = ".eml", ".quiet"

// maxPosted bounds one mail.
const maxPosted = 20 << 20

func openPost(dir string, now func() time.Time) (*post, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	p := &post{dir: dir, now: now}
	names, err := filepath.Glob(filepath.Join(dir, "*"+mailEnd))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		m, err := readMail(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		m.Name = strings.TrimSuffix(filepath.Base(name), mailEnd)
		_, err = os.Stat(filepath.Join(dir, m.Name+quietEnd))
		m.quiet = err == nil
		p.mails = append(p.mails, m)
	}
	return p, nil
}

// readMail reads a mail with the lines of the host that took it.
func readMail(raw []byte) (*Mail, error) {
	var reader mail.Post
	head := channel.Header{Raw: raw}
	heard := reader.Heard(head, mailHostName)
	m := &Mail{To: reader.Values(head, "Delivered-To"), From: heard.Address, Subject: heard.Subject, ID: string(heard.ID), Raw: raw, Auto: heard.Auto || heard.Bounce}
	if n := len(heard.Thread); n > 0 {
		m.Of = string(heard.Thread[n-1])
	}
	_, day, _ := strings.Cut(strings.Join(reader.Values(head, "Received"), ""), ";")
	var err error
	if m.At, err = time.Parse(time.RFC1123Z, strings.TrimSpace(day)); err != nil {
		return nil, err
	}
	got, err := reader.Read(bytes.NewReader(raw), func(file io.Reader) (firsthand.Blob, error) {
		_, err := io.Copy(io.Discard, file)
		return firsthand.Blob{}, err
	})
	m.Text = got.Text
	return m, err
}

// deliver puts a mail into the mailboxes of addresses. thinks is what the host says
// of where it comes from, as in Authentication-Results; "" for nothing.
func (p *post) deliver(from string, to []string, thinks string, raw []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return fmt.Errorf("the post is closed: %w", fault.Unavailable)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Return-Path: <%s>\r\n", from)
	for _, a := range to {
		fmt.Fprintf(&b, "Delivered-To: %s\r\n", a)
	}
	fmt.Fprintf(&b, "Received: by %s; %s\r\n", mailHostName, p.now().Format(time.RFC1123Z))
	if thinks != "" {
		fmt.Fprintf(&b, "Authentication-Results: %s;\r\n %s\r\n", mailHostName, thinks)
	}
	b.Write(raw)
	m, err := readMail(b.Bytes())
	if err != nil {
		return err
	}
	m.Name = fmt.Sprintf("%06d", p.last()+1)
	path := filepath.Join(p.dir, m.Name)
	if err := errors.Join(os.WriteFile(path+".new", m.Raw, 0o600), os.Rename(path+".new", path+mailEnd)); err != nil {
		return err
	}
	p.mails = append(p.mails, m)
	if p.heard != nil {
		p.heard(m)
	}
	return nil
}

// close ends all deliveries, whoever still holds on to the post.
func (p *post) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
}

// last is the number of the last mail. The caller holds p.mu.
func (p *post) last() int {
	if len(p.mails) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(p.mails[len(p.mails)-1].Name)
	return n
}

// all returns all mails.
func (p *post) all() []*Mail {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.mails)
}

// find returns a mail by its name.
func (p *post) find(name string) (*Mail, error) {
	for _, m := range p.all() {
		if m.Name == name {
			return m, nil
		}
	}
	return nil, fault.NotExist
}

// hush notes that nobody is to answer a mail.
func (p *post) hush(m *Mail) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m.quiet = true
	return os.WriteFile(filepath.Join(p.dir, m.Name+quietEnd), nil, 0o600)
}

// hushed reports whether that was noted.
func (p *post) hushed(m *Mail) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return m.quiet
}
