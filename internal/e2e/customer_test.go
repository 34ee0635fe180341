package e2e_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A customer is somebody with the real program, at its pages, in a browser without a
// screen.
type customer struct {
	t      testing.TB
	dir    string
	base   string
	client *http.Client
}

const passphrase = "seven words and no more of them"

// newCustomer starts the program for somebody who has never used it, and makes her file
// on its pages.
func newCustomer(t testing.TB) *customer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	h := &customer{t: t, dir: filepath.Join(t.TempDir(), "hers"), client: &http.Client{Jar: jar}}
	server := h.command("serve", "--addr", "127.0.0.1:0")
	server.Stderr = t.Output()
	out, err := server.StdoutPipe()
	must(t, err)
	must(t, server.Start())
	t.Cleanup(func() {
		server.Process.Signal(os.Interrupt)
		server.Wait()
	})
	link, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	u, err := url.Parse(strings.TrimSpace(link))
	must(t, err)
	h.base = u.Scheme + "://" + u.Host
	page := h.get(u.Path)
	page = h.submit(page, "/setup", "passphrase", passphrase, "passphrase2", passphrase)
	h.submit(page, "/setup/done", "have", "yes")
	return h
}

// command returns a command of firsthand on her file.
func (h *customer) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(h.t.Context()), filepath.Join(shared.bin, "firsthand"), args...)
	cmd.Env = append(os.Environ(), "FIRSTHAND_DIR="+h.dir, "FIRSTHAND_PASSPHRASE_FILE=", "FIRSTHAND_KEY_FILE=", "FIRSTHAND_ALLOW_LOOPBACK=1")
	return cmd
}

// link returns another link into her pages, for a real browser.
func (h *customer) link() string {
	h.t.Helper()
	out, err := h.command("link").Output()
	must(h.t, err)
	return strings.TrimSpace(string(out))
}

// sync has her server call companies now, whatever they answered before. That one
// doesn't is no error.
func (h *customer) sync() { h.command("sync").Run() }

// see reads a page.
func (h *customer) see(r *http.Response, err error) string {
	h.t.Helper()
	must(h.t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	must(h.t, err)
	if r.StatusCode != http.StatusOK {
		h.t.Fatalf("%s %s: %s\n%s", r.Request.Method, r.Request.URL.Path, r.Status, text)
	}
	return string(text)
}

func (h *customer) get(path string) string {
	h.t.Helper()
	return h.see(h.client.Get(h.base + path))
}

// submit sends the form of a page that leads to where, as a browser does: with all that
// stands in it, and in the fields of these names these values. It returns the page on
// which that ends.
func (h *customer) submit(page, where string, pairs ...string) string {
	h.t.Helper()
	form := formOf(page, where)
	if form == nil {
		h.t.Fatalf("no form leads to %s on\n%s", where, page)
	}
	values, fields := fill(form)
	for i := 0; i < len(pairs); i += 2 {
		if !slices.Contains(fields, pairs[i]) {
			h.t.Fatalf("the form to %s has no field %q, but %q", where, pairs[i], fields)
		}
		values.Set(pairs[i], pairs[i+1])
	}
	return h.see(h.client.PostForm(h.base+where, values))
}

// formOf returns the form that leads to where, nil if there is none.
func formOf(page, where string) *html.Node {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil
	}
	for n := range root.Descendants() {
		if n.DataAtom == atom.Form && attr(n, "action") == where {
			return n
		}
	}
	return nil
}

