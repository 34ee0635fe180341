package world

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"firsthand"
)

// writeDirectory makes data sets of what is publicly known of the world's
// companies, in the forms in which people publish such sets. Nothing in them comes
// from a real one.
func (w *World) writeDirectory() error {
	if err := os.MkdirAll(w.Directory(), 0o700); err != nil {
		return err
	}
	entities, err := w.entities()
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{
		"companies.tar": entities, "sites.json": sites(), "change-password-urls.json": passwordPages(), "shared-credentials.json": shared(),
	} {
		if err := os.WriteFile(filepath.Join(w.Directory(), name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// sites is the form of JustDeleteMe: names, and where an account is deleted.
func sites() []byte {
	type site struct {
		Name       string   `json:"name"`
		URL        string   `json:"url"`
		Difficulty string   `json:"difficulty"`
		Notes      string   `json:"notes,omitempty"`
		Domains    []string `json:"domains"`
	}
	var all []site
	for i, f := range firms {
		s := site{Name: f.name, URL: "https://" + f.signIn() + "/account/close", Difficulty: []string{"easy", "medium", "hard"}[i%3], Domains: []string{f.domain}}
		if s.Difficulty == "hard" {
			s.Notes = "Only by telephone, in working hours."
		}
		all = append(all, s)
	}
	return firsthand.EncodeJSON(all)
}

// passwordPages is the form of Apple's list of pages on which a password, and as a
// rule the rest of an account, is changed.
func passwordPages() []byte {
	all := map[string]string{}
	for i, f := range firms {
		if i%3 != 2 {
			all[f.domain] = "https://" + f.signIn() + "/account"
		}
	}
	return firsthand.EncodeJSON(all)
}

// shared is the form of Apple's list of hosts that are one company.
func shared() []byte {
	type group struct {
		Shared []string `json:"shared"`
	}
	return firsthand.EncodeJSON([]group{{[]string{"stoffenhuis.example", "stoffenhuis-restjes.example"}}, {[]string{"treinkaart.example", "treinkaart-reis.example"}}})
}

// entities is the form of datenanfragen: legal names, and whom to write to.
func (w *World) entities() ([]byte, error) {
	type company struct {
		Slug       string   `json:"slug"`
		Countries  []string `json:"relevant-countries"`
		Categories []string `json:"categories"`
		Name       string   `json:"name"`
		Address    string   `json:"address"`
		Phone      string   `json:"phone"`
		Email      string   `json:"email"`
		Web        string   `json:"web"`
		Sources    []string `json:"sources"`
		Quality    string   `json:"quality"`
	}
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	for i, f := range firms {
		if slices.Contains([]string{"free time", "on the way"}, f.group) {
			continue // nobody has looked these up yet
		}
		slug := strings.TrimSuffix(f.domain, ".example")
		text := firsthand.EncodeJSON(company{Slug: slug, Countries: []string{"be"}, Categories: []string{"commerce"}, Name: f.name,
			Address: "Voorbeeldstraat " + strings.Repeat("1", 1+i%3) + "\n9000 Gent\nBelgium", Phone: "+32 78 55 50 00",
			Email: "privacy@" + f.domain, Web: "https://" + f.domain + "/", Sources: []string{"https://" + f.domain + "/privacy"}, Quality: "verified"})
		err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "companies/" + slug + ".json", Mode: 0o600, Size: int64(len(text)), ModTime: w.Now()})
		if err != nil {
			return nil, err
		}
		if _, err := t.Write(text); err != nil {
			return nil, err
		}
	}
	err := t.Close()
	return b.Bytes(), err
}
