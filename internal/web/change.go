package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"

	"firsthand"
	"firsthand/internal/agent"
)

// drafts are the changes of a session that were typed and not sent. They are the
// reason why nothing of a change stands in an address, and that back and forth
// lose nothing. The word of a draft is the key of its move: sent twice, it is one.
type drafts struct {
	mu    sync.Mutex
	byKey map[string]draft
	order []string
}

// A draft is a change as it was typed, and what that means.
type draft struct {
	form Form
	move agent.Move
}

const maxDrafts = 64

func (d *drafts) put(key string, dr draft) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byKey == nil {
		d.byKey = make(map[string]draft)
	}
	if _, ok := d.byKey[key]; !ok {
		d.order = append(d.order, key)
	}
	d.byKey[key] = dr
	if len(d.order) > maxDrafts {
		delete(d.byKey, d.order[0])
		d.order = d.order[1:]
	}
}

func (d *drafts) get(key string) (draft, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	dr, ok := d.byKey[key]
	return dr, ok
}

func (d *drafts) drop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byKey, d.order = nil, nil
}

// A ChangePage is where she types what changes.
type ChangePage struct {
	Form   Form
	Fields []ChangeField // the facts of this change
	More   []FactRow     // those she can add
	Only   []string      // companies that it goes to; none for all that hold the facts
	Bases  []Option
}

// A ChangeField is one fact with its new value to be typed.
type ChangeField struct {
	Fact    string
	Prefix  string // of the names of its inputs
	Now     firsthand.Value
	Held    int
	Old     int // of them, those that have an old value
	Address bool
}

// fill types what she has noted, where she has typed nothing herself.
func (c *ChangeField) fill(f *Form) {
	for name, text := range c.Now.Parts {
		if slices.Contains(addressParts, name) && c.Address && !f.Values.Has(c.Prefix+name) {
			f.Values.Set(c.Prefix+name, text)
		}
	}
	if !c.Address && !f.Values.Has(c.Prefix+"value") {
		f.Values.Set(c.Prefix+"value", c.Now.Text)
	}
}

// The bases that a change may stand on where an agreement gives none.
var bases = []string{"GDPR 16", "exception", "none"}

// showChange serves GET /change: ?fact=… names the facts, ?guesses=yes includes those
// of whom only a guess says that they have them, ?draft=… takes up what was typed.
func (s *Server) showChange(v *visit) error {
	if d, ok := v.session.drafts.get(v.URL.Query().Get("draft")); ok {
		f := d.form
		f.Once = v.URL.Query().Get("draft")
		return s.change(v, http.StatusOK, f)
	}
	f := newForm()
	f.Values["fact"] = v.URL.Query()["fact"]
	f.Values["guesses"] = v.URL.Query()["guesses"]
	f.Values["only"] = v.URL.Query()["only"]
	f.Values.Set("basis", bases[0])
	if v.URL.Query().Get("guesses") == "yes" {
		f.Values.Set("guesses", "yes")
	}
	return s.change(v, http.StatusOK, f)
}

func (s *Server) change(v *visit, status int, f Form) error {
	rows, err := s.factRowsNow(v)
	if err != nil {
		return err
	}
	p := ChangePage{Form: f, Only: f.Values["only"]}
	chosen := f.Values["fact"]
	for _, name := range chosen {
		if !factName.MatchString(name) || slices.ContainsFunc(p.Fields, func(c ChangeField) bool { return c.Fact == name }) {
			continue
		}
		field := ChangeField{Fact: name, Prefix: name + ":", Address: isAddress(name)}
		for _, r := range rows {
			if r.Name == name {
				field.Now, field.Held, field.Old = r.Value, r.Held, r.Old
			}
		}
		if field.Old > 0 && status == http.StatusOK {
			field.fill(&f) // she has noted it, and only has to tell it
		}
		p.Fields = append(p.Fields, field)
	}
	for _, r := range rows {
		if !slices.Contains(chosen, r.Name) {
			p.More = append(p.More, r)
		}
	}
	for _, name := range []string{"address.home", "email", "phone", "name"} {
		known := func(r FactRow) bool { return r.Name == name }
		if !slices.Contains(chosen, name) && !slices.ContainsFunc(p.More, known) {
			p.More = append(p.More, FactRow{Name: name})
		}
	}
	for _, b := range bases {
		p.Bases = append(p.Bases, Option{Value: b, Text: v.lang.Word("basis", b), Chosen: f.Value("basis") == b})
	}
	return s.render(v, status, "change", p)
}

