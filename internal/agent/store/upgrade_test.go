package store

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/sqlite"
)

// schemaAt returns the migrations up to a number: those of an older program.
func schemaAt(t *testing.T, number int) fs.FS {
	t.Helper()
	names, err := fs.Glob(migrations(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	old := fstest.MapFS{}
	for _, name := range names[:number] {
		text, err := fs.ReadFile(migrations(), name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: text}
	}
	return old
}

// createOld makes a file as a program did that knew only migrations 1 and 2, in the
// order of create, and returns what opens it.
func createOld(t *testing.T, dir string, fill func(context.Context, *sqlite.Tx) error) Opener {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kit, err := NewKit()
	must(err)
	secret, recipient, err := NewKeyFile()
	must(err)
	list, err := CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient}.recipients()
	must(err)
	lock, err := prepareFolder(osFiles{}, dir)
	must(err)
	s := &Store{files: osFiles{}, dir: dir, lock: lock, now: time.Now, key: newKey()}
	wrapped, _, err := wrapKey(s.key, list)
	must(err)
	o := s.options(draftName)
	o.Migrations = schemaAt(t, 2)
	db, err := sqlite.Create(ctx, o)
	must(err)
	mark := newMark()
	must(errors.Join(db.Update(ctx, func(tx *sqlite.Tx) error {
		return errors.Join(writeRecipients(ctx, tx, list, wrapped), mark.write(ctx, tx), fill(ctx, tx))
	}), db.Close()))
	must(install(osFiles{}, dir, draftName, wrapped))
	must(writeFile(osFiles{}, s.path(instanceName), mark.file()))
	must(lock.Close())
	return KeyFile(secret)
}

// oldLog is what she said in an unpaired log before the update: she told a phone
// number, and then another.
func oldLog(t *testing.T) (all []firsthand.Entry) {
	t.Helper()
	key, err := firsthand.NewSigner(zeros{})
	if err != nil {
		t.Fatal(err)
	}
	state := firsthand.NewState()
	say := func(c firsthand.Content) {
		t.Helper()
		salt := make([]byte, 32)
		salt[0] = byte(len(all) + 1)
		e, err := state.Write(key, firsthand.First, time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), salt, c)
		if err == nil {
			err = state.Take(e)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	label := firsthand.Label{1}
	say(&firsthand.Open{Role: "customer", Key: key.Public(), Label: label, Next: firsthand.NextKey("kit", label).Public().Hash(), Domain: "acme.example"})
	basis := firsthand.Basis{Exception: "told at the counter"}
	say(&firsthand.Disclose{Fact: "phone", Value: firsthand.Text("+32 2 555 00 00"), Purpose: "ServiceDelivery", Basis: basis})
	say(&firsthand.Change{Fact: "phone", Value: firsthand.Text("+32 2 555 00 01"), Of: all[1].ID, Basis: basis})
	return all
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	b[0] = 1
	return len(b), nil
}

// A file from before there was a cache of what is on its way has it after the first
// Open, without rebuild; if that was killed, after the next. It isn't made again.
func TestOpenFillsWhatIsOnItsWay(t *testing.T) {
	dir, entries, ctx := filepath.Join(t.TempDir(), "life"), oldLog(t), t.Context()
	rel := entries[0].ID
	by := createOld(t, dir, func(ctx context.Context, tx *sqlite.Tx) error {
		w := writer{ctx: ctx, tx: tx}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO relationship (id, domain, key, name, gateway, seed, opened, kept, received_seq, received_id, sent, tries, next_try, failure, restored, frozen)
			VALUES (?, 'acme.example', 'acme.example', 'Acme', '', ?, ?, 1, 0, ?, 0, 0, '', '', 0, '')`, rel[:], make([]byte, 32), timeText(entries[0].At), make([]byte, 32))
		return errors.Join(err, w.entries(entries))
	})
	open := func() *Store {
		t.Helper()
		s, err := Open(ctx, dir, by)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// The update itself, and nothing after it: a crash leaves that.
	s := open()
	if err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		w := writer{ctx: ctx, tx: tx}
		_, err := w.exec(`DELETE FROM setting WHERE name = ?`, cachesSetting)
		return errors.Join(err, w.carried(map[firsthand.ID][]agent.Carried{rel: nil}))
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"after the update", "after the next start"} {
		s := open()
		tasks, n, err := s.Tasks(ctx, agent.TaskQuery{}, "2026-12-01")
		if err != nil || n != 1 || tasks[0].Entry != entries[2].ID || tasks[0].Kind != "change" {
			t.Errorf("%s: %d tasks, %+v, %v", when, n, tasks, err)
		}
		if differed, err := (agent.New(agent.Options{Store: s, Now: time.Now})).Rebuild(ctx); err != nil || when != "after the update" && len(differed) > 0 {
			t.Errorf("%s: rebuild finds something else at %v, %v", when, differed, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A file from before grounds stood beside holdings has them after the first Open, as the
// summaries say; where a summary is older still, there is none.
func TestOpenFillsGrounds(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "life")
	kit, err := NewKit()
	if err != nil {
		t.Fatal(err)
	}
	secret, recipient, err := NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Create(ctx, dir, CreateOptions{KitRecipient: kit.Recipient(), KeyFile: recipient})
	if err != nil {
		t.Fatal(err)
	}
	var c agent.Commit
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	c.Holdings = make(map[firsthand.ID][]agent.Holder)
	grounds := agent.Grounds{Held: []agent.HeldGround{{Entry: firsthand.ID{7}, Purpose: "Marketing", Basis: firsthand.Basis{Exception: "at the counter"}}}}
	summaries := map[firsthand.ID][]byte{{1}: firsthand.EncodeJSON(agent.Summary{Closed: true, Facts: []string{}, Grounds: &grounds}), {2}: firsthand.EncodeJSON(agent.Summary{Facts: []string{}})}
	for id, summary := range summaries {
		row := agent.Relationship{ID: id, Domain: "acme.example", Gateway: "https://gw.acme.example", Frozen: "company", Opened: now, Summary: summary}
		c.Relationships = append(c.Relationships, row)
		c.Holdings[id] = []agent.Holder{{Rel: id, Domain: row.Domain, Entry: firsthand.ID{7}, Fact: "phone", Value: firsthand.Text("1"), Origin: firsthand.Told, Since: now}}
	}
	if err := s.Commit(ctx, c); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Update(ctx, func(tx *sqlite.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE setting SET value = '3' WHERE name = ?`, cachesSetting)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(ctx, dir, KeyFile(secret)); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := map[firsthand.ID]string{{1}: agent.GroundsIn(&agent.Relationship{Gateway: "x", Frozen: "company", Summary: summaries[firsthand.ID{1}]})[firsthand.ID{7}], {2}: ""}
	if want[firsthand.ID{1}] == "" {
		t.Error("the summary has no grounds")
	}
	for h, err := range s.Holders(ctx, "phone") {
		if err != nil || h.Ground != want[h.Rel] {
			t.Errorf("%s has the ground %q, want %q; %v", h.Rel, h.Ground, want[h.Rel], err)
		}
	}
}
