package masktest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Service answers as SimpleLogin does: the calls that a provider makes, and no more.
type Service struct {
	URL, Key string

	mu      sync.Mutex
	aliases []alias
	// Fail, if it isn't nil, may answer in place of the service, before or after it
	// has done what it was asked.
	Fail func(w http.ResponseWriter, r *http.Request, after bool) bool
}

type alias struct {
	ID      int64  `json:"id"`
	Email   string `json:"email"`
	Enabled bool   `json:"enabled"`
	Note    string `json:"note"`
}

// NewService starts a service that ends with the test.
func NewService(t testing.TB) *Service {
	s := &Service{Key: "secret-key"}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Enabled returns the addresses that take mail.
func (s *Service) Enabled() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.aliases {
		if a.Enabled {
			all = append(all, a.Email)
		}
	}
	return all
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Fail != nil && s.Fail(w, r, false) {
		return
	}
	status, answer := s.answer(r)
	if s.Fail != nil && s.Fail(w, r, true) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer)
}

func (s *Service) answer(r *http.Request) (int, any) {
	if r.Header.Get("Authentication") != s.Key {
		return http.StatusUnauthorized, map[string]string{"error": "Wrong api key"}
	}
	var body struct{ Note, Query string }
	if r.Body != nil && r.ContentLength > 0 {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("Content-Type") != "application/json" {
			return http.StatusBadRequest, map[string]string{"error": "request body cannot be empty"}
		}
	}
	switch {
	case r.Method == "POST" && r.URL.Path == "/api/v2/aliases":
		found := []alias{}
		for _, a := range s.aliases {
			if strings.Contains(a.Note, body.Query) || strings.Contains(a.Email, body.Query) {
				found = append(found, a)
			}
		}
		return http.StatusOK, map[string]any{"aliases": found}
	case r.Method == "POST" && r.URL.Path == "/api/alias/random/new":
		a := alias{ID: int64(len(s.aliases) + 1), Email: fmt.Sprintf("Word_%d@sl.example", len(s.aliases)+1), Enabled: true, Note: body.Note}
		s.aliases = append(s.aliases, a)
		return http.StatusCreated, a
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/api/aliases/")
	id, toggle := strings.CutSuffix(rest, "/toggle")
	i := slices.IndexFunc(s.aliases, func(a alias) bool { return fmt.Sprint(a.ID) == id })
	switch {
	case !ok || i < 0:
		return http.StatusNotFound, map[string]string{"error": "Forbidden"}
	case r.Method == "GET" && !toggle:
		return http.StatusOK, s.aliases[i]
	case r.Method == "POST" && toggle:
		s.aliases[i].Enabled = !s.aliases[i].Enabled
		return http.StatusOK, map[string]bool{"enabled": s.aliases[i].Enabled}
	case r.Method == "DELETE" && !toggle:
		s.aliases = slices.Delete(s.aliases, i, i+1)
		return http.StatusOK, map[string]bool{"deleted": true}
	}
	return http.StatusMethodNotAllowed, map[string]string{"error": "no"}
}
