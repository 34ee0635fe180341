package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/internal/cli"
	"firsthand/internal/gateway"
)

// The files that a connector names are looked for beside the configuration, not
// where the program was started.
func TestFilesBesideTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32))) + "\n"
	if err := os.Mkdir(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hook.secret", "keys/hook.secret", "tryton.password"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ kind, config, elsewhere string }{
		{"webhook", `{"url":"https://crm.example/","secret_file":"hook.secret"}`, "hook.secret"},
		{"webhook", `{"url":"https://crm.example/","secret_file":"keys/hook.secret"}`, "hook.secret"},
		{"webhook", `{"url":"https://crm.example/","secret_file":"` + filepath.Join(dir, "hook.secret") + `"}`, ""},
		{"tryton", `{"url":"https://erp.example","database":"acme","user":"firsthand","password_file":"tryton.password"}`, "tryton.password"},
		{"request-tracker", `{"url":"https://rt.example/","queue":"Care","token_file":"hook.secret"}`, "hook.secret"},
		{"memory", `{"file":"crm.journal"}`, ""},
		{"email", `{"address":"care@acme.example","host":"mail.acme.example","port":993,"tls":"tls","password_file":"hook.secret"}`, "hook.secret"},
		{"carddav", `{"url":"https://dav.example/c/","journal":"https://dav.example/j/","user":"gateway","password_file":"hook.secret"}`, "hook.secret"},
	} {
		if _, err := connectors[tt.kind](json.RawMessage(tt.config), dir); err != nil {
			t.Errorf("%s %s: %v", tt.kind, tt.config, err)
		}
		if tt.elsewhere == "" {
			continue
		}
		if _, err := connectors[tt.kind](json.RawMessage(tt.config), t.TempDir()); err == nil || !strings.Contains(err.Error(), tt.elsewhere) {
			t.Errorf("%s %s, beside nothing: %v", tt.kind, tt.config, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "crm.journal")); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{`{"url":"https://crm.example/","secret_file":"hook.secret","retries":3}`, `{"url":"https://crm.example/"}`} {
		if _, err := connectors["webhook"](json.RawMessage(bad), dir); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

// What a connector's configuration lacks is said before anything is served.
func TestCheckJudgesConnectors(t *testing.T) {
	for config, want := range map[string]string{
		`"type":"carddav","config":{"url":"https://dav.example/c/","journal":"https://dav.example/j/","user":"gateway","password_file":"none"}`: "none",
		`"type":"email","config":{"address":"care@acme.example","host":"mail.acme.example","port":993,"tls":"tls","password_file":"none"}`:      "none",
		`"type":"webhook","config":{"url":"https://crm.example/","secret_file":"none"}`:                                                         "none",
		`"type":"webhook","config":{"url":"https://crm.example/","secrets":"none"}`:                                                             "secrets",
		`"type":"crm"`: "crm",
		`"type":"memory","config":{"file":"crm.journal"}`: "",
	} {
		var c gateway.Config
		if err := json.Unmarshal([]byte(`{`+config+`}`), &c.Connector); err != nil {
			t.Fatal(err)
		}
		if err := checkConnectors(&c); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want that it says %q", config, err, want)
		}
	}
}

// Who began with nothing, or misspelt a member, reads what to do.
func TestConfigurationSaysWhatToDo(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "firsthand-gateway init",
		`{"domian": "acme.example"}`: "docs/running-a-gateway.md",
		`{"domain": "acme.example",`: "docs/running-a-gateway.md",
	} {
		dir := t.TempDir()
		if text != "" {
			if err := os.WriteFile(filepath.Join(dir, "gateway.json"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := loadConfig(&cli.Env{Dir: dir, Getenv: func(string) string { return "" }})
		if !strings.Contains(fault.HintOf(err), want) {
			t.Errorf("%q: %v; %s", text, err, fault.HintOf(err))
		}
	}
}
