package store_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
)

// TestRestoredMail: a backup has mails and attachments; and what waited when it was
// made may have left since.
func TestRestoredMail(t *testing.T) {
	t.Parallel()
	c, s, _ := lived(t)
	file := bytes.Repeat([]byte("0123456789"), 100_000)
	b, err := s.AddBlob(t.Context(), bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	b.Name = "x"
	a := agent.Answer{Key: firsthand.ID{1}, Rel: firsthand.ID{1}, Kind: agent.FromPerson, Came: time.Now(), Blobs: []firsthand.Blob{b}}
	next := time.Now().Add(time.Hour)
	err = s.Commit(t.Context(), agent.Commit{Answers: []agent.Answer{a}, Mails: []agent.Mail{
		{Entry: firsthand.ID{1}, State: agent.MailWaiting, NextTry: next}, {Entry: firsthand.ID{2}, State: agent.MailFiled}, {Entry: firsthand.ID{3}, State: agent.MailFailed}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "one.backup")
	if _, err := s.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	s = c.open(t, c.passphrase)
	if m, err := s.Mail(t.Context(), firsthand.ID{1}, ""); err != nil || m.State != agent.MailWaiting {
		t.Errorf("after an ordinary start it is %s, %v", m.State, err)
	}
	mustClose(t, s)
	c.dir = filepath.Join(t.TempDir(), "restored")
	if _, err := store.Restore(t.Context(), path, c.dir, c.passphrase); err != nil {
		t.Fatal(err)
	}
	s = c.open(t, c.passphrase)
	for entry, want := range map[byte]string{1: agent.MailSending, 2: agent.MailFiled, 3: agent.MailFailed} {
		if m, err := s.Mail(t.Context(), firsthand.ID{entry}, ""); err != nil || m.State != want || !m.NextTry.IsZero() {
			t.Errorf("mail %d is %s, %v, want %s", entry, m.State, err, want)
		}
	}
	var got bytes.Buffer
	if err := s.ReadBlob(t.Context(), a.Blobs[0].Hash, &got); err != nil || !bytes.Equal(got.Bytes(), file) {
		t.Errorf("the attachment has %d bytes, %v", got.Len(), err)
	}
}
