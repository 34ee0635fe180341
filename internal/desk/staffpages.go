package desk

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

// A StaffPage is who belongs to staff.
type StaffPage struct {
	Members []MemberRow
	Invites []Invite
	Roles   []Role
	Provider,
	ByClaim bool

	Link  string // of an invitation that was just made: shown once
	Name  string
	Error string
}

// A MemberRow is a member as the page shows her.
type MemberRow struct {
	ID, Name string
	Role     Role
	Since    time.Time
	Keys     int
	Provider bool // she signs in at the company's provider
	This     bool // who looks
	Last     bool // the last admin
}

// showStaff serves GET /staff.
func (s *Server) showStaff(v *visit) error { return s.staffPage(v, http.StatusOK, StaffPage{}) }

func (s *Server) staffPage(v *visit, status int, p StaffPage) error {
	staff, err := LoadStaff(v.ctx(), s.Gateway)
	if err != nil {
		return err
	}
	for _, m := range staff.Members {
		p.Members = append(p.Members, MemberRow{ID: m.ID, Name: m.Name, Role: m.Role, Since: m.Since, Keys: len(m.Keys), Provider: m.Subject != "",
			This: m.ID == v.member.ID, Last: m.Role == Admin && staff.admins() == 1})
	}
	slices.SortFunc(p.Members, func(a, b MemberRow) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	for _, i := range staff.Invites {
		if !v.now.After(i.Until) {
			p.Invites = append(p.Invites, i)
		}
	}
	p.Roles, p.Provider = Roles(), s.Provider != nil
	p.ByClaim = p.Provider && s.Provider.config.RoleClaim != ""
	return s.render(v, status, "staff", p)
}

// invite serves POST /staff/invite. The link is shown once, on the page that answers: in
// no address, and not kept.
func (s *Server) invite(v *visit) error {
	name := strings.TrimSpace(v.PostFormValue("name"))
	path, err := InviteMember(v.ctx(), s.Gateway, v.by(), name, Role(v.PostFormValue("role")), s.Now())
	if err != nil {
		text, hint := sentence(err)
		if text == "" {
			return err
		}
		return s.staffPage(v, http.StatusUnprocessableEntity, StaffPage{Name: name, Error: strings.TrimSpace(text + " " + hint)})
	}
	return s.staffPage(v, http.StatusOK, StaffPage{Link: strings.TrimSuffix(s.URL, "/") + path})
}

// setRole serves POST /staff/{id}/role. Whose role changes has to sign in again.
func (s *Server) setRole(v *visit) error {
	id, role := v.PathValue("id"), Role(v.PostFormValue("role"))
	m := v.staff.member(id)
	if m == nil {
		return errNoPage
	}
	err := change(v.ctx(), s.Gateway, v.by(), "role", fmt.Sprintf("%s: %s", m.Name, role), func(st *Staff) error { return st.setRole(id, role) })
	if err != nil {
		return err
	}
	if id != v.member.ID {
		s.sessions.end(id)
	}
	return v.to("/staff?did=role")
}

// remove serves POST /staff/{id}/remove. An invitation is removed by its name.
func (s *Server) remove(v *visit) error {
	id := v.PathValue("id")
	note := id
	if m := v.staff.member(id); m != nil {
		note = m.Name
	}
	err := change(v.ctx(), s.Gateway, v.by(), "remove", note, func(st *Staff) error { return st.remove(id) })
	if fault.KindOf(err) == fault.NotExist {
		return errNoPage
	}
	if err != nil {
		return err
	}
	s.sessions.end(id)
	return v.to("/staff?did=removed")
}

// An AuditPage is what staff has seen and done, the latest first.
type AuditPage struct {
	Rows []AuditRow
	Next int64 // where the next page begins; 0 if this is the last
}

// An AuditRow is one act.
type AuditRow struct {
	At         time.Time
	By, Act    string
	Rel, Entry string
	Note       string
}

func auditRow(a *gateway.Audit) AuditRow {
	r := AuditRow{At: a.At, By: a.By, Act: a.Act, Note: a.Note}
	if !a.Rel.IsZero() {
		r.Rel = a.Rel.String()
	}
	if a.Entry != (firsthand.ID{}) {
		r.Entry = a.Entry.String()
	}
	return r
}

const auditRows = 100

// showAudit serves GET /audit.
func (s *Server) showAudit(v *visit) error {
	before, err := strconv.ParseInt(v.URL.Query().Get("before"), 10, 64)
	if err != nil || before < 0 {
		before = 0
	}
	all, err := s.Gateway.Audits(v.ctx(), before, auditRows)
	if err != nil {
		return err
	}
	p := AuditPage{}
	for _, a := range all {
		p.Rows = append(p.Rows, auditRow(&a))
	}
	if len(all) == auditRows {
		p.Next = all[len(all)-1].N
	}
	return s.render(v, http.StatusOK, "audit", p)
}
