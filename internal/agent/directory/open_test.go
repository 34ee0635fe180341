package directory_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/fetch/fetchtest"
	"firsthand/internal/agent/directory"
)

func TestOpen(t *testing.T) {
	changed := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	big := make([]byte, 2<<20) // more than package fetch takes by default
	copy(big, samplePasswords)
	for i := len(samplePasswords); i < len(big); i++ {
		big[i] = ' '
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/big.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", changed.Format(http.TimeFormat))
		w.Write(big)
	})
	mux.HandleFunc("/undated", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(samplePasswords)) })
	mux.HandleFunc("/down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	mux.HandleFunc("/denied", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/undated", http.StatusFound) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for range 33 {
			if _, err := w.Write(big[:1<<20]); err != nil {
				return
			}
		}
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()

	dir := t.TempDir()
	name := filepath.Join(dir, "sets.json")
	if err := os.WriteFile(name, []byte(samplePasswords), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, changed, changed); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, from, date string
		kind             fault.Kind // of the error, if date is "-"
	}{
		{"path", name, "2027-01-31", 0},
		{"URL", srv.URL + "/big.json", "2027-01-31", 0},
		{"URL without date", srv.URL + "/undated", "", 0},
		{"no such file", name + "x", "-", fault.NotExist},
		{"folder", dir, "-", fault.Invalid},
		{"no such page", srv.URL + "/x", "-", fault.NotExist},
		{"server down", srv.URL + "/down", "-", fault.Unavailable},
		{"denied", srv.URL + "/denied", "-", fault.Invalid},
		{"moved", srv.URL + "/moved", "-", fault.Invalid},
		{"endless", srv.URL + "/endless", "-", fault.Invalid},
		{"ftp", "ftp://sets.example/x", "-", fault.Invalid},
		{"file URL", "file://" + name, "-", fault.Invalid},
	}
	client := fetch.New(fetch.Options{AllowLoopback: true})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := directory.Open(t.Context(), client, tt.from)
			if tt.date == "-" {
				if err == nil || fault.KindOf(err) != tt.kind {
					t.Errorf("error is %v, want %v", err, tt.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, records, err := directory.Read(f, f.Date)
			n := 0
			if err == nil {
				for r, e := range records {
					err = errors.Join(err, e)
					if r.Date != tt.date {
						t.Errorf("date is %q, want %q", r.Date, tt.date)
					}
					n++
				}
			}
			if err = errors.Join(err, f.Close()); err != nil || n != 2 {
				t.Errorf("%d records, %v", n, err)
			}
		})
	}
	if _, err := directory.Open(t.Context(), client, name+"x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// A URL is hers to type, but she may have copied it from anywhere.
func TestOpenIsGuarded(t *testing.T) {
	fetchtest.Run(t, func(ctx context.Context, c *fetch.Client, url string) error {
		f, err := directory.Open(ctx, c, url)
		if err != nil {
			return err
		}
		defer f.Close()
		_, _, err = directory.Read(f, f.Date)
		return err
	})
}
