package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/internal/needtest"
	"firsthand/internal/sqlite"
	"firsthand/internal/sqlite/sqlitetest"
	"firsthand/logtest"
)

// full returns a commit that writes something into every table.
func full(t testing.TB) (c agent.Commit, rels []firsthand.ID) {
	t.Helper()
	at := time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)
	c = agent.Commit{Holdings: map[firsthand.ID][]agent.Holder{}, Settings: map[string]string{"language": "nl", "rules": strings.Repeat("[]", 3000)}}
	for i := range 8 {
		p := logtest.NewPair(t, fmt.Sprint("company ", i))
		for range 5 {
			p.Say(t, firsthand.First, strings.Repeat("Where is my parcel? ", 20))
			p.Say(t, firsthand.Second, "It is on its way.")
		}
		rels = append(rels, p.Rel())
		c.Relationships = append(c.Relationships, agent.Relationship{ID: p.Rel(), Domain: "acme.example", Name: "Acme NV", Gateway: "https://acme.example/",
			Company: []byte(strings.Repeat("eyJ", 900)), Seed: p.Key(firsthand.First).Seed(), Opened: at, Summary: []byte(strings.Repeat("s", 300))})
		c.Entries = append(c.Entries, p.All()...)
		last := p.State().Log(firsthand.First).Head
		r := firsthand.Receipt{Rel: p.Rel(), Seq: last.Seq, ID: last.ID, At: at}
		c.Receipts = append(c.Receipts, agent.Received{Receipt: r, Signed: p.Key(firsthand.Second).Receipt(r)})
		c.Evidence = append(c.Evidence, agent.Evidence{Entry: p.Fork(t).Say(t, firsthand.Second, "a fork"), Why: "company"})
		for k := range 10 {
			c.Holdings[p.Rel()] = append(c.Holdings[p.Rel()], agent.Holder{Rel: p.Rel(), Domain: "acme.example", Entry: last.ID, Fact: fmt.Sprint("fact", k),
				Value: firsthand.Text(strings.Repeat("v", 30)), Origin: firsthand.Told, Since: at, Last: last.ID})
		}
		c.Facts = append(c.Facts, agent.Fact{Name: fmt.Sprint("fact", i), Value: firsthand.Text(strings.Repeat("v", 200)), Updated: at})
		c.AddDrafts = append(c.AddDrafts, agent.Draft{Rel: p.Rel(), Body: []byte(strings.Repeat("d", 500)), Made: at})
		for k := range 20 {
			c.AddLabels = append(c.AddLabels, agent.NextKey{Label: firsthand.Label{byte(i), byte(k), 1}, Hash: firsthand.ID{byte(i), byte(k), 1}})
		}
	}
	return c, rels
}

func damagePlan(t testing.TB) sqlitetest.CorruptionPlan {
	c, rels := full(t)
	return sqlitetest.CorruptionPlan{
		Build: func(d *sqlitetest.Disk) error {
			s, err := createOn(d, lifeDir)
			if err != nil {
				return err
			}
			return errors.Join(s.Commit(context.Background(), c), s.Close())
		},
		Read: func(d *sqlitetest.Disk) (string, error) {
			s, err := openOn(d, lifeDir)
			if err != nil {
				return "", err
			}
			ctx := context.Background()
			if s.Restored() { // the mark was damaged: noticed
				return "", errors.Join(errors.New("restored"), s.Close())
			}
			_, err = s.Check(ctx)
			text := ""
			if err == nil {
				text, err = agenttest.Dump(ctx, s, rels, "language", "rules")
			}
			list, rerr := s.recipients(ctx)
			for _, r := range list {
				text += r.text
			}
			return text, errors.Join(err, rerr, s.Close())
		},
	}
}

func TestDamage(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	sqlitetest.Corruption(t, damagePlan(t))
}

