package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"lukechampine.com/adiantum"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/needtest"
	"firsthand/internal/sqlite/sqlitetest"
	"firsthand/logtest"
)

// Canaries are strings that must not be found where they don't belong. They all
// begin alike, so that a search looks for one thing in all its spellings.
type canaries struct {
	all  []string
	from io.Reader // nil is crypto/rand
}

const canary = "canarybird-"

// new returns another one.
func (c *canaries) new() string {
	var raw [12]byte
	if c.from == nil {
		c.from = rand.Reader
	}
	io.ReadFull(c.from, raw[:])
	c.all = append(c.all, canary+hex.EncodeToString(raw[:]))
	return c.all[len(c.all)-1]
}

// spellings returns all ways in which s could be written.
func spellings(s string) (all [][]byte) {
	h := hex.EncodeToString([]byte(s))
	for _, text := range []string{s, strings.ToUpper(s), h, strings.ToUpper(h)} {
		all = append(all, []byte(text))
	}
	for shift := range 3 { // what stands before it moves it
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := enc.EncodeToString([]byte(strings.Repeat("x", shift) + s))
			all = append(all, []byte(text[4:len(text)-4])) // the ends depend on the neighbours
		}
	}
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var b []byte
		for _, u := range utf16.Encode([]rune(s)) {
			b = order.AppendUint16(b, u)
		}
		all = append(all, b)
	}
	return all
}

// in returns which of the canaries are in data as they are.
func (c *canaries) in(data []byte) (found []string) {
	there := make(map[string]bool)
	for rest := data; ; {
		i := bytes.Index(rest, []byte(canary))
		if i < 0 {
			break
		}
		there[string(rest[i:min(i+len(canary)+24, len(rest))])] = true
		rest = rest[i+1:]
	}
	for _, s := range c.all {
		if there[s] || !strings.HasPrefix(s, canary) && bytes.Contains(data, []byte(s)) {
			found = append(found, s)
		}
	}
	return found
}

// A watch is a disk that is searched for canaries whenever a file on it gets
// another name, or is removed: temporary copies, too.
type watch struct {
	disk
	secrets *[][]byte // what is searched for
	hits    *[]string
}

func (w watch) rename(from, to string) error {
	w.search("before " + to)
	return w.disk.rename(from, to)
}

func (w watch) remove(name string) error {
	w.search("before " + name + " is removed")
	return w.disk.remove(name)
}

func (w watch) search(when string) {
	for name, data := range w.Image() {
		for _, s := range *w.secrets {
			if i := bytes.Index(data, s); i >= 0 {
				*w.hits = append(*w.hits, fmt.Sprintf("%s: %q in %s", when, data[i:min(i+60, len(data))], name))
			}
		}
	}
}

// nest returns a commit that has canaries in every kind of field, n in all.
func nest(t testing.TB, n int) (commit agent.Commit) {
	t.Helper()
	at, c := time.Now(), new(canaries)
	commit = agent.Commit{Holdings: map[firsthand.ID][]agent.Holder{}, Settings: map[string]string{}}
	for i := 0; len(c.all) < n; i++ {
		p := logtest.NewPair(t, fmt.Sprint("canary ", i))
		m := p.Say(t, firsthand.First, c.new())
		p.Say(t, firsthand.Second, c.new()+strings.Repeat(" and much more", 1000))
		value := firsthand.Value{Parts: map[string]string{"street": c.new(), "part": c.new()}}
		var seed [32]byte
		copy(seed[:], c.new())
		commit.Relationships = append(commit.Relationships, agent.Relationship{ID: p.Rel(), Domain: c.new(), Name: c.new(), Gateway: c.new(),
			Company: []byte(c.new()), Seed: seed, Opened: at, Failure: c.new(), Frozen: c.new(), Summary: []byte(c.new())})
		commit.Entries = append(commit.Entries, p.All()...)
		commit.Receipts = append(commit.Receipts, agent.Received{Receipt: firsthand.Receipt{Rel: p.Rel(), Seq: m.Seq, ID: m.ID}, Signed: []byte(c.new())})
		commit.Evidence = append(commit.Evidence, agent.Evidence{Entry: p.Fork(t).Say(t, firsthand.Second, c.new()), Why: c.new()})
		commit.Holdings[p.Rel()] = []agent.Holder{{Rel: p.Rel(), Domain: c.new(), Fact: c.new(), Value: value, Origin: firsthand.Origin(c.new()),
			Since: at, Until: firsthand.Date(c.new()), Outcome: c.new()}}
		commit.Facts = append(commit.Facts, agent.Fact{Name: c.new(), Value: value, Updated: at}, agent.Fact{Name: c.new(), Value: firsthand.Text(c.new()), Updated: at})
		commit.AddDrafts = append(commit.AddDrafts, agent.Draft{Rel: p.Rel(), Body: []byte(c.new()), Made: at})
		commit.Settings[c.new()] = c.new()
		name, channel := c.new(), c.new()
		commit.Edits = append(commit.Edits, agent.CompanyEdit{Domain: c.new(), Name: &name, Channel: &channel, Groups: map[string]bool{c.new(): true}})
		commit.State = append(commit.State, agent.Statement{Domain: c.new(), Fact: c.new(), Value: value, Since: firsthand.Date(c.new())})
		var k agent.NextKey
		copy(k.Label[:], c.new())
		copy(k.Hash[:], c.new())
		commit.AddLabels = append(commit.AddLabels, k)
	}
	return commit
}

