package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"firsthand/internal/rbutton"
)

//go:embed static
var staticFiles embed.FS

// An asset is a file that never changes under its name, which has a hash in it.
type asset struct {
	name       string // with the hash
	media      string
	text, gzip []byte
}

// assets are the static files by their names with and without hash.
var assets = sync.OnceValue(func() map[string]*asset {
	all := make(map[string]*asset)
	add := func(file string, text []byte) {
		sum := sha256.Sum256(text)
		base, ext := strings.TrimSuffix(path.Base(file), path.Ext(file)), path.Ext(file)
		a := &asset{name: base + "." + base64.RawURLEncoding.EncodeToString(sum[:9]) + ext, media: mime.TypeByExtension(ext), text: text}
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		z.Write(text)
		z.Close()
		a.gzip = packed.Bytes()
		all[path.Base(file)], all[a.name] = a, a
	}
	for _, s := range rbutton.States {
		add(string(s)+".svg", s.SVG())
	}
	err := fs.WalkDir(staticFiles, "static", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(file, ".txt") {
			return err
		}
		text, err := staticFiles.ReadFile(file)
		if err == nil {
			add(file, text)
		}
		return err
	})
	if err != nil {
		panic(err) // they are embedded
	}
	return all
})

// static serves GET /static/{name}.
func (s *Server) static(v *visit) error {
	a := assets()[v.PathValue("name")]
	if a == nil || a.name != v.PathValue("name") {
		return errNoPage
	}
	h := v.w.Header()
	h.Set("Content-Type", a.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if path.Ext(a.name) == ".svg" { // pictures with colours for light and dark
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	text := a.text
	if strings.Contains(v.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		text = a.gzip
	}
	h.Set("Content-Length", fmt.Sprint(len(text)))
	v.w.WriteHeader(http.StatusOK)
	_, err := v.w.Write(text)
	return ignoreGone(err)
}

// ignoreGone is for writes after the status: nobody is there to be told.
func ignoreGone(error) error { return nil }

//go:embed icons.svg
var iconFile []byte

// icons are the drawings of icons.svg by their ids.
var icons = sync.OnceValue(func() map[string]template.HTML {
	var sprite struct {
		Symbols []struct {
			ID    string `xml:"id,attr"`
			Inner string `xml:",innerxml"`
		} `xml:"symbol"`
	}
	if err := xml.Unmarshal(iconFile, &sprite); err != nil {
		panic(err) // a test would have found it
	}
	all := make(map[string]template.HTML)
	for _, s := range sprite.Symbols {
		all[s.ID] = template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">` + s.Inner + `</svg>`)
	}
	return all
})
