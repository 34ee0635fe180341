package tryton

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"firsthand/connector/remote"
	"firsthand/fault"
)

// A client calls methods of one Tryton, as one user.
type client struct {
	cfg    Config
	url    string
	models []string // that must be there, with all rights
	places bool     // there are places that need countries
	remote *remote.Client

	mu      sync.Mutex // guards what follows; held while signing in, for all wait for that
	session *session
}

// A session is a user who has signed in, and what Tryton says of her. It never changes.
type session struct {
	header  string
	uid     int
	company int // zero if she has none
}

func newClient(c Config, places map[string]place) *client {
	cl := &client{cfg: c, url: strings.TrimSuffix(c.URL, "/") + "/" + c.Database + "/", remote: remote.New("Tryton", c.Now),
		models: []string{"party.party", "party.address", "party.contact_mechanism"}}
	cl.places = slices.ContainsFunc(slices.Collect(maps.Values(places)), func(p place) bool { return p.kind == "address" })
	if c.Opportunities {
		cl.models = append(cl.models, "sale.opportunity")
	}
	return cl
}

// errRaced says that somebody wrote a record between our reading and writing.
var errRaced = fmt.Errorf("%w: the record was written meanwhile", fault.Conflict)

// errRefused says that Tryton won't, and said why in words for its own users. They may
// repeat values, which belong in no log of ours.
var errRefused = fault.Tell(fault.Denied, "Tryton refuses what the gateway asks of it", "compare the rights of its user; Tryton's log should say more")

// call calls a method and puts what it answers into result, which may be nil. The
// user is signed in first, and again where Tryton has forgotten that.
func (c *client) call(ctx context.Context, result any, method string, params ...any) error {
	for again := false; ; again = true {
		s, err := c.signedIn(ctx)
		if err != nil {
			return err
		}
		a, err := c.post(ctx, s.header, method, params)
		if err != nil {
			return err
		}
		if a.Status == http.StatusUnauthorized && !again {
			c.forget(s)
			continue
		}
		return c.take(a, result)
	}
}

func (c *client) post(ctx context.Context, auth, method string, params []any) (*remote.Answer, error) {
	text, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	h := http.Header{"Content-Type": {"application/json"}}
	if auth != "" {
		h.Set("Authorization", auth)
	}
	return c.remote.Call(ctx, http.MethodPost, c.url, h, text)
}

