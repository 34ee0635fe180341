package directory

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// setJustDeleteMe sets the header for JustDeleteMe, a list of sites, and returns
// how one is read.
func (p *reader) setJustDeleteMe() func(int, []byte) (Record, error) {
	p.set.Name = JustDeleteMe
	p.set.Source = "https://github.com/jdm-contrib/jdm"
	p.set.Licence = "MIT"
	return p.site
}

func (p *reader) site(_ int, element []byte) (Record, error) {
	var s struct {
		Name, URL, Difficulty, Notes, Email string
		Domains                             []string
		Subject                             string `json:"email_subject"`
		Body                                string `json:"email_body"`
	}
	if err := json.Unmarshal(element, &s); err != nil {
		return Record{}, err
	}
	key := line(s.Name)
	if err := p.once(key); err != nil {
		return Record{}, err
	}
	d := &Deletion{
		Link:       field(p, key, "url", s.URL, link),
		Difficulty: oneOf(s.Difficulty, "easy", "medium", "hard", "limited", "impossible"),
		Notes:      clean(s.Notes, maxText),
		Email:      field(p, key, "email", s.Email, mail),
		Subject:    line(s.Subject),
		Body:       clean(s.Body, maxText),
	}
	p.translate(key, element, d)
	rec := Record{Key: key, Name: key, Deletion: d}
	for _, domain := range s.Domains {
		var err error
		if rec.Hosts, err = addHost(rec.Hosts, domain); err != nil {
			p.skip("%s: domains: %v", key, err)
		}
	}
	if len(rec.Hosts) == 0 && d.Link != "" { // as in sets that have no domains
		rec.Hosts, _ = addHost(nil, d.Link)
	}
	return rec, nil
}

// translate adds notes and links in other languages: notes_fr, url_pt-BR.
func (p *reader) translate(key string, element []byte, d *Deletion) {
	var all map[string]json.RawMessage
	if json.Unmarshal(element, &all) != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		what, lang, _ := strings.Cut(name, "_")
		var s string
		if lang = language(lang); lang == "" || what != "notes" && what != "url" || json.Unmarshal(all[name], &s) != nil {
			continue
		}
		if what == "notes" {
			d.NotesIn = put(d.NotesIn, lang, clean(s, maxText))
		} else {
			d.Links = put(d.Links, lang, field(p, key, clean(name, maxLine), s, link))
		}
	}
}

func put(m map[string]string, key, value string) map[string]string {
	if value == "" || len(m) == maxList {
		return m
	}
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}
