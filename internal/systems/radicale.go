package systems

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// A Radicale is a server of address books (CardDAV).
type Radicale struct {
	URL            string // of the books of User, ending in a slash
	User, Password string
	run            func(context.Context) (*process, error)
	process        *process
}

// StartRadicale starts a Radicale that has its files in dir, which exists. What is
// there from before it goes on with, but for the password.
func StartRadicale(ctx context.Context, dir string) (*Radicale, error) {
	path, err := program("radicale")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	host := "127.0.0.1:" + strconv.Itoa(port)
	r := &Radicale{URL: "http://" + host + "/gateway/", User: "gateway", Password: rand.Text()}
	users, conf := filepath.Join(dir, "users"), filepath.Join(dir, "config")
	if err := os.WriteFile(users, []byte(r.User+":"+r.Password+"\n"), 0o600); err != nil {
		return nil, err
	}
	text := "[server]\nhosts = " + host + "\n[auth]\ntype = htpasswd\nhtpasswd_filename = " + users +
		"\nhtpasswd_encryption = plain\n[storage]\nfilesystem_folder = " + filepath.Join(dir, "data") + "\n[logging]\nlevel = warning\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		return nil, err
	}
	r.run = func(ctx context.Context) (*process, error) {
		return start(ctx, exec.Command(path, "--config", conf), func(ctx context.Context) error { return answers(ctx, port) })
	}
	r.process, err = r.run(ctx)
	return r, err
}

// Restart stops the server and starts it again with what it has on disk.
func (r *Radicale) Restart(ctx context.Context) (err error) {
	r.process.Stop()
	r.process, err = r.run(ctx)
	return err
}

// Stop ends the server.
func (r *Radicale) Stop() { r.process.Stop() }

// MakeBook makes an empty address book and returns its URL.
func (r *Radicale) MakeBook(ctx context.Context, name string) (string, error) {
	const book = `<?xml version="1.0" encoding="utf-8"?><mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop>` +
		`<resourcetype><collection/><C:addressbook/></resourcetype></prop></set></mkcol>`
	req, err := http.NewRequestWithContext(ctx, "MKCOL", r.URL+name+"/", strings.NewReader(book))
	if err != nil {
		return "", err
	}
	req.SetBasicAuth(r.User, r.Password)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return "", fmt.Errorf("make address book %s: %s: %s", name, resp.Status, text)
	}
	return r.URL + name + "/", nil
}
