package mailtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"iter"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"firsthand/internal/agent/channel"
	"firsthand/internal/needtest"
)

// Domains and accounts of the host. Bounced is an address at the company's domain
// that is taken, and comes to nothing.
const (
	Hers    = "mia@her.test"
	Company = "privacy@acme.test"
	Other   = "care@beta.test"
	Bounced = "gone@acme.test"

	Password = "correct horse" // of all
	AuthServ = "mx.her.test"   // under which the host says what it thinks of a mail
)

// A Host is a running mail host.
type Host struct {
	Roots *x509.CertPool
	Cert  string // the file that Roots are of

	Submissions, SubmitTLS, IMAPS, IMAP int // ports: with TLS, with STARTTLS, likewise to read
	// Inside takes mails as from a host of which the checks went well for the domain
	// of the company, Outside as from anywhere, for which they failed.
	Inside, Outside int

	t               testing.TB
	dir             string
	postfix, daemon string
	running         map[string]*exec.Cmd
}

// Start starts a host. It ends with t.
func Start(t testing.TB) *Host {
	t.Helper()
	// Not every user has the folder of servers in PATH.
	h := &Host{t: t, postfix: needtest.Program(t, "postfix", "/usr/sbin/postfix"), daemon: needtest.Program(t, "dovecot", "/usr/sbin/dovecot"),
		running: make(map[string]*exec.Cmd)}
	if os.Geteuid() != 0 {
		needtest.Skip(t, "Postfix is started by root only")
	}
	// Not t.TempDir: users of the host have to get there.
	var err error
	if h.dir, err = os.MkdirTemp("", "mailtest"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(h.dir) })
	h.must(os.Chmod(h.dir, 0o755))
	ports := freePorts(t, 6)
	h.Submissions, h.SubmitTLS, h.IMAPS, h.IMAP, h.Inside, h.Outside = ports[0], ports[1], ports[2], ports[3], ports[4], ports[5]
	h.certificate()
	h.write("dovecot.conf", h.dovecotConf(), 0o644)
	users := ""
	for _, address := range []string{Hers, Company, Other} { // of user and group 8, which is mail on Debian
		users += fmt.Sprintf("%s:{PLAIN}%s:8:8::%s\n", address, Password, filepath.Join(h.dir, "mail", address))
	}
	h.write("users", users, 0o644)
	h.must(os.MkdirAll(filepath.Join(h.dir, "mail"), 0o777))
	h.must(os.Chmod(filepath.Join(h.dir, "mail"), 0o777))
	for _, name := range []string{"etc", "queue", "data"} {
		h.must(os.MkdirAll(filepath.Join(h.dir, name), 0o755))
	}
	h.run("chown", "postfix", filepath.Join(h.dir, "data"))
	h.write("etc/main.cf", h.mainCf(), 0o644)
	h.write("etc/master.cf", h.masterCf(), 0o644)
	t.Cleanup(func() {
		for name := range h.running {
			h.Kill(name)
		}
		if t.Failed() {
			for _, name := range []string{"dovecot.log", "postfix.log"} {
				log, _ := os.ReadFile(filepath.Join(h.dir, name))
				t.Logf("%s:\n%s", name, log[max(0, len(log)-4000):])
			}
		}
	})
	h.StartReading()
	h.StartSending()
	return h
}

// Names of the programs, for Kill.
const (
	Sending = "postfix"
	Reading = "dovecot"
)

// StartSending starts Postfix, which must not run.
func (h *Host) StartSending() {
	h.t.Helper()
	h.start(Sending, exec.Command(h.postfix, "-c", filepath.Join(h.dir, "etc"), "start-fg"), h.Submissions, h.SubmitTLS, h.Inside, h.Outside)
}

// StartReading starts Dovecot, which must not run.
func (h *Host) StartReading() {
	h.t.Helper()
	h.start(Reading, exec.Command(h.daemon, "-F", "-c", filepath.Join(h.dir, "dovecot.conf")), h.IMAPS, h.IMAP)
}

func (h *Host) start(name string, cmd *exec.Cmd, ports ...int) {
	h.t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	h.must(cmd.Start())
	h.running[name] = cmd
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	deadline := time.After(30 * time.Second)
	for _, port := range ports {
		for {
			conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				conn.Close()
				break
			}
			select {
			case <-ended:
				h.t.Fatalf("%s ended: %s", name, out.String())
			case <-deadline:
				h.t.Fatalf("%s doesn't answer at %d: %v: %s", name, port, err, out.String())
			case <-time.After(20 * time.Millisecond): // another process comes up: nobody tells when
			}
		}
	}
}

