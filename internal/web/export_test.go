package web

import "time"

// Routes returns the patterns of all routes.
func (s *Server) Routes() (patterns []string) {
	for _, r := range s.routes {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}

// Asset returns the address of a static file.
func Asset(name string) string { path, _ := assets().Path(name); return path }

// SessionTime returns the time by which sessions end.
func (s *Server) SessionTime() time.Time { return s.sessions.now() }

// SetPatience makes the server wait for a form no longer than d.
func (s *Server) SetPatience(d time.Duration) { s.patience = d }

// Times in which things hold.
const (
	LinkTime    = linkTime
	IdleTime    = idleTime
	ConfirmTime = confirmTime
)
