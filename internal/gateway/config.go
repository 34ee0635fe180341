package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/terms"
)

// A Config is the gateway's configuration file, one JSON object. It is read
// strictly: a member that is not named here is an error. Secrets are files, never
// values. Relative paths begin at the directory of the configuration file.
type Config struct {
	// Domain is the company's, in lower-case ASCII: "acme.example". Customers meet
	// the company there: https://DOMAIN/.well-known/firsthand must be answered by
	// this gateway, or by a copy of what it answers.
	Domain string `json:"domain"`
	// Name is the legal entity: "Acme BV".
	Name string `json:"name"`
	// Jurisdiction is the law it is under, ISO 3166: "BE" or "US-CA".
	Jurisdiction string `json:"jurisdiction"`
	// URL is the gateway's own address as agents call it: "https://gateway.acme.example".
	URL string `json:"url"`

	// Listen is the address that the gateway listens on: ":443", "127.0.0.1:8443".
	Listen string `json:"listen"`
	// TLS names the certificate and its key, both in PEM. It may be absent where
	// Listen is a loopback address and the command was told to allow plain HTTP,
	// behind a proxy or in a test.
	TLS TLSFiles `json:"tls"`

	// Data is the directory of the database. It must exist; it must be on a local
	// disk, and it belongs to this gateway alone. It is not encrypted: encrypt the
	// disk.
	Data string `json:"data"`

	// Database is where the database is, if it isn't a file in Data: a PostgreSQL,
	// which several gateways may use at once, each with a Data of its own, in which is
	// no more than a mark by which a backup that was put back is noticed.
	Database DatabaseConfig `json:"database"`

	// KeyFile holds the company's private keys, the current one last; ChainFile
	// all its public keys. Both are made by init and extended by rotate. Backups of
	// the data directory hold neither: keep a copy of the key file in a safe place.
	// The next key does not belong on this machine at all: its hash is in the
	// chain, and that is enough until it is used.
	KeyFile   string `json:"key_file"`
	ChainFile string `json:"chain_file"`

	// Terms are the codes of the agreements that the company accepts, of the
	// roster that the program carries. To any other offer it answers with the least
	// permissive of these, once.
	Terms []string `json:"terms"`

	// Connector is the system that has the company's customers. Without it,
	// everything waits for an operator.
	Connector ConnectorConfig `json:"connector"`
	// Tickets is the system in which the company talks to them, if that is another:
	// messages and requests go there, and nothing else does.
	Tickets TicketsConfig `json:"tickets"`

	// SignIn is the company's sign-in for its customers, if it has one.
	SignIn SignInConfig `json:"sign_in"`

	// Retention names facts that a law obliges the company to keep after a
	// disclosure has ended. Others are erased at once.
	Retention []Retention `json:"retention"`

	// Desk are the pages for the company's staff. Where it is absent, there are none.
	Desk DeskConfig `json:"desk"`
	// Metrics is where Prometheus may look. Where it is absent, nobody can.
	Metrics MetricsConfig `json:"metrics"`
	// Log says how the gateway logs, to standard error.
	Log LogConfig `json:"log"`
	// GraceSeconds is how long the gateway goes on taking calls once it is told to
	// stop, while GET /readyz says 503: as long as a load balancer needs to notice;
	// default 0, at most 300. Where systemd keeps the socket, leave it so.
	GraceSeconds int `json:"grace_seconds"`

	// Limits are for what strangers can ask of the gateway; the zero of each is its
	// default.
	Limits Limits `json:"limits"`

	dir string
}

// DatabaseConfig says where a PostgreSQL is.
type DatabaseConfig struct {
	// URLFile holds its address, on one line, for nobody else to read, since there is
	// a password in it: "postgres://gateway:PASSWORD@db.acme.example/gateway?sslmode=verify-full".
	URLFile string `json:"url_file"`
}

// URL reads the address; it is "" where there is none.
func (d DatabaseConfig) URL() (string, error) {
	if d.URLFile == "" {
		return "", nil
	}
	if err := checkMode(d.URLFile); err != nil {
		return "", err
	}
	text, err := os.ReadFile(d.URLFile)
	return strings.TrimSpace(string(text)), err
}

