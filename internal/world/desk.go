package world

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"

	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// A Desk is the world's own page, beside those of Firsthand: letters to Mia, the
// companies as they look from within, her exports, and how to begin anew. It has no
// sign-in, because nobody is behind it; it is for loopback alone.
type Desk struct {
	path string
	o    DeskOptions
	mux  *http.ServeMux
}

// DeskOptions are what a Desk needs.
type DeskOptions struct {
	// World returns the world that is open.
	World func() *World
	// Reset begins anew, with Mia's life or with nothing.
	Reset func(ctx context.Context, fresh bool) error
	// Link returns the path of a link by which a browser gets into the pages.
	Link func() string
}

//go:embed desk.html desk.css
var deskFiles embed.FS

var deskPage = template.Must(template.ParseFS(deskFiles, "desk.html"))

// NewDesk returns the page, to be served under a path that begins and ends with a
// slash.
func NewDesk(path string, o DeskOptions) *Desk {
	d := &Desk{path: path, o: o, mux: http.NewServeMux()}
	d.mux.HandleFunc("GET "+path+"{$}", d.show)
	d.mux.HandleFunc("GET "+path+"desk.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, deskFiles, "desk.css")
	})
	d.mux.HandleFunc("GET "+path+"exports/{name}", d.export)
	d.mux.HandleFunc("POST "+path+"up", d.turn((*Company).Up))
	d.mux.HandleFunc("POST "+path+"down", d.turn(func(c *Company, _ context.Context) error { return c.Down() }))
	d.mux.HandleFunc("POST "+path+"answer", d.answer)
	d.mux.HandleFunc("POST "+path+"desk", d.sitDown)
	d.mux.HandleFunc("POST "+path+"reset", d.anew)
	d.mux.HandleFunc("POST "+path+"enter", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, o.Link(), http.StatusSeeOther)
	})
	return d
}

// ServeHTTP implements [http.Handler].
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	http.NewCrossOriginProtection().Handler(d.mux).ServeHTTP(w, r)
}

// A deskCompany is a company as the page shows it.
type deskCompany struct {
	Name, Domain, Does, Number string
	Site                       string
	Up                         bool
	Records                    []deskRecord

	Desk, Link string // its own desk for staff, and a link to it that is good once
	Taken      bool   // somebody sits there

	Real *deskSystem // nil where it has the small CRM
}

// A deskSystem is a real system, and how somebody gets into it.
type deskSystem struct{ Name, Page, Login, Password string }

type deskRecord struct {
	Number string
	Facts  []deskFact
}

type deskFact struct{ Name, Value string }

// manners say what a company does with a change.
var manners = map[Manner]string{
	AtOnce:   "Its system takes it at once.",
	ByPerson: "Somebody looks at it, and enters it after some seconds.",
	Refuses:  "Somebody looks at it, and refuses a new address.",
	Falters:  "Its system takes it at once, when it runs. Left alone it goes down, and is back half a minute after it was missed.",
}

func (d *Desk) show(w http.ResponseWriter, r *http.Request) {
	world := d.o.World()
	names, err := os.ReadDir(world.Exports())
	if err != nil {
		fail(w, err)
		return
	}
	page := struct {
		Path, Contact, Folder string
		Letters               []Letter
		Companies             []deskCompany
		Exports               []string
		Mails                 []deskMail
		Older                 int // mails that are not shown
		Account               channel.Account
		Password              string
		Passphrase            string // "" where she makes her file herself
	}{Path: d.path, Contact: OldEmail, Folder: world.Exports(), Letters: world.Letters(), Account: MailAccount(), Password: MailPassword}
	page.Mails, page.Older = world.deskMails()
	if world.MadeLife() {
		page.Passphrase = Passphrase
	}
	for _, name := range names {
		page.Exports = append(page.Exports, name.Name())
	}
	for _, c := range world.Companies() {
		row := deskCompany{Name: c.name, Domain: c.domain, Does: manners[c.manner], Number: c.Number(), Site: c.Site(), Up: c.IsUp()}
		if row.Desk, row.Taken, row.Link, err = c.Desk(r.Context()); err != nil {
			fail(w, err)
			return
		}
		if name, page, login, password, ok := c.System(); ok {
			row.Real = &deskSystem{name, page, login, password}
		}
		for _, rec := range c.Records() {
			one := deskRecord{Number: rec.Number}
			for _, fact := range slices.Sorted(maps.Keys(rec.Facts)) {
				one.Facts = append(one.Facts, deskFact{fact, rec.Facts[fact].String()})
			}
			row.Records = append(row.Records, one)
		}
		page.Companies = append(page.Companies, row)
	}
	var b bytes.Buffer
	if err := deskPage.Execute(&b, page); err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(b.Bytes())
}

// export sends one of the files that her programs have exported.
func (d *Desk) export(w http.ResponseWriter, r *http.Request) {
	root, err := os.OpenRoot(d.o.World().Exports()) // the name leads nowhere else
	if err != nil {
		fail(w, err)
		return
	}
	defer root.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeFileFS(w, r, root.FS(), path.Clean(r.PathValue("name")))
}

// turn brings a company up or down.
func (d *Desk) turn(how func(*Company, context.Context) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := d.o.World().Company(r.PostFormValue("company"))
		if c == nil {
			fail(w, fault.NotExist)
			return
		}
		if err := how(c, context.WithoutCancel(r.Context())); err != nil {
			fail(w, err)
			return
		}
		http.Redirect(w, r, d.path, http.StatusSeeOther)
	}
}

// sitDown makes a link to a company's own desk. It is shown on the page: a policy lets
// no form lead elsewhere.
func (d *Desk) sitDown(w http.ResponseWriter, r *http.Request) {
	c := d.o.World().Company(r.PostFormValue("company"))
	if c == nil {
		fail(w, fault.NotExist)
		return
	}
	if _, err := c.Invite(context.WithoutCancel(r.Context())); err != nil {
		fail(w, err)
		return
	}
	http.Redirect(w, r, d.path+"#desks", http.StatusSeeOther)
}

func (d *Desk) anew(w http.ResponseWriter, r *http.Request) {
	life := r.PostFormValue("life")
	if life != "mia" && life != "fresh" {
		fail(w, fault.Invalid)
		return
	}
	if err := d.o.Reset(context.WithoutCancel(r.Context()), life == "fresh"); err != nil {
		fail(w, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// fail answers with an error. There is nothing to hide in a demo.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	switch fault.KindOf(err) {
	case fault.NotExist:
		status = http.StatusNotFound
	case fault.Invalid:
		status = http.StatusBadRequest
	}
	http.Error(w, err.Error(), status)
}