// TestNothingAtRest searches every file that the store ever leaves, while it is
// open, during and after a backup, closed, and restored.
func TestNothingAtRest(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	hits, err := nothingAtRest(t.Context(), sqlitetest.NewDisk(t, nil), nest(t, 1000))
	if err != nil {
		t.Fatal(err)
	}
	if len(hits) > 0 {
		t.Errorf("%d hits, first: %s", len(hits), hits[0])
	}
}

// nothingAtRest lives a life with the commit c on d, and returns what was found
// on d in the clear.
func nothingAtRest(ctx context.Context, d *sqlitetest.Disk, c agent.Commit) (hits []string, err error) {
	kit, err := NewKit()
	if err != nil {
		return nil, err
	}
	secrets := append(spellings(canary), spellings(kit.Text()[16:50])...) // the kit is nowhere
	w := watch{disk{d}, &secrets, &hits}
	s, err := create(ctx, w, lifeDir, CreateOptions{Passphrase: []byte(canary + "passphrase"), KitRecipient: kit.Recipient()})
	if err != nil {
		return hits, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Commit(ctx, c); err != nil {
		return hits, err
	}
	for range 2 { // one is kept
		if _, err := brought(ctx, s, new(canaries), 100); err != nil {
			return hits, err
		}
	}
	if err := s.Commit(ctx, agent.Commit{KeepImports: []int64{1}}); err != nil {
		return hits, err
	}
	secrets = append(secrets, spellings(string(s.key[:]))...)
	secrets = append(secrets, spellings(hex.EncodeToString(s.key[:]))...)
	w.search("open")
	if _, err := s.Backup(ctx, "/backups/one"); err != nil {
		return hits, err
	}
	if err := s.SetPassphrase(ctx, []byte(canary+"second passphrase")); err != nil {
		return hits, err
	}
	var export bytes.Buffer
	enc, err := s.Encrypt(ctx, &export)
	if err != nil {
		return hits, err
	}
	_, err = fmt.Fprint(enc, strings.Repeat(canary, 1000))
	if err := errors.Join(err, enc.Close(), writeFile(w, "/export", export.Bytes())); err != nil {
		return hits, err
	}
	w.search("after a backup")
	if err := s.db.Close(); err != nil {
		return hits, err
	}
	w.search("closed")
	_, err = restore(ctx, w, "/backups/one", otherDir, kit)
	w.search("restored")
	return hits, err
}

// brought makes a preview with canaries in every text.
func brought(ctx context.Context, s *Store, c *canaries, n int) (int64, error) {
	i := agent.Import{Format: c.new(), File: c.new(), At: time.Now(), Digest: c.new(), Bad: []agent.BadRow{{Row: 1, Why: c.new()}}}
	var err error
	if i.ID, err = s.AddImport(ctx, i); err != nil {
		return 0, err
	}
	var accounts []agent.Account
	for range n {
		accounts = append(accounts, agent.Account{Domain: c.new() + ".example", Host: c.new(), Name: c.new(), Title: c.new(), URL: c.new(),
			Login: c.new() + "@" + c.new() + ".example", Folder: c.new(), Kind: agent.LoginAccount, Why: c.new()})
	}
	cards := []agent.CardFound{{Name: c.new(), Org: c.new(), Facts: []agent.Fact{{Name: c.new(), Value: firsthand.Text(c.new())}}}}
	if err := s.AddFound(ctx, i.ID, accounts, cards); err != nil {
		return 0, err
	}
	_, err = s.FinishImport(ctx, i)
	return i.ID, err
}

// What was guessed, stated, grouped or brought is gone when she takes it back, in
// each of the ways there are.
func TestErasedCompaniesAreGone(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	for _, what := range erasedCompanies(t) {
		t.Error(what)
	}
}

// erasedCompanies erases in every way there is, and returns what is still there.
func erasedCompanies(t testing.TB) (there []string) {
	t.Helper()
	ctx := context.Background()
	h := newHome(t)
	commit := func(c agent.Commit) {
		t.Helper()
		if err := h.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	companies := 600
	if needtest.Race {
		companies = 60
	}
	bring := func(c *canaries) int64 {
		t.Helper()
		id, err := brought(ctx, h.Store, c, companies)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	name := func(s string) *string { return &s }
	// The same each time: whether a copy is left depends on how the rows lie.
	same := mathrand.NewChaCha8([32]byte{1})
	stays := &canaries{from: same}
	commit(agent.Commit{KeepImports: []int64{bring(stays)}, Edits: []agent.CompanyEdit{{Domain: "stays.example", Name: name(stays.new())}}})
	ways := map[string]func(gone *canaries){
		"a preview that is undone": func(gone *canaries) { commit(agent.Commit{UndoImports: []int64{bring(gone)}}) },
		"a kept import that is undone": func(gone *canaries) {
			for range 3 {
				id := bring(gone)
				commit(agent.Commit{KeepImports: []int64{id}})
				commit(agent.Commit{UndoImports: []int64{id}})
			}
		},
		"a company that is dropped": func(gone *canaries) {
			commit(agent.Commit{Edits: []agent.CompanyEdit{{Domain: "x.example", Name: name(gone.new()), Channel: name(gone.new()), Groups: map[string]bool{gone.new(): true}}},
				State: []agent.Statement{{Domain: "x.example", Fact: "phone", Value: firsthand.Text(gone.new())}}})
			commit(agent.Commit{Drop: []string{"x.example"}})
		},
		"a statement that is taken back, or replaced": func(gone *canaries) {
			for _, fact := range []string{"phone", "email"} {
				commit(agent.Commit{State: []agent.Statement{{Domain: "y.example", Fact: fact, Value: firsthand.Text(gone.new())}}})
			}
			commit(agent.Commit{Unstate: []agent.FactAt{{Domain: "y.example", Fact: "phone"}}, State: []agent.Statement{{Domain: "y.example", Fact: "email", Value: firsthand.Text("new")}}})
		},
		"some of many statements, which come in no order": func(gone *canaries) {
			var all agent.Commit
			for i := range 600 {
				value := gone.new()
				at := agent.FactAt{Domain: value + ".example", Fact: "segment", Origin: firsthand.Inferred}
				all.State = append(all.State, agent.Statement{Domain: at.Domain, Fact: at.Fact, Origin: at.Origin, Value: firsthand.Text(value)})
				if all.Unstate = append(all.Unstate, at); i%100 == 99 {
					commit(agent.Commit{State: all.State})
					all.State = nil
				}
			}
			commit(agent.Commit{Unstate: all.Unstate})
		},
		"a name, a channel and a group": func(gone *canaries) {
			group := gone.new()
			commit(agent.Commit{Edits: []agent.CompanyEdit{{Domain: "z.example", Name: name(gone.new()), Channel: name(gone.new()), Groups: map[string]bool{group: true}}}})
			commit(agent.Commit{Edits: []agent.CompanyEdit{{Domain: "z.example", Name: name(""), Channel: name(""), Groups: map[string]bool{group: false}}}})
		},
	}
	for _, what := range slices.Sorted(maps.Keys(ways)) {
		gone := &canaries{from: same}
		ways[what](gone)
		if found := buried(h.Disk, h.Store, gone); len(found) > 0 {
			there = append(there, fmt.Sprintf("%s: %d of %d still there, %s first", what, len(found), len(gone.all), found[0]))
		}
	}
	if found := buried(h.Disk, h.Store, stays); len(found) < len(stays.all)-4 { // but for the card of a kept import
		t.Errorf("%d of %d that were not erased are left: this test says nothing", len(found), len(stays.all))
	}
	return there
}

// decrypted returns what a database, or its log, holds, with all free pages.
func decrypted(s *Store, data []byte) []byte {
	c, plain := adiantum.New(s.key[:]), bytes.Clone(data)
	for at := 0; at+4096 <= len(plain); at += 4096 {
		c.Decrypt(plain[at:at+4096], binary.LittleEndian.AppendUint64(nil, uint64(at)))
	}
	return plain
}

// buried returns which canaries are still in the files of an open store, under
// the encryption.
func buried(d *sqlitetest.Disk, s *Store, c *canaries) (found []string) {
	im := d.Image()
	for _, end := range []string{"", "-wal"} {
		found = append(found, c.in(decrypted(s, im[s.path(dbName)+end]))...)
	}
	return found
}

// TestErasedIsGone erases in every way there is and looks under the encryption,
// at once: not after the file was closed.
func TestErasedIsGone(t *testing.T) {
	t.Parallel()
	if found := erased(t); len(found) > 0 {
		t.Errorf("still there: %d, %s first", len(found), found[0])
	}
}

func erased(t testing.TB) []string {
	t.Helper()
	h := newHome(t, "acme", "brasserie", "clinic")
	p, q, r := h.pairs[0], h.pairs[1], h.pairs[2]
	gone, stays := new(canaries), new(canaries)
	commit := func(c agent.Commit) {
		t.Helper()
		if err := h.Commit(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	var named []firsthand.Entry
	for i := range 20 {
		text := gone.new()
		if i%3 == 0 {
			text = strings.Repeat(text+" ", 400) // over several pages
		}
		side := []firsthand.Side{firsthand.First, firsthand.Second}[i%2]
		m := p.Say(t, side, text)
		named = append(named, m)
		commit(agent.Commit{Entries: []firsthand.Entry{m, q.Say(t, side, stays.new())}})
		gone.all = append(gone.all, string(m.Salt))
	}
	lost := r.Fork(t)
	commit(agent.Commit{
		Facts:    []agent.Fact{{Name: "email", Value: firsthand.Text(gone.new())}, {Name: "name", Value: firsthand.Text(stays.new())}},
		Settings: map[string]string{"language": stays.new()},
		Entries:  []firsthand.Entry{lost.Say(t, firsthand.First, gone.new())},
	})
	if found := buried(h.Disk, h.Store, gone); len(found) < len(gone.all) {
		t.Fatalf("only %d of %d canaries are found before they are erased: this test says nothing", len(found), len(gone.all))
	}
	commit(agent.Commit{Entries: []firsthand.Entry{p.Erase(t, firsthand.First, named[:10]...)}})
	commit(agent.Commit{Forget: []firsthand.ID{p.Rel()}})
	commit(agent.Commit{Facts: []agent.Fact{{Name: "email"}}})
	commit(agent.Commit{Replace: []agent.Place{{Rel: r.Rel(), Side: firsthand.First, Seq: 2}}})
	if found := buried(h.Disk, h.Store, stays); len(found) != len(stays.all) {
		t.Errorf("%d of %d that were not erased are left", len(found), len(stays.all))
	}
	found := buried(h.Disk, h.Store, gone)
	slices.Sort(found)
	return slices.Compact(found)
}

// A reader who is in the middle of something, or a backup, holds the log; what
// was erased meanwhile is gone as soon as that has ended.
func TestErasedDuringABackupIsGone(t *testing.T) {
	t.Parallel()
	h := newHome(t, "acme")
	p, gone := h.pairs[0], new(canaries)
	m := p.Say(t, firsthand.First, gone.new())
	if err := h.Append(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	h.Store.files = tampered{disk{h.Disk}, func(name string, _ []byte) {
		if strings.HasSuffix(name, drillName) || !strings.HasSuffix(name, copyName) || p.State().Log(firsthand.First).Head.Seq > m.Seq {
			return
		}
		if err := h.Append(context.Background(), p.Erase(t, firsthand.First, m)); err != nil {
			t.Error(err)
		}
	}}
	h.backUp(t, "/backups/one")
	if found := buried(h.Disk, h.Store, gone); len(found) > 0 {
		t.Errorf("still there: %v", found)
	}
}
