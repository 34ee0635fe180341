package memory_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/fault"
	"firsthand/internal/needtest"
)

func config(t testing.TB) memory.Config {
	return memory.Config{File: filepath.Join(t.TempDir(), "crm")}
}

// disclosure n of a relationship of its own.
func disclosure(n int) connector.Request {
	r := connector.Request{Kind: "disclose", Fact: "email", Value: firsthand.Text(fmt.Sprintf("c%d@example.org", n))}
	copy(r.ID[:], fmt.Sprintf("request %d", n))
	copy(r.Relationship[:], fmt.Sprintf("relationship %d", n))
	return r
}

func mustDeliver(t testing.TB, c connector.Connector, r connector.Request) connector.Result {
	t.Helper()
	res, err := c.Deliver(t.Context(), r)
	must(t, err)
	return res
}

// written returns how many of the disclosures 0, 1, … are there, and fails the
// test if one is missing before another, or is there by halves.
func written(t testing.TB, c *memory.CRM) int {
	t.Helper()
	n := len(c.Records())
	for i := range n {
		r := disclosure(i)
		rec, ok := recordOf(c, r.Relationship)
		if !ok || !rec.Facts["email"].Equal(r.Value) {
			t.Fatalf("%d records, and not that of disclosure %d: %+v", n, i, rec)
		}
		if res := mustDeliver(t, c, r); res.Ref.ID != rec.Number {
			t.Fatalf("disclosure %d is in record %s, and says %s", i, rec.Number, res.Ref.ID)
		}
	}
	if m := len(c.Records()); m != n {
		t.Fatalf("repeats made %d records of %d", m, n)
	}
	return n
}

// TestTornLine cuts the file at each byte of the last lines, as a crash may.
func TestTornLine(t *testing.T) {
	cfg := memory.WithoutSync(config(t))
	c := open(t, cfg)
	const all = 3
	sizes := []int64{size(t, cfg.File)}
	for i := range all {
		mustDeliver(t, c, disclosure(i))
		sizes = append(sizes, size(t, cfg.File))
	}
	text, err := os.ReadFile(cfg.File)
	must(t, err)
	for cut := sizes[all-1] - 1; cut <= sizes[all]; cut++ {
		if in := cut - sizes[all-1]; in > 2 && cut < sizes[all]-2 && in%7 != 0 && !needtest.All() {
			continue
		}
		want := 0
		for want < all && sizes[want+1] <= cut {
			want++
		}
		tails := [][]byte{nil}
		if cut > sizes[want] && cut%4 == 0 { // what never reached the disk may read as zero
			tails = append(tails, make([]byte, 7), append(make([]byte, 7), '\n'))
		}
		for _, tail := range tails {
			must(t, os.WriteFile(cfg.File, append(bytes.Clone(text[:cut]), tail...), 0o600))
			c := open(t, cfg)
			if n := written(t, c); n != want {
				t.Fatalf("cut at %d with tail %q: %d disclosures, want %d", cut, tail, n, want)
			}
			if cut%5 != 0 {
				continue
			}
			mustDeliver(t, c, disclosure(want)) // and it goes on
			if n := written(t, open(t, cfg)); n != want+1 {
				t.Fatalf("cut at %d: %d disclosures after one more, want %d", cut, n, want+1)
			}
		}
	}
}

