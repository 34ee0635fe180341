package directory_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"testing"
	"time"

	"firsthand/internal/agent/directory"
)

// A member is a file of an archive.
type member struct {
	tar.Header
	text string
}

// file returns an ordinary one.
func file(name, text string) member {
	return member{tar.Header{Name: name, Mode: 0o644, ModTime: time.Date(2027, 1, 31, 23, 0, 0, 0, time.UTC)}, text}
}

// archive returns a tar file, as git archive writes it, of members.
func archive(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "c0ffee"}})
	for _, m := range members {
		m.Size = max(m.Size, int64(len(m.text)))
		err = errors.Join(err, w.WriteHeader(&m.Header))
		if m.text != "" {
			_, e := io.WriteString(w, m.text)
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	w.Flush() // and not Close: a size may be a lie
	b.Write(make([]byte, 1024))
	return b.Bytes()
}

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The sample is made by hand: companies that don't exist, in the shapes of the
// real sets.
const (
	sampleShop = `{"slug":"shop","relevant-countries":["de","at"],"categories":["commerce"],"name":"Shop Europe GmbH",
		"runs":["shop.at","Shop Express","Cart.js","shop.example"],"address":"1 Road\n12345 Town\nGermany","phone":"+49 1 ext. 2","fax":"+49 3",
		"email":"privacy@shop.example","webform":"https://www.shop.example/privacy","web":"https://www.shop.example/","sources":["https://www.shop.example/imprint"],
		"required-elements":[{"desc":"Kundennummer","type":"input"},{"desc":"Name","type":"name","optional":true}],
		"request-language":"de","suggested-transport-medium":"webform","needs-id-document":true,"comments":["The number costs."],
		"quality":"verified","facet-group":"school","nsfw":true,"custom-access-template":"x"}`
	sampleFrance = `{"slug":"shop-fr","relevant-countries":["fr"],"name":"Shop France SARL","address":"2 Rue\nParis\nFrance",
		"web":"http://shop.example/fr","sources":[],"quality":"scraped"}`
	sampleSites = `[{"name":"Shop","url":"https://www.shop.example/close","difficulty":"hard","notes":"Call them.","notes_de":"Anrufen.","url_de":"https://shop.example/zu",
			"email":"bye@shop.example","email_subject":"Delete","email_body":"I am XXXXXX.","domains":["shop.example","Help.Shop.example/faq"],"meta":"popular"},
		{"name":"Bare","url":"https://bare.example/x","difficulty":"easy"}]`
	samplePasswords = `{"shop.example":"https://www.shop.example/settings","other.example":"https://other.example/.well-known/change-password"}`
	sampleShared    = `[{"shared":["www.shop.example","shop.club"]},{"from":["old.example"],"to":["new.example"],"fromDomainsAreObsoleted":true},
		{"from":["partner.example"],"to":["shop.example"]}]`
)

func sampleArchive(t testing.TB) []byte {
	return gzipped(t, archive(t, file("LICENSE", "CC0"), file("companies/shop.json", sampleShop), file("companies/shop-fr", sampleFrance), file("schema.json", "{}")))
}

// read reads a whole set, and how it ended.
func read(data []byte) (*directory.Set, []directory.Record, error) {
	set, records, err := directory.Read(bytes.NewReader(data), "2027-01-01")
	if err != nil {
		return nil, nil, err
	}
	var all []directory.Record
	for r, err := range records {
		if err != nil {
			return set, all, err
		}
		all = append(all, r)
	}
	return set, all, nil
}

func mustRead(t testing.TB, sets ...[]byte) (all []directory.Record) {
	t.Helper()
	for _, data := range sets {
		_, records, err := read(data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, records...)
	}
	return all
}
