package remote_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"testing"

	"firsthand/connector/remote"
	"firsthand/fault"
	"firsthand/internal/agent/channel/mail/mailtest"
	"firsthand/internal/needtest"
)

// TestPostfix sends by a real mail host.
func TestPostfix(t *testing.T) {
	if !needtest.Big() {
		t.Skip("starts a real system; see FIRSTHAND_TEST_ALL")
	}
	h := mailtest.Start(t)
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	for file, password := range map[string]string{good: mailtest.Password, bad: "wrong"} {
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := func(kind string, port int, password string) remote.MailConfig {
		return remote.MailConfig{Host: "localhost", Port: port, TLS: kind, User: mailtest.Company, PasswordFile: password, From: mailtest.Company, Roots: h.Roots}
	}
	send := func(c remote.MailConfig, to, id string) error {
		m, err := remote.NewMailer(c)
		if err != nil {
			t.Fatal(err)
		}
		return m.Send(t.Context(), to, id, "Your code é\r\nBcc: "+mailtest.Other, "Your code is 12345.\n.\nQUIT\n")
	}
	if err := send(config("tls", h.Submissions, good), mailtest.Hers, "one"); err != nil {
		t.Error(err)
	}
	if err := send(config("starttls", h.SubmitTLS, good), mailtest.Hers, "two"); err != nil {
		t.Error(err)
	}
	for _, raw := range h.Await(mailtest.Hers, "", 2) {
		if !bytes.Contains(raw, []byte("Auto-Submitted: auto-generated")) || !bytes.Contains(raw, []byte("Your code is 12345.")) || !bytes.Contains(raw, []byte("\nQUIT")) {
			t.Errorf("what came is %s", raw)
		}
	}
	if others := h.Mails(mailtest.Other, ""); len(others) > 0 {
		t.Errorf("a subject chose a recipient: %s", others[0])
	}
	for name, tt := range map[string]struct {
		c    remote.MailConfig
		to   string
		want fault.Kind
	}{
		"a wrong password":      {config("tls", h.Submissions, bad), mailtest.Hers, fault.Denied},
		"nobody's address":      {config("tls", h.Submissions, good), "nobody@her.test", fault.NotExist},
		"another TLS":           {config("tls", h.SubmitTLS, good), mailtest.Hers, fault.Unavailable},
		"a strange certificate": {func() remote.MailConfig { c := config("tls", h.Submissions, good); c.Roots = nil; return c }(), mailtest.Hers, fault.Unavailable},
		"nobody there":          {config("tls", closed(t), good), mailtest.Hers, fault.Unavailable},
	} {
		if err := send(tt.c, tt.to, name); err == nil || fault.KindOf(err) != tt.want {
			t.Errorf("%s: %v; want %v", name, err, tt.want)
		}
	}
}

// closed returns a port that nobody listens on.
func closed(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