// SignInConfig names the OpenID Connect provider at which the company's customers
// sign in. Its client has to allow URL/sign-in/back as an address to lead back to.
type SignInConfig struct {
	Issuer           string `json:"issuer"` // "https://login.acme.example"
	ClientID         string `json:"client_id"`
	ClientSecretFile string `json:"client_secret_file"`
	// RecordClaim is the claim that has the customer's number, as the connector finds
	// it; default "customer_number".
	RecordClaim string `json:"record_claim"`
	// First has every claim proved by signing in. Otherwise that is for those to
	// whose record no code can be sent.
	First bool `json:"first"`
}

// check judges the sign-in, if there is to be one.
func (s *SignInConfig) check(plain bool) error {
	if *s == (SignInConfig{}) {
		return nil
	}
	if err := checkURL(s.Issuer, plain); err != nil {
		return bad("sign_in.issuer", "%v", err)
	}
	if s.ClientID == "" {
		return bad("sign_in.client_id", "missing")
	}
	if info, err := os.Stat(s.ClientSecretFile); err != nil || info.IsDir() {
		return bad("sign_in.client_secret_file", "%q is no file", s.ClientSecretFile)
	}
	return nil
}

// TLSFiles name a certificate chain and its private key.
type TLSFiles struct {
	CertFile string `json:"cert_file"`
	KeyFile  string `json:"key_file"`
}

// ConnectorConfig says which connector, and what it reads as its own.
type ConnectorConfig struct {
	Type   string          `json:"type"` // memory, webhook, …
	Config json.RawMessage `json:"config"`
	// PollSeconds is how often the system is asked for changes; default 15.
	PollSeconds int `json:"poll_seconds"`
	// Purposes are those that the system serves, by their names in the Data Privacy
	// Vocabulary. A fact that was given for another doesn't go there, and the
	// customer reads that it is of no use. Empty, it serves every purpose that
	// the basis of a fact covers.
	Purposes []string `json:"purposes"`
}

// TicketsConfig says which connector, and what it reads as its own.
type TicketsConfig struct {
	Type   string          `json:"type"`
	Config json.RawMessage `json:"config"`
}

// MetricsConfig says where metrics are served, with GET /metrics, /healthz and
// /readyz. They say nothing of customers, but much of the company.
type MetricsConfig struct {
	// Listen is an address that only this machine or a closed network reaches:
	// "127.0.0.1:9464". There is no TLS and nobody is asked who he is, so that it
	// is a loopback address unless Open is set.
	Listen string `json:"listen"`
	// Open allows another address than a loopback one: in a container, or where
	// the network is closed by other means.
	Open bool `json:"open"`
}

// LogConfig says how to log.
type LogConfig struct {
	// Format is "text" or "json"; default "text".
	Format string `json:"format"`
	// Level is "debug", "info", "warn" or "error"; default "info". No level logs
	// personal data.
	Level string `json:"level"`
}

// Limits bound what is taken.
type Limits struct {
	// OpensPerMinute is how many relationships may be opened from one address;
	// default 60.
	OpensPerMinute int `json:"opens_per_minute"`
	// OpensPerMinuteAll is the same for all addresses together; default 3,000.
	OpensPerMinuteAll int `json:"opens_per_minute_all"`
	// CallsPerSecond is how many calls one address may make, ten times as many at
	// once; default 200. Where the gateway listens on loopback without SourceHeader
	// there is no limit unless one is given: the address is a proxy's then, and
	// everybody is behind it.
	CallsPerSecond int `json:"calls_per_second"`
	// SourceHeader is the header in which a proxy, and nobody else, writes the
	// address that calls: "X-Real-IP", or the last in "X-Forwarded-For".
	SourceHeader string `json:"source_header"`
	// Waiting is how many calls may wait for news at once; default 10,000.
	Waiting int `json:"waiting"`
	// LogEntries is how many entries a customer may write in one relationship;
	// default 20,000. Rights may be claimed, and things taken back, beyond it.
	LogEntries int `json:"log_entries"`
	// CacheMiB is the memory for relationships in use; default 16.
	CacheMiB int `json:"cache_mib"`
	// Workers is how many calls to the company's system may run at once; default 4.
	Workers int `json:"workers"`
}

