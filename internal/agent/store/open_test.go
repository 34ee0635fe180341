package store_test

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
	"firsthand/internal/needtest"
)

// wantNotice checks that err has a kind, and says something to a person.
func wantNotice(t testing.TB, err error, kind fault.Kind, text string) {
	t.Helper()
	var notice *fault.Notice
	if fault.KindOf(err) != kind || !errors.As(err, &notice) || notice.Hint == "" || !strings.Contains(err.Error(), text) {
		t.Errorf("err = %v (hint %q), want a notice of kind %v that says %q", err, fault.HintOf(err), kind, text)
	}
}

// names returns what is in a folder.
func names(t testing.TB, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestCreateAndOpen(t *testing.T) {
	t.Parallel()
	c, s := newCustomer(t)
	if s.Restored() || !store.Exists(c.dir) || store.Exists(t.TempDir()) {
		t.Error("a new file is taken for a restored one, or for none")
	}
	if err := s.Commit(t.Context(), agent.Commit{Settings: map[string]string{"language": "nl"}}); err != nil {
		t.Fatal(err)
	}
	wantModes(t, c.dir)
	mustClose(t, s)
	if got, want := names(t, c.dir), "firsthand.db firsthand.key instance lock"; got != want {
		t.Errorf("folder has %s, want %s", got, want)
	}
	for _, o := range []store.Opener{c.passphrase, c.keyFile, c.kit} {
		s := c.open(t, o)
		if got, err := s.Setting(t.Context(), "language"); got != "nl" || err != nil || s.Restored() {
			t.Errorf("setting = %q, %v; restored %t", got, err, s.Restored())
		}
		mustClose(t, s)
	}
	_, err := store.Open(t.Context(), c.dir, store.Passphrase([]byte("wrong wrong wrong")))
	wantNotice(t, err, fault.Denied, "this is not the passphrase")
	_, err = store.Open(t.Context(), c.dir, aKit(t))
	wantNotice(t, err, fault.Denied, "recovery kit")
	_, err = store.Open(t.Context(), c.dir, nil)
	wantNotice(t, err, fault.Invalid, "nothing to open")
	_, err = store.Open(t.Context(), filepath.Join(c.dir, "none"), c.kit)
	wantNotice(t, err, fault.NotExist, "no file of yours")
	_, err = store.Create(t.Context(), c.dir, store.CreateOptions{Passphrase: testPassphrase, KitRecipient: c.kit.Recipient()})
	wantNotice(t, err, fault.Conflict, "already")
	mustClose(t, c.open(t, c.keyFile)) // and all that did no harm
}

// A folder that is there and empty becomes private; one with other things in it
// is left as it is.
func TestFolderBecomesPrivate(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	k := aKit(t)
	for _, other := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "life")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		want := fs.FileMode(0o700)
		if other {
			want = 0o755
			if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := store.Create(t.Context(), dir, store.CreateOptions{Passphrase: testPassphrase, KitRecipient: k.Recipient()})
		if err != nil {
			t.Fatal(err)
		}
		mustClose(t, s)
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != want {
			t.Errorf("mode = %v, %v, want %v", info.Mode().Perm(), err, want)
		}
	}
}

// wantModes checks that only the owner can read anything. Shared memory has no
// content, and is made by the driver.
func wantModes(t testing.TB, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 && !strings.HasSuffix(path, "-shm") {
			t.Errorf("%s has mode %v", path, mode)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	k := aKit(t)
	_, public, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		dir  string
		o    store.CreateOptions
	}{
		{name: "no kit", o: store.CreateOptions{Passphrase: testPassphrase}},
		{name: "only the kit", o: store.CreateOptions{KitRecipient: k.Recipient()}},
		{name: "the kit as key file", o: store.CreateOptions{KitRecipient: k.Recipient(), KeyFile: k.Recipient()}},
		{name: "the kit itself", o: store.CreateOptions{Passphrase: testPassphrase, KitRecipient: k.Text()}},
		{name: "no key file", o: store.CreateOptions{KitRecipient: k.Recipient(), KeyFile: "age1"}},
		{name: "a short passphrase", o: store.CreateOptions{Passphrase: []byte("1234567"), KitRecipient: k.Recipient()}},
		{name: "an empty passphrase", o: store.CreateOptions{Passphrase: []byte{}, KitRecipient: k.Recipient(), KeyFile: public}},
		{name: "a file for a folder", dir: file, o: store.CreateOptions{Passphrase: testPassphrase, KitRecipient: k.Recipient()}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.dir
			if dir == "" {
				dir = filepath.Join(t.TempDir(), "life")
			}
			_, err := store.Create(t.Context(), dir, tt.o)
			wantNotice(t, err, fault.Invalid, "")
			if tt.dir == "" && names(t, dir) != "" {
				t.Errorf("left: %s", names(t, dir))
			}
		})
	}
}

