package gateway

import "firsthand"

// Waits reports whether somebody waits for news in a relationship.
func (g *Gateway) Waits(rel firsthand.ID) bool {
	g.news.mu.Lock()
	defer g.news.mu.Unlock()
	return g.news.calls[rel] != nil
}

// CheckDesk judges the desk alone.
func (c *Config) CheckDesk(plain bool) error { return c.checkDesk(plain) }