// Kill kills one of the programs with all its processes, as a power failure would.
func (h *Host) Kill(name string) {
	cmd := h.running[name]
	if cmd == nil {
		return
	}
	delete(h.running, name)
	syscall.Kill(cmd.Process.Pid, syscall.SIGSTOP) // so that nothing is born that holds its ports
	for _, pid := range group(cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	cmd.Process.Wait() // ended already is no error
	for _, left := range []string{"queue/pid/master.pid", "data/master.lock", "run/master.pid"} {
		os.Remove(filepath.Join(h.dir, left))
	}
}

// group returns a process and all that descend from it: some of them have groups of
// their own.
func group(root int) []int {
	parents := make(map[int]int)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		var pid, ppid int
		var state string
		fmt.Sscanf(string(text), "%d", &pid)
		fmt.Sscanf(string(text[bytes.LastIndexByte(text, ')')+1:]), "%s %d", &state, &ppid)
		parents[pid] = ppid
	}
	all := []int{root}
	for i := 0; i < len(all); i++ {
		for pid, ppid := range parents {
			if ppid == all[i] && !slices.Contains(all, pid) {
				all = append(all, pid)
			}
		}
	}
	return all
}

// Account returns the account of an address of the host.
func (h *Host) Account(address string) channel.Account {
	return channel.Account{Address: address, User: address, Password: Password, AuthServ: AuthServ,
		Submit:  channel.Server{Host: "localhost", Port: h.Submissions, TLS: channel.Implicit},
		Receive: channel.Server{Host: "localhost", Port: h.IMAPS, TLS: channel.Implicit}}
}

// Mails returns the mails that lie in a mailbox of an account, "" for the inbox.
func (h *Host) Mails(address, mailbox string) (all [][]byte) {
	h.t.Helper()
	dir := filepath.Join(h.dir, "mail", address)
	if mailbox != "" {
		dir = filepath.Join(dir, "."+mailbox)
	}
	for _, sub := range []string{"new", "cur"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !os.IsNotExist(err) {
			h.t.Fatal(err)
		}
		for _, e := range entries {
			raw, err := os.ReadFile(filepath.Join(dir, sub, e.Name()))
			if err != nil {
				continue // it was just moved
			}
			all = append(all, raw)
		}
	}
	return all
}

