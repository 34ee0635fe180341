package bench_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var (
	lifeSize = flag.Int("life", 100, "how many relationships the life of BenchmarkPages has; of 10,000 there are 1,000,000 entries")
	lifeDir  = flag.String("life-dir", "", "the `folder` in which it is kept for the next run; empty for none")
)

// BenchmarkPages is the customer's own program with her whole life: process start to
// the first page, and each page that she opens, for one browser alone and with eight at
// once, none of which ever waits. A time is from request to the end of the answer.
//
//	go test ./internal/bench -run '^$' -bench Pages -benchtime 200x -life 10000 -life-dir /tmp/life
func BenchmarkPages(b *testing.B) {
	life := openLife(b, *lifeDir, *lifeSize)
	base, stop, err := answering()
	if err != nil {
		b.Fatal(err)
	}
	defer stop()
	life.at(b, base)
	program := buildAgent(b)
	b.Run("start", func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			start := time.Now()
			p := startAgent(b, program, life.program())
			if _, err := read(newBrowser(p).Get(p.link)); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
			b.StopTimer()
			p.stop(b)
			b.StartTimer()
		}
		report(b, took, 1, used{})
	})
	p := startAgent(b, program, life.program())
	defer p.stop(b)
	v, err := life.enter(p)
	if err != nil {
		b.Fatal(err)
	}
	pages := v.pages()
	for _, page := range pages {
		b.Run("page="+page.name, func(b *testing.B) {
			var n atomic.Int64
			var took []time.Duration
			u := p.measure(b, func() { took = together(b, 1, b.N, func(int) error { return v.see(page, int(n.Add(1))) }) })
			report(b, took, 1, used{})
			u.perPage(b, b.N)
		})
	}
	// What a change to a thousand companies would do nobody asks again and again.
	pages = slices.DeleteFunc(pages, func(p page) bool { return p.name == "preview-homes" })
	b.Run("eight", func(b *testing.B) {
		if err := p.forgetPeak(); err != nil {
			b.Log(err)
		}
		var n atomic.Int64
		u := p.measure(b, func() {
			took := together(b, 8, b.N*len(pages), func(int) error {
				i := int(n.Add(1))
				return v.see(pages[i%len(pages)], i/len(pages))
			})
			report(b, took, 1, used{})
		})
		if u.peak > 0 {
			b.ReportMetric(float64(u.peak)/(1<<20), "peak-MB")
		}
		u.perPage(b, b.N*len(pages))
	})
}

// perPage reports the processor time of a page: what it costs, whoever else is at work
// on the machine.
func (u used) perPage(b *testing.B, n int) {
	if u.cpu > 0 {
		b.ReportMetric(float64(u.cpu)/float64(time.Millisecond)/float64(n), "server-cpu-ms/page")
	}
}

