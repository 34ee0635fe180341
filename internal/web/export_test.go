package web

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
	LinkTime    = linkTime
	IdleTime    = idleTime
	ConfirmTime = confirmTime
)
