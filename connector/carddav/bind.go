package carddav

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"firsthand/connector"
	"firsthand/connector/remote"
	"firsthand/fault"
)

// maxFound is how many cards are looked at for one claim.
const maxFound = 20

// A Binding says how a customer proves which card is hers: by her number, and a code
// that the company's own mail brings to the address in the card.
type Binding struct {
	// Number is the line with the number that she knows: X-CUSTOMER-NUMBER. No fact
	// may have its place there.
	Number string `json:"number"`
	// Contact is the line with her address, as fields have it: EMAIL, of any type or
	// one. What a request has written there is no contact until staff has changed it.
	Contact Line `json:"contact"`
	// Mail is the account that sends.
	Mail remote.MailConfig `json:"mail"`
}

// A Line is a kind of line in a card.
type Line struct {
	Property string `json:"property"` // "EMAIL" if empty
	Type     string `json:"type"`
}

// An Office is a Book whose customers can prove which card is theirs.
type Office struct {
	*Book
	number  string
	contact Line
	mail    *remote.Mailer
}

func (b *Book) office(c Binding) (*Office, error) {
	o := &Office{Book: b, number: c.Number, contact: c.Contact}
	if o.contact.Property == "" {
		o.contact.Property = "EMAIL"
	}
	switch {
	case !strings.HasPrefix(c.Number, "X-") || !token(c.Number) || c.Number == property:
		return nil, fmt.Errorf("number is no property that begins with X-, in upper case")
	case slices.ContainsFunc(b.fields, func(f Field) bool { return f.Property == c.Number }):
		return nil, fmt.Errorf("number is also the place of a fact: then anybody could say that she has it")
	case o.contact.Property != "EMAIL" && !strings.HasPrefix(o.contact.Property, "X-") || !token(o.contact.Property) || o.contact.Type != "" && !token(o.contact.Type):
		return nil, fmt.Errorf("contact is neither EMAIL nor a property that begins with X-, with a type such as WORK, in upper case")
	}
	var err error
	o.mail, err = remote.NewMailer(c.Mail)
	return o, err
}

// Find implements [connector.Binder]: the cards with that number, to the letter.
func (o *Office) Find(ctx context.Context, c connector.Claim) ([]connector.Ref, error) {
	claim := c.Record
	if claim == "" || len(claim) > 200 || strings.TrimSpace(claim) != claim || strings.ContainsFunc(claim, unicode.IsControl) {
		return nil, ctx.Err()
	}
	ids, err := o.customer.with(ctx, o.number, claim)
	if err != nil {
		return nil, fmt.Errorf("find: %w", err)
	}
	var refs []connector.Ref
	for _, id := range ids[:min(len(ids), maxFound)] {
		card, err := o.customer.get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("find: %w", err)
		}
		if card != nil && card.first(o.number) == claim { // servers find what is like it, too
			refs = append(refs, o.ref(id, ""))
		}
	}
	return refs, nil
}

// with returns the cards in which a line is, or is like, a text.
func (s *shelf) with(ctx context.Context, name, text string) (ids []string, err error) {
	var escaped strings.Builder
	xml.EscapeText(&escaped, []byte(text))
	ask := `<?xml version="1.0" encoding="utf-8"?><C:addressbook-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><getetag/></prop>` +
		`<C:filter><C:prop-filter name="` + name + `"><C:text-match match-type="equals">` + escaped.String() + `</C:text-match></C:prop-filter></C:filter></C:addressbook-query>`
	a, err := s.client.Call(ctx, "REPORT", s.url, header(s.auth, "Depth", "1", "Content-Type", "application/xml; charset=utf-8"), []byte(ask))
	if err != nil {
		return nil, err
	}
	var m multistatus
	if err := s.status(a, &m); err != nil {
		return nil, err
	}
	for _, r := range m.Responses {
		if u, err := url.Parse(r.Href); err == nil && path.Dir(u.Path)+"/" == s.path && !strings.Contains(r.Status, fmt.Sprint(http.StatusNotFound)) {
			ids = append(ids, path.Base(u.Path))
		}
	}
	return ids, nil
}

// contactOf returns the address in a card that codes go to, "" if there is none: it
// is staff's word, and never what a request has written there.
func (o *Office) contactOf(id string, c *card, j *journal) string {
	for _, preferred := range []bool{true, false} {
		for i, l := range c.lines {
			types := l.types()
			if l.name != o.contact.Property || o.contact.Type != "" && !slices.Contains(types, o.contact.Type) || preferred != slices.Contains(types, "PREF") {
				continue
			}
			for _, f := range o.fields {
				if at := o.lines(c, f.Fact); len(at) > 0 && at[0] == i && j.Given[f.Fact] == hash(o.value(id, c, f)) {
					return ""
				}
			}
			return unescape(l.value)
		}
	}
	return ""
}

// Notify implements [connector.Binder]. That it was sent is noted in the card before
// it is: a crash in between sends nothing, and she asks for another code. If the mail
// host surely has not got it, the note is taken back.
func (o *Office) Notify(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
	sum := sha256.Sum256([]byte(m.ID))
	key := base64.RawURLEncoding.EncodeToString(sum[:12])
	var to, masked string
	var before bool
	err := o.customer.update(ctx, ref.ID, func(c *card) (*card, error) {
		if c == nil {
			return nil, fault.NotExist
		}
		j, err := journalOf(ref.ID, c)
		if err != nil {
			return nil, err
		}
		if j == nil {
			j = &journal{Record: ref.ID}
		}
		if masked, before = j.Sent[key]; before {
			return nil, nil
		}
		if to = o.contactOf(ref.ID, c, j); to == "" {
			return nil, fmt.Errorf("%w: no contact on record", fault.NotExist)
		}
		if j.Sent == nil {
			j.Sent = map[string]string{}
		}
		masked = connector.Mask(to)
		j.Sent[key] = masked
		return c, j.into(c)
	})
	if err == nil && !before {
		err = o.mail.Send(ctx, to, m.ID, m.Subject, m.Text)
		if errors.Is(err, remote.ErrMaybe) {
			err = nil // at most once: if it didn't come, she asks for another
		} else if err != nil {
			err = errors.Join(err, o.unsent(context.WithoutCancel(ctx), ref.ID, key))
		}
	}
	if err != nil {
		return "", fmt.Errorf("notify: %w", err)
	}
	return masked, nil
}

func (o *Office) unsent(ctx context.Context, id, key string) error {
	return o.customer.update(ctx, id, func(c *card) (*card, error) {
		if c == nil {
			return nil, nil
		}
		j, err := journalOf(id, c)
		if j == nil || err != nil {
			return nil, err
		}
		delete(j.Sent, key)
		return c, j.into(c)
	})
}