// TestPages opens each page of BenchmarkPages once, with a small life, so that it
// can't rot.
func TestPages(t *testing.T) {
	life := openLife(t, "", 60)
	base, stop, err := answering()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	life.at(t, base)
	p := startAgent(t, buildAgent(t), life.program())
	defer p.stop(t)
	v, err := life.enter(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range v.pages() {
		if err := v.see(page, 1); err != nil {
			t.Errorf("%s: %v", page.name, err)
		}
	}
}

// A visitor is browsers at her pages that are signed in.
type visitor struct {
	life   wholeLife
	p      *process
	client *http.Client
	entry  string            // the address of an entry
	task   string            // of a task
	drafts map[string]string // by fact: the preview of a change
}

func newBrowser(p *process) *http.Client {
	jar, _ := cookiejar.New(nil) // never fails
	return &http.Client{Jar: jar, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
}

// enter signs in, and finds what has no address that is known beforehand.
func (l wholeLife) enter(p *process) (*visitor, error) {
	v := &visitor{life: l, p: p, client: newBrowser(p), drafts: make(map[string]string)}
	if _, err := read(v.client.Get(p.link)); err != nil {
		return nil, err
	}
	if _, err := read(v.client.PostForm(p.base+"/unlock", url.Values{"passphrase": {lifePass}})); err != nil {
		return nil, err
	}
	for fact, value := range map[string]url.Values{"bank_account": {"bank_account:value": {"BE62 5100 0754 7061"}},
		"address.home": {"address.home:street": {"Veldstraat 2"}, "address.home:city": {"Gent"}}} {
		value.Set("fact", fact)
		value.Set("basis", "GDPR 16")
		value.Set("once", strings.Repeat(fact, 3)[:22])
		resp, err := v.client.PostForm(p.base+"/change", value)
		if _, err := read(resp, err); err != nil {
			return nil, err
		}
		v.drafts[fact] = resp.Request.URL.Path
	}
	for path, to := range map[string]*string{"/companies/" + lifeDomain(1): &v.entry, "/tasks": &v.task} {
		page, err := read(v.client.Get(p.base + path))
		if err != nil {
			return nil, err
		}
		m := regexp.MustCompile(`href="(/relationships/[^/"]+/entries/[^"]+|/tasks/[A-Za-z0-9_-]{43})"`).FindStringSubmatch(page)
		if m == nil {
			return nil, fmt.Errorf("nothing to open on %s:\n%s", path, page)
		}
		*to = m[1]
	}
	return v, nil
}

// A page is one that she opens, or several that are alike.
type page struct {
	name string
	path func(n int) string // the nth time
	has  string             // what stands there
}

func (v *visitor) pages() []page {
	all := v.life.relationships
	same := func(name, path, has string) page { return page{name, func(int) string { return path }, has} }
	some := func(n int) int { return n * 7919 % all }
	return []page{
		same("map", "/", "Companies"),
		same("companies", "/companies", lifeDomain(1)),
		{"companies-further", func(n int) string { return fmt.Sprint("/companies?sort=used&desc=yes&from=", some(n)/100*100) }, "company-"},
		{"companies-by-held", func(n int) string { return fmt.Sprint("/companies?sort=held&desc=yes&from=", some(n)/100*100) }, "company-"},
		{"companies-by-due", func(n int) string { return fmt.Sprint("/companies?sort=due&from=", some(n)/100*100) }, "company-"},
		{"search", func(n int) string { return fmt.Sprint("/companies?search=company-", n%9+1) }, "company-"},
		same("search-nothing", "/companies?search=no+such", "no such"),
		{"group", func(n int) string { return fmt.Sprint("/companies?group=group+", n%10) }, "company-"},
		same("silent", "/companies?show=silent", ""),
		same("holders", "/companies?holds=email", "company-"),
		same("holders-of-value", "/companies?holds=email&value=mia@old.example", "company-"),
		{"company", func(n int) string { return "/companies/" + lifeDomain((some(n)/50*50+1)%all) }, "mia@"},
		{"company-of-1000-entries", func(n int) string { return "/companies/" + lifeDomain(some(n)/100*100%max(1, all-100)+7) }, "mia@"},
		{"tell", func(n int) string { return "/companies/" + lifeDomain((some(n)/50*50+1)%all) + "/do/tell" }, "company-"},
		same("entry", v.entry, "company-1"),
		same("me", "/me", "mia@new.example"),
		{"fact", func(n int) string { return fmt.Sprint("/me/email?from=", some(n)/100*100) }, "company-"},
		same("change", "/change?fact=address.home", "address.home"),
		same("preview-20", v.drafts["bank_account"], "company-1"),
		same("preview-homes", v.drafts["address.home"], "company-10"),
		same("changes", "/changes", "/changes/1"),
		{"board", func(n int) string { return fmt.Sprint("/changes/1?from=", some(n)%v.life.homes()/200*200) }, "company-"},
		same("tasks", "/tasks", "Company 49"),
		same("task", v.task, "Company "),
		same("terms", "/terms", "FIRSTHAND-SD-BASE"),
		same("agreement", "/terms/FIRSTHAND-SD-BASE", "FIRSTHAND-SD-BASE"),
		same("safety", "/safety", ""),
		same("import", "/import", "passwords.csv"),
		same("import-preview", "/imports/1", "shop"),
	}
}

// see opens a page.
func (v *visitor) see(p page, n int) error {
	text, err := read(v.client.Get(v.p.base + p.path(n)))
	if err == nil && !strings.Contains(text, p.has) {
		err = fmt.Errorf("no %q on %s:\n%s", p.has, p.path(n), text)
	}
	return err
}

// forgetPeak makes the most memory that the program has had be what it has now: to
// sign in costs 64 MB once, so that passphrases are slow to guess.
func (p *process) forgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid), []byte("5"), 0)
}
