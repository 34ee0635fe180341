package bench_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/fetch"
	"firsthand/internal/agent"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/agent/store"
	"firsthand/terms"
	"firsthand/wire"
)

// A wholeLife is a customer's folder in which everything is that pages show, at a
// size: of a hundred relationships, 98 are paired and have 93 entries, one of them
// 1,000, and two are with companies without a gateway. So 10,000 are 1,000,000 entries.
// All companies know her e-mail address, every third her phone, every tenth where she
// lives, and twenty her bank account. All is received and applied, but for one move.
type wholeLife struct {
	relationships int
	dir, keyFile  string
}

const (
	usualLog = 93
	longLog  = 1000
	lifePass = "korenmarkt 12 gent"
)

// lifeDomain is that of company n.
func lifeDomain(n int) string { return fmt.Sprintf("company-%d.example", n) }

func (l wholeLife) unpaired(n int) bool { return n%50 == 49 }
func (l wholeLife) long(n int) bool     { return n%100 == 7 }

// homes is how many companies know where she lives.
func (l wholeLife) homes() int { return (l.relationships + 9) / 10 }

// openLife returns a life of n relationships: the one that an earlier run left in dir,
// or a new one, made there; "" is a folder for this run alone.
func openLife(tb testing.TB, dir string, n int) wholeLife {
	tb.Helper()
	if dir == "" {
		dir = tb.TempDir()
	}
	l := wholeLife{n, filepath.Join(dir, fmt.Sprint("life-", n)), filepath.Join(dir, fmt.Sprint("life-", n, ".key"))}
	if _, err := os.Stat(l.keyFile); err != nil { // it is written last
		if err := os.RemoveAll(l.dir); err != nil {
			tb.Fatal(err)
		}
		if err := l.make(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	return l
}

// make makes it, with a company that answers everything meanwhile.
func (l wholeLife) make(ctx context.Context) (err error) {
	kit, err := store.NewKit()
	if err != nil {
		return err
	}
	secret, recipient, err := store.NewKeyFile()
	if err != nil {
		return err
	}
	s, err := store.Create(ctx, l.dir, store.CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient, Passphrase: []byte(lifePass)})
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, s.Close()); err == nil {
			err = os.WriteFile(l.keyFile, []byte(secret), 0o600)
		}
	}()
	client := wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), nil)
	defer client.Close()
	a := agent.New(agent.Options{Store: s, Caller: client, Roster: terms.Default(), Now: time.Now, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler), Formats: passwords.Formats()})
	if err := a.Refill(ctx, kit.Text()); err != nil {
		return err
	}
	base, stop, err := answering()
	if err != nil {
		return err
	}
	defer stop()
	for from := 0; from < l.relationships; from += 100 {
		if err := l.fill(ctx, s, from, min(from+100, l.relationships), base); err != nil {
			return err
		}
	}
	if _, err := a.Rebuild(ctx); err != nil {
		return err
	}
	return l.rest(ctx, s, a)
}