// fill returns what a form has in it, and the names of all its fields.
func fill(form *html.Node) (values url.Values, fields []string) {
	values = url.Values{}
	for n := range form.Descendants() {
		name := attr(n, "name")
		if name == "" {
			continue
		}
		switch n.DataAtom {
		case atom.Input:
			fields = append(fields, name)
			if kind := attr(n, "type"); kind != "checkbox" && kind != "radio" || has(n, "checked") {
				values.Add(name, attr(n, "value"))
			}
		case atom.Textarea:
			fields = append(fields, name)
			if n.FirstChild != nil {
				values.Add(name, n.FirstChild.Data)
			}
		case atom.Select:
			fields = append(fields, name)
			var options []*html.Node
			chosen := -1
			for o := range n.Descendants() {
				if o.DataAtom == atom.Option {
					if has(o, "selected") {
						chosen = len(options)
					}
					options = append(options, o)
				}
			}
			if len(options) > 0 {
				values.Add(name, attr(options[max(chosen, 0)], "value"))
			}
		}
	}
	return values, fields
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// text returns what a part of a page says, in one line. A part is found by its id; ""
// is the page.
func text(page, id string) string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return ""
	}
	var b strings.Builder
	var read func(n *html.Node)
	read = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
		for c := range n.ChildNodes() {
			read(c)
		}
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && (id == "" && n.DataAtom == atom.Main || id != "" && attr(n, "id") == id) {
			read(n)
			break
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (h *customer) company(domain string) string { return "/companies/" + url.PathEscape(domain) }

// act does one of the acts at a company.
func (h *customer) act(domain, act string, pairs ...string) string {
	h.t.Helper()
	where := h.company(domain) + "/do/" + act
	return h.submit(h.get(where), where, pairs...)
}

// meet meets a company, by what it has signed about itself, and agrees on terms.
func (h *customer) meet(domain string) {
	h.t.Helper()
	page := h.submit(h.get("/meet"), "/meet", "company", domain)
	h.submit(page, "/meet/"+url.PathEscape(domain))
	h.act(domain, "agree")
	h.shows(domain, "Agreed")
}

// shows waits until her page of a company says what. While a company owes nothing, her
// server asks it every quarter of an hour; she asks now.
func (h *customer) shows(domain, what string) {
	h.t.Helper()
	asked := time.Now()
	until(h.t, "her page of "+domain+" says "+what, func() bool {
		if strings.Contains(text(h.get(h.company(domain)), ""), what) {
			return true
		}
		if time.Since(asked) > time.Second {
			h.sync()
			asked = time.Now()
		}
		return false
	}, func() string { return text(h.get(h.company(domain)), "") })
}

var inMail = regexp.MustCompile(`The code is (\S+)\.`)

// bind says which record of the company's is hers, and proves it by the code that goes
// to the address on record.
func (h *customer) bind(domain, record, address string) {
	h.t.Helper()
	before := len(shared.mailbox.To(address))
	h.act(domain, "claim", "record", record)
	h.shows(domain, "It has sent a code")
	mails := shared.mailbox.To(address)
	if len(mails) != before+1 {
		h.t.Fatalf("%d mails to %s, want one more than %d", len(mails), address, before)
	}
	found := inMail.FindStringSubmatch(mails[before])
	if found == nil {
		h.t.Fatalf("no code in %q", mails[before])
	}
	h.act(domain, "prove", "code", found[1])
}

// note writes down her address.
func (h *customer) note(street string) {
	h.t.Helper()
	h.submit(h.get("/me?add=address.home"), "/me", "street", street, "postal_code", "9000", "city", "Gent", "country", "BE")
}

// tell tells a company her address.
func (h *customer) tell(domain string) {
	h.t.Helper()
	h.act(domain, "tell", "fact", "address.home", "purpose", "ServiceDelivery")
}

// change changes her address, at these companies or where there are none everywhere, and
// returns the path of its board.
func (h *customer) change(street string, only ...string) string {
	h.t.Helper()
	page := h.get("/change?" + url.Values{"fact": {"address.home"}, "only": only}.Encode())
	page = h.submit(page, "/change", "address.home:street", street, "address.home:postal_code", "9000", "address.home:city", "Gent", "address.home:country", "BE")
	form := regexp.MustCompile(`action="(/change/[^"]+)"`).FindStringSubmatch(page)
	if form == nil {
		h.t.Fatalf("no preview:\n%s", page)
	}
	values, _ := fill(formOf(page, form[1]))
	r, err := h.client.PostForm(h.base+form[1], values)
	h.see(r, err)
	return r.Request.URL.Path
}

// rel returns the id of her relationship with a company, once it has a history.
func (h *customer) rel(domain string) string {
	h.t.Helper()
	found := regexp.MustCompile(`/relationships/([^/"]+)/`).FindStringSubmatch(h.get(h.company(domain)))
	if found == nil {
		h.t.Fatalf("no relationship with %s", domain)
	}
	return found[1]
}
