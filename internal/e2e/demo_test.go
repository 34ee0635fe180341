package e2e_test

import (
	"bufio"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"firsthand/internal/systems"
	"firsthand/internal/world"
)

// The demo's companies take what is installed while a visitor looks around: her change is
// in Request Tracker, under the number that she has there, and what an employee changes
// there, with the login that the page behind the scenes gives, is on her page. All of it
// ends with the demo.
func TestDemoTakesSystems(t *testing.T) {
	start(t)
	jar, err := cookiejar.New(nil)
	must(t, err)
	h := &customer{t: t, dir: t.TempDir(), client: &http.Client{Jar: jar}}
	demo := h.command("demo", "--dir", h.dir+"/w", "--addr", "localhost:0")
	var said lines
	demo.Stderr = &said
	out, err := demo.StdoutPipe()
	must(t, err)
	must(t, demo.Start())
	t.Cleanup(func() { demo.Process.Kill() })
	link, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	u, err := url.Parse(strings.TrimSpace(link))
	must(t, err)
	h.base = u.Scheme + "://" + u.Host
	h.submit(h.get(u.Path), "/unlock", "passphrase", world.Passphrase)
	for _, name := range []string{"Request Tracker", "Tryton"} {
		until(t, name+" is taken", func() bool { return strings.Contains(said.String(), "customers in a real "+name+" now") }, said.String)
	}
	board := h.change("Korenmarkt 99", "veloshop.example")
	until(t, "it is applied", func() bool { return strings.Contains(text(h.get(board), "board"), "In Request Tracker, record user/") },
		func() string { return text(h.get(board), "board") })

	page := h.get("/demo/")
	pages := regexp.MustCompile(`<a href="(http://127\.0\.0\.1:[0-9]+)[^"]*" rel="noreferrer" target="_blank">`).FindAllStringSubmatch(page, -1)
	words := regexp.MustCompile(`<dt>User name</dt><dd><code>([^<]+)</code></dd><dt>Password</dt><dd><code>([^<]+)</code>`).FindAllStringSubmatch(page, -1)
	if len(pages) < 1 || len(words) != 2 {
		t.Fatalf("the page behind the scenes says:\n%s", page)
	}
	anna := tracker{t, &systems.RT{URL: pages[0][1], Agent: words[0][1], Password: words[0][2]}}
	users := anna.at("Korenmarkt 99")
	if len(users) != 1 || anna.user(users[0])["Name"] != "V-20418" {
		t.Fatalf("RT has it at %q", users)
	}
	anna.call(http.MethodPut, users[0], map[string]any{"Address1": "Korenmarkt 99 bus 7"}, nil)
	until(t, "her page has it", func() bool { return strings.Contains(h.get("/companies/veloshop.example"), "Korenmarkt 99 bus 7") })

	must(t, demo.Process.Signal(os.Interrupt))
	if err := demo.Wait(); err != nil {
		t.Errorf("stopped: %v\n%s", err, said.String())
	}
	if _, err := http.Get(pages[0][1]); err == nil {
		t.Error("Request Tracker outlives the demo")
	}
	if i := slices.Index(strings.Fields(said.String()), "fails:"); i >= 0 {
		t.Error(said.String())
	}
}

// lines is what a process says.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