// rest is what she keeps beside the logs, one move, and an import that is not kept.
func (l wholeLife) rest(ctx context.Context, s *store.Store, a *agent.Agent) error {
	var c agent.Commit
	set := agent.ListingSet{Listing: agent.Listing{Set: directory.Set{Name: "listed"}, Added: clock()}}
	for n := range l.relationships {
		yes := true
		c.Edits = append(c.Edits, agent.CompanyEdit{Domain: lifeDomain(n), Confirmed: &yes, Groups: map[string]bool{fmt.Sprint("group ", n%10): true}})
		if n%3 == 0 {
			host := lifeDomain(n)
			set.All = append(set.All, directory.Record{Set: set.Name, Key: fmt.Sprint(n), Name: fmt.Sprint("Company ", n), Hosts: []string{host, "help." + host},
				Account: "https://" + host + "/account", Legal: &directory.Legal{Name: fmt.Sprint("Company ", n, " NV"), Address: strings.Repeat("Korenmarkt 1, Gent ", 20)}})
		}
	}
	c.SetListings = []agent.ListingSet{set}
	for fact, v := range map[string]firsthand.Value{"email": firsthand.Text("mia@new.example"), "phone": firsthand.Text("+32 470 12 34 56"), "address.home": home(0)} {
		c.Facts = append(c.Facts, agent.Fact{Name: fact, Value: v, Updated: clock()})
	}
	if err := s.Commit(ctx, c); err != nil {
		return err
	}
	var list strings.Builder
	list.WriteString("name,url,username,password,note\n")
	for n := range min(2000, l.relationships) {
		fmt.Fprintf(&list, "Shop %d,https://www.shop%d.example/login,mia+%d@old.example,hunter2,\n", n, n, n%7)
	}
	if _, err := a.Bring(ctx, "passwords.csv", strings.NewReader(list.String()), nil); err != nil {
		return err
	}
	if _, err := a.Begin(ctx, agent.Move{Facts: []agent.NewFact{{Fact: "address.home", Value: home(1)}}}, "the move"); err != nil {
		return err
	}
	out, err := s.Outbox(ctx)
	for _, o := range out {
		if err == nil && o.Head > o.Received {
			err = a.Flush(ctx, o.Rel, 0)
		}
	}
	return err
}