// LoadConfig reads the file at path. Its error says which member is wrong, and how.
func LoadConfig(path string) (c Config, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	if c, err = ParseConfig(text, filepath.Dir(path)); err != nil {
		return c, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

// ParseConfig reads a configuration whose relative paths begin at dir. What it says
// is judged by Check.
func ParseConfig(text []byte, dir string) (c Config, err error) {
	if err := firsthand.ParseJSON(text, &c); err != nil {
		if text := err.Error(); strings.Contains(text, "member name") && !strings.Contains(text, "no member name") { // nobody but the parser knows where
			err = fault.Tell(fault.Invalid, err.Error(),
				`A fact whose name has dots stands in a list: "facts": [{"fact": "address.home", "value": "…"}].`)
		} else {
			err = fault.Tell(fault.Invalid, err.Error(), "Every member stands in docs/running-a-gateway.md, and what belongs there: look how it is spelt.")
		}
		return c, err
	}
	c.dir = dir
	for _, path := range []*string{&c.Data, &c.Database.URLFile, &c.KeyFile, &c.ChainFile, &c.TLS.CertFile, &c.TLS.KeyFile,
		&c.Desk.TLS.CertFile, &c.Desk.TLS.KeyFile, &c.Desk.OIDC.ClientSecretFile, &c.SignIn.ClientSecretFile} {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	return c, nil
}

// Dir is where relative paths begin, for what a connector reads as its own.
func (c *Config) Dir() string { return c.dir }

// bad returns the error of a member that is wrong.
func bad(member, format string, args ...any) error {
	return fault.Tell(fault.Invalid, member+": "+fmt.Sprintf(format, args...)+".", "Correct it in the configuration file.")
}

// Check judges everything in c that can be judged without the network: each
// member, the files that it names, and that they fit together. It returns all that
// is wrong. plain allows HTTP without TLS, on loopback alone.
func (c *Config) Check(plain bool) error {
	var errs []error
	fail := func(member, format string, args ...any) { errs = append(errs, bad(member, format, args...)) }
	if err := firsthand.CheckDomain(c.Domain); err != nil {
		fail("domain", "%v", err)
	}
	if c.Name == "" {
		fail("name", "missing")
	}
	if c.Jurisdiction == "" {
		fail("jurisdiction", "missing")
	}
	if err := checkURL(c.URL, plain); err != nil {
		fail("url", "%v", err)
	}
	errs = append(errs, checkListen("", c.Listen, c.TLS), c.checkDesk(plain), c.checkOperation())
	if info, err := os.Stat(c.Data); err != nil || !info.IsDir() {
		fail("data", "%q is no directory", c.Data)
	}
	if _, err := c.Database.URL(); err != nil {
		errs = append(errs, fmt.Errorf("database: %w", err))
	}
	if _, err := LoadKeys(c.KeyFile, c.ChainFile); err != nil {
		errs = append(errs, fmt.Errorf("key_file, chain_file: %w", err))
	}
	if _, err := c.terms(); err != nil {
		errs = append(errs, err)
	}
	if c.Connector.Type == "" && (len(c.Connector.Config) > 0 || c.Connector.PollSeconds != 0) {
		fail("connector", "has no type")
	}
	if c.Tickets.Type == "" && len(c.Tickets.Config) > 0 || c.Tickets.Type != "" && c.Connector.Type == "" {
		fail("tickets", "needs a type, and a connector beside it")
	}
	for _, purpose := range c.Connector.Purposes {
		if purpose == "" || strings.ContainsAny(purpose, " ,;") {
			fail("connector", "purposes: %q is no name of a purpose, such as DeliveryOfGoods", purpose)
		}
	}
	errs = append(errs, c.SignIn.check(plain))
	for i, r := range c.Retention {
		if r.Fact == "" || r.Law == "" || r.Days < 1 || r.Days > 36525 {
			fail("retention", "number %d needs a fact, a law and between 1 and 36525 days", i+1)
		}
	}
	for _, n := range []int{c.Limits.OpensPerMinute, c.Limits.OpensPerMinuteAll, c.Limits.CallsPerSecond, c.Limits.Waiting, c.Limits.LogEntries,
		c.Limits.CacheMiB, c.Limits.Workers, c.Connector.PollSeconds} {
		if n < 0 {
			fail("limits", "%d is below zero", n)
		}
	}
	if strings.ContainsFunc(c.Limits.SourceHeader, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		fail("limits", "source_header: %q is no header", c.Limits.SourceHeader)
	}
	return errors.Join(errs...)
}

// Calls is how many calls a second one address may make; 0 for no limit.
func (c *Config) Calls() int {
	host, _, _ := net.SplitHostPort(c.Listen)
	if c.Limits.CallsPerSecond > 0 || isLoopback(host) && c.Limits.SourceHeader == "" {
		return c.Limits.CallsPerSecond
	}
	return 200
}

// checkURL refuses an address that agents could not or should not call.
func checkURL(s string, plain bool) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%q is no address like https://gateway.acme.example", s)
	case u.Scheme == "https" || u.Scheme == "http" && plain && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%q is not https", s)
}

// checkListen judges where a server listens: that of agents, or, with "desk." before
// its members, that of the desk.
func checkListen(before, listen string, files TLSFiles) error {
	host, _, err := net.SplitHostPort(listen)
	switch {
	case err != nil:
		return bad(before+"listen", "%q is no address like 127.0.0.1:8443", listen)
	case (files.CertFile == "") != (files.KeyFile == ""):
		return bad(before+"tls", "needs both files")
	case files.CertFile == "" && !isLoopback(host):
		return fault.Tell(fault.Invalid, fmt.Sprintf("%stls: missing, and %slisten is no loopback address: %q.", before, before, listen),
			fmt.Sprintf(`Name a certificate: "tls": {"cert_file": "FILE", "key_file": "FILE"}. Or, behind a proxy that ends TLS, let %slisten be an address of loopback, such as 127.0.0.1:8443.`, before))
	}
	for _, file := range []string{files.CertFile, files.KeyFile} {
		if _, err := os.Stat(file); file != "" && err != nil {
			return bad(before+"tls", "%v", err)
		}
	}
	if files.KeyFile == "" {
		return nil
	}
	return checkMode(files.KeyFile)
}

// checkOperation judges what operators need beside the work itself.
func (c *Config) checkOperation() error {
	var errs []error
	if m := c.Metrics; m.Listen != "" {
		host, _, err := net.SplitHostPort(m.Listen)
		switch {
		case err != nil:
			errs = append(errs, bad("metrics.listen", "%q is no address like 127.0.0.1:9464", m.Listen))
		case m.Listen == c.Listen:
			errs = append(errs, bad("metrics.listen", "customers' agents are served at %q", m.Listen))
		case !m.Open && !isLoopback(host):
			errs = append(errs, bad("metrics.listen", "%q is no loopback address; metrics.open allows it", m.Listen))
		}
	}
	if !slices.Contains([]string{"", "text", "json"}, c.Log.Format) {
		errs = append(errs, bad("log.format", "is text or json, not %q", c.Log.Format))
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.Log.Level) {
		errs = append(errs, bad("log.level", "is debug, info, warn or error, not %q", c.Log.Level))
	}
	if c.GraceSeconds < 0 || c.GraceSeconds > 300 {
		errs = append(errs, bad("grace_seconds", "%d is not between 0 and 300", c.GraceSeconds))
	}
	for member, text := range map[string]json.RawMessage{"connector": c.Connector.Config, "tickets": c.Tickets.Config} {
		if err := checkSecrets(text, c.dir); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", member, err))
		}
	}
	return errors.Join(errs...)
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// terms returns the agreements that the codes name.
func (c *Config) terms() (refs []firsthand.TermsRef, err error) {
	for _, code := range c.Terms {
		a, ok := terms.Default().Lookup(code)
		switch {
		case !ok:
			return nil, bad("terms", "the roster has no %q", code)
		case !a.Pinned():
			return nil, bad("terms", "the text of %q is not known to this program, so it can't be accepted by it", code)
		}
		refs = append(refs, a.Ref())
	}
	return refs, nil
}

// Options returns what c says of a Gateway; store and connector are the caller's.
func (c *Config) Options() (o Options, err error) {
	if o.Keys, err = LoadKeys(c.KeyFile, c.ChainFile); err != nil {
		return o, err
	}
	refs, err := c.terms()
	if err != nil {
		return o, err
	}
	o.Company = firsthand.Company{Domain: c.Domain, Name: c.Name, Jurisdiction: c.Jurisdiction, Gateway: c.URL, Terms: refs}
	o.Retention = c.Retention
	o.Poll = time.Duration(c.Connector.PollSeconds) * time.Second
	o.CacheBytes = c.Limits.CacheMiB << 20
	o.MaxLog = int64(c.Limits.LogEntries)
	o.Workers = c.Limits.Workers
	o.Purposes = c.Connector.Purposes
	if c.SignIn.Issuer != "" {
		o.SignIn, o.SignInFirst = strings.TrimSuffix(c.URL, "/")+"/sign-in", c.SignIn.First
	}
	return o, nil
}
