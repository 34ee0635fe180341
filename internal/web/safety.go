package web

import (
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"firsthand/fault"
	"firsthand/internal/agent"
)

// A Backup is one that was made and restored as a test.
type Backup struct {
	Made                   time.Time
	Relationships, Entries int
	Name                   string
	Size                   int64
	File                   io.ReadCloser `json:"-"` // of a new one: to be sent, and closed
}

// A SafetyPage is what keeps all this hers.
type SafetyPage struct {
	Last     Backup
	Keys     int // next keys left
	Few      bool
	Sessions []SessionRow
	Listings []agent.Listing
	Form     Form
	Check    *CheckResult
}

// A CheckResult is what verifying everything found.
type CheckResult struct {
	Entries, Relationships int
	Wrong                  []WrongRow
	At                     time.Time
}

// A WrongRow is a relationship that doesn't verify.
type WrongRow struct{ Domain, Rule string }

// fewKeys is when the book of next keys should be filled.
const fewKeys = 50

// showSafety serves GET /safety.
func (s *Server) showSafety(v *visit) error {
	return s.safety(v, http.StatusOK, newForm(), nil)
}

func (s *Server) safety(v *visit, status int, f Form, check *CheckResult) (err error) {
	p := SafetyPage{Sessions: s.sessions.list(v.session), Form: f, Check: check}
	if p.Last, err = v.room.Safe.LastBackup(v.ctx()); err != nil {
		return err
	}
	if p.Keys, err = v.room.Safe.NextKeys(v.ctx()); err != nil {
		return err
	}
	p.Few = p.Keys < fewKeys
	if p.Listings, err = v.agent().Directories(v.ctx()); err != nil {
		return err
	}
	return s.render(v, status, "safety", p)
}

// backup serves POST /safety/backup: a backup that was restored to see that it
// works, to be saved elsewhere.
func (s *Server) backup(v *visit) error {
	b, err := v.room.Safe.Backup(v.ctx())
	if err != nil {
		return err
	}
	defer b.File.Close()
	h := v.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="firsthand-`+b.Made.UTC().Format("2006-01-02")+`.backup"`)
	v.w.WriteHeader(http.StatusOK)
	_, err = io.Copy(v.w, b.File)
	return ignoreGone(err)
}

// export serves POST /safety/export: her whole life, encrypted for her.
func (s *Server) export(v *visit) error {
	h := v.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="firsthand-`+v.now.UTC().Format("2006-01-02")+`.life.age"`)
	out := &counted{w: v.w}
	err := v.room.Safe.Export(v.ctx(), out)
	if err != nil && out.n > 0 {
		panic(http.ErrAbortHandler) // she must not take half of it for the whole
	}
	if err != nil {
		h.Del("Content-Disposition")
	}
	return err
}

type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// verify serves POST /safety/verify: every entry is read and compared with its
// hash, and every signature of every relationship checked. It changes nothing, so
// its answer is a page.
func (s *Server) verify(v *visit) error {
	result := &CheckResult{At: v.now}
	var err error
	if result.Entries, err = v.room.Safe.CheckFile(v.ctx()); err != nil {
		return err
	}
	rels, err := v.agent().Relationships(v.ctx())
	if err != nil {
		return err
	}
	for _, r := range rels {
		b, err := v.agent().Bundle(v.ctx(), r.ID)
		if err != nil {
			return err
		}
		result.Relationships++
		if _, err := b.Verify(); err != nil {
			result.Wrong = append(result.Wrong, WrongRow{r.Domain, fault.RuleOf(err)})
		}
	}
	return s.safety(v, http.StatusOK, newForm(), result)
}

// refill serves POST /safety/kit: the recovery kit is checked, and new next keys
// are made with it.
func (s *Server) refill(v *visit) error {
	f := newForm()
	err := v.room.Safe.Refill(v.ctx(), v.PostFormValue("recovery_kit"))
	if err == nil {
		return v.to("/safety?did=refilled")
	}
	if text, hint := sentence(err); text != "" && fault.KindOf(err) != fault.Internal {
		f.fault("recovery_kit", text+" "+hint)
		return s.safety(v, http.StatusUnprocessableEntity, f, nil)
	}
	return err
}

// setPassphrase serves POST /safety/passphrase.
func (s *Server) setPassphrase(v *visit) error {
	pass := v.PostFormValue("next_passphrase")
	f := newForm()
	switch {
	case utf8.RuneCountInString(pass) < minPassphrase:
		f.fault("next_passphrase", v.lang.Count("setup.short", minPassphrase))
	case pass != v.PostFormValue("next_passphrase2"):
		f.fault("next_passphrase2", v.say("setup.differ"))
	}
	if !f.Fine() {
		return s.safety(v, http.StatusUnprocessableEntity, f, nil)
	}
	if err := v.room.Safe.SetPassphrase(v.ctx(), []byte(pass)); err != nil {
		return err
	}
	s.sessions.alone(v.session) // who came in by the old one is to come by the new one
	return v.to("/safety?did=passphrase")
}

// endSession serves POST /safety/sessions/{id}/end.
func (s *Server) endSession(v *visit) error {
	s.sessions.end(v.PathValue("id"))
	return v.to("/safety?did=ended")
}
