package directory

import (
	"encoding/json"
	"errors"
)

const appleSource, appleLicence = "https://github.com/apple/password-manager-resources", "MIT"

// openPasswords reads Apple's change-password-URLs.json, one object of which each
// name is a host and each value a link. The brace was read.
func (p *reader) openPasswords(dec *json.Decoder) (records, error) {
	name, value, err := member(dec)
	if err != nil {
		return nil, err
	}
	if u, err := link(value); err != nil || u == "" || ParseSite(name).Kind != Web {
		return nil, errUnknown
	}
	p.set.Name, p.set.Source, p.set.Licence = ApplePasswords, appleSource, appleLicence
	return func(yield func(Record) bool) error {
		for {
			rec, err := p.account(name, value)
			if err != nil {
				p.skip("%.100q: %v", name, err)
			} else if !yield(rec) {
				return nil
			}
			if !dec.More() {
				return end(dec)
			}
			if name, value, err = member(dec); err != nil {
				return err
			}
		}
	}, nil
}

// member reads one member of an object. Value is "" if it is no text.
func member(dec *json.Decoder) (name, value string, err error) {
	token, err := dec.Token()
	if err != nil {
		return "", "", err
	}
	name, ok := token.(string)
	if !ok {
		return "", "", errUnknown // the end of an empty object
	}
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return "", "", err
	}
	if json.Unmarshal(raw, &value) != nil {
		value = ""
	}
	return name, value, nil
}

func (p *reader) account(name, value string) (Record, error) {
	hosts, err := addHost(nil, name)
	if err != nil {
		return Record{}, err
	}
	u, err := link(value)
	if err == nil && u == "" {
		err = errors.New("no link")
	}
	if err == nil {
		err = p.once(hosts[0])
	}
	return Record{Key: hosts[0], Hosts: hosts, Account: u}, err
}

// setShared sets the header for Apple's shared-credentials.json, a list of groups
// of hosts, and returns how one is read.
func (p *reader) setShared() func(int, []byte) (Record, error) {
	p.set.Name, p.set.Source, p.set.Licence = AppleSharedAccounts, appleSource, appleLicence
	return p.group
}

func (p *reader) group(n int, element []byte) (Record, error) {
	var g struct {
		Shared, From, To []string
		Obsolete         bool `json:"fromDomainsAreObsoleted"`
	}
	if err := json.Unmarshal(element, &g); err != nil {
		return Record{}, err
	}
	hosts := func(list []string) (out []string) {
		for _, s := range list {
			var err error
			if out, err = addHost(out, s); err != nil {
				p.skip("entry %d: %v", n, err)
			}
		}
		return out
	}
	s := &Shares{Hosts: hosts(g.Shared), From: hosts(g.From), To: hosts(g.To), Obsolete: g.Obsolete}
	rec := Record{Shares: s}
	switch {
	case len(s.Hosts) > 1 && len(s.From) == 0 && len(s.To) == 0:
		rec.Key = s.Hosts[0]
	case len(s.Hosts) == 0 && len(s.From) > 0 && len(s.To) > 0:
		rec.Key = s.From[0] + ">" + s.To[0]
	default:
		return Record{}, errors.New("neither shared nor from and to")
	}
	for _, list := range [][]string{s.Hosts, s.To, s.From} {
		for _, h := range list {
			rec.Hosts, _ = addHost(rec.Hosts, h)
		}
	}
	return rec, p.once(rec.Key)
}
