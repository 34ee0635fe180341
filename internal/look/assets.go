package look

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed static
var static embed.FS

// Static returns the files that all pages share.
func Static() fs.FS {
	tree, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the name is a valid one
	}
	return tree
}

// An asset is a file that never changes under its name, which has a hash in it.
type asset struct {
	name  string // with the hash
	media string
	text  []byte
	gzip  func() []byte // the same, packed when it is asked for first: a start would wait for all
}

// media are the types of what pages are made of. The system's own lists are long to
// read, and say what somebody has put there.
var media = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// Assets are static files by their names with and without hash.
type Assets map[string]*asset

// NewAssets reads all files of the trees, which are embedded: what can't be read is
// a bug.
func NewAssets(trees ...fs.FS) Assets {
	all := make(Assets)
	for _, tree := range trees {
		err := fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(file, ".txt") {
				return err
			}
			text, err := fs.ReadFile(tree, file)
			if err != nil {
				return err
			}
			all.Add(file, text)
			return nil
		})
		if err != nil {
			panic(err)
		}
	}
	return all
}

// Add adds a file that isn't in a tree.
func (all Assets) Add(file string, text []byte) {
	sum := sha256.Sum256(text)
	base, ext := strings.TrimSuffix(path.Base(file), path.Ext(file)), path.Ext(file)
	if media[ext] == "" {
		panic("no type of " + file)
	}
	a := &asset{name: base + "." + base64.RawURLEncoding.EncodeToString(sum[:9]) + ext, media: media[ext], text: text}
	a.gzip = sync.OnceValue(func() []byte {
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		z.Write(text)
		z.Close()
		return packed.Bytes()
	})
	all[path.Base(file)], all[a.name] = a, a
}

// Path returns the path of a file, under /static/, by its name without the hash.
func (all Assets) Path(name string) (string, error) {
	a := all[name]
	if a == nil {
		return "", fmt.Errorf("no static file %s", name)
	}
	return "/static/" + a.name, nil
}

// Serve answers with the file of a name with its hash, and reports whether there is
// one.
func (all Assets) Serve(w http.ResponseWriter, r *http.Request, name string) bool {
	a := all[name]
	if a == nil || a.name != name {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", a.media)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if path.Ext(a.name) == ".svg" { // pictures with colours for light and dark
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	text := a.text
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		text = a.gzip()
	}
	h.Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(http.StatusOK)
	w.Write(text) // who has gone needs no answer
	return true
}
