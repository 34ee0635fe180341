package carddav_test

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// A server answers as Radicale 3.1 does, for machines without one: what it says
// was taken from there, header by header. TestConnector holds both to the same.
type server struct {
	mu    sync.Mutex
	books map[string]map[string]string // by path; cards by name
	log   []write
	puts  int

	// What a server may do to cards, and call them.
	keep func(text string) string
	etag func(text string) string
}

type write struct{ book, name, token string }

func newServer(books ...string) *server {
	s := &server{books: map[string]map[string]string{}, etag: etagOf, keep: func(text string) string { return text }}
	for _, b := range books {
		s.books[b] = map[string]string{}
	}
	return s
}

func etagOf(text string) string { return fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(text))) }

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if user, password, _ := r.BasicAuth(); user != "gateway" || password != "secret" {
		w.Header().Set("WWW-Authenticate", `Basic realm="Radicale - Password Required"`)
		http.Error(w, "Access to the requested resource forbidden.", http.StatusUnauthorized)
		return
	}
	body, _ := io.ReadAll(r.Body)
	dir, name := r.URL.Path[:strings.LastIndex(r.URL.Path, "/")+1], r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	book, there := s.books[dir]
	text, has := book[name]
	switch r.Method {
	case "PROPFIND":
		if !there {
			http.Error(w, "The requested resource could not be found.", http.StatusNotFound)
			return
		}
		multi(w, `<multistatus xmlns="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav"><response><href>`+dir+`</href><propstat><prop><resourcetype>`+
			`<CR:addressbook /><collection /></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`)
	case "REPORT":
		s.report(w, dir, body)
	case "GET":
		if !has {
			http.Error(w, "The requested resource could not be found.", http.StatusNotFound)
			return
		}
		w.Header().Set("ETag", s.etag(text))
		w.Header().Set("Content-Type", "text/vcard; charset=utf-8")
		io.WriteString(w, text)
	case "PUT", "DELETE":
		match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match") == "*"
		switch {
		case !there:
			http.Error(w, "Conflict in the request.", http.StatusConflict)
			return
		case none && has || match != "" && (!has || match != s.etag(text)):
			http.Error(w, "Precondition failed.", http.StatusPreconditionFailed)
			return
		}
		if r.Method == "DELETE" {
			delete(book, name)
		} else if kept := s.keep(string(body)); kept != text {
			book[name] = kept
		} else {
			w.WriteHeader(http.StatusCreated) // the same again is no change
			return
		}
		s.puts++
		s.log = append(s.log, write{dir, name, fmt.Sprintf("http://radicale.org/ns/sync/%d", s.puts)})
		if r.Method == "PUT" {
			w.Header().Set("ETag", s.etag(book[name]))
			w.WriteHeader(http.StatusCreated)
		}
	default:
		http.Error(w, "Method not allowed.", http.StatusMethodNotAllowed)
	}
}

func (s *server) report(w http.ResponseWriter, dir string, body []byte) {
	var ask struct {
		Token  string `xml:"sync-token"`
		Filter struct {
			Name string `xml:"name,attr"`
			Text string `xml:"text-match"`
		} `xml:"filter>prop-filter"`
	}
	xml.Unmarshal(body, &ask)
	if ask.Filter.Name != "" { // without regard to case, as there
		out := `<multistatus xmlns="DAV:">`
		for name, text := range s.books[dir] {
			if strings.Contains(strings.ToLower(text), strings.ToLower("\r\n"+ask.Filter.Name+":"+ask.Filter.Text+"\r\n")) {
				out += `<response><href>` + dir + name + `</href><propstat><prop><getetag>` + s.etag(text) + `</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response>`
			}
		}
		multi(w, out+`</multistatus>`)
		return
	}
	book, from, now := s.books[dir], 0, "http://radicale.org/ns/sync/0"
	changed := map[string]bool{}
	if ask.Token == "" {
		for name := range book {
			changed[name] = true
		}
	} else if ask.Token != now {
		if from = 1 + slices.IndexFunc(s.log, func(l write) bool { return l.token == ask.Token && l.book == dir }); from == 0 {
			w.Header().Set("Content-Type", "text/xml; charset=utf-8")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<?xml version='1.0' encoding='utf-8'?>\n<error xmlns=\"DAV:\"><valid-sync-token /></error>")
			return
		}
	}
	for i, l := range s.log {
		if l.book == dir {
			if now = l.token; ask.Token != "" && i >= from {
				changed[l.name] = true
			}
		}
	}
	var out strings.Builder
	out.WriteString(`<multistatus xmlns="DAV:"><sync-token>` + now + `</sync-token>`)
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		out.WriteString(`<response><href>` + dir + name + `</href>`)
		if text, ok := book[name]; ok {
			out.WriteString(`<propstat><prop><getetag>` + s.etag(text) + `</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response>`)
		} else {
			out.WriteString(`<status>HTTP/1.1 404 Not Found</status></response>`)
		}
	}
	multi(w, out.String()+`</multistatus>`)
}

func multi(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusMultiStatus)
	io.WriteString(w, "<?xml version='1.0' encoding='utf-8'?>\n"+text)
}
