package store

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/needtest"
	"firsthand/internal/sqlite"
	"firsthand/internal/sqlite/sqlitetest"
	"firsthand/logtest"
)

// A home is a disk with an open store on it, and what that store has.
type home struct {
	*sqlitetest.Disk
	*Store
	pairs []*logtest.Pair
}

func newHome(t testing.TB, names ...string) *home {
	t.Helper()
	h := &home{Disk: sqlitetest.NewDisk(t, nil)}
	var err error
	if h.Store, err = createOn(h.Disk, lifeDir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Store.Close() })
	var c agent.Commit
	for _, name := range names {
		p := logtest.NewPair(t, name)
		h.pairs = append(h.pairs, p)
		c.Relationships = append(c.Relationships, agent.Relationship{ID: p.Rel(), Domain: name + ".example", Gateway: "https://" + name + ".example/"})
		c.Entries = append(c.Entries, p.All()...)
	}
	if err := h.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return h
}

// say has each pair say something, and erase it now and then.
func (h *home) say(t testing.TB, text string) {
	t.Helper()
	var c agent.Commit
	for i, p := range h.pairs {
		m := p.Say(t, firsthand.First, text)
		c.Entries = append(c.Entries, m, p.Say(t, firsthand.Second, text))
		if i == 0 {
			c.Entries = append(c.Entries, p.Erase(t, firsthand.First, m))
		}
	}
	if err := h.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func (h *home) backUp(t testing.TB, path string) Manifest {
	t.Helper()
	m, err := h.Backup(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// dump returns what s has of h's pairs, with nothing said of being restored.
func (h *home) dump(t testing.TB, s *Store) string {
	t.Helper()
	var rels []firsthand.ID
	for _, p := range h.pairs {
		rels = append(rels, p.Rel())
	}
	text, err := agenttest.Dump(t.Context(), s, rels)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(text, "Restored:true", "Restored:false")
}

// restoreTo restores a backup into dir, closes it, and returns it opened.
func (h *home) restoreTo(t testing.TB, path, dir string, o Opener) *Store {
	t.Helper()
	if _, err := restore(t.Context(), disk{h.Disk}, path, dir, o); err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), disk{h.Disk}, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if !s.Restored() {
		t.Error("a restored file was not noticed")
	}
	return s
}

// files returns the names of what is on the disk.
func (h *home) files() string {
	var names []string
	for name := range h.Image() {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestRestoreDrills(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	drills := 5
	if needtest.Big() {
		drills = 20
	}
	h := newHome(t, "acme", "brasserie", "clinic")
	openers := []Opener{kitOfTests, Passphrase(passphrases[0])}
	for i := range drills {
		h.say(t, fmt.Sprint("message ", i))
		path, dir := fmt.Sprint("/backups/", i), fmt.Sprint("/restored/", i)
		m := h.backUp(t, path)
		if m.Relationships != 3 || len(m.Heads) != 6 || m.Entries != len(h.pairs[0].All())*2+len(h.pairs[0].All())-2*(i+1) {
			t.Errorf("manifest = %+v", m)
		}
		want := h.dump(t, h.Store)
		s := h.restoreTo(t, path, dir, openers[i%2])
		if got := h.dump(t, s); got != want {
			t.Fatalf("drill %d: restored\n%s\nwant\n%s", i, got, want)
		}
		for _, p := range h.pairs {
			for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
				if got, err := s.Head(t.Context(), p.Rel(), side); err != nil || got != p.State().Log(side).Head {
					t.Errorf("restored head = %v, %v, want %v", got, err, p.State().Log(side).Head)
				}
			}
		}
		r, err := s.Check(t.Context())
		if err != nil || r.Entries != m.Entries || r.Erased != i+1 {
			t.Errorf("check = %+v, %v", r, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if names := h.files(); strings.Contains(names, "tmp-") || strings.Contains(names, ".new") {
		t.Errorf("left: %s", names)
	}
}

func TestBackupWhileWriting(t *testing.T) {
	t.Parallel()
	h := newHome(t, "acme", "brasserie")
	gone := logtest.NewPair(t, "forgotten")
	if err := h.Commit(t.Context(), agent.Commit{Relationships: []agent.Relationship{{ID: gone.Rel()}}, Entries: gone.All()}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				h.say(t, fmt.Sprint(i))
			}
			if i == 3 {
				if err := h.Commit(t.Context(), agent.Commit{Forget: []firsthand.ID{gone.Rel()}}); err != nil {
					t.Error(err)
				}
			}
		}
	})
	var last Manifest
	for i := range 4 {
		m := h.backUp(t, fmt.Sprint("/backups/", i))
		if m.Entries < last.Entries-2 {
			t.Errorf("the later backup has %d entries, the earlier %d", m.Entries, last.Entries)
		}
		last = m
	}
	close(stop)
	wg.Wait()
	s := h.restoreTo(t, "/backups/3", "/restored", kitOfTests)
	if r, err := s.Check(t.Context()); err != nil || r.Entries != last.Entries {
		t.Errorf("check = %+v, %v, want %d entries", r, err, last.Entries)
	}
}

func TestBackupNeverOverwrites(t *testing.T) {
	t.Parallel()
	h := newHome(t, "acme")
	h.backUp(t, "/backups/one")
	before := h.Image()
	_, err := h.Backup(t.Context(), "/backups/one")
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("backup over another = %v, want %v", err, fault.Conflict)
	}
	_, err = restore(t.Context(), disk{h.Disk}, "/backups/one", lifeDir, kitOfTests)
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("restore over a file = %v, want %v", err, fault.Conflict)
	}
	for _, name := range []string{"/backups/one", lifeDir + "/" + keyName, lifeDir + "/" + dbName} {
		if !bytes.Equal(h.Image()[name], before[name]) {
			t.Errorf("%s was changed", name)
		}
	}
	// What is half there is left alone as well.
	for _, name := range []string{dbName, dbName + "-wal", keyName, instanceName} {
		dir := "/half/" + name
		if err := h.CreateFile(dir + "/" + name); err != nil {
			t.Fatal(err)
		}
		if _, err = restore(t.Context(), disk{h.Disk}, "/backups/one", dir, kitOfTests); fault.KindOf(err) != fault.Conflict {
			t.Errorf("restore beside %s = %v, want %v", name, err, fault.Conflict)
		}
	}
}

// refused restores what data says and returns an error unless that is refused and
// leaves nothing.
func refused(d *sqlitetest.Disk, data []byte, o Opener) error {
	name := fmt.Sprintf("/bad/%x", sha256.Sum256(data))
	dir := name + ".d"
	if err := writeFile(disk{d}, name, data); err != nil {
		return err
	}
	_, err := restore(context.Background(), disk{d}, name, dir, o)
	defer d.RemoveFile(name)
	if err == nil {
		return errors.New("it was restored")
	}
	if _, ok := errors.AsType[*fault.Notice](err); !ok || fault.HintOf(err) == "" {
		return fmt.Errorf("no person understands: %w", err)
	}
	for left := range d.Image() {
		if strings.HasPrefix(left, dir) {
			return fmt.Errorf("%s was left, after %w", left, err)
		}
	}
	return nil
}

func TestDamagedBackupIsRefused(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	flips := 50
	if needtest.Big() {
		flips = 400
	}
	h := newHome(t, "acme", "brasserie")
	h.say(t, "hello")
	h.backUp(t, "/backups/one")
	good := h.Image()["/backups/one"]
	rng := rand.New(rand.NewPCG(1, 1))
	try := func(what string, data []byte) {
		t.Helper()
		if err := refused(h.Disk, data, kitOfTests); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range flips {
		bad := bytes.Clone(good)
		at := rng.IntN(len(bad) * 8)
		if i%4 == 0 { // the header is small, and deserves more than its share
			at = rng.IntN(800 * 8)
		}
		bad[at/8] ^= 1 << (at % 8)
		try(fmt.Sprint("bit ", at), bad)
	}
	for range 30 {
		try("cut off", good[:rng.IntN(len(good))])
	}
	// Where one chunk of age ends and the next begins.
	header := bytes.Index(good, []byte("\n--- ")) + 5 + 43 + 1 + 16
	for n := header; n < len(good); n += 64<<10 + 16 {
		try("cut off between chunks", good[:n])
	}
	try("empty", nil)
	try("twice", append(bytes.Clone(good), good...))
	if err := refused(h.Disk, good, kitOfTests); err == nil {
		t.Error("the good one is refused as well: this test says nothing")
	}
}

// A part is one file in a backup.
type part struct {
	name string
	data []byte
}

// parts returns what is in a backup.
func (h *home) parts(t testing.TB, path string) (parts []part) {
	t.Helper()
	r, err := Decrypt(bytes.NewReader(h.Image()[path]), kitOfTests)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(r)
	for {
		f, err := archive.Next()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part{f.Name, data})
	}
}

// packed returns a backup of parts, made by somebody who may.
func (h *home) packed(t testing.TB, parts []part) []byte {
	t.Helper()
	list, err := h.recipients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return packedFor(t, list, parts)
}

func packedFor(t testing.TB, list []recipient, parts []part) []byte {
	t.Helper()
	var b bytes.Buffer
	enc, _, err := encrypt(&b, list)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewWriter(enc)
	for _, p := range parts {
		if err := archive.WriteHeader(&tar.Header{Name: p.name, Size: int64(len(p.data)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(p.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), enc.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withManifest returns parts with another manifest.
func withManifest(t testing.TB, parts []part, change func(*Manifest)) []part {
	t.Helper()
	var m Manifest
	if err := firsthand.ParseJSON(parts[0].data, &m); err != nil {
		t.Fatal(err)
	}
	m.Heads = slices.Clone(m.Heads)
	change(&m)
	parts = slices.Clone(parts)
	parts[0].data = firsthand.EncodeJSON(m)
	return parts
}

// withDB returns parts with another database, and the manifest's hash and size
// for it.
func withDB(t testing.TB, parts []part, db []byte) []part {
	t.Helper()
	parts = withManifest(t, parts, func(m *Manifest) {
		sum := sha256.Sum256(db)
		m.Size, m.SHA256 = int64(len(db)), hex.EncodeToString(sum[:])
	})
	parts[1].data = db
	return parts
}

// altered returns the database of parts after a change to it.
func (h *home) altered(t testing.TB, db []byte, queries ...string) []byte {
	t.Helper()
	d := sqlitetest.NewDisk(t, sqlitetest.Image{"/x.db": db})
	other, err := sqlite.Open(t.Context(), sqlite.Options{Path: "/x.db", Key: &h.key, VFS: d.VFS()})
	if err != nil {
		t.Fatal(err)
	}
	err = other.Update(t.Context(), func(tx *sqlite.Tx) error {
		var err error
		for _, query := range queries {
			_, qerr := tx.ExecContext(t.Context(), query)
			err = errors.Join(err, qerr)
		}
		return err
	})
	if err := errors.Join(err, other.Close()); err != nil {
		t.Fatal(err)
	}
	return d.Image()["/x.db"]
}

// badBackups returns backups that fit together in every way but one.
func badBackups(t testing.TB) (h *home, bad map[string][]byte) {
	h = newHome(t, "acme", "brasserie")
	h.backUp(t, "/backups/before")
	h.say(t, "hello")
	h.backUp(t, "/backups/one")
	other := newHome(t, "acme", "brasserie")
	other.pairs[0], other.pairs[1] = other.pairs[1].Fork(t), other.pairs[0].Fork(t)
	other.say(t, "hello") // the same counts, and other heads
	other.backUp(t, "/backups/one")

	before, parts, others := h.parts(t, "/backups/before"), h.parts(t, "/backups/one"), other.parts(t, "/backups/one")
	manifest := func(change func(*Manifest)) []byte { return h.packed(t, withManifest(t, parts, change)) }
	text := string(parts[0].data)
	raw := func(text string) []byte {
		return h.packed(t, append([]part{{manifestName, []byte(text)}}, parts[1:]...))
	}
	flipped := bytes.Clone(parts[1].data)
	flipped[10] ^= 1
	stranger, err := NewKit()
	if err != nil {
		t.Fatal(err)
	}
	public, err := parseRecipient(kindKit, stranger.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	return h, map[string][]byte{
		"not encrypted for her":     packedFor(t, []recipient{public}, parts),
		"not encrypted":             parts[1].data,
		"longer":                    append(bytes.Clone(h.Image()["/backups/one"]), 0),
		"nothing in it":             h.packed(t, nil),
		"something else of hers":    h.packed(t, []part{{"life.zip", []byte("PK")}}),
		"no key":                    h.packed(t, parts[:2]),
		"no database":               h.packed(t, []part{parts[0], parts[2]}),
		"no manifest":               h.packed(t, parts[1:]),
		"another order":             h.packed(t, []part{parts[1], parts[0], parts[2]}),
		"a file too many":           h.packed(t, append(slices.Clone(parts), part{"../../etc/passwd", nil})),
		"a path for a name":         h.packed(t, []part{parts[0], {"../" + dbName, parts[1].data}, parts[2]}),
		"an unknown member":         raw(strings.Replace(text, `{`, `{"extra":1,`, 1)),
		"a member twice":            raw(strings.Replace(text, `{`, `{"schema":1,`, 1)),
		"another format":            manifest(func(m *Manifest) { m.Format = "firsthand-backup-v2" }),
		"from a newer program":      manifest(func(m *Manifest) { m.Schema = 99 }),
		"fewer relationships":       manifest(func(m *Manifest) { m.Relationships-- }),
		"more entries":              manifest(func(m *Manifest) { m.Entries++ }),
		"a head less":               manifest(func(m *Manifest) { m.Heads = m.Heads[1:] }),
		"another head":              manifest(func(m *Manifest) { m.Heads[0].ID[0] ^= 1 }),
		"an earlier head":           manifest(func(m *Manifest) { m.Heads[0].Seq-- }),
		"another size":              manifest(func(m *Manifest) { m.Size++ }),
		"another hash":              manifest(func(m *Manifest) { m.SHA256 = strings.Repeat("0", 64) }),
		"a damaged database":        h.packed(t, withDB(t, parts, flipped)),
		"an empty database":         h.packed(t, withDB(t, parts, []byte{})),
		"a database cut off":        h.packed(t, withDB(t, parts, parts[1].data[:len(parts[1].data)-8192])),
		"another's database":        h.packed(t, withDB(t, parts, others[1].data)),
		"another's key":             h.packed(t, []part{parts[0], parts[1], others[2]}),
		"an older database":         h.packed(t, withDB(t, parts, before[1].data)),
		"a changed database":        h.packed(t, []part{parts[0], {dbName, h.altered(t, parts[1].data, `INSERT INTO setting VALUES ('x', 'y')`)}, parts[2]}),
		"an entry removed":          h.packed(t, withDB(t, parts, h.altered(t, parts[1].data, `DELETE FROM entry WHERE n = (SELECT min(n) FROM entry WHERE n NOT IN (SELECT entry FROM body))`))),
		"a body changed":            h.packed(t, withDB(t, parts, h.altered(t, parts[1].data, `DROP TRIGGER body_no_update`, `UPDATE body SET body = CAST('{"kind":"message","text":"lies"}' AS BLOB) WHERE entry = 1`))),
		"an entry in another's log": h.packed(t, withDB(t, parts, h.altered(t, parts[1].data, `DROP TRIGGER entry_no_update`, `UPDATE entry SET relationship = zeroblob(32) WHERE n = 1`))),
	}
}

func TestForeignBackupIsRefused(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	h, bad := badBackups(t)
	for name, data := range bad {
		t.Run(name, func(t *testing.T) {
			if err := refused(h.Disk, data, kitOfTests); err != nil {
				t.Error(err)
			}
		})
	}
	if err := refused(h.Disk, h.packed(t, h.parts(t, "/backups/one")), kitOfTests); err == nil {
		t.Error("what is packed here is refused anyhow: this test says nothing")
	}
	if err := refused(h.Disk, h.Image()["/backups/one"], Passphrase(passphrases[1])); err != nil {
		t.Errorf("wrong passphrase: %v", err)
	}
}

// A tampered disk gives back something else than was written to it.
type tampered struct {
	disk
	spoil func(name string, data []byte)
}

func (d tampered) open(name string) (io.ReadCloser, int64, error) {
	data, err := d.ReadHead(name, 1<<30)
	d.spoil(name, data)
	return io.NopCloser(bytes.NewReader(data)), int64(len(data)), err
}

// drillFails backs up on a disk that changes what it was given, and returns an
// error unless that is noticed and leaves nothing.
func drillFails(t testing.TB, spoil func(name string, data []byte)) error {
	t.Helper()
	h := newHome(t, "acme")
	h.Store.files = tampered{disk{h.Disk}, spoil}
	if _, err := h.Backup(t.Context(), "/backups/one"); err == nil {
		return errors.New("the backup counts")
	}
	if names := h.files(); strings.Contains(names, "/backups") || strings.Contains(names, "tmp-") {
		return fmt.Errorf("left: %s", names)
	}
	h.Store.files = disk{h.Disk}
	h.backUp(t, "/backups/one") // and a good disk does
	return nil
}

func TestBackupCountsOnlyAfterItsDrill(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	for _, name := range []string{"/backups/one.new", lifeDir + "/" + copyName} {
		for _, at := range []int{0, 100, 1000, 60_000, 100_000} {
			err := drillFails(t, func(n string, data []byte) {
				if n == name && len(data) > at {
					data[at] ^= 1
				}
			})
			if err != nil {
				t.Errorf("%s, byte %d: %v", name, at, err)
			}
		}
	}
}

func TestBackupOnFullDisk(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	h := newHome(t, "acme")
	for _, room := range []int64{0, 1000, 200_000, 300_000, 500_000} {
		h.SetRoom(room)
		_, err := h.Backup(t.Context(), "/backups/one")
		if err == nil {
			t.Errorf("a backup in %d bytes", room)
		}
		if names := h.files(); strings.Contains(names, "/backups") || strings.Contains(names, "tmp-") {
			t.Errorf("room for %d bytes: left %s", room, names)
		}
		if _, err := h.Head(t.Context(), h.pairs[0].Rel(), firsthand.First); err != nil {
			t.Errorf("reading on a full disk: %v", err)
		}
	}
	h.SetRoom(-1)
	h.backUp(t, "/backups/one")
	for _, room := range []int64{0, 1000, 100_000, 254_000} {
		h.SetRoom(room)
		_, err := restore(t.Context(), disk{h.Disk}, "/backups/one", otherDir, kitOfTests)
		if err == nil || errors.Is(err, errBackup) {
			t.Errorf("restore in %d bytes = %v: it is not the backup's fault", room, err)
		}
		if names := h.files(); strings.Contains(names, otherDir) {
			t.Errorf("room for %d bytes: left %s", room, names)
		}
	}
}

func TestBackupCanBeStopped(t *testing.T) {
	t.Parallel()
	h := newHome(t, "acme")
	ctx, cancel := context.WithCancel(t.Context())
	h.Store.files = tampered{disk{h.Disk}, func(name string, _ []byte) {
		if strings.HasSuffix(name, copyName) {
			cancel()
		}
	}}
	_, err := h.Backup(ctx, "/backups/one")
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("backup = %v, want %v", err, fault.Unavailable)
	}
	if names := h.files(); strings.Contains(names, "/backups") || strings.Contains(names, "tmp-") {
		t.Errorf("left: %s", names)
	}
}

// nowhere is where fuzzing unpacks to.
type nowhere struct{ files }

func (nowhere) remove(string) error         { return nil }
func (nowhere) create(string) (file, error) { return nowhereFile{io.Discard}, nil }

type nowhereFile struct{ io.Writer }

func (nowhereFile) Sync() error  { return nil }
func (nowhereFile) Close() error { return nil }

func FuzzBackup(f *testing.F) {
	db := []byte("a database")
	sum := sha256.Sum256(db)
	m := Manifest{Format: manifestFormat, Schema: 1, Size: int64(len(db)), SHA256: hex.EncodeToString(sum[:]), Heads: []LogHead{{Rel: firsthand.ID{1}, Side: firsthand.First, Seq: 1, ID: firsthand.ID{1}}}}
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	for _, p := range []part{{manifestName, firsthand.EncodeJSON(m)}, {dbName, db}, {keyName, []byte("key")}} {
		if err := archive.WriteHeader(&tar.Header{Name: p.name, Size: int64(len(p.data))}); err != nil {
			f.Fatal(err)
		}
		if _, err := archive.Write(p.data); err != nil {
			f.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		f.Fatal(err)
	}
	if err := new(unpacked).read(nowhere{}, bytes.NewReader(b.Bytes()), "db"); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:1024])
	f.Fuzz(func(t *testing.T, plain []byte) {
		var u unpacked
		if err := u.read(nowhere{}, bytes.NewReader(plain), "db"); err == nil && u.manifest.Format != manifestFormat {
			t.Errorf("taken for a backup: %+v", u.manifest)
		}
	})
}

// FuzzRecipient reads what stands in headers and in the database, up to where the
// effort of a passphrase begins.
func FuzzRecipient(f *testing.F) {
	p, err := newPassphrase(passphrases[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.text)
	f.Add(kitOfTests.Recipient())
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range []kind{kindPassphrase, kindKeyFile, kindKit} {
			if r, err := parseRecipient(k, text); err == nil && r.text != text {
				t.Errorf("%q is also %q", text, r.text)
			}
		}
		if s, err := parseSealed(text); err == nil && (s.String() != text || s.cost.check() != nil) {
			t.Errorf("%q is also %q", text, s)
		}
	})
}