// Fill puts mails into a mailbox of an account that isn't there yet, in their order and
// quicker than any client could: as files, which the host finds.
func (h *Host) Fill(address, mailbox string, mails iter.Seq[[]byte]) {
	h.t.Helper()
	dir := filepath.Join(h.dir, "mail", address, "."+mailbox)
	for _, sub := range []string{"new", "tmp", "cur"} {
		h.must(os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	n := 0
	for raw := range mails {
		n++
		h.must(os.WriteFile(filepath.Join(dir, "cur", fmt.Sprintf("%d.M%dP1.test:2,S", 1_000_000_000+n, n)), raw, 0o644))
	}
	h.run("chown", "-R", "8:8", filepath.Join(h.dir, "mail", address))
}

// Await waits until an account has n mails in a mailbox, and returns them.
func (h *Host) Await(address, mailbox string, n int) [][]byte {
	h.t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		all := h.Mails(address, mailbox)
		if len(all) >= n {
			return all
		}
		select {
		case <-deadline:
			h.t.Fatalf("%d mails of %d in %q of %s", len(all), n, mailbox, address)
		case <-time.After(20 * time.Millisecond): // another process delivers: nobody tells when
		}
	}
}

// Say delivers a mail by one of the ports that want no password.
func (h *Host) Say(port int, from, to string, raw []byte) {
	h.t.Helper()
	c, err := smtp.Dial(fmt.Sprintf("127.0.0.1:%d", port))
	h.must(err)
	defer c.Close()
	h.must(c.SendMail(from, []string{to}, bytes.NewReader(raw)))
	h.must(c.Quit())
}

func (h *Host) dovecotConf() string {
	return strings.NewReplacer("$DIR", h.dir, "$IMAPS", fmt.Sprint(h.IMAPS), "$IMAP", fmt.Sprint(h.IMAP)).Replace(`
protocols = imap lmtp
listen = 127.0.0.1
base_dir = $DIR/run
state_dir = $DIR/state
log_path = $DIR/dovecot.log
mail_location = maildir:$DIR/mail/%u
maildir_very_dirty_syncs = yes
first_valid_uid = 1
postmaster_address = postmaster@her.test
hostname = mx.her.test
ssl = required
ssl_cert = <$DIR/cert.pem
ssl_key = <$DIR/key.pem
auth_mechanisms = plain login
passdb {
  driver = passwd-file
  args = username_format=%u $DIR/users
}
userdb {
  driver = passwd-file
  args = username_format=%u $DIR/users
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = create
    special_use = \Sent
  }
  mailbox Junk {
    auto = create
    special_use = \Junk
  }
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = $IMAP
  }
  inet_listener imaps {
    port = $IMAPS
    ssl = yes
  }
}
service lmtp {
  unix_listener $DIR/lmtp {
    mode = 0666
  }
}
service auth {
  unix_listener $DIR/auth {
    mode = 0666
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
protocol lmtp {
  mail_plugins =
}
mail_fsync = never
`)
}

func (h *Host) mainCf() string {
	return strings.NewReplacer("$DIR", h.dir).Replace(`
compatibility_level = 3.6
queue_directory = $DIR/queue
data_directory = $DIR/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = $DIR/postfix.log
maillog_file_prefixes = $DIR
myhostname = mx.her.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = her.test, acme.test, beta.test
virtual_mailbox_maps = inline:{ {mia@her.test=x}, {privacy@acme.test=x}, {gone@acme.test=x}, {care@beta.test=x} }
virtual_transport = lmtp:unix:$DIR/lmtp
message_size_limit = 200000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_tls_cert_file = $DIR/cert.pem
smtpd_tls_key_file = $DIR/key.pem
smtpd_tls_security_level = may
smtpd_sasl_type = dovecot
smtpd_sasl_path = $DIR/auth
smtpd_delay_reject = no
smtputf8_enable = no
`)
}

func (h *Host) masterCf() string {
	auth := `-o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=yes -o smtpd_recipient_restrictions=reject_unlisted_recipient,permit_sasl_authenticated,reject -o smtpd_relay_restrictions=permit_sasl_authenticated,reject`
	says := func(what string) string {
		return `-o { smtpd_recipient_restrictions = check_client_access static:{PREPEND Authentication-Results: ` + AuthServ + `; ` + what + `}, permit }`
	}
	return fmt.Sprintf(`
127.0.0.1:%d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes %s
127.0.0.1:%d inet n - n - - smtpd -o smtpd_tls_security_level=encrypt %s
127.0.0.1:%d inet n - n - - smtpd %s
127.0.0.1:%d inet n - n - - smtpd %s
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
postlog   unix-dgram n  -       n       -       1       postlogd
`, h.Submissions, auth, h.SubmitTLS, auth, h.Inside, says("spf=pass smtp.mailfrom=acme.test; dkim=pass header.d=acme.test; dmarc=pass header.from=acme.test; arc=none"),
		h.Outside, says("spf=fail smtp.mailfrom=acme.test; dkim=none; dmarc=fail header.from=acme.test"))
}

// certificate makes one for localhost, signed by itself.
func (h *Host) certificate() {
	h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a test"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	h.must(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	h.must(err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	h.write("cert.pem", string(cert), 0o644)
	h.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), 0o600)
	h.Cert = filepath.Join(h.dir, "cert.pem")
	h.Roots = x509.NewCertPool()
	h.Roots.AppendCertsFromPEM(cert)
}

func (h *Host) write(name, text string, mode os.FileMode) {
	h.t.Helper()
	h.must(os.WriteFile(filepath.Join(h.dir, name), []byte(text), mode))
}

func (h *Host) run(name string, args ...string) {
	h.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		h.t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

func (h *Host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

var lastPort atomic.Int64

// freePorts returns ports that nobody listens on now, and that no call of anybody goes
// out from: a host that is killed finds them free when it starts again. Other
// processes look for theirs elsewhere.
func freePorts(t testing.TB, n int) (ports []int) {
	t.Helper()
	for range 2000 {
		port := 10_000 + (os.Getpid()*64+int(lastPort.Add(1)))%22_000
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		l.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports
		}
	}
	t.Fatalf("%d of %d ports are free", len(ports), n)
	return nil
}
