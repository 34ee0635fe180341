package carddav

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"firsthand/connector/remote"
	"firsthand/fault"
)

// tries is how often a write is tried again that somebody else was quicker than.
const tries = 20

// A shelf is an address book on the server.
type shelf struct {
	client *remote.Client
	url    string // ends in a slash
	path   string // of url
	auth   string
}

func newShelf(client *remote.Client, raw, auth string) (*shelf, error) {
	if err := remote.CheckURL(raw); err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	if err != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("url has a query")
	}
	if !strings.HasSuffix(u.Path, "/") {
		u = u.JoinPath("/")
	}
	return &shelf{client: client, url: u.String(), path: u.Path, auth: auth}, nil
}

// at returns the URL of the card called id, which is the last segment of its path.
// A name that could lead elsewhere is that of no card.
func (s *shelf) at(id string) (string, bool) {
	if id == "" || id == "." || id == ".." || len(id) > 255 || strings.ContainsAny(id, "/\x00") {
		return "", false
	}
	return s.url + url.PathEscape(id), true
}

// get returns the card called id, and nil if there is none: which it says only of a
// server that has the address book.
func (s *shelf) get(ctx context.Context, id string) (*card, error) {
	at, ok := s.at(id)
	if !ok {
		return nil, nil
	}
	a, err := s.client.Call(ctx, http.MethodGet, at, header(s.auth, "Accept", "text/vcard"), nil)
	if err != nil {
		return nil, err
	}
	if a.Status == http.StatusNotFound || a.Status == http.StatusGone {
		return nil, s.there(ctx)
	}
	if err := s.client.Check(a); err != nil {
		return nil, err
	}
	etag := a.Header.Get("ETag")
	if a.Status != http.StatusOK || !strings.HasPrefix(etag, `"`) {
		return nil, fault.Tell(fault.Invalid, "the address book gives a card without a strong ETag, so that two writers can't be told apart",
			"use a server that compares If-Match, and nothing before it that compresses")
	}
	c, err := parseCard(a.Body)
	if err != nil {
		return nil, &oddCard{etag, fault.Tell(fault.Invalid, "the address book has something else than a card: "+err.Error(), "look at "+id)}
	}
	c.etag = etag
	return c, nil
}

// An oddCard is an error of something that the server gives as a card, at etag, and
// that isn't one which can be read and written here.
type oddCard struct {
	etag string
	error
}

func (o *oddCard) Unwrap() error { return o.error }

// there returns an error unless the server says that this is an address book. Where
// an address is wrong, or a proxy answers, every card would seem to be gone.
func (s *shelf) there(ctx context.Context) error {
	const ask = `<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>`
	a, err := s.client.Call(ctx, "PROPFIND", s.url, header(s.auth, "Depth", "0", "Content-Type", "application/xml; charset=utf-8"), []byte(ask))
	if err != nil {
		return err
	}
	var m multistatus
	if a.Status != http.StatusNotFound {
		if err := s.status(a, &m); err != nil {
			return err
		}
	}
	for _, r := range m.Responses {
		for _, p := range r.Propstats {
			if p.Prop.Type.Book != nil {
				return nil
			}
		}
	}
	return fault.Tell(fault.Invalid, "there is no address book at the configured address", "make it, or correct url and journal")
}

// put writes the card called id, if it is still what c.etag says. It returns false
// if it isn't.
func (s *shelf) put(ctx context.Context, id string, c *card) (bool, error) {
	at, ok := s.at(id)
	if !ok {
		return false, fmt.Errorf("put: %w: %q is no name of a card", fault.Invalid, id)
	}
	h := header(s.auth, "Content-Type", "text/vcard; charset=utf-8", "If-Match", c.etag)
	if c.etag == "" {
		h = header(s.auth, "Content-Type", "text/vcard; charset=utf-8", "If-None-Match", "*")
	}
	a, err := s.client.Call(ctx, http.MethodPut, at, h, c.text())
	if err != nil {
		return false, err
	}
	return s.changed(a)
}