// draftChange serves POST /change: what was typed is kept as a draft, and its
// preview shown. With "more" it only adds a fact to the form.
func (s *Server) draftChange(v *visit) error {
	f := v.form()
	if more := f.Value("more"); more != "" && v.PostForm.Has("add") {
		f.Values.Add("fact", more)
		f.Values.Del("add")
		return s.change(v, http.StatusOK, f)
	}
	if drop := f.Value("drop"); drop != "" {
		f.Values["fact"] = slices.DeleteFunc(slices.Clone(f.Values["fact"]), func(name string) bool { return name == drop })
		f.Values.Del("drop")
		return s.change(v, http.StatusOK, f)
	}
	m := v.move(&f)
	if !f.Fine() {
		return s.change(v, http.StatusUnprocessableEntity, f)
	}
	return v.toPreview(f, m)
}

// toPreview keeps a draft and leads to its preview. A form that comes back after its
// move has begun, by the back button, is the form of another.
func (v *visit) toPreview(f Form, m agent.Move) error {
	_, begun, err := v.begun(f.Once)
	if err != nil {
		return err
	}
	if begun {
		f.Once = newForm().Once
	}
	v.session.drafts.put(f.Once, draft{form: f, move: m})
	return v.to(pathOf("change", f.Once))
}

// begun returns the move that began by a key, if there is one.
func (v *visit) begun(key string) (id int64, ok bool, err error) {
	moves, err := v.agent().Moves(v.ctx())
	for _, m := range moves {
		if m.Key == key && key != "" {
			return m.ID, true, err
		}
	}
	return 0, false, err
}

// move reads the move that was typed into f, and notes there what is wrong with it.
func (v *visit) move(f *Form) (m agent.Move) {
	if f.Value("claims") == "yes" {
		m = v.claiming(f)
	} else {
		v.changing(f, &m)
	}
	var err error
	if m.Starts, err = firsthand.ParseDate(f.Value("starts")); err != nil {
		f.fault("starts", v.say("form.date"))
	}
	if only := f.Values["only"]; len(only) > 0 { // whatever they are: without them it would go to all
		m.Only = slices.Clone(only)
	}
	m.Guesses = f.Value("guesses") == "yes"
	m.Note = strings.TrimSpace(f.Value("note"))
	if len(f.Once) < 16 || len(f.Once) > 64 {
		f.Once = newForm().Once
	}
	return m
}

// changing reads the facts that change.
func (v *visit) changing(f *Form, m *agent.Move) {
	seen := map[string]bool{}
	for _, name := range f.Values["fact"] {
		if !factName.MatchString(name) || seen[name] {
			continue
		}
		seen[name] = true
		value := typedValue(f, name+":", name)
		if value.IsZero() {
			field := name + ":value"
			if isAddress(name) {
				field = name + ":street"
			}
			f.fault(field, v.say("change.no_value"))
		}
		m.Facts = append(m.Facts, agent.NewFact{Fact: name, Value: value, Old: firsthand.Text(strings.TrimSpace(f.Value(name + ":old")))})
	}
	if len(m.Facts) == 0 {
		f.fault("", v.say("change.no_fact"))
	}
	switch basis := f.Value("basis"); basis {
	case "none", "":
	case "exception":
		m.Basis.Exception = strings.TrimSpace(f.Value("exception"))
		if m.Basis.Exception == "" {
			f.fault("exception", v.say("change.no_exception"))
		}
	default:
		m.Basis.Right = basis
	}
}

