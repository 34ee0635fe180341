package desk_test

import (
	"net/http"
	"strings"
	"testing"

	"firsthand/internal/desk"
)

// A desk of a made-up world has no passkeys: it offers none, makes none, and a link is
// enough. Where all is real a link never is.
func TestLinkIsEnough(t *testing.T) {
	o := newOffice(t, setting{empty: true, linked: true})
	path, err := desk.InviteMember(t.Context(), o.gw, "demo", "Ann", desk.Admin, o.clock())
	o.must(err)
	c := o.client()
	for _, page := range []string{"/", path} {
		r := c.get(page)
		if body := r.Body.String(); r.Code != http.StatusOK || strings.Contains(body, "data-passkey") || !strings.Contains(body, "made-up world") {
			t.Errorf("%s: status %d: %s", page, r.Code, body)
		}
	}
	for _, begin := range []string{"/signin/begin", path + "/begin"} {
		if r := c.post(begin); r.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", begin, r.Code)
		}
	}
	if r := c.post(path + "/demo"); r.Code != http.StatusSeeOther || c.get("/staff").Code != http.StatusOK {
		t.Errorf("by the link: status %d, and then %d", r.Code, c.get("/staff").Code)
	}

	real := newOffice(t, setting{empty: true})
	path, err = desk.InviteMember(t.Context(), real.gw, "root", "Ann", desk.Admin, real.clock())
	real.must(err)
	if r := real.client().post(path + "/demo"); r.Code != http.StatusNotFound {
		t.Errorf("where all is real: status %d", r.Code)
	}
}