// fill writes the relationships from first to before last.
func (l wholeLife) fill(ctx context.Context, s *store.Store, first, last int, gateway string) error {
	logs := make([]lifeLog, last-first)
	errs := make([]error, len(logs))
	var wg sync.WaitGroup
	for i := range logs {
		wg.Go(func() { errs[i] = logs[i].write(l, first+i) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var c agent.Commit
	for i := range logs {
		g := &logs[i]
		head := g.state.Log(firsthand.First).Head
		row := agent.Relationship{ID: g.state.Rel, Domain: lifeDomain(first + i), Name: fmt.Sprint("Company ", first+i), Seed: g.keys[0].Seed(), Opened: g.all[0].At, Kept: true}
		if !l.unpaired(first + i) {
			row.Gateway, row.Company, row.Received, row.Sent = gateway, make([]byte, 1000), head, head.Seq
			signed := g.keys[1].Receipt(firsthand.Receipt{Rel: row.ID, Seq: head.Seq, ID: head.ID, At: g.now})
			receipt, err := firsthand.ParseReceipt(signed, g.keys[1].Public())
			if err != nil {
				return err
			}
			c.Receipts = append(c.Receipts, agent.Received{Receipt: receipt, Signed: signed})
		}
		c.Relationships, c.Entries = append(c.Relationships, row), append(c.Entries, g.all...)
	}
	return s.Commit(ctx, c)
}

// A lifeLog is both logs of one relationship, as the two programs write them.
type lifeLog struct {
	keys  [2]*firsthand.Signer
	state *firsthand.State
	all   []firsthand.Entry
	now   time.Time
	err   error
}

func (g *lifeLog) say(side firsthand.Side, c firsthand.Content) firsthand.Entry {
	if g.err != nil {
		return firsthand.Entry{}
	}
	key := g.keys[0]
	if side == firsthand.Second {
		key = g.keys[1]
	}
	salt := seeded("salt of %d of %s", len(g.all), key.Public())
	g.now = g.now.Add(5 * time.Hour)
	e, err := g.state.Write(key, side, g.now, salt[:], c)
	if err == nil {
		err = g.state.Take(e)
	}
	g.err, g.all = err, append(g.all, e)
	return e
}

// tell tells a fact, and has it applied.
func (g *lifeLog) tell(basis firsthand.Basis, fact string, v firsthand.Value) {
	e := g.say(firsthand.First, &firsthand.Disclose{Fact: fact, Value: v, Purpose: "ServiceDelivery", Basis: basis})
	if g.state.Unpaired() {
		g.say(firsthand.First, &firsthand.Note{Entry: e.ID, Saw: "applied"})
		return
	}
	g.say(firsthand.Second, &firsthand.Applied{Entry: e.ID, System: "CRM", Record: "4711", Value: v.MAC(e.Salt)})
}

func (g *lifeLog) write(l wholeLife, n int) error {
	company := companyKeys()
	*g = lifeLog{keys: [2]*firsthand.Signer{firsthand.SignerFromSeed(seeded("customer %d", n)), company.Signers[0]},
		state: firsthand.NewState(), now: clock().AddDate(-1, 0, -n%1000)}
	label, size := firsthand.Label{1}, usualLog
	if l.long(n) {
		size = longLog
	}
	open := &firsthand.Open{Role: "customer", Key: g.keys[0].Public(), Label: label, Next: firsthand.NextKey("kit", label).Public().Hash(), Domain: lifeDomain(n)}
	basis := firsthand.Basis{Exception: "told at the counter"}
	if l.unpaired(n) {
		size = 0
		g.say(firsthand.First, open)
	} else {
		open.CompanyKey = company.Chain[0].Key
		own, _ := terms.Default().Lookup(agent.DefaultTerms)
		ref := firsthand.TermsRef(own.Ref())
		g.say(firsthand.First, open)
		g.say(firsthand.Second, &firsthand.Open{Role: "company", Key: company.Chain[0].Key, Next: company.Chain[0].Next})
		offer := g.say(firsthand.First, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ref}})
		basis = firsthand.Basis{Agreement: g.say(firsthand.Second, &firsthand.TermsAccept{Offer: offer.ID, Terms: ref}).ID}
	}
	g.tell(basis, "email", firsthand.Text([]string{"mia@new.example", "mia@old.example"}[n%2]))
	if n%3 == 0 {
		g.tell(basis, "phone", firsthand.Text("+32 470 12 34 56"))
	}
	if n%10 == 0 {
		g.tell(basis, "address.home", home(0))
	}
	if n < 20 {
		g.tell(basis, "bank_account", firsthand.Text("BE71 0961 2345 6769"))
	}
	if l.unpaired(n) && n%4 == 1 { // a task
		g.say(firsthand.First, &firsthand.Disclose{Fact: "birth_date", Value: firsthand.Text("1988-04-02"), Purpose: "ServiceDelivery", Basis: basis})
	}
	text := strings.Repeat("My parcel was due on Monday. ", 10)
	for i := len(g.all); i < size; i++ {
		side := firsthand.First
		if i%4 == 3 {
			side = firsthand.Second
		}
		g.say(side, &firsthand.Message{Text: fmt.Sprint(text, i)})
	}
	return g.err
}

// answering serves as all companies at once: it signs for whatever comes, and has no
// news.
func answering() (base string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: http.HandlerFunc(answer)}
	go s.Serve(l) // ends with Close
	return "http://" + l.Addr().String(), func() { s.Close() }, nil
}

// at makes all companies have their gateway at base: that of this run.
func (l wholeLife) at(tb testing.TB, base string) {
	tb.Helper()
	ctx := tb.Context()
	secret, err := os.ReadFile(l.keyFile)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := store.Open(ctx, l.dir, store.KeyFile(string(secret)))
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Close()
	rows, err := s.Relationships(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	var c agent.Commit
	for _, r := range rows {
		if r.Gateway != "" {
			r.Gateway = base
			c.Relationships = append(c.Relationships, r)
		}
	}
	if err := s.Commit(ctx, c); err != nil {
		tb.Fatal(err)
	}
}

// program returns the environment in which her program finds it.
func (l wholeLife) program() []string {
	return append(os.Environ(), "FIRSTHAND_DIR="+l.dir, "FIRSTHAND_KEY_FILE="+l.keyFile, "FIRSTHAND_ALLOW_LOOPBACK=1")
}

// read reads a response to its end, and returns its page.
func read(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s\n%s", resp.Request.URL.Path, resp.Status, text)
	}
	return string(text), err
}
