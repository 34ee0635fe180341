package store

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/needtest"
	"firsthand/internal/sqlite"
)

// answered returns an answer with one attachment.
func answered(t testing.TB, s *Store, key byte, text string, file []byte) agent.Answer {
	t.Helper()
	b, err := s.AddBlob(context.Background(), bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	b.Name = text
	return agent.Answer{Key: firsthand.ID{key}, Rel: firsthand.ID{1}, Kind: agent.FromPerson, From: text, Subject: text, Message: text, Came: time.Now(), Text: text, Cut: text, Blobs: []firsthand.Blob{b}}
}

// TestErasedMailIsGone looks under the encryption for what was sent, answered and
// attached, for documents and what was taken over from them.
func TestErasedMailIsGone(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	h := newHome(t, "acme")
	p, gone, stays := h.pairs[0], new(canaries), new(canaries)
	var unstate []agent.FactAt
	commit := func(c agent.Commit) {
		t.Helper()
		if err := h.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	said := p.Say(t, firsthand.First, "to be erased")
	commit(agent.Commit{Entries: []firsthand.Entry{said}})
	for i := range byte(40) {
		c := []*canaries{gone, stays}[i%2]
		m := agent.Mail{Entry: firsthand.ID{i + 1}, Rel: firsthand.ID{1 + i%2}, State: agent.MailFiled, Raw: bytes.Repeat([]byte(c.new()+"\r\n"), 100), Made: time.Now()}
		if i == 0 {
			m.Entry, m.Rel = said.ID, p.Rel() // which is not forgotten
		}
		a := answered(t, h.Store, i+1, c.new(), bytes.Repeat([]byte(c.new()), 1+int(i)*500))
		a.Rel = firsthand.ID{1 + i%2}
		commit(agent.Commit{Mails: []agent.Mail{m}, Answers: []agent.Answer{a}})
	}
	erased := p.Erase(t, firsthand.First, said)
	for i := range byte(40) {
		c := []*canaries{gone, stays}[i%2]
		b, err := h.AddBlob(t.Context(), bytes.NewReader(bytes.Repeat([]byte(c.new()), 1+int(i)*500)))
		if err != nil {
			t.Fatal(err)
		}
		b.Name, b.Media = c.new(), c.new()
		fact := "fact" + string('a'+rune(i%26)) + string('a'+rune(i/26))
		commit(agent.Commit{Documents: []agent.Document{{Domain: []string{"gone.example", "stays.example"}[i%2], Blob: b, Came: time.Now()}},
			State: []agent.Statement{{Domain: "x.example", Fact: fact, Value: firsthand.Text(c.new()), Origin: firsthand.Inferred, Document: b.Hash}}})
		if i%2 == 0 {
			unstate = append(unstate, agent.FactAt{Domain: "x.example", Fact: fact, Origin: firsthand.Inferred})
		}
	}
	if found := buried(h.Disk, h.Store, gone); len(found) < len(gone.all) {
		t.Fatalf("only %d of %d are found before they are erased: this test says nothing", len(found), len(gone.all))
	}
	commit(agent.Commit{Entries: []firsthand.Entry{erased}})
	commit(agent.Commit{DropDocuments: []int64{1, 3, 5}, Unstate: unstate})
	commit(agent.Commit{Drop: []string{"gone.example"}})
	commit(agent.Commit{DropAnswers: []int64{1, 3, 5}})
	commit(agent.Commit{Forget: []firsthand.ID{{1}}})
	if found := buried(h.Disk, h.Store, gone); len(found) > 0 {
		t.Errorf("%d still there, %s first", len(found), found[0])
	}
	if found := buried(h.Disk, h.Store, stays); len(found) < len(stays.all) {
		t.Errorf("%d of %d that were not erased are left", len(found), len(stays.all))
	}
}

// TestDamagedBlob: an attachment that is not what it was is neither read nor backed
// up, and one that is missing is noticed.
func TestDamagedBlob(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	for _, lie := range []string{
		`UPDATE blob_part SET data = CAST('lies' AS BLOB)`, `UPDATE blob_part SET data = zeroblob(length(data))`, `UPDATE blob SET size = 3`, `UPDATE blob SET hash = zeroblob(32)`,
		`DELETE FROM blob_part WHERE id % 2 = 1`, `DELETE FROM blob`,
	} {
		h := newHome(t)
		a := answered(t, h.Store, 1, "x", bytes.Repeat([]byte("0123456789"), 100_000))
		if err := h.Commit(t.Context(), agent.Commit{Answers: []agent.Answer{a}}); err != nil {
			t.Fatal(err)
		}
		if err := h.db.Update(t.Context(), func(tx *sqlite.Tx) error { _, err := tx.ExecContext(t.Context(), lie); return err }); err != nil {
			t.Fatal(err)
		}
		if err := h.ReadBlob(t.Context(), a.Blobs[0].Hash, io.Discard); err == nil {
			t.Errorf("%s: it was read", lie)
		}
		if _, err := h.Check(t.Context()); fault.KindOf(err) != fault.Internal {
			t.Errorf("%s: check = %v, want %v", lie, err, fault.Internal)
		}
		if _, err := h.Backup(t.Context(), "/backups/one"); err == nil {
			t.Errorf("%s: it was backed up", lie)
		}
	}
}
