package world

import (
	"bytes"
	"embed"
	"html/template"
	"net"
	"net/http"
	"time"
)

// A small company's own site, as its web developer would make it: plain HTML with
// the button in it. It is at the company's domain in the world's internet; and since
// the browser of whoever looks at a demo is not in that internet, it is on loopback
// as well, on a port of its own, where it is as foreign to her app as any site.

//go:embed site.html site.css
var siteFiles embed.FS

var sitePage = template.Must(template.ParseFS(siteFiles, "site.html"))

// withSite returns a handler that serves the company's site, and gives what is not
// of it to next.
func (c *Company) withSite(next http.Handler) (http.Handler, error) {
	var b bytes.Buffer
	if err := sitePage.Execute(&b, map[string]string{"Name": c.name, "Domain": c.domain}); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'")
		w.Write(b.Bytes())
	})
	mux.HandleFunc("GET /site.css", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, siteFiles, "site.css") })
	mux.Handle("/", next)
	return mux, nil
}

// serveSite serves h on loopback too, and returns where.
func (l *life) serveSite(h http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	l.shop = &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	l.done.Go(func() { l.shop.Serve(listener) }) // it ends when the server is closed
	return "http://" + listener.Addr().String() + "/", nil
}

func (l *life) closeSite() error {
	if l.shop == nil {
		return nil
	}
	return l.shop.Close()
}

// Site is where a browser finds the company's site; "" if it has none, or is down.
func (c *Company) Site() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life == nil {
		return ""
	}
	return c.life.site
}
