package gateway_test

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"firsthand/fault"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
)

const goodConfig = `{
	"domain": "acme.example", "name": "Acme BV", "jurisdiction": "BE", "url": "https://gw.acme.example",
	"listen": "127.0.0.1:0", "data": "data", "key_file": "company.key", "chain_file": "chain.json",
	"terms": ["FIRSTHAND-SD-BASE"],
	"connector": {"type": "memory", "config": {"file": "crm.json", "seed": [{"number": "C-1"}]}, "poll_seconds": 5},
	"retention": [{"fact": "address.billing", "days": 2555, "law": "Code of tax"}],
	"limits": {"workers": 2}
}`

// configDir is a directory with all that goodConfig names.
func configDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := gateway.CreateKeys(filepath.Join(dir, "company.key"), filepath.Join(dir, "chain.json"),
		gatewaytest.KeyOf("company"), gatewaytest.KeyOf("company 2").Public().Hash())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestConfig(t *testing.T) {
	dir := configDir(t)
	path := filepath.Join(dir, "gateway.json")
	if err := os.WriteFile(path, []byte(goodConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := gateway.LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(true); err != nil {
		t.Fatal(err)
	}
	if c.Data != filepath.Join(dir, "data") || c.Dir() != dir || !strings.Contains(string(c.Connector.Config), "C-1") {
		t.Errorf("config = %+v", c)
	}
	o, err := c.Options()
	if err != nil {
		t.Fatal(err)
	}
	if o.Company.Domain != "acme.example" || len(o.Company.Terms) != 1 || o.Poll.Seconds() != 5 || o.Workers != 2 || len(o.Retention) != 1 {
		t.Errorf("options = %+v", o)
	}
	o.Store = gatewaytest.NewMemory()
	if _, err := gateway.New(o); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, want string }{
		{"unknown member", `"limits"`, `"limit"`, "limit"},
		{"member twice", `"name": "Acme BV"`, `"name": "Acme BV", "name": "x"`, "duplicate"},
		{"no domain", `"acme.example"`, `"Acme.Example"`, "domain"},
		{"no name", `"Acme BV"`, `""`, "name: missing"},
		{"not https", `https://gw`, `http://gw`, "url"},
		{"no listen", `127.0.0.1:0`, `127.0.0.1`, "listen"},
		{"not on loopback", `127.0.0.1:0`, `0.0.0.0:80`, "loopback"},
		{"no data", `"data": "data"`, `"data": "nowhere"`, "data"},
		{"no keys", `company.key`, `other.key`, "key_file"},
		{"unknown terms", `FIRSTHAND-SD-BASE`, `SD-NONE`, "the roster has no"},
		{"terms without text", `FIRSTHAND-SD-BASE`, `SD-BASE`, "not known to this program"},
		{"half a certificate", `"listen"`, `"tls": {"cert_file": "c.pem", "key_file": ""}, "listen"`, "both files"},
		{"retention without law", `"Code of tax"`, `""`, "retention"},
		{"a system without type", `"memory"`, `""`, "connector"},
		{"tickets without a system", `"limits"`, `"tickets": {"config": {}}, "limits"`, "tickets"},
		{"a purpose with a blank", `"memory"`, `"memory", "purposes": ["delivery of goods"]`, "purposes"},
		{"a sign-in without https", `"limits"`, `"sign_in": {"issuer": "http://login.acme.example", "client_id": "x", "client_secret_file": "company.key"}, "limits"`, "sign_in.issuer"},
		{"a sign-in without client", `"limits"`, `"sign_in": {"issuer": "https://login.acme.example", "client_secret_file": "company.key"}, "limits"`, "sign_in.client_id"},
		{"a sign-in without secret", `"limits"`, `"sign_in": {"issuer": "https://login.acme.example", "client_id": "x"}, "limits"`, "sign_in.client_secret_file"},
		{"metrics where agents are", `"limits"`, `"metrics": {"listen": "127.0.0.1:0"}, "limits"`, "metrics.listen"},
		{"metrics for all", `"limits"`, `"metrics": {"listen": ":9464"}, "limits"`, "metrics.open"},
		{"another form of logs", `"limits"`, `"log": {"format": "xml"}, "limits"`, "log.format"},
		{"another level", `"limits"`, `"log": {"level": "all"}, "limits"`, "log.level"},
		{"a long grace", `"limits"`, `"grace_seconds": 3600, "limits"`, "grace_seconds"},
		{"a secret that isn't there", `"file": "crm.json"`, `"proxies": [{"password_file": "nowhere"}]`, "password_file"},
		{"below zero", `"workers": 2`, `"workers": -2`, "below zero"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(goodConfig, tt.old, tt.new, 1)
			if text == goodConfig {
				t.Fatal("the test changes nothing")
			}
			c, err := gateway.ParseConfig([]byte(text), dir)
			if err == nil {
				err = c.Check(true)
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
	open := c
	open.Listen = ":443"
	err = open.Check(false)
	if err == nil || !strings.Contains(err.Error(), "tls: missing") || !strings.Contains(fault.HintOf(err), "cert_file") {
		t.Errorf("without TLS: %v; %s", err, fault.HintOf(err))
	}
	if strings.Contains(err.Error(), "desk.tls") {
		t.Errorf("the desk is on loopback, where a proxy has the certificate: %v", err)
	}
}

// Each member of the configuration has a name in the file and, being the manual,
// stands in the example or is optional.
func TestConfigNamesAll(t *testing.T) {
	for field := range reflect.TypeFor[gateway.Config]().Fields() {
		if tag := field.Tag.Get("json"); field.IsExported() && (tag == "" || strings.ToLower(tag) != tag) {
			t.Errorf("%s has the name %q", field.Name, tag)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	dir := configDir(t)
	key, chain := filepath.Join(dir, "company.key"), filepath.Join(dir, "chain.json")
	if err := gateway.CreateKeys(key, chain, gatewaytest.KeyOf("x"), gatewaytest.KeyOf("y").Public().Hash()); fault.KindOf(err) != fault.Conflict {
		t.Errorf("created over what exists: %v", err)
	}
	k, err := gateway.LoadKeys(key, chain)
	if err != nil {
		t.Fatal(err)
	}
	if len(k.Signers) != 1 || k.Signers[0].Public() != gatewaytest.KeyOf("company").Public() {
		t.Fatalf("keys = %+v", k)
	}
	// A rotation that crashed after the key file.
	oldChain, err := os.ReadFile(chain)
	if err != nil {
		t.Fatal(err)
	}
	w := memory(t)
	w.keys = k
	w.restart()
	w.rotate("company 2", "company 3")
	newChain, _ := os.ReadFile(chain)
	if err := os.WriteFile(chain, oldChain, 0o600); err != nil {
		t.Fatal(err)
	}
	k, err = gateway.LoadKeys(key, chain)
	if err != nil || len(k.Signers) != 1 || len(k.Chain) != 1 {
		t.Fatalf("after a crash: %+v, %v", k, err)
	}
	w.keys = k
	w.restart()
	w.rotate("company 2", "company 3")
	if again, _ := os.ReadFile(chain); string(again) != string(newChain) {
		t.Errorf("chain = %s, want %s", again, newChain)
	}
	k, err = gateway.LoadKeys(key, chain)
	if err != nil || len(k.Signers) != 2 || len(k.Chain) != 2 {
		t.Fatalf("keys = %+v, %v", k, err)
	}
	// What is damaged is told without what it holds.
	text, _ := os.ReadFile(key)
	seed := strings.Fields(string(text))[1]
	if err := os.WriteFile(key, []byte(strings.Replace(string(text), seed, seed[1:], 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.LoadKeys(key, chain); err == nil || strings.Contains(err.Error(), seed[1:]) {
		t.Errorf("damaged: %v", err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(key, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := gateway.LoadKeys(key, chain); fault.KindOf(err) != fault.Denied {
			t.Errorf("readable by others: %v", err)
		}
	}
}

// Strict JSON has no dots in names. Who seeds a CRM with such facts is told the form
// that has them.
func TestConfigFactWithDots(t *testing.T) {
	_, err := gateway.ParseConfig([]byte(`{"connector":{"type":"memory","config":{"seed":[{"number":"1","facts":{"address.home":"x"}}]}}}`), "")
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), `[{"fact": "address.home", "value": "…"}]`) {
		t.Errorf("error = %v, hint %q", err, fault.HintOf(err))
	}
}

// A secret that others can read is no secret: no matter whose.
func TestConfigSecrets(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // which has other permissions
	}
	dir := configDir(t)
	for _, name := range []string{"tls.key", "tls.pem", "hook.secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Replace(goodConfig, `"file": "crm.json"`, `"secret_file": "hook.secret", "ca_file": "tls.pem"`, 1)
	text = strings.Replace(text, `"limits"`, `"tls": {"cert_file": "tls.pem", "key_file": "tls.key"}, "limits"`, 1)
	c, err := gateway.ParseConfig([]byte(text), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		mode os.FileMode
		bad  bool
	}{
		{"tls.key", 0o600, false}, {"tls.key", 0o400, false}, {"tls.key", 0o604, true}, {"tls.key", 0o660, true},
		{"hook.secret", 0o644, true}, {"company.key", 0o644, true}, {"tls.pem", 0o644, false},
	} {
		path := filepath.Join(dir, tt.name)
		if err := os.Chmod(path, tt.mode); err != nil {
			t.Fatal(err)
		}
		if err := c.Check(true); (err != nil) != tt.bad || tt.bad && (fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), tt.name)) {
			t.Errorf("%s with %o: %v", tt.name, tt.mode, err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
