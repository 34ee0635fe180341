package systems

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// What RT is made from.
var (
	//go:embed rt/RT_SiteConfig.pm
	rtConfig []byte
	//go:embed rt/initialdata
	rtData []byte
)

// rtServer is where Debian's package rt5-standalone has it.
const rtServer = "/usr/share/request-tracker5/libexec/rt-server"

// rtPassword is that of all users of ours.
const rtPassword = "quick-Wand7, Box3"

// An RT is a Request Tracker 5 on loopback, with what
// docs/connecting-request-tracker.md asks for, and one agent, who may edit users.
type RT struct {
	URL       string
	Queue     string // its name
	User      string // of the gateway
	TokenFile string // of the gateway
	Agent     string // a login, whose real name is Anna Agent
	Password  string // of the agent

	dir  string
	port int
	*process
}

// StartRT starts a Request Tracker whose files are in dir. Its database is SQLite:
// where dir has none, it is copied from the user's cache, which makes one first if need
// be. Mail goes to the SMTP server at that port of this machine, or if it is 0 nowhere.
func StartRT(ctx context.Context, dir string, smtp int) (*RT, error) {
	return StartRTOf(ctx, dir, smtp, rtDomain)
}

// rtDomain is whose RT the prepared one is.
const rtDomain = "vendor.test"

// StartRTOf is StartRT for the company of a domain: its mail comes from there.
func StartRTOf(ctx context.Context, dir string, smtp int, domain string) (*RT, error) {
	for _, name := range []string{rtServer, "rt-setup-database-5"} {
		if _, err := program(name); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	r, err := newRT(dir, smtp, domain)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(r.database()); errors.Is(err, fs.ErrNotExist) {
		template, err := rtTemplate(ctx)
		if err != nil {
			return nil, fmt.Errorf("prepare Request Tracker: %w", err)
		}
		// The database comes last: where it is, all is.
		for _, file := range []string{r.TokenFile, r.database()} {
			text, err := os.ReadFile(filepath.Join(template, filepath.Base(file)))
			if err != nil {
				return nil, err
			}
			if err := os.WriteFile(file, text, 0o600); err != nil {
				return nil, err
			}
		}
		if domain != rtDomain {
			if err := r.Insert(ctx, fmt.Sprintf(rtQueueOf, r.Queue, domain)); err != nil {
				return nil, err
			}
		}
	}
	return r, r.Start(ctx)
}

// rtQueueOf has the mail of a queue come from a domain.
const rtQueueOf = `our @Final = (sub {
	my $queue = RT::Queue->new(RT->SystemUser);
	$queue->Load('%[1]s');
	$queue->SetCorrespondAddress('care@%[2]s');
	$queue->SetCommentAddress('care-comment@%[2]s');
});
1;
`

// newRT returns one that isn't started, with its configuration.
func newRT(dir string, smtp int, domain string) (*RT, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r := &RT{URL: "http://127.0.0.1:" + strconv.Itoa(port), Queue: "Customer Care", User: "firsthand-gateway", TokenFile: filepath.Join(dir, "token"),
		Agent: "agent.anna", Password: rtPassword, dir: dir, port: port}
	// The folder etc stays empty: without it, RT would read the packaged configuration.
	for _, sub := range []string{"session", "mason", "etc"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	mail := "#!/bin/sh\nexec cat >/dev/null\n"
	if smtp != 0 {
		msmtp, err := program("msmtp")
		if err != nil {
			return nil, err
		}
		mail = fmt.Sprintf("#!/bin/sh\nexec %s --host=127.0.0.1 --port=%d --from=care@%s --read-recipients --auth=off --tls=off\n", msmtp, smtp, domain)
	}
	return r, errors.Join(
		os.WriteFile(filepath.Join(dir, "RT_SiteConfig.pm"), bytes.ReplaceAll(rtConfig, []byte(rtDomain), []byte(domain)), 0o600),
		os.WriteFile(filepath.Join(dir, "sendmail"), []byte(mail), 0o700))
}

func (r *RT) database() string { return filepath.Join(r.dir, "rt5.sqlite") }

// env is the environment of RT's programs.
func (r *RT) env() []string {
	return append(os.Environ(), "FIRSTHAND_RT_DIR="+r.dir, "FIRSTHAND_RT_PORT="+strconv.Itoa(r.port), "FIRSTHAND_RT_PASSWORD="+r.Password,
		"RT_SITE_CONFIG="+filepath.Join(r.dir, "RT_SiteConfig.pm"), "RT_SITE_CONFIG_DIR="+filepath.Join(r.dir, "etc"))
}

// Start starts it, again after Stop, at the same port, and returns when it answers.
func (r *RT) Start(ctx context.Context) (err error) {
	cmd := exec.Command(rtServer, "--host", "127.0.0.1", "--port", strconv.Itoa(r.port), "--max-workers", "3")
	cmd.Env = r.env()
	ownPolitely(cmd) // its workers don't notice when it is killed
	r.process, err = start(ctx, cmd, r.answers)
	return err
}

// Insert puts more into it, as text of RT's own "initialdata": it may be started
// meanwhile. In the text, $ENV{FIRSTHAND_RT_DIR} is its folder.
func (r *RT) Insert(ctx context.Context, text string) error {
	data := filepath.Join(r.dir, "more")
	if err := os.WriteFile(data, []byte(text), 0o600); err != nil {
		return err
	}
	return r.setUp(ctx, "insert", "--datafile", data)
}

// setUp changes its database.
func (r *RT) setUp(ctx context.Context, action string, args ...string) error {
	setup, err := program("rt-setup-database-5")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, setup, append([]string{"--action", action}, args...)...)
	cmd.Env = r.env()
	return run(cmd)
}

// Call calls RT's REST2 as the employee, and puts what it answers into result, which may
// be nil. The status is said beside the error: what isn't 2xx is none.
func (r *RT) Call(ctx context.Context, method, path string, in, result any) (status int, err error) {
	text, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, method, r.URL+"/REST/2.0"+path, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(r.Agent, r.Password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if text, err = io.ReadAll(resp.Body); err != nil || resp.StatusCode > 299 || result == nil {
		return resp.StatusCode, err
	}
	return resp.StatusCode, json.Unmarshal(text, result)
}

// answers reports whether an agent can sign in.
func (r *RT) answers(ctx context.Context) error {
	status, err := r.Call(ctx, http.MethodGet, "/rt", nil, nil)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("RT answers with status %d", status)
	}
	return err
}

// rtTemplate returns the folder of a prepared RT, which it makes if the cache has none
// for what is installed. Who finds another at it waits; a folder that is there is whole.
func rtTemplate(ctx context.Context) (string, error) {
	version, err := os.ReadFile("/usr/share/request-tracker5/lib/RT/Generated.pm")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%x %x %x %s", sha256.Sum256(version), sha256.Sum256(rtConfig), sha256.Sum256(rtData), rtPassword)
	return prepared(fmt.Sprintf("rt-%x", sum.Sum(nil)[:8]), func(dir string) error {
		r, err := newRT(dir, 0, rtDomain)
		if err != nil {
			return err
		}
		root := filepath.Join(dir, "password")
		if err := os.WriteFile(root, []byte(rtPassword+"\n"), 0o600); err != nil {
			return err
		}
		if err := r.setUp(ctx, "init", "--root-password-file", root); err != nil {
			return err
		}
		return r.Insert(ctx, string(rtData))
	})
}
