//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A visitor is a browser without a screen at the pages of the real program.
type visitor struct {
	t      *testing.T
	base   string
	client *http.Client
}

// see reads a response, which must have the status, and returns its page and where
// it ended.
func (v *visitor) see(r *http.Response, err error) (page, path string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK {
		v.t.Fatalf("%s: %s\n%s", r.Request.URL, r.Status, text)
	}
	return string(text), r.Request.URL.RequestURI()
}

func (v *visitor) get(path string) string {
	v.t.Helper()
	page, _ := v.see(v.client.Get(v.base + path))
	return page
}

// post sends a form, and follows where it leads.
func (v *visitor) post(path string, pairs ...string) (page, to string) {
	v.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return v.see(v.client.PostForm(v.base+path, form))
}

func (v *visitor) find(page, pattern string) string {
	v.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		v.t.Fatalf("no %s in\n%s", pattern, page)
	}
	return m[1]
}

func (v *visitor) has(page string, wants ...string) {
	v.t.Helper()
	for _, want := range wants {
		if !strings.Contains(page, want) {
			v.t.Errorf("no %q in\n%s", want, page)
		}
	}
}

// The first day with pages, against the real program and a real file: set up,
// bring a list, change an address everywhere, follow it, lock, come back.
func TestPages(t *testing.T) {
	bin := filepath.Join(programs(t), "firsthand")
	dir := filepath.Join(t.TempDir(), "mia")
	env := append(os.Environ(), "FIRSTHAND_DIR="+dir, "FIRSTHAND_PASSPHRASE_FILE=", "FIRSTHAND_KEY_FILE=", "FIRSTHAND_ALLOW_LOOPBACK=1")
	u := startPages(t, bin, env...)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, base: u.Scheme + "://" + u.Host, client: &http.Client{Jar: jar}}

	v.has(v.get(u.Path), "Nobody knows you here yet")
	page, _ := v.post("/setup", "passphrase", "five words have no link", "passphrase2", "five words have no link")
	kit := v.find(page, `\n(AGE-SECRET-KEY-1[A-Z0-9]+)\n`)
	page, _ = v.post("/setup/done", "mark", v.find(page, `name="mark" value="(\w+)"`), "have", "yes")
	v.has(page, "Bring my list")

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	w, err := form.CreateFormFile("file", "passwords.csv")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "name,url,username,password,note\nAcme,https://www.acme.example/login,mia@old.example,hunter2,\nBolt,https://bolt.example/,mia@old.example,hunter3,\nRouter,http://192.168.0.1/,admin,hunter4,\n")
	form.Close()
	r, err := v.client.Post(v.base+"/import", form.FormDataContentType(), &body)
	page, at := v.see(r, err)
	v.has(page, "3 passwords seen, 0 kept.", "Keep 2 companies", "acme.example")
	if strings.Contains(page, "hunter") {
		t.Error("a password is shown")
	}
	page, _ = v.post(at + "/keep")
	v.has(page, "companies know you", "mia@old.example")
	v.has(v.get("/companies?search=ACME"), "1 company", "Guessed")
	v.has(v.get("/companies/acme.example"), "Only an import says", "line 2 of the file")

	page = v.get("/change?fact=email")
	_, preview := v.post("/change", "once", v.find(page, `name="once" value="([^"]+)"`), "fact", "email", "email:value", "mia@new.example", "basis", "GDPR 16", "guesses", "yes")
	page = v.get(preview)
	v.has(page, "Needs you", "bolt.example", "mia@new.example")
	seen := v.find(page, `name="seen" value="([^"]+)"`)
	page, board := v.post(preview, "seen", seen)
	v.has(page, "0 of 2 finished", "Needs you")
	if _, again := v.post(preview, "seen", seen); again != board {
		t.Errorf("a second click leads to %s, the first to %s", again, board)
	}
	task := v.find(page, `href="(/tasks/[^"]+)"`)
	page = v.get(task)
	v.has(page, "mia@new.example", "What to do")
	page, _ = v.post(task+"/done", "once", v.find(page, `name="once" value="([^"]+)"`), "saw", "applied", "note", "by phone")
	v.has(page, "by phone", "nobody has signed it")
	page = v.get(board)
	v.has(page, "1 of 2 finished")
	entry := v.find(v.get(task), `href="(/relationships/[^"]+/entries/[^"]+)"`)
	v.has(v.get(entry), "Verified: its signature")
	v.has(v.get(entry+"?all=yes"), "Verified: every signature in your own log")

	page, _ = v.post("/safety/verify")
	v.has(page, "All is as it was signed: 2 relationships")
	backup, _ := v.post("/safety/backup")
	if !strings.HasPrefix(backup, "age-encryption.org/") {
		t.Errorf("the backup begins with %.30q", backup)
	}
	v.has(v.get("/safety"), "Tested")
	page, _ = v.post("/safety/kit", "recovery_kit", kit)
	v.has(page, "The recovery kit is yours")

	page, _ = v.post("/lock")
	v.has(page, "Your file is locked")
	if out, err := command(t, env, bin, "status"); err == nil || !strings.Contains(out, "locked") {
		t.Errorf("a command at a locked server: %v\n%s", err, out)
	}
	page, _ = v.post("/unlock", "passphrase", "five words have no link")
	v.has(page, "Your map")
	if out, err := command(t, env, bin, "status"); err != nil || !strings.Contains(out, "acme.example") {
		t.Errorf("a command at an open server: %v\n%s", err, out)
	}
	other, err := command(t, env, bin, "link")
	if err != nil || !strings.HasPrefix(other, v.base+"/enter/") {
		t.Errorf("link: %v\n%s", err, other)
	}
}

func command(t *testing.T, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// startPages starts the program with pages, for a folder that env names, until t
// ends, and returns the link that it prints.
func startPages(t *testing.T, bin string, env ...string) *url.URL {
	t.Helper()
	server := exec.CommandContext(t.Context(), bin, "serve", "--addr", "127.0.0.1:0")
	server.Env, server.Stderr = append(os.Environ(), env...), t.Output()
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Wait() })
	link, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(link))
	if err != nil {
		t.Fatal(err)
	}
	return u
}