// A PreviewPage says what a change would do, company by company, before it does
// anything.
type PreviewPage struct {
	Key    string
	Seen   string // names what it shows; see seen
	Move   agent.Move
	Groups []PreviewGroup
	Plan   agent.Plan
	Typed  []Input // the form she typed: it must outlive this server
	Form   Form
}

// A PreviewGroup is the legs that go one way.
type PreviewGroup struct {
	Group string
	Legs  []agent.Leg
	More  int // that are not shown
}

var legGroups = []string{agent.Instant, agent.Prepared, agent.NeedsYou, agent.LeftOut}

// shownLegs bounds how many legs of a group a page shows.
const shownLegs = 50

// previewChange serves GET /change/{draft}.
func (s *Server) previewChange(v *visit) error {
	return s.preview(v, http.StatusOK, newForm())
}

func (s *Server) preview(v *visit, status int, f Form) error {
	key := v.PathValue("draft")
	d, ok := v.session.drafts.get(key)
	if !ok {
		return v.to("/change") // it was sent, or the session is another
	}
	plan, err := v.agent().Preview(v.ctx(), d.move, shownLegs)
	if err != nil {
		return err
	}
	p := PreviewPage{Key: key, Seen: seen(&d.move, &plan), Move: d.move, Plan: plan, Form: f, Typed: d.form.hidden()}
	for _, group := range legGroups {
		if n := plan.Counts[group]; n > 0 {
			legs := slices.DeleteFunc(slices.Clone(plan.Legs), func(l agent.Leg) bool { return l.Group != group })
			p.Groups = append(p.Groups, PreviewGroup{Group: group, Legs: legs, More: n - len(legs)})
		}
	}
	return s.render(v, status, "preview", p)
}

// sendChange serves POST /change/{draft}: the one confirmation. The draft's word is
// the move's key, so a second click, also after a crash, finds the same move.
func (s *Server) sendChange(v *visit) error {
	key := v.PathValue("draft")
	d, ok := v.session.drafts.get(key)
	if !ok {
		// Another session, or one before a restart: it may be a move already.
		if id, ok, err := v.begun(key); ok || err != nil {
			return v.toBoard(id, err)
		}
		// If not, what was typed stands in the preview that she sent.
		d.form = v.form()
		d.form.Once = key
		if d.move = v.move(&d.form); len(d.move.Facts) == 0 && d.move.Claim.IsZero() || d.form.Once != key {
			return v.to("/change")
		}
		if !d.form.Fine() && !d.move.Claim.IsZero() {
			return s.rights(v, http.StatusUnprocessableEntity, d.form)
		}
		if !d.form.Fine() {
			return s.change(v, http.StatusUnprocessableEntity, d.form)
		}
		v.session.drafts.put(key, d)
	}
	plan, err := v.agent().Preview(v.ctx(), d.move, shownLegs)
	if err != nil {
		return err
	}
	if v.PostFormValue("seen") != seen(&d.move, &plan) {
		if id, ok, err := v.begun(key); ok || err != nil { // a second click, on a page from before the first
			return v.toBoard(id, err)
		}
		f := newForm()
		f.fault("", v.say("preview.changed"))
		return s.preview(v, http.StatusConflict, f)
	}
	m := d.move
	m.Except = append(slices.Clone(m.Except), v.PostForm["except"]...)
	id, err := v.agent().Begin(v.ctx(), m, key)
	if err != nil {
		f := newForm()
		if again(&f, err) {
			return s.preview(v, http.StatusUnprocessableEntity, f)
		}
		return err
	}
	return v.toBoard(id, nil)
}

func (v *visit) toBoard(id int64, err error) error {
	if err != nil {
		return err
	}
	return v.to(pathOf("changes", itoa(id)))
}

// seen names what a preview shows: the move as she typed it, and all that it means. She
// confirms that and nothing else; in another tab it may have become another move, and
// what companies hold changes meanwhile.
func seen(m *agent.Move, p *agent.Plan) string {
	sum := sha256.Sum256(append(firsthand.EncodeJSON(m), p.Digest...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
