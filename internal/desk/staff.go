package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"firsthand/fault"
)

// A Role says what a member of staff may do. Each may do what those before it may.
type Role string

const (
	Reader Role = "reader" // sees
	Agent  Role = "agent"  // acts: apply, refuse, challenge, ask, reply
	Admin  Role = "admin"  // staff, systems, audit
)

// Roles are all there are, from least to most.
func Roles() []Role { return []Role{Reader, Agent, Admin} }

// covers reports whether who has role r may do what other demands.
func (r Role) covers(other Role) bool {
	all := Roles()
	return slices.Index(all, r) >= 0 && slices.Index(all, r) >= slices.Index(all, other)
}

// A Member is somebody of the company's staff.
type Member struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"` // in the audit, and to customers
	Role  Role      `json:"role"`
	Since time.Time `json:"since"`

	Keys []Key `json:"keys,omitempty"`
	// Subject is who she is at the provider of that Issuer.
	Issuer  string `json:"issuer,omitempty"`
	Subject string `json:"subject,omitempty"`
}

// An Invite lets somebody become a member, once, by a link whose hash it is.
type Invite struct {
	Hash  string    `json:"hash"`
	Name  string    `json:"name"`
	Role  Role      `json:"role"`
	Until time.Time `json:"until"`
	By    string    `json:"by"`
}

// Staff is who belongs to the company's staff, as it is kept.
type Staff struct {
	Members []Member `json:"members"`
	Invites []Invite `json:"invites,omitempty"`
}

// inviteTime is how long an invitation is good.
const inviteTime = 3 * 24 * time.Hour

// maxName is how long a name may be, in characters.
const maxName = 80

// A Keeper keeps a text under a name, and replaces it by compare and swap with a row
// of the audit: the gateway.
type Keeper interface {
	Kept(ctx context.Context, name string) (string, error)
	Keep(ctx context.Context, by, act, note, name, from, to string) error
}

// staffName is under what name Staff is kept.
const staffName = "staff"

// LoadStaff returns who belongs to staff.
func LoadStaff(ctx context.Context, k Keeper) (s Staff, err error) {
	s, _, err = loadStaff(ctx, k)
	return s, err
}

func loadStaff(ctx context.Context, k Keeper) (s Staff, text string, err error) {
	if text, err = k.Kept(ctx, staffName); err != nil || text == "" {
		return s, text, err
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, text, fmt.Errorf("%w: staff: %v", fault.Internal, err)
	}
	return s, text, nil
}

// change replaces Staff by what fn makes of it, and says in the audit who did it. fn
// may be called several times: others change it too.
func change(ctx context.Context, k Keeper, by, act, note string, fn func(*Staff) error) error {
	for range 10 {
		s, old, err := loadStaff(ctx, k)
		if err != nil {
			return err
		}
		if err := fn(&s); err != nil {
			return err
		}
		text, err := json.Marshal(s)
		if err != nil {
			return err
		}
		err = k.Keep(ctx, by, act, note, staffName, old, string(text))
		if fault.KindOf(err) != fault.Conflict {
			return err
		}
	}
	return fmt.Errorf("staff changes all the time: %w", fault.Unavailable)
}

// checkName refuses a name that the audit couldn't tell from another's.
func (s *Staff) checkName(name string) error {
	printable := strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
	if name != strings.TrimSpace(name) || name == "" || len([]rune(name)) > maxName || !printable {
		return fault.Tell(fault.Invalid, fmt.Sprintf("A name has between 1 and %d characters.", maxName), "")
	}
	same := func(other string) bool { return strings.EqualFold(other, name) }
	if slices.ContainsFunc(s.Members, func(m Member) bool { return same(m.Name) }) ||
		slices.ContainsFunc(s.Invites, func(i Invite) bool { return same(i.Name) }) {
		return fault.Tell(fault.Conflict, "There is somebody of that name.", "The audit knows people by their names.")
	}
	return nil
}

