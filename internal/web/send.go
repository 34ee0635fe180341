package web

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

var packers = sync.Pool{New: func() any { z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed); return z }}

// send writes a response, compressed if it is worth it. No page shows a secret
// beside what a stranger chose, apart from the kit, which is sent as it is: see
// showKit.
func send(v *visit, status int, text []byte) error {
	h := v.w.Header()
	if len(text) < 1400 || !strings.Contains(v.Header.Get("Accept-Encoding"), "gzip") || v.URL.Path == "/setup/kit" {
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
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(v.w)
	if _, err := z.Write(text); err != nil {
		return err
	}
	return z.Close()
}
