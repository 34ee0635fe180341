package web_test

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand/internal/locale"
	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// formIn returns the hidden inputs of a page: what its button sends.
func formIn(page string) (sent []string) {
	for _, m := range hiddenInput.FindAllStringSubmatch(page, -1) {
		sent = append(sent, html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return sent
}

// What goes is what she was shown on the page on which she confirmed it: not what she
// typed meanwhile in another tab, and not what an import or another act has made of it.
func TestWhatSheConfirmedIsSent(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	once := c.Once("/change?fact=phone")
	typed := func(once, phone string) (path string, sent []string) {
		t.Helper()
		path = c.Post("/change", "once", once, "fact", "phone", "phone:value", phone, "basis", "GDPR 16").Header().Get("Location")
		return path, formIn(c.Get(path).Body.String())
	}
	path, first := typed(once, "+32 9 111")
	if same, _ := typed(once, "+32 9 222"); same != path {
		t.Fatalf("before it is sent the same form leads to %s, want %s", same, path)
	}
	if r := c.Post(path, first...); r.Code != http.StatusConflict || !strings.Contains(r.Body.String(), "222") || len(d.agent.Did()) != 0 {
		t.Errorf("from a tab that shows what was typed before: status %d, did %q", r.Code, d.agent.Did())
	}
	sent := formIn(c.Get(path).Body.String())
	d.agent.Planned.Digest = "one company more"
	r := c.Post(path, sent...)
	if r.Code != http.StatusConflict || len(d.agent.Did()) != 0 {
		t.Errorf("when more would be told than she was shown: status %d, did %q", r.Code, d.agent.Did())
	}
	if r := c.Post(path); r.Code != http.StatusConflict || len(d.agent.Did()) != 0 {
		t.Errorf("without a word of what she was shown: status %d, did %q", r.Code, d.agent.Did())
	}
	if r := c.Post(path, formIn(r.Body.String())...); r.Header().Get("Location") != "/changes/1" {
		t.Errorf("once she has seen it: status %d", r.Code)
	}
	d.agent.Planned.Digest = "nobody has to be told any more"
	d.agent.MoveList[1].Key = once // as it stands in the file
	if r := c.Post(path, sent...); r.Header().Get("Location") != "/changes/1" {
		t.Errorf("a second click: status %d to %q, want the board", r.Code, r.Header().Get("Location"))
	}

	// She goes back to the form, finds that she has mistyped it, and sends it again.
	again, sent := typed(once, "+32 9 333")
	if again == path {
		t.Error("what is typed into the form of a change that has begun has the key of that change")
	}
	if r := c.Post(again, sent...); r.Header().Get("Location") == "" || len(d.agent.Did()) != 2 || !strings.Contains(d.agent.Did()[1], "333") {
		t.Errorf("after the back button: status %d, did %q", r.Code, d.agent.Did())
	}
}

// A change to some companies never becomes one to all, whatever their names are.
func TestOnlyIsNeverAll(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	path := c.Post("/change", "once", c.Once("/change?fact=phone"), "fact", "phone", "phone:value", "1", "basis", "GDPR 16", "only", "Not A Domain").Header().Get("Location")
	c.Post(path, formIn(c.Get(path).Body.String())...)
	if got := d.agent.Only; !slices.Equal(got, []string{"Not A Domain"}) {
		t.Errorf("it goes to %q, nil is all", got)
	}
}

// The back button brings a form back as it was sent. With the same in it, it was done;
// with something else in it, it is another.
func TestBackButton(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	const path = "/companies/acme.example/do/message"
	once := c.Once(path)
	for _, text := range []string{"Hello", "Hello", "And one thing more", "And one thing more", "Hello"} {
		if r := c.Post(path, "once", once, "text", text); r.Code != http.StatusSeeOther {
			t.Errorf("%s: status %d", text, r.Code)
		}
	}
	if did := d.agent.Did(); !slices.Equal(did, []string{"Message Hello", "Message And one thing more"}) {
		t.Errorf("did %q, want both, once each", did)
	}
}

// A new passphrase is for those who shall not know it: no other browser stays in.
func TestNewPassphraseEndsOtherSessions(t *testing.T) {
	d := newDoor(t, web.Open)
	c, other := webtest.SignIn(t, d.server), webtest.SignIn(t, d.server)
	if r := other.Get("/today"); r.Code != http.StatusOK {
		t.Fatalf("status %d", r.Code)
	}
	if r := c.Post("/safety/passphrase", "next_passphrase", "a better one", "next_passphrase2", "a better one"); r.Code != http.StatusSeeOther {
		t.Fatalf("status %d", r.Code)
	}
	if r := other.Get("/today"); r.Code != http.StatusUnauthorized {
		t.Errorf("the other browser: status %d", r.Code)
	}
	if r := c.Get("/today"); r.Code != http.StatusOK {
		t.Errorf("her own: status %d", r.Code)
	}
}

// A machine that sleeps is as idle as one that waits: what times are compared must not
// stand still meanwhile, as the monotonic clock does.
func TestSleepCounts(t *testing.T) {
	s, err := web.New(web.Options{House: webtest.NewHouse(web.Open, webtest.Usual(t)), Languages: locale.All(), Now: time.Now, Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	if now := s.SessionTime(); strings.Contains(now.String(), " m=") {
		t.Errorf("sessions go by %v", now)
	}
}

// Whoever is in the middle of sending a file when she locks up, and may never go on, keeps
// nothing open: her file is closed when the last has left.
func TestLockWaitsForNobody(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	left := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(left)
		d.server.ServeHTTP(w, r)
	}))
	defer s.Close()
	body, w := io.Pipe()
	defer w.Close()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/import", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(c.Cookie)
	go func() {
		if resp, err := s.Client().Do(r); err == nil {
			resp.Body.Close()
		}
	}()
	io.WriteString(w, "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n")
	w.Write(make([]byte, 32<<20)) // more than is on the way: when this returns it is being read
	if n := d.house.Inside(); n != 1 {
		t.Fatalf("%d are inside, want one", n)
	}
	c.Post("/lock")
	select {
	case <-left:
	case <-time.After(20 * time.Second):
		t.Fatal("it still waits for the rest of the file")
	}
	if n := d.house.Inside(); n != 0 {
		t.Errorf("%d are inside", n)
	}
}

// Nobody, known or not, holds a connection with a form that never ends.
func TestFormsEnd(t *testing.T) {
	d := newDoor(t, web.Open)
	d.server.SetPatience(100 * time.Millisecond)
	c := webtest.SignIn(t, d.server)
	s := httptest.NewServer(d.server)
	defer s.Close()
	for name, head := range map[string]string{
		"a stranger":          "POST /unlock HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n",
		"a stranger's upload": "POST /import HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n",
		"she herself":         "POST /me HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nCookie: " + c.Cookie.String() + "\r\n",
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "%sHost: %s\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 100000\r\n\r\nonce=", head, s.Listener.Addr())
		conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is held", name)
		}
	}
}
