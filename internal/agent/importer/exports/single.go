package exports

import (
	"encoding/json"
	"io"
	"iter"
	"strings"
	"time"

	"firsthand/internal/agent/importer"
)

// one reads a file that is one object of JSON.
func one[T any](r io.Reader, make func(T) (importer.Found, string)) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		g := importer.NewGuard(r)
		var v T
		if err := json.NewDecoder(g).Decode(&v); err != nil {
			if g.Err() != nil {
				err = g.Err()
			} else {
				err = errDamaged
			}
			yield(importer.Found{}, err)
			return
		}
		f, why := make(v)
		if f.Row = 1; why != "" {
			yield(importer.Found{}, &importer.BadRow{Row: 1, Why: why})
			return
		}
		yield(f, nil)
	}
}

// Spotify is the format of Userdata.json, in the file that Spotify gives to who asks for
// her data: it has an account, under this address, since then.
type Spotify struct{}

// Name implements [importer.Format].
func (Spotify) Name() string { return "spotify" }

// Match implements [importer.Format].
func (Spotify) Match(head []byte) (int, error) {
	if looks(head, "username", "email", "createdFromFacebook") {
		return 20, nil
	}
	return 0, nil
}

type spotify struct {
	Username string `json:"username"`
	Email    string `json:"email"`
	Created  string `json:"creationTime"`
}

// Read implements [importer.Format].
func (Spotify) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return one(r, func(s spotify) (importer.Found, string) {
		if s.Username == "" && s.Email == "" {
			return importer.Found{}, "has no account"
		}
		f := importer.Found{Kind: importer.Account, Title: "Spotify", URLs: []string{"https://www.spotify.com/"}, Login: clean(s.Email)}
		if f.Login == "" {
			f.Login = clean(s.Username)
		}
		if len(s.Created) >= 10 {
			if t, err := time.Parse(time.DateOnly, s.Created[:10]); err == nil {
				f.Created = t
			}
		}
		return f, ""
	})
}

// Pass is the format of pass.json, in a pass of Apple Wallet: a card of a company. The
// word by which the company's server knows it is a secret, and what its bar code says is
// too where it lets somebody in: neither is taken out.
type Pass struct{}

// Name implements [importer.Format].
func (Pass) Name() string { return "apple-pass" }

// Match implements [importer.Format].
func (Pass) Match(head []byte) (int, error) {
	if looks(head, "passTypeIdentifier") || looks(head, "organizationName", "serialNumber") {
		return 20, nil
	}
	return 0, nil
}

type pass struct {
	Organization string          `json:"organizationName"`
	Serial       string          `json:"serialNumber"`
	Service      string          `json:"webServiceURL"`
	Card         json.RawMessage `json:"storeCard"`
	Coupon       json.RawMessage `json:"coupon"`
	Event        json.RawMessage `json:"eventTicket"`
	Boarding     json.RawMessage `json:"boardingPass"`
}

// Read implements [importer.Format].
func (Pass) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return one(r, func(p pass) (importer.Found, string) {
		if strings.TrimSpace(p.Organization) == "" {
			return importer.Found{}, "names no company"
		}
		f := importer.Found{Kind: importer.Account, Title: clean(p.Organization), Folder: "pass"}
		if p.Card != nil {
			f.Folder, f.Login = "card", clean(p.Serial)
		}
		if p.Service != "" {
			f.URLs = []string{clean(p.Service)}
		}
		f.Secrets.Keys++
		return f, ""
	})
}
