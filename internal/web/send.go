package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// packers are two: each is nearly a megabyte, and done with a page in a millisecond.
var packers = sync.OnceValue(func() chan *gzip.Writer {
	all := make(chan *gzip.Writer, 2)
	for range cap(all) {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // never fails
		all <- z
	}
	return all
})

// send writes a response, compressed if it is worth it: not without TLS, where the
// browser is on this machine, and to copy costs less. No page shows a secret beside what
// a stranger chose, apart from the kit, which is sent as it is: see showKit.
func send(v *visit, status int, text []byte) error {
	h := v.w.Header()
	if v.TLS == nil || len(text) < 1400 || !strings.Contains(v.Header.Get("Accept-Encoding"), "gzip") || v.URL.Path == "/setup/kit" {
		h.Set("Content-Length", fmt.Sprint(len(text)))
		v.w.WriteHeader(status)
		_, err := v.w.Write(text)
		return err
	}
	h.Set("Content-Encoding", "gzip")
	v.w.WriteHeader(status)
	if v.Method == http.MethodHead {
		return nil
	}
	_, err := v.w.Write(pack(text))
	return err
}

// pack compresses text. It waits for nobody but others that do: no browser holds a
// packer.
func pack(text []byte) []byte {
	z := <-packers()
	defer func() { packers() <- z }()
	var b bytes.Buffer
	b.Grow(len(text) / 4)
	z.Reset(&b)
	z.Write(text) // to memory: neither fails
	z.Close()
	return b.Bytes()
}