// InviteMember makes an invitation, and returns the path of its link.
func InviteMember(ctx context.Context, k Keeper, by, name string, role Role, now time.Time) (path string, err error) {
	if !slices.Contains(Roles(), role) {
		return "", fault.Tell(fault.Invalid, fmt.Sprintf("%q is no role.", role), "There are reader, agent and admin.")
	}
	secret := newSecret()
	err = change(ctx, k, by, "invite", fmt.Sprintf("%s as %s", name, role), func(s *Staff) error {
		s.Invites = slices.DeleteFunc(s.Invites, func(i Invite) bool { return now.After(i.Until) })
		if err := s.checkName(name); err != nil {
			return err
		}
		s.Invites = append(s.Invites, Invite{Hash: hashText(secret), Name: name, Role: role, Until: now.Add(inviteTime), By: by})
		return nil
	})
	return "/join/" + secret, err
}

// invited returns the invitation of a link; [fault.NotExist] if it is none, used or
// too old.
func (s *Staff) invited(secret string, now time.Time) (Invite, error) {
	i := slices.IndexFunc(s.Invites, func(i Invite) bool { return i.Hash == hashText(secret) })
	if i < 0 || now.After(s.Invites[i].Until) {
		return Invite{}, fault.Tell(fault.NotExist, "This invitation is not good any more.", "Ask an admin for another one.")
	}
	return s.Invites[i], nil
}

// join uses up the invitation of a link.
func (s *Staff) join(secret string, m Member, now time.Time) error {
	i, err := s.invited(secret, now)
	if err != nil {
		return err
	}
	s.Invites = slices.DeleteFunc(s.Invites, func(other Invite) bool { return other.Hash == i.Hash })
	m.Name, m.Role, m.Since = i.Name, i.Role, now
	s.Members = append(s.Members, m)
	return nil
}

// member returns the member of that id, nil if there is none.
func (s *Staff) member(id string) *Member {
	for i := range s.Members {
		if s.Members[i].ID == id {
			return &s.Members[i]
		}
	}
	return nil
}

// admins counts them.
func (s *Staff) admins() (n int) {
	for _, m := range s.Members {
		if m.Role == Admin {
			n++
		}
	}
	return n
}

// RemoveMember removes a member, or an invitation, by id or by name.
func RemoveMember(ctx context.Context, k Keeper, by, who string) error {
	return change(ctx, k, by, "remove", who, func(s *Staff) error { return s.remove(who) })
}

func (s *Staff) remove(who string) error {
	before := len(s.Members) + len(s.Invites)
	is := func(m Member) bool { return m.ID == who || m.Name == who }
	if slices.ContainsFunc(s.Members, func(m Member) bool { return is(m) && m.Role == Admin }) && s.admins() == 1 {
		return errLastAdmin
	}
	s.Members = slices.DeleteFunc(s.Members, is)
	s.Invites = slices.DeleteFunc(s.Invites, func(i Invite) bool { return i.Name == who })
	if len(s.Members)+len(s.Invites) == before {
		return fault.Tell(fault.NotExist, "There is nobody of that name.", "")
	}
	return nil
}

var errLastAdmin = fault.Tell(fault.Conflict, "This is the last admin.", "Make somebody else admin first.")

// setRole gives a member another role.
func (s *Staff) setRole(id string, role Role) error {
	m := s.member(id)
	switch {
	case m == nil:
		return fault.Tell(fault.NotExist, "There is nobody of that name.", "")
	case !slices.Contains(Roles(), role):
		return fault.Tell(fault.Invalid, fmt.Sprintf("%q is no role.", role), "There are reader, agent and admin.")
	case m.Role == Admin && role != Admin && s.admins() == 1:
		return errLastAdmin
	}
	m.Role = role
	return nil
}

func newSecret() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func hashOf(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

func hashText(secret string) string {
	h := hashOf(secret)
	return base64.RawURLEncoding.EncodeToString(h[:])
}