// TestDamage changes bytes of lines that were promised: that is no crash.
func TestDamage(t *testing.T) {
	cfg := config(t)
	c := open(t, cfg)
	for i := range 3 {
		mustDeliver(t, c, disclosure(i))
	}
	text, err := os.ReadFile(cfg.File)
	must(t, err)
	for name, damaged := range map[string][]byte{
		"a line in the middle": bytes.Replace(text, []byte(`"done"`), []byte(`"d{ne"`), 1),
		"zeros in the middle":  bytes.Replace(text, []byte(`"done"`), make([]byte, 6), 1),
		"an unknown member":    bytes.Replace(text, []byte(`"done"`), []byte(`"gone"`), 1),
		"the last line":        append(bytes.Clone(text), "{]}\n"...),
		"another format":       bytes.Replace(text, []byte("memory-1"), []byte("memory-2"), 1),
		"nothing":              nil,
		"something else":       []byte("hello\n"),
	} {
		must(t, os.WriteFile(cfg.File, damaged, 0o600))
		if _, err := memory.Open(cfg); err == nil {
			t.Errorf("%s: it opens", name)
		} else if strings.Contains(err.Error(), "example.org") {
			t.Errorf("%s: the error repeats what is in the file: %v", name, err)
		}
		if now, err := os.ReadFile(cfg.File); err != nil || !bytes.Equal(now, damaged) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// TestFailures makes each step that touches the disk fail once, in a life with
// appends and rewrites. What was acknowledged must be there when the file is
// opened again; what wasn't may be.
func TestFailures(t *testing.T) {
	boom := errors.New("boom")
	steps := map[string]bool{}
	for n := 1; ; n++ {
		cfg := memory.WithoutSync(config(t))
		c := open(t, cfg)
		reached := c.FailAt(n, boom)
		const rel = 0
		want, failures := map[string]string{}, 0 // by fact: there, gone or, after a failure, either
		for i := range 8 {
			r := disclosure(rel)
			copy(r.ID[:], fmt.Sprintf("step %d", i))
			r.Fact = fmt.Sprintf("fact%d", i)
			becomes := "there"
			if i%3 == 2 { // takes back the one before, by a rewrite
				r.Kind, r.Fact, becomes = "withdraw", fmt.Sprintf("fact%d", i-1), "gone"
			}
			want[r.Fact] = "either"
			if _, err := c.Deliver(t.Context(), r); err == nil {
				want[r.Fact] = becomes
			} else if failures++; fault.KindOf(err) != fault.Unavailable {
				t.Errorf("%s fails: %v, want unavailable", *reached, err)
			}
		}
		if *reached == "" {
			break
		}
		steps[*reached] = true
		doubt := *reached == "sync" || *reached == "rename" || *reached == "sync directory"
		_, err := c.Find(t.Context(), connector.Claim{})
		if failures == 0 || doubt != (err != nil) || !doubt && failures > 1 {
			t.Errorf("%s fails: so do %d calls, and then %v; what leaves the disk in doubt must stop the rest, and nothing else", *reached, failures, err)
		}
		rec, _ := recordOf(open(t, cfg), disclosure(rel).Relationship)
		for fact, state := range want {
			if is := map[bool]string{true: "gone", false: "there"}[rec.Facts[fact].IsZero()]; state != "either" && is != state {
				t.Errorf("%s fails: after a restart %s is %s, want %s", *reached, fact, is, state)
			}
		}
	}
	for _, step := range []string{"write", "sync", "write new", "sync new", "rename", "sync directory"} {
		if !steps[step] {
			t.Errorf("no run reached %q", step)
		}
	}
}

// TestKill kills a process that delivers, again and again, with SIGKILL.
func TestKill(t *testing.T) {
	if file := os.Getenv("MEMORY_TEST_FILE"); file != "" {
		deliverForEver(t, file)
	}
	rounds := 5
	if needtest.All() {
		rounds = 10 // what it checks grows with the square of their number
	}
	cfg := config(t)
	acknowledged := 0
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "MEMORY_TEST_FILE="+cfg.File)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		for i, lines := 0, bufio.NewScanner(out); i < 20+round*7 && lines.Scan(); i++ {
			if _, err := fmt.Sscanf(lines.Text(), "done %d", &acknowledged); err != nil {
				t.Fatalf("the child says %q", lines.Text())
			}
		}
		must(t, cmd.Process.Kill())
		cmd.Wait() // it was killed
		n := written(t, open(t, cfg))
		if n <= acknowledged {
			t.Fatalf("%d deliveries, but number %d was acknowledged", n, acknowledged)
		}
	}
	if acknowledged < 20*rounds {
		t.Fatalf("only %d deliveries in all", acknowledged)
	}
}

func deliverForEver(t *testing.T, file string) {
	c := open(t, memory.Config{File: file})
	for i := len(c.Records()); ; i++ {
		mustDeliver(t, c, disclosure(i))
		if i%10 == 9 { // a rewrite now and then
			must(t, c.Redact(t.Context(), connector.Ref{ID: c.Records()[0].Number}, "phone"))
		}
		fmt.Printf("done %d\n", i)
	}
}