// readsLies changes what entries say, in ways that SQLite can't see, and returns
// an error unless reading notices each.
func readsLies(t testing.TB) error {
	for _, lie := range [][]string{
		{`DROP TRIGGER body_no_update`, `UPDATE body SET body = CAST('{"kind":"message","text":"lies"}' AS BLOB) WHERE entry = 3`},
		{`DROP TRIGGER body_no_update`, `UPDATE body SET salt = zeroblob(32) WHERE entry = 3`},
		{`DROP TRIGGER entry_no_update`, `UPDATE entry SET signed = (SELECT signed FROM entry WHERE n = 2) WHERE n = 3`},
		{`DROP TRIGGER entry_no_update`, `UPDATE entry SET id = zeroblob(32) WHERE n = 3`},
		{`DELETE FROM body WHERE entry = 4`, `DELETE FROM entry WHERE n = 4`, `DROP TRIGGER entry_no_update`, `UPDATE entry SET seq = 3 WHERE n = 5`},
	} {
		h := newHome(t)
		p := logtest.NewPair(t, "acme")
		for _, text := range []string{"one", "two", "three"} {
			p.Say(t, firsthand.First, text)
		}
		if err := h.Append(t.Context(), p.All()...); err != nil {
			return err
		}
		err := h.db.Update(t.Context(), func(tx *sqlite.Tx) error {
			for _, query := range lie {
				if _, err := tx.ExecContext(t.Context(), query); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if _, err := firsthand.Collect(h.Entries(t.Context(), p.Rel(), firsthand.First, 0)); fault.KindOf(err) != fault.Internal || fault.HintOf(err) == "" {
			return fmt.Errorf("%s: entries = %v", lie, err)
		}
		if _, err := h.Check(t.Context()); fault.KindOf(err) != fault.Internal {
			return fmt.Errorf("%s: check = %v", lie, err)
		}
		if _, err := h.Backup(t.Context(), "/backups/one"); err == nil {
			return fmt.Errorf("%s: it was backed up", lie)
		}
	}
	return nil
}

func TestLiesAreNoticed(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	if err := readsLies(t); err != nil {
		t.Error(err)
	}
}

// What is there is never changed, whoever tries.
func TestEntriesAreNeverChanged(t *testing.T) {
	t.Parallel()
	c, _ := full(t)
	h := newHome(t)
	if err := h.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for table, column := range map[string]string{"entry": "signed", "body": "body", "receipt": "signed", "evidence": "why"} {
		err := h.db.Update(t.Context(), func(tx *sqlite.Tx) error {
			_, err := tx.ExecContext(t.Context(), `UPDATE `+table+` SET `+column+` = `+column)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "never changed") {
			t.Errorf("update of %s = %v", table, err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	h := newHome(t, "acme")
	h.SetRoom(0)
	p := h.pairs[0]
	fork := p.Fork(t)
	var err error
	for i := 0; err == nil && i < 2000; i++ {
		err = h.Append(t.Context(), fork.Say(t, firsthand.First, fmt.Sprint(i, strings.Repeat("x", 5000))))
	}
	if fault.KindOf(err) != fault.Unavailable || fault.HintOf(err) == "" {
		t.Fatalf("append on a full disk = %v, hint %q", err, fault.HintOf(err))
	}
	got, err := firsthand.Collect(h.Entries(t.Context(), p.Rel(), firsthand.First, 0))
	if err != nil || len(got) != len(fork.Log(firsthand.First))-1 {
		t.Errorf("reading on a full disk: %d entries, %v", len(got), err)
	}
	h.SetRoom(-1)
	if err := h.Append(t.Context(), fork.Log(firsthand.First)[len(got):]...); err != nil {
		t.Errorf("append after room was made: %v", err)
	}
}

// After a failed sync nothing more is acknowledged until the file was opened
// anew, and then what was acknowledged is there.
func TestFailedSync(t *testing.T) {
	t.Parallel()
	h := newHome(t, "acme")
	h.say(t, "before")
	p := h.pairs[0]
	kept := len(p.Log(firsthand.First))
	h.FailSync(func(name string) error {
		if strings.HasSuffix(name, "-wal") {
			return syscall.EIO
		}
		return nil
	})
	for range 3 {
		fork := p.Fork(t)
		if err := h.Append(t.Context(), fork.Say(t, firsthand.First, "lost")); fault.KindOf(err) != fault.Unavailable {
			t.Fatalf("append after a failed sync = %v, want %v", err, fault.Unavailable)
		}
		h.FailSync(nil)
	}
	h.Store.Close() // says that the disk failed
	var err error
	if h.Store, err = openOn(h.Disk, lifeDir); err != nil {
		t.Fatal(err)
	}
	got, err := firsthand.Collect(h.Entries(t.Context(), p.Rel(), firsthand.First, 0))
	if err != nil || len(got) < kept {
		t.Errorf("%d entries, %v, want %d", len(got), err, kept)
	}
}

// Failing to write the sidecar or the mark is told, and mended by the next start.
func TestFailedSyncBesideTheDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{keyName, instanceName} {
		h := newHome(t, "acme")
		fail := func(n string) error {
			if strings.HasPrefix(n, lifeDir+"/"+name) {
				return syscall.EIO
			}
			return nil
		}
		var err error
		if name == keyName {
			h.FailSync(fail)
			err = h.SetPassphrase(t.Context(), passphrases[1])
		} else {
			if err := errors.Join(h.Store.Close(), h.RemoveFile(lifeDir+"/"+instanceName)); err != nil {
				t.Fatal(err)
			}
			h.FailSync(fail)
			_, err = openOn(h.Disk, lifeDir)
		}
		if !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v, want %v", name, err, syscall.EIO)
		}
		h.FailSync(nil)
		h.Store.Close() // again, for one of them
		if h.Store, err = openOn(h.Disk, lifeDir); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name == keyName {
			if _, err := h.unwrapKey(Passphrase(passphrases[1])); err != nil {
				t.Errorf("the new passphrase: %v", err)
			}
			continue
		}
		if !h.Restored() {
			t.Error("the mark was not missed")
		}
		if err := h.Store.Close(); err != nil {
			t.Fatal(err)
		}
		if h.Store, err = openOn(h.Disk, lifeDir); err != nil || h.Restored() {
			t.Errorf("missed again, or %v", err)
		}
	}
}
