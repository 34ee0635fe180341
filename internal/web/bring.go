package web

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// reading is the files that are being read, for the page that shows how far.
type reading struct {
	mu    sync.Mutex
	files map[*Reading]bool
}

// A Reading is a file that is being read.
type Reading struct {
	File   string
	Counts agent.ImportCounts
}

func (r *reading) begin(file string) (progress func(agent.ImportCounts), end func()) {
	one := &Reading{File: file}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files == nil {
		r.files = make(map[*Reading]bool)
	}
	r.files[one] = true
	progress = func(c agent.ImportCounts) {
		r.mu.Lock()
		defer r.mu.Unlock()
		one.Counts = c
	}
	return progress, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.files, one)
	}
}

func (r *reading) list() (all []Reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for one := range maps.Keys(r.files) {
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b Reading) int { return strings.Compare(a.File, b.File) })
	return all
}

// A BringPage takes a file.
type BringPage struct {
	Imports []agent.Import
	Reading []Reading
	Form    Form
}

// showBring serves GET /import.
func (s *Server) showBring(v *visit) error { return s.bringPage(v, http.StatusOK, newForm()) }

func (s *Server) bringPage(v *visit, status int, f Form) error {
	imports, err := v.agent().Imports(v.ctx())
	if err != nil {
		return err
	}
	return s.render(v, status, "bring", BringPage{Imports: imports, Reading: s.reading.list(), Form: f})
}

// maxBring bounds a file, in bytes: a million rows take a tenth.
const maxBring = 4 << 30

// bring serves POST /import. The file is read as it arrives, and lies nowhere.
func (s *Server) bring(v *visit) error {
	v.Body = http.MaxBytesReader(v.w, v.Body, maxBring)
	var brought agent.Import
	found := false
	f := newForm()
	err := eachPart(v, func(name, file string, r io.Reader) error {
		if name != "file" || file == "" || found {
			return nil
		}
		found = true
		progress, end := s.reading.begin(cutName(file))
		defer end()
		i, err := v.agent().Bring(v.ctx(), cutName(file), r, progress)
		brought = i
		return err
	})
	switch {
	case err == nil && found:
		return v.to(pathOf("imports", itoa(brought.ID)))
	case err == nil:
		f.fault("file", v.say("bring.no_file"))
	case errors.Is(err, context.Canceled) || fault.KindOf(err) == fault.Internal || !again(&f, err):
		return err
	}
	return s.bringPage(v, http.StatusUnprocessableEntity, f)
}

// cutName makes the name of a file short enough to show.
func cutName(file string) string {
	if i := strings.LastIndexAny(file, `/\`); i >= 0 {
		file = file[i+1:]
	}
	if r := []rune(file); len(r) > 120 {
		return string(r[:120])
	}
	return file
}

// An ImportPage shows what was found before anything of it counts.
type ImportPage struct {
	Import  agent.Import
	Rows    []agent.PreviewRow
	Pager   Pager
	Unsure  []agent.Account
	UnsureN int
	Cards   []agent.CardFound
	Form    Form
	Wrong   int64 // the account whose domain was wrong
}

const (
	previewLimit = 60
	unsureLimit  = 20
	cardsLimit   = 5
)

// showImport serves GET /imports/{id}.
func (s *Server) showImport(v *visit) error { return s.importPage(v, http.StatusOK, newForm(), 0) }

func (s *Server) importPage(v *visit, status int, f Form, wrong int64) (err error) {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	p := ImportPage{Pager: newPager(v, previewLimit), Form: f, Wrong: wrong}
	if p.Import, err = v.agent().Brought(v.ctx(), id); err != nil {
		return err
	}
	rows, total, err := v.agent().PreviewCompanies(v.ctx(), id, p.Pager.offset, previewLimit)
	if err != nil {
		return err
	}
	p.Rows = rows
	p.Pager.total(total)
	if p.Unsure, p.UnsureN, err = v.agent().Unsure(v.ctx(), id, 0, unsureLimit); err != nil {
		return err
	}
	cards, err := v.agent().Cards(v.ctx(), id)
	if err != nil {
		return err
	}
	p.Cards = cards[:min(len(cards), cardsLimit)]
	return s.render(v, status, "import", p)
}

// keepImport serves POST /imports/{id}/keep.
func (s *Server) keepImport(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	if err := v.agent().Keep(v.ctx(), id); err != nil { // kept already is no error
		return err
	}
	return v.to("/?did=kept")
}

// undoImport serves POST /imports/{id}/undo. Undone already is what she wanted.
func (s *Server) undoImport(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	if err := v.agent().Undo(v.ctx(), id); err != nil && fault.KindOf(err) != fault.NotExist {
		return err
	}
	return v.to("/import?did=undone")
}

// assignAccount serves POST /imports/{id}/assign: she says of which company an
// account is.
func (s *Server) assignAccount(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	f := v.form()
	account, err := strconv.ParseInt(f.Value("account"), 10, 64)
	if err != nil {
		return errNoPage
	}
	domain := domainOf(f.Value("domain"))
	if err := firsthand.CheckDomain(domain); err != nil || domain == "" {
		f.fault("domain", v.say("companies.no_domain"))
	} else if err := v.agent().Assign(v.ctx(), account, domain); err == nil {
		return v.to(pathOf("imports", itoa(id)) + "?did=saved")
	} else if !again(&f, err) {
		return err
	}
	return s.importPage(v, http.StatusUnprocessableEntity, f, account)
}

// takeCard serves POST /imports/{id}/card: "this is me".
func (s *Server) takeCard(v *visit) error {
	id, err := v.number("id")
	if err != nil {
		return err
	}
	card, err := strconv.ParseInt(v.PostFormValue("card"), 10, 64)
	if err != nil {
		return errNoPage
	}
	return v.once(func() (string, error) {
		return pathOf("imports", itoa(id)) + "?did=noted", v.agent().TakeCard(v.ctx(), card)
	})
}