// TestForgets looks for the bytes of what was taken back.
func TestForgets(t *testing.T) {
	const secret = "sekrit-7341"
	for name, forget := range map[string]func(t *testing.T, c *memory.CRM, ref connector.Ref, ticket string){
		"withdraw": func(t *testing.T, c *memory.CRM, ref connector.Ref, ticket string) {
			r := disclosure(0)
			copy(r.ID[:], "withdrawal")
			r.Kind, r.Value = "withdraw", firsthand.Value{}
			mustDeliver(t, c, r)
			must(t, c.Redact(t.Context(), connector.Ref{ID: ticket}, ""))
		},
		"redact fact": func(t *testing.T, c *memory.CRM, ref connector.Ref, ticket string) {
			must(t, c.Redact(t.Context(), ref, "email"))
			must(t, c.Redact(t.Context(), connector.Ref{ID: ticket}, ""))
		},
		"redact record": func(t *testing.T, c *memory.CRM, ref connector.Ref, ticket string) {
			must(t, c.Redact(t.Context(), ref, ""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t)
			c := open(t, cfg)
			r := disclosure(0)
			r.Value = firsthand.Text(secret)
			ref := mustDeliver(t, c, r).Ref
			m := disclosure(0)
			copy(m.ID[:], "message")
			m.Kind, m.Text, m.Subject = "message", secret, secret
			ticket := mustDeliver(t, c, m).Ref.ID
			must(t, c.Reply(ticket, "Anna", "About "+secret))
			must(t, c.Edit(ref.ID, "email", firsthand.Text(secret+"b")))
			must(t, c.Edit(ref.ID, "email", firsthand.Text(secret)))
			p := disclosure(0)
			copy(p.ID[:], "proposal")
			p.Proposal, p.Record, p.Value = true, bare(ref), firsthand.Text(secret)
			mustDeliver(t, c, p)

			forget(t, c, bare(ref), ticket)
			if name == "withdraw" { // staff still have what they noted themselves
				must(t, c.Redact(t.Context(), bare(ref), "email"))
			}
			files, err := filepath.Glob(filepath.Join(filepath.Dir(cfg.File), "*"))
			must(t, err)
			if len(files) != 1 {
				t.Errorf("files left: %q", files)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				must(t, err)
				if bytes.Contains(text, []byte(secret)) {
					t.Errorf("%s still has what was forgotten", filepath.Base(file))
				}
			}
		})
	}
}

func TestTwoPrograms(t *testing.T) {
	cfg := config(t)
	one, two := open(t, cfg), open(t, cfg)
	mustDeliver(t, one, disclosure(0))
	if _, err := two.Deliver(t.Context(), disclosure(1)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a second program writes to the same file: %v, want unavailable", err)
	}
	if n := written(t, open(t, cfg)); n != 1 {
		t.Errorf("%d disclosures, want 1", n)
	}
}

func TestLeftovers(t *testing.T) {
	cfg := config(t)
	mustDeliver(t, open(t, cfg), disclosure(0))
	must(t, os.WriteFile(cfg.File+".new", []byte("half a rewri"), 0o600))
	if n := written(t, open(t, cfg)); n != 1 {
		t.Errorf("%d disclosures, want 1", n)
	}
	if _, err := os.Stat(cfg.File + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a crash left is still there: %v", err)
	}
}

// TestGrowth changes one record over and over: the file must not keep it all.
func TestGrowth(t *testing.T) {
	cfg := config(t)
	c := open(t, cfg)
	r := disclosure(0)
	ref := mustDeliver(t, c, r).Ref
	big := strings.Repeat("x", 60<<10)
	for i := range 40 {
		must(t, c.SetContacts(ref.ID, fmt.Sprint(i, big)))
	}
	if n := size(t, cfg.File); n > 1<<20+100<<10 {
		t.Errorf("the file has %d bytes for 60 KB", n)
	}
	if n := written(t, open(t, cfg)); n != 1 {
		t.Errorf("%d disclosures, want 1", n)
	}
}

func size(t testing.TB, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	must(t, err)
	return info.Size()
}

func BenchmarkDeliver(b *testing.B) {
	c := open(b, config(b))
	start, n := time.Now(), 0
	for b.Loop() {
		if _, err := c.Deliver(context.Background(), disclosure(n)); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/time.Since(start).Seconds(), "deliveries/s")
}