// remove deletes the card called id, as put writes it.
func (s *shelf) remove(ctx context.Context, id string, c *card) (bool, error) {
	at, _ := s.at(id)
	a, err := s.client.Call(ctx, http.MethodDelete, at, header(s.auth, "If-Match", c.etag), nil)
	if err != nil {
		return false, err
	}
	return s.changed(a)
}

func (s *shelf) changed(a *remote.Answer) (bool, error) {
	switch a.Status {
	case http.StatusPreconditionFailed, http.StatusNotFound: // changed or gone meanwhile; get says which
		return false, nil
	case http.StatusConflict: // RFC 4918, 9.7.1
		return false, fault.Tell(fault.Invalid, "the address book will not have a card where it belongs", "make the address book, or correct url and journal")
	}
	return true, s.client.Check(a)
}

// update has f change the card called id, which is nil if there is none, until
// nobody was quicker. f returns nil to leave it.
func (s *shelf) update(ctx context.Context, id string, f func(*card) (*card, error)) error {
	for range tries {
		c, err := s.get(ctx, id)
		if err != nil {
			return err
		}
		if c, err = f(c); c == nil || err != nil {
			return err
		}
		if done, err := s.put(ctx, id, c); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: others keep changing card %s", fault.Unavailable, id)
}

// An item is what the server says of one card: that it is at etag or, if that is
// empty, gone.
type item struct{ id, etag string }

// errToken says that the server no longer knows from when a token is.
var errToken = fmt.Errorf("%w: the token is too old", fault.Invalid)

// since returns the cards that have changed since token, "" for the beginning, and
// the token for next time (RFC 6578).
func (s *shelf) since(ctx context.Context, token string) ([]item, string, error) {
	var text strings.Builder
	xml.EscapeText(&text, []byte(token))
	ask := `<?xml version="1.0" encoding="utf-8"?><sync-collection xmlns="DAV:"><sync-token>` + text.String() +
		`</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>`
	a, err := s.client.Call(ctx, "REPORT", s.url, header(s.auth, "Depth", "0", "Content-Type", "application/xml; charset=utf-8"), []byte(ask))
	if err != nil {
		return nil, "", err
	}
	if token != "" && (a.Status == http.StatusForbidden || a.Status == http.StatusConflict) && strings.Contains(string(a.Body), "valid-sync-token") {
		return nil, "", errToken
	}
	var m multistatus
	if err := s.status(a, &m); err != nil {
		return nil, "", err
	}
	if m.Token == "" {
		return nil, "", fault.Tell(fault.Invalid, "the address book gives no sync-token", "use a server that has sync-collection (RFC 6578)")
	}
	var items []item
	for _, r := range m.Responses {
		u, err := url.Parse(r.Href)
		if err != nil || path.Dir(u.Path)+"/" != s.path {
			continue // the address book itself
		}
		it := item{id: path.Base(u.Path)}
		for _, p := range r.Propstats {
			if strings.Contains(p.Status, " 200") {
				it.etag = p.Prop.ETag
			}
		}
		if it.etag == "" && !strings.Contains(r.Status, " 404") {
			return nil, "", fault.Tell(fault.Invalid, "the address book lists a card that is neither there nor gone", "")
		}
		items = append(items, it)
	}
	return items, m.Token, nil
}

type multistatus struct {
	XMLName   xml.Name `xml:"DAV: multistatus"`
	Token     string   `xml:"DAV: sync-token"`
	Responses []struct {
		Href      string `xml:"DAV: href"`
		Status    string `xml:"DAV: status"`
		Propstats []struct {
			Status string `xml:"DAV: status"`
			Prop   struct {
				ETag string `xml:"DAV: getetag"`
				Type struct {
					Book *struct{} `xml:"urn:ietf:params:xml:ns:carddav addressbook"`
				} `xml:"DAV: resourcetype"`
			} `xml:"DAV: prop"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
}

// status reads an answer about several things.
func (s *shelf) status(a *remote.Answer, m *multistatus) error {
	if err := s.client.Check(a); err != nil {
		return err
	}
	if a.Status != http.StatusMultiStatus || xml.Unmarshal(a.Body, m) != nil {
		return fault.Tell(fault.Invalid, "the address book doesn't speak CardDAV", "compare its address")
	}
	return nil
}
