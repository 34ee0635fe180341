package desk

import (
	"context"
	"encoding/json"
	"time"
)

// Routes returns the patterns of all routes.
func (s *Server) Routes() (patterns []string) {
	for _, r := range s.routes {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}

// Asset returns the address of a static file.
func Asset(name string) string { path, _ := assets().Path(name); return path }

// Times in which things hold.
const (
	IdleTime   = idleTime
	DayTime    = dayTime
	FreshTime  = freshTime
	InviteTime = inviteTime
)

// SetStaff makes these the members of staff.
func SetStaff(ctx context.Context, k Keeper, members ...Member) error {
	old, err := k.Kept(ctx, staffName)
	if err != nil {
		return err
	}
	text, err := json.Marshal(Staff{Members: members})
	if err != nil {
		return err
	}
	return k.Keep(ctx, "test", "set", "", staffName, old, string(text))
}

// Enter makes a session for a member, as a sign-in does, and returns its cookie.
func (s *Server) Enter(member string, signed time.Time) (name, cookie string) {
	return s.cookieName(sessionCookie), s.sessions.enter("", member, signed)
}

// Verdict is what a check comes to.
var Verdict = verdict

// Reasons and Purposes are those that the desk offers.
var Reasons, Purposes = reasons, purposes

// English is the catalogue as it was written.
var English = english