// take reads an answer. Tryton says 200 also when it fails, as when its database does.
func (c *client) take(a *remote.Answer, result any) error {
	if err := c.remote.Check(a); err != nil {
		return err
	}
	var answer map[string]json.RawMessage
	if err := json.Unmarshal(a.Body, &answer); err != nil {
		return fmt.Errorf("%w: Tryton's answer is no JSON", fault.Unavailable)
	}
	if text, failed := answer["error"]; failed {
		return failure(text)
	}
	text, ok := answer["result"]
	if !ok {
		return fmt.Errorf("%w: Tryton's answer says nothing", fault.Unavailable)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(text, result); err != nil {
		return fmt.Errorf("%w: Tryton's answer has another form than it should", fault.Unavailable)
	}
	return nil
}

// failure reads the member error: a list that begins with the name of an exception, or
// for one that isn't meant for users with what it says.
func failure(text json.RawMessage) error {
	var list []json.RawMessage
	var name string
	if json.Unmarshal(text, &list) != nil || len(list) == 0 || json.Unmarshal(list[0], &name) != nil {
		return fmt.Errorf("%w: Tryton's error has another form than it should", fault.Unavailable)
	}
	switch name {
	case "ConcurrencyException":
		return errRaced
	case "UserError", "UserWarning":
		return errRefused
	case "LoginException":
		return fault.Tell(fault.Denied, "Tryton doesn't let the gateway's user in", "it must be able to sign in by its password alone")
	}
	return fmt.Errorf("%w: Tryton fails; its log should say why", fault.Unavailable)
}

// signedIn returns the session, which it opens if there is none.
func (c *client) signedIn(ctx context.Context) (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != nil {
		return c.session, nil
	}
	s, err := c.signIn(ctx)
	if err != nil {
		return nil, err
	}
	c.session = s
	return s, nil
}

// forget drops s, unless another has taken its place.
func (c *client) forget(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == s {
		c.session = nil
	}
}

func (c *client) signIn(ctx context.Context) (*session, error) {
	password, err := remote.Secret(c.cfg.PasswordFile) // each time, so that it can be replaced
	if err != nil {
		return nil, err
	}
	ask := func(header string, result any, method string, params ...any) error {
		a, err := c.post(ctx, header, method, params)
		if err != nil {
			return err
		}
		switch a.Status {
		case http.StatusUnauthorized:
			return fault.Tell(fault.Denied, "Tryton doesn't know the user "+c.cfg.User+", or not with that password", "compare user and password_file")
		case http.StatusNotFound:
			return fault.Tell(fault.Invalid, "Tryton has no database "+c.cfg.Database, "compare url and database")
		}
		return c.take(a, result)
	}
	var got []json.RawMessage
	var key string
	s := &session{}
	if err := ask("", &got, "common.db.login", c.cfg.User, map[string]string{"password": password}, "en"); err != nil {
		return nil, err
	}
	if len(got) < 2 || json.Unmarshal(got[0], &s.uid) != nil || json.Unmarshal(got[1], &key) != nil {
		return nil, fmt.Errorf("%w: Tryton's answer has another form than it should", fault.Unavailable)
	}
	s.header = "Session " + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s:%d:%s", c.cfg.User, s.uid, key))
	return s, c.look(s, func(result any, method string, params ...any) error { return ask(s.header, result, method, params...) })
}

// look finds out whether Tryton has what is needed, before anybody's change is lost
// to what it lacks.
func (c *client) look(s *session, ask func(result any, method string, params ...any) error) error {
	var access map[string]map[string]flag
	err := ask(&access, "model.ir.model.access.get_access", c.models, none)
	if err != nil && errors.Is(err, fault.Unavailable) && len(c.models) > 0 {
		var there []struct{ Model string }
		if ask(&there, "model.ir.model.search_read", []any{[]any{"model", "in", c.models}}, 0, nil, nil, []string{"model"}, none) == nil {
			for _, m := range c.models {
				if !slices.ContainsFunc(there, func(t struct{ Model string }) bool { return t.Model == m }) {
					return fault.Tell(fault.Invalid, "Tryton has no "+m, "activate the module party, and for wishes sale_opportunity")
				}
			}
		}
	}
	if err != nil {
		return err
	}
	for _, m := range c.models {
		for _, right := range []string{"read", "write", "create", "delete"} {
			if !access[m][right] {
				return fault.Tell(fault.Denied, "Tryton's user "+c.cfg.User+" may not "+right+" "+m, "put it into the groups Party Administration and Sale Opportunity")
			}
		}
	}
	if c.places {
		var some []int
		if err := ask(&some, "model.country.country.search", []any{}, 0, 1, nil, none); err != nil {
			return err
		}
		if len(some) == 0 {
			return fault.Tell(fault.Invalid, "Tryton knows no countries, which addresses need", "run trytond_import_countries for its database")
		}
	}
	if !c.cfg.Opportunities {
		return nil
	}
	var prefers struct{ Company int }
	if err := ask(&prefers, "model.res.user.get_preferences", true, none); err != nil {
		return err
	}
	if s.company = prefers.Company; s.company == 0 {
		return fault.Tell(fault.Invalid, "Tryton's user "+c.cfg.User+" has no company, which leads need", "give it one in its preferences")
	}
	return nil
}

// none is an empty context, the last parameter of each call. With hidden, a search finds as well what
// isn't active.
var (
	none   = map[string]any{}
	hidden = map[string]any{"active_test": false}
)