// What a crash in Create or Restore leaves is finished, or made anew.
func TestInterruptedInstall(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	c, s := newCustomer(t)
	mustClose(t, s)
	key := filepath.Join(c.dir, "firsthand.key")
	if err := os.Rename(key, key+".new"); err != nil { // before the last step
		t.Fatal(err)
	}
	for _, name := range []string{"tmp-draft.db", "tmp-drill.db-wal", "instance.new"} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, c.open(t, c.passphrase))
	if got, want := names(t, c.dir), "firsthand.db firsthand.key instance instance.new lock"; got != want {
		t.Errorf("folder has %s, want %s", got, want)
	}

	// Before the second step there is only a key to nothing.
	dir := filepath.Join(t.TempDir(), "life")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"firsthand.key.new", "tmp-draft.db", "lock", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("left"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, err := store.Create(t.Context(), dir, store.CreateOptions{Passphrase: testPassphrase, KitRecipient: c.kit.Recipient()})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, again)
}

func TestSidecarMissingOrDamaged(t *testing.T) {
	needtest.Alone(t)
	t.Parallel()
	c, s := newCustomer(t)
	mustClose(t, s)
	other, s := newCustomer(t)
	mustClose(t, s)
	key := filepath.Join(c.dir, "firsthand.key")
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	others, err := os.ReadFile(filepath.Join(other.dir, "firsthand.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		data []byte
		by   store.Opener
		want fault.Kind
		text string
	}{
		{"missing", nil, c.kit, fault.Invalid, "is missing"},
		{"empty", []byte{}, c.kit, fault.Invalid, "is damaged"},
		{"cut off", good[:len(good)-1], c.kit, fault.Invalid, "is damaged"},
		{"longer", append(good[:len(good):len(good)], 0), c.kit, fault.Invalid, "is damaged"},
		{"of another file", others, other.kit, fault.Denied, "does not open the file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			os.Remove(key)
			if tt.data != nil {
				if err := os.WriteFile(key, tt.data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := store.Open(t.Context(), c.dir, tt.by)
			wantNotice(t, err, tt.want, tt.text)
		})
	}
	if err := os.WriteFile(key, good, 0o600); err != nil {
		t.Fatal(err)
	}
	mustClose(t, c.open(t, c.kit))
}

func TestChangeOpeners(t *testing.T) {
	t.Parallel()
	c, s := newCustomer(t)
	ctx := t.Context()
	opens := func(o store.Opener) error {
		s, err := store.Open(ctx, c.dir, o)
		if err == nil {
			err = s.Close()
		}
		return err
	}
	change := func(fn func(*store.Store) error) {
		t.Helper()
		s := c.open(t, c.kit)
		if err := fn(s); err != nil {
			t.Fatal(err)
		}
		mustClose(t, s)
	}
	labels := agent.Commit{AddLabels: []agent.NextKey{{Label: firsthand.Label{1}, Hash: firsthand.ID{1}}}}
	if err := s.Commit(ctx, labels); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)

	next := store.Passphrase([]byte("a new passphrase"))
	change(func(s *store.Store) error { return s.SetPassphrase(ctx, []byte("a new passphrase")) })
	if err := opens(next); err != nil {
		t.Errorf("new passphrase: %v", err)
	}
	wantNotice(t, opens(c.passphrase), fault.Denied, "not the passphrase")

	text, public, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	change(func(s *store.Store) error { return s.SetKeyFile(ctx, public) })
	if err := opens(store.KeyFile(text)); err != nil {
		t.Errorf("new key file: %v", err)
	}
	wantNotice(t, opens(c.keyFile), fault.Denied, "key file does not open")

	// One opener besides the kit has to remain.
	change(func(s *store.Store) error { return s.SetKeyFile(ctx, "") })
	wantNotice(t, opens(store.KeyFile(text)), fault.Denied, "key file does not open")
	change(func(s *store.Store) error {
		wantNotice(t, s.SetPassphrase(ctx, nil), fault.Invalid, "nothing but the recovery kit")
		wantNotice(t, s.SetKeyFile(ctx, c.kit.Recipient()), fault.Invalid, "can't be the key file")
		wantNotice(t, s.SetKeyFile(ctx, "age1x"), fault.Invalid, "no public key")
		wantNotice(t, s.SetPassphrase(ctx, []byte("short")), fault.Invalid, "at least 8")
		if p, k, err := s.Openers(ctx); !p || k || err != nil {
			t.Errorf("openers = %t, %t, %v", p, k, err)
		}
		return s.SetKeyFile(ctx, public)
	})
	change(func(s *store.Store) error { return s.SetPassphrase(ctx, nil) })
	if err := opens(store.KeyFile(text)); err != nil {
		t.Errorf("key file alone: %v", err)
	}

	// A new kit: its book is empty, and the old one opens nothing.
	old := c.kit
	fresh := aKit(t)
	change(func(s *store.Store) error {
		if n, err := s.Labels(ctx); n != 1 || err != nil {
			t.Errorf("labels = %d, %v, want 1", n, err)
		}
		return s.SetKit(ctx, fresh.Recipient())
	})
	c.kit = fresh
	wantNotice(t, opens(old), fault.Denied, "recovery kit does not open")
	change(func(s *store.Store) error {
		if n, err := s.Labels(ctx); n != 0 || err != nil {
			t.Errorf("labels = %d, %v, want none", n, err)
		}
		wantNotice(t, s.CheckKit(ctx, old), fault.Denied, "not the one")
		return errors.Join(s.CheckKit(ctx, fresh), s.Commit(ctx, labels))
	})
	change(func(s *store.Store) error {
		if n, err := s.Labels(ctx); n != 0 || err != nil {
			t.Errorf("labels = %d, %v: a used one came back", n, err)
		}
		return nil
	})
}

// Somebody puts back the sidecar of before the change, or a crash left it.
func TestOldSidecarIsMended(t *testing.T) {
	t.Parallel()
	c, s := newCustomer(t)
	key := filepath.Join(c.dir, "firsthand.key")
	old, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetPassphrase(t.Context(), []byte("a new passphrase")); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	if err := os.WriteFile(key, old, 0o600); err != nil {
		t.Fatal(err)
	}
	mustClose(t, c.open(t, c.passphrase)) // the key in it is the right one
	_, err = store.Open(t.Context(), c.dir, c.passphrase)
	wantNotice(t, err, fault.Denied, "not the passphrase")
	mustClose(t, c.open(t, store.Passphrase([]byte("a new passphrase"))))
}

// The sidecar opens with the age library and the kit alone.
func TestSidecarIsAStockAgeFile(t *testing.T) {
	t.Parallel()
	c, s := newCustomer(t)
	mustClose(t, s)
	text := stock(t, filepath.Join(c.dir, "firsthand.key"), c.kit.Page(testNow))
	if ok, _ := regexp.Match(`^[0-9a-f]{64}\n$`, text); !ok {
		t.Errorf("sidecar holds %q", text)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	t.Parallel()
	c, s := newCustomer(t)
	_, err := store.Open(t.Context(), c.dir, c.kit)
	wantNotice(t, err, fault.Unavailable, "another Firsthand")
	_, err = store.Restore(t.Context(), filepath.Join(c.dir, "none"), c.dir, c.kit)
	if err == nil {
		t.Error("restored over an open file")
	}
	mustClose(t, s)

	// Another process, until it is killed.
	cmd := exec.Command(os.Args[0], "-test.run=^TestHoldOpen$")
	cmd.Env = append(os.Environ(), "FIRSTHAND_TEST_HOLD="+c.dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "open\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	_, err = store.Open(t.Context(), c.dir, c.kit)
	wantNotice(t, err, fault.Unavailable, "another Firsthand")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // says that it was killed
	s = c.open(t, c.kit)
	if got, err := s.Setting(t.Context(), "language"); err != nil || got != "fy" {
		t.Errorf("what the killed process committed = %q, %v", got, err)
	}
	if s.Restored() {
		t.Error("an ordinary restart was taken for a restore")
	}
}

// TestHoldOpen is the other process: it commits, and holds the file until it is
// killed or its input ends.
func TestHoldOpen(t *testing.T) {
	dir := os.Getenv("FIRSTHAND_TEST_HOLD")
	if dir == "" {
		return // run as a test of this process, it has nothing to do
	}
	s, err := store.Open(t.Context(), dir, store.Passphrase(testPassphrase))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), agent.Commit{Settings: map[string]string{"language": "fy"}}); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("open\n")
	bufio.NewReader(os.Stdin).ReadByte()
}
