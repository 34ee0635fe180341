package systems_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"firsthand/internal/needtest"
	"firsthand/internal/systems"
)

// Anna makes a customer, and finds her after a restart.
func TestRT(t *testing.T) {
	if !needtest.Big() {
		t.Skip("starts Request Tracker: runs where FIRSTHAND_TEST_ALL is 1, without the race detector")
	}
	rt, err := systems.StartRT(t.Context(), t.TempDir(), 0)
	if errors.Is(err, errors.ErrUnsupported) {
		needtest.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { rt.Stop() }()
	call := func(method, path, body string) int {
		req, err := http.NewRequest(method, rt.URL+"/REST/2.0"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(rt.Agent, rt.Password)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := call(http.MethodPost, "/user", `{"Name":"mia","Privileged":0,"Disabled":0}`); got != http.StatusCreated {
		t.Fatalf("make a customer: %d", got)
	}
	rt.Stop()
	if err := rt.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := call(http.MethodGet, "/user/mia", ""); got != http.StatusOK {
		t.Errorf("after a restart she is %d", got)
	}
}
