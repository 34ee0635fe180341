package directory

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
)

// openDatenanfragen reads the archive of datenanfragen/data: one JSON object in
// each file of the folder companies. Not all files have the suffix .json.
func (p *reader) openDatenanfragen(tr *tar.Reader) (records, error) {
	p.set.Name = Datenanfragen
	p.set.Source = "https://github.com/datenanfragen/data"
	p.set.Licence = "CC0-1.0"

	h, err := tr.Next()
	if err == nil && h.Typeflag == tar.TypeXGlobalHeader { // git archive puts the commit there
		p.set.Version = line(h.PAXRecords["comment"])
		h, err = tr.Next()
	}
	if err != nil {
		return nil, err
	}
	if year := h.ModTime.Year(); 2000 < year && year < 2100 {
		p.set.Date = h.ModTime.UTC().Format(time.DateOnly)
	}
	return func(yield func(Record) bool) error {
		for ; err == nil; h, err = tr.Next() {
			if !isCompany(h.Name) {
				continue
			}
			rec, bad := p.company(tr, h)
			if bad != nil {
				p.skip("%.100q: %v", h.Name, bad)
			} else if !yield(rec) {
				return nil
			}
		}
		if err != io.EOF {
			return err
		}
		if p.set.Records == 0 {
			return errUnknown
		}
		return nil
	}, nil
}

// isCompany reports whether a member of the archive is a company: companies/x, or
// that in the one folder which a download from GitHub has around everything.
func isCompany(name string) bool {
	dir, file := path.Split(name)
	if before, ok := strings.CutSuffix(dir, "companies/"); ok && file != "" {
		return before == "" || strings.Count(before, "/") == 1 && before[0] != '/' && before != "../" && before != "./"
	}
	return false
}

// company reads one member. Nothing is unpacked to disk, so a name can lead
// nowhere; links have no content.
func (p *reader) company(r io.Reader, h *tar.Header) (Record, error) {
	if h.Typeflag != tar.TypeReg {
		return Record{}, errors.New("no regular file")
	}
	if h.Size > maxMember {
		return Record{}, errors.New("too large")
	}
	text, err := io.ReadAll(io.LimitReader(r, maxMember))
	if err != nil {
		return Record{}, err
	}
	var c struct {
		Slug, Name, Address, Phone, Fax, Email, Webform, Web, Quality string
		Runs, Categories, Comments, Sources                           []string
		NSFW                                                          bool
		Countries                                                     []string `json:"relevant-countries"`
		Required                                                      []struct {
			Desc, Type string
			Optional   bool
		} `json:"required-elements"`
		Language string `json:"request-language"`
		Medium   string `json:"suggested-transport-medium"`
		NeedsID  bool   `json:"needs-id-document"`
		Facet    string `json:"facet-group"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return Record{}, err
	}
	key := line(c.Slug)
	if err := p.once(key); err != nil {
		return Record{}, err
	}
	l := Legal{
		Name: line(c.Name), Runs: lines(c.Runs, maxLine), Address: clean(c.Address, maxText), Phone: line(c.Phone), Fax: line(c.Fax),
		Language: language(c.Language), NeedsID: c.NeedsID, Medium: oneOf(c.Medium, ByEmail, ByWebform, ByLetter, ByFax),
		Countries: lines(c.Countries, maxLine), Categories: lines(c.Categories, maxLine),
		Facet: oneOf(c.Facet, "church", "school"), Adult: c.NSFW,
		Quality: oneOf(c.Quality, "tested", "verified", "imported", "scraped"), Comments: lines(c.Comments, maxText),
	}
	if l.Name == "" {
		return Record{}, errors.New("no name")
	}
	for _, e := range c.Required[:min(len(c.Required), maxList)] {
		l.Required = append(l.Required, Element{Desc: line(e.Desc), Type: line(e.Type), Optional: e.Optional})
	}
	l.Email = field(p, key, "email", c.Email, mail)
	l.Webform = field(p, key, "webform", c.Webform, link)
	l.Web = field(p, key, "web", c.Web, link)
	for _, s := range c.Sources[:min(len(c.Sources), maxList)] {
		if s = field(p, key, "sources", s, link); s != "" {
			l.Sources = append(l.Sources, s)
		}
	}
	rec := Record{Key: key, Legal: &l}
	if l.Web != "" {
		rec.Hosts, _ = addHost(rec.Hosts, l.Web)
	}
	for _, run := range l.Runs {
		if isHostName(run) {
			rec.Hosts, _ = addHost(rec.Hosts, run)
		}
	}
	return rec, nil
}

// isHostName reports whether a brand is a host: "amazon.at" is one, "Node.js" and
// "Müller & Co. KG" aren't.
func isHostName(s string) bool {
	site := ParseSite(s)
	if site.Kind != Web || strings.ContainsAny(s, " :/@") {
		return false
	}
	suffix, icann := publicsuffix.PublicSuffix(site.Host)
	return suffix != site.Host && (icann || strings.Contains(suffix, "."))
}

// field returns what parse makes of s. If it can't, the field is empty, and that
// is said.
func field(p *reader, key, name, s string, parse func(string) (string, error)) string {
	v, err := parse(s)
	if err != nil {
		p.skip("%s: %s: %v", key, name, err)
	}
	return v
}

// language returns a code such as de or pt-BR, or "".
func language(s string) string {
	if len(s) < 2 || len(s) > 12 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		return ""
	}
	return s
}
