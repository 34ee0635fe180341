package remote_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firsthand/connector/remote"
)

func TestMailConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := remote.MailConfig{Host: "mx.acme.test", Port: 465, TLS: "tls", User: "care", PasswordFile: file, From: "care@acme.test"}
	m, err := remote.NewMailer(good)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(m.GoString()+m.String(), "hunter2") {
		t.Error("printing the mailer prints its password")
	}
	for name, spoil := range map[string]func(*remote.MailConfig){
		"no host":              func(c *remote.MailConfig) { c.Host = "" },
		"no port":              func(c *remote.MailConfig) { c.Port = 0 },
		"in the clear":         func(c *remote.MailConfig) { c.TLS = "none" },
		"no kind of TLS":       func(c *remote.MailConfig) { c.TLS = "" },
		"no sender":            func(c *remote.MailConfig) { c.From = "" },
		"a sender and more":    func(c *remote.MailConfig) { c.From = "care@acme.test\r\nBcc: x@example.net" },
		"a sender with name":   func(c *remote.MailConfig) { c.From = "Care <care@acme.test>" },
		"a user alone":         func(c *remote.MailConfig) { c.PasswordFile = "" },
		"a password alone":     func(c *remote.MailConfig) { c.User = "" },
		"no file of that name": func(c *remote.MailConfig) { c.PasswordFile += "-none" },
	} {
		c := good
		if spoil(&c); c == good {
			t.Fatal(name)
		}
		if _, err := remote.NewMailer(c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
