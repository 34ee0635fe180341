package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/fetch/fetchtest"
)

// proxied counts connections to the proxy that the environment names.
var proxied atomic.Int64

// TestMain names a proxy for all tests, because net/http reads the environment
// only once.
func TestMain(m *testing.M) {
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		for {
			c, err := proxy.Accept()
			if err != nil {
				return
			}
			proxied.Add(1)
			c.Close()
		}
	}()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		os.Setenv(name, "http://"+proxy.Addr().String())
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		os.Unsetenv(name)
	}
	os.Exit(m.Run())
}

func TestVectors(t *testing.T) {
	n := fetchtest.New(t)
	vectors := fetchtest.Vectors()
	seen := map[string]bool{}
	refusals := 0
	for _, v := range vectors {
		if err := play(t.Context(), n, v, nil); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		if key := fmt.Sprintf("%q %q %v", v.URL, v.Answers, v.Loopback); seen[key] {
			t.Errorf("%s: is there twice", v.Name)
		} else {
			seen[key] = true
		}
		if slices.ContainsFunc(v.Want, func(w string) bool { return w != fetchtest.Answered }) {
			refusals++
		}
	}
	t.Logf("%d vectors, of which %d are refused", len(vectors), refusals)
	if refusals < 150 {
		t.Errorf("%d vectors that are refused, want at least 150", refusals)
	}
}

func TestVectorsNoticePlantedBugs(t *testing.T) {
	n := fetchtest.New(t)
	vectors := fetchtest.Vectors()
	for _, bug := range slices.Concat(fetch.AddressBugs(), fetch.URLBugs) {
		t.Run(bug.Name, func(t *testing.T) {
			for _, v := range vectors {
				if err := play(t.Context(), n, v, bug.Plant); err != nil {
					t.Logf("noticed by %s: %v", v.Name, err)
					return
				}
			}
			t.Error("not noticed by any vector")
		})
	}
}

// The run for other features asks less, and must still notice arrivals.
func TestFeatureThatForgets(t *testing.T) {
	fetchtest.Run(t, get)

	n := fetchtest.New(t)
	direct := func(ctx context.Context, _ *fetch.Client, url string) error {
		c, err := net.Dial("tcp", n.Sentinel())
		if err == nil {
			c.Read(make([]byte, 1)) // until the sentinel hangs up
			c.Close()
		}
		return err
	}
	v := fetchtest.Vector{URL: "https://acme.example/", Want: []string{fetchtest.Answered}}
	if _, breaches := n.Play(t.Context(), v, direct); len(breaches) != 1 {
		t.Errorf("a feature with a dialer of its own: breaches %q, want 1", breaches)
	}
}

// get is the plainest feature there can be.
func get(ctx context.Context, c *fetch.Client, url string) error {
	_, err := c.Get(ctx, url)
	return err
}

// play plays v with a client that has bug, and says what went wrong.
func play(ctx context.Context, n *fetchtest.Internet, v fetchtest.Vector, bug func(*fetch.Client)) error {
	before := proxied.Load()
	errs, breaches := n.Play(ctx, v, func(ctx context.Context, c *fetch.Client, url string) error {
		if bug != nil {
			bug(c)
			bug = nil // once: Play has one Client
		}
		return get(ctx, c, url)
	})
	if len(breaches) > 0 {
		return fmt.Errorf("arrived at %q", breaches)
	}
	if proxied.Load() != before {
		return errors.New("arrived at the proxy")
	}
	for i, err := range errs {
		if got := outcome(err); got != v.Want[i] {
			return fmt.Errorf("call %d: %s, want %s: %v", i+1, got, v.Want[i], err)
		}
		if rule := fault.RuleOf(err); rule == "fetch-address" != errors.Is(err, fault.Denied) {
			return fmt.Errorf("call %d: kind %v by rule %s", i+1, fault.KindOf(err), rule)
		}
	}
	return nil
}

// outcome says what became of a call in the words of a vector.
func outcome(err error) string {
	switch {
	case err == nil:
		return fetchtest.Answered
	case fault.RuleOf(err) != "":
		return fault.RuleOf(err)
	case errors.Is(err, fault.Unavailable):
		return fetchtest.Unavailable
	}
	return err.Error()
}
