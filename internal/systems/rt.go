package systems

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// An RT is a Request Tracker 5 with a queue, the user of a gateway and one agent,
// who may edit users.
type RT struct {
	URL       string
	Queue     string // its name
	User      string // of the gateway
	TokenFile string // of the gateway
	Agent     string // a login, whose real name is Anna Agent
	Password  string // of the agent

	dir  string
	port int
	cmd  *process
}

// StartRT starts a Request Tracker in dir, which has to be there and is used again if
// it has one. Mail goes to the SMTP server at that port of this machine, or if it is 0
// nowhere.
func StartRT(ctx context.Context, dir string, smtp int) (*RT, error) {
	setup, err := program("rt-setup-database-5")
	if err != nil {
		return nil, err
	}
	if _, err := program(rtServer); err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	r := &RT{Queue: "Customer Care", User: "firsthand-gateway", Agent: "agent.anna", TokenFile: filepath.Join(dir, "token"), dir: dir}
	if r.port, err = freePort(); err != nil {
		return nil, err
	}
	r.URL = fmt.Sprintf("http://127.0.0.1:%d", r.port)
	if err := r.files(smtp); err != nil {
		return nil, err
	}
	if _, err := os.Stat(r.TokenFile); err != nil {
		for _, args := range [][]string{{"init", "--root-password-file", filepath.Join(dir, "password")}, {"insert", "--datafile", filepath.Join(dir, "initialdata")}} {
			cmd := exec.CommandContext(ctx, setup, append([]string{"--action"}, args...)...)
			cmd.Env = r.env()
			if err := run(cmd); err != nil {
				return nil, err
			}
		}
	}
	return r, r.Start(ctx)
}

// files writes RT's configuration into its folder.
func (r *RT) files(smtp int) error {
	for _, sub := range []string{"session", "mason", "etc"} {
		if err := os.MkdirAll(filepath.Join(r.dir, sub), 0o700); err != nil {
			return err
		}
	}
	password, err := os.ReadFile(filepath.Join(r.dir, "password"))
	if err != nil {
		password = []byte(rand.Text() + "\n")
	}
	r.Password = strings.TrimSpace(string(password))
	mail := "#!/bin/sh\nexec cat >/dev/null\n"
	if smtp != 0 {
		msmtp, err := program("msmtp")
		if err != nil {
			return err
		}
		mail = fmt.Sprintf("#!/bin/sh\nexec %s --host=127.0.0.1 --port=%d --from=care@vendor.test --read-recipients --auth=off --tls=off\n", msmtp, smtp)
	}
	for _, f := range []struct {
		name string
		text []byte
		mode os.FileMode
	}{
		{"password", password, 0o600}, {"RT_SiteConfig.pm", rtConfig, 0o600}, {"initialdata", rtData, 0o600}, {"sendmail", []byte(mail), 0o700},
	} {
		if err := os.WriteFile(filepath.Join(r.dir, f.name), f.text, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// env is the environment of RT's programs. The folder etc is empty: without it they
// would read the packaged configuration too.
func (r *RT) env() []string {
	return append(os.Environ(), "FIRSTHAND_RT_DIR="+r.dir, fmt.Sprintf("FIRSTHAND_RT_PORT=%d", r.port), "FIRSTHAND_RT_PASSWORD="+r.Password,
		"RT_SITE_CONFIG="+filepath.Join(r.dir, "RT_SiteConfig.pm"), "RT_SITE_CONFIG_DIR="+filepath.Join(r.dir, "etc"))
}

// Start starts the server again, after Stop, at the same address.
func (r *RT) Start(ctx context.Context) (err error) {
	cmd := exec.Command(rtServer, "--host", "127.0.0.1", "--port", fmt.Sprint(r.port), "--max-workers", "3")
	cmd.Env = r.env()
	r.cmd, err = start(ctx, cmd, r.answers)
	return err
}

// Stop stops the server. What RT has stays in its folder.
func (r *RT) Stop() { r.cmd.Stop() }

// answers reports whether the agent can sign in.
func (r *RT) answers(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL+"/REST/2.0/rt", nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(r.Agent, r.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("RT answers %s", resp.Status)
	}
	return nil
}
