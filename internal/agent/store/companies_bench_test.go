package store_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/agent/store"
	"firsthand/internal/needtest"
	"firsthand/logtest"
)

// bringer returns an agent on s that can read files.
func bringer(s *store.Store) *agent.Agent {
	return agent.New(agent.Options{Store: s, Now: time.Now, Formats: passwords.Formats()})
}

// passwordsFile yields a file of Chrome with so many rows, at a tenth as many
// companies, as it is read: it is never whole in memory.
func passwordsFile(rows int) io.Reader {
	r, w := io.Pipe()
	go func() {
		fmt.Fprintln(w, "name,url,username,password,note")
		for i := range rows {
			fmt.Fprintf(w, "Shop %d,https://www.shop%d.example/login,mia+%d@old.example,hunter%d,\n", i%(rows/10), i%(rows/10), i%7, i)
		}
		w.Close()
	}()
	return r
}

// reportPeak reports how much memory this process has had at most, where the system
// says so: of the first size, run alone, that is what it took.
func reportPeak(b *testing.B) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	if m := regexp.MustCompile(`VmHWM:\s*(\d+)`).FindSubmatch(status); m != nil {
		kib, _ := strconv.Atoi(string(m[1]))
		b.ReportMetric(float64(kib)/1024, "MiB-peak")
	}
}

// listings are data sets of the size of those that exist: 6,400 records.
func listings() agent.Commit {
	var c agent.Commit
	for set, n := range []int{3000, 2600, 650, 100} {
		l := agent.ListingSet{Listing: agent.Listing{Set: directory.Set{Name: fmt.Sprint("set", set)}, Added: testNow}}
		for i := range n {
			host := fmt.Sprintf("shop%d.example", i*3)
			l.All = append(l.All, directory.Record{Set: l.Name, Key: fmt.Sprint(i), Name: fmt.Sprint("Shop ", i), Hosts: []string{host, "help." + host},
				Account: "https://" + host + "/account", Legal: &directory.Legal{Name: fmt.Sprint("Shop ", i, " NV"), Address: strings.Repeat("Korenmarkt 1, Gent ", 20)}})
		}
		c.SetListings = append(c.SetListings, l)
	}
	return c
}

func BenchmarkBring(b *testing.B) {
	sizes := []int{10_000}
	if needtest.All() {
		sizes = append(sizes, 1_000_000)
	}
	for _, rows := range sizes {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				_, s := newCustomer(b)
				if err := s.Commit(b.Context(), listings()); err != nil {
					b.Fatal(err)
				}
				a := bringer(s)
				b.StartTimer()
				im, err := a.Bring(b.Context(), "passwords.csv", passwordsFile(rows), nil)
				if err != nil || im.Counts.Companies != rows/10 {
					b.Fatal(im.Counts, err)
				}
				read := b.Elapsed()
				if err := a.Keep(b.Context(), im.ID); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64((b.Elapsed() - read).Milliseconds()), "ms/keep")
				b.StopTimer()
				mustClose(b, s)
				b.StartTimer()
			}
			reportPeak(b)
		})
	}
}

// tenThousand returns a file with 10,000 companies, half of them met.
func tenThousand(b *testing.B) *store.Store {
	const n = 10_000
	_, s := newCustomer(b)
	rng := rand.New(rand.NewPCG(1, 2))
	for at := 0; at < n; at += 1000 {
		c := agent.Commit{Holdings: map[firsthand.ID][]agent.Holder{}}
		for i := at; i < at+1000; i++ {
			domain := fmt.Sprintf("shop%d.example", i)
			if i%2 == 0 {
				c.Edits = append(c.Edits, agent.CompanyEdit{Domain: domain, Confirmed: new(bool), Groups: map[string]bool{fmt.Sprint("group", i%5): true}})
				c.State = append(c.State, agent.Statement{Domain: domain, Fact: "email", Value: firsthand.Text("mia@old.example")})
				continue
			}
			id := logtest.NewPair(b, domain).Rel()
			c.Relationships = append(c.Relationships, agent.Relationship{ID: id, Domain: domain, Name: fmt.Sprint("Shop ", i), Gateway: "https://" + domain, Opened: testNow,
				Company: []byte(strings.Repeat("eyJ", 500)), Summary: firsthand.EncodeJSON(agent.Summary{Step: "known", Facts: []string{"email"}, Due: firsthand.Date(fmt.Sprint("2026-12-", 10+i%20)),
					Last: testNow.AddDate(0, 0, -rng.IntN(3000))})})
			c.Holdings[id] = []agent.Holder{{Rel: id, Domain: domain, Fact: "email", Value: firsthand.Text("mia@old.example"), Origin: firsthand.Told, Since: testNow}}
		}
		if err := s.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkCompanies(b *testing.B) {
	s := tenThousand(b)
	for _, q := range []agent.CompanyQuery{
		{Sort: agent.ByName}, {Sort: agent.ByName, Offset: 9900}, {Sort: agent.ByHeld, Desc: true, Offset: 5000}, {Sort: agent.ByUsed, Desc: true}, {Sort: agent.ByStep, Desc: true, Offset: 5000},
		{Sort: agent.ByDue}, {Search: "shop 77"}, {Search: "no such"}, {Search: "shop", Sort: agent.ByUsed, Offset: 9000}, {Group: "group2"}, {Show: agent.ShowSilent, Silent: testNow.AddDate(-3, 0, 0)},
		{Show: agent.ShowDuplicates, Sort: agent.ByHeld}, {Holds: "email", Value: "mia@old.example"},
	} {
		q.Limit = 50
		b.Run(fmt.Sprintf("%s,%s,%s,%s%s,%d", q.Sort, q.Search, q.Show, q.Group, q.Holds, q.Offset), func(b *testing.B) {
			for b.Loop() {
				if _, _, err := s.Companies(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("map", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Insight(b.Context(), testNow); err != nil {
				b.Fatal(err)
			}
		}
	})
}
