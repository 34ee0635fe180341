package store_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"firsthand/fault"
	"firsthand/internal/agent/store"
)

const kitText = "AGE-SECRET-KEY-1QQPQ8CNQVQ5X6Q5XGPJZ4GKVG8EXXVU5JEGTYXVDTLUR6EZQZHZQ20RPNH"

// aKit returns a fixed kit, made so that its text is known.
func aKit(t testing.TB) store.Kit {
	t.Helper()
	k, err := store.NewKit()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseKit(t *testing.T) {
	k := aKit(t)
	want := k.Text()
	other := "Q" // both are letters of a kit
	if want[30] == 'Q' {
		other = "P"
	}
	typo := want[:30] + other + want[31:]
	tests := []struct {
		name, text string
		bad        bool
	}{
		{name: "as it is", text: want},
		{name: "lower case", text: strings.ToLower(want)},
		{name: "in groups", text: "  " + want[:16] + " " + want[16:30] + "\t" + want[30:52] + "\u00a0" + want[52:] + " "},
		{name: "over lines", text: want[:25] + "\r\n" + want[25:50] + "\n\n  " + want[50:] + "\n"},
		{name: "with the hyphens of a word processor", text: strings.ReplaceAll(want, "-", "\u2011")},
		{name: "the whole page", text: k.Page(time.Now())},
		{name: "the whole page from Windows", text: strings.ReplaceAll(k.Page(time.Now()), "\n", "\r\n")},
		{name: "nothing", text: "", bad: true},
		{name: "only comments", text: "# nothing", bad: true},
		{name: "a slip of the pen", text: typo, bad: true},
		{name: "cut off", text: want[:len(want)-1], bad: true},
		{name: "one too many", text: want + "Q", bad: true},
		{name: "twice", text: want + "\n" + want, bad: true},
		{name: "the public half", text: k.Recipient(), bad: true},
		{name: "other signs", text: want + "!", bad: true},
		{name: "another's checksum", text: kitText, bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := store.ParseKit(tt.text)
			if tt.bad {
				if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" || strings.Contains(err.Error(), want[20:30]) {
					t.Errorf("err = %v, hint %q", err, fault.HintOf(err))
				}
				return
			}
			if err != nil || got.Text() != want {
				t.Errorf("ParseKit = %q, %v, want %q", got.Text(), err, want)
			}
		})
	}
}

func FuzzParseKit(f *testing.F) {
	f.Add(kitText)
	f.Add("# page\n" + strings.ToLower(kitText))
	f.Fuzz(func(t *testing.T, text string) {
		k, err := store.ParseKit(text)
		if err != nil {
			return
		}
		again, err := store.ParseKit(k.Text())
		if err != nil || again.Text() != k.Text() {
			t.Errorf("%q is parsed as %q, and that as %q, %v", text, k.Text(), again.Text(), err)
		}
	})
}

// The page is an identity file for the age command, and so is a key file.
func TestSecretsAreIdentityFiles(t *testing.T) {
	k := aKit(t)
	keyFile, public, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{k.Page(time.Now()): k.Recipient(), keyFile: public} {
		ids, err := age.ParseIdentities(strings.NewReader(text))
		if err != nil || len(ids) != 1 {
			t.Fatalf("%d identities, %v", len(ids), err)
		}
		if got := ids[0].(*age.X25519Identity).Recipient().String(); got != want {
			t.Errorf("recipient = %s, want %s", got, want)
		}
	}
	for line := range strings.Lines(k.Page(time.Now())) {
		if len(line) > 81 {
			t.Errorf("too long to print: %s", line)
		}
	}
}

func TestSecretsDontPrint(t *testing.T) {
	k := aKit(t)
	keyFile, _, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	pass := "hunter2hunter2"
	var b bytes.Buffer
	for _, o := range []any{k, &k, store.Passphrase([]byte(pass)), store.KeyFile(keyFile), store.CreateOptions{}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n", o)
			fmt.Fprintf(&b, verb+"\n", struct{ O any }{o})
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("opened", "by", o)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("opened", "by", o)
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	out := strings.ToUpper(b.String())
	for _, secret := range []string{k.Text()[16:], pass, fmt.Sprintf("%X", pass), fmt.Sprint([]byte(pass))[1:20], keyFile[len(keyFile)-40 : len(keyFile)-1]} {
		if strings.Contains(out, strings.ToUpper(secret)) {
			t.Errorf("%s was printed in\n%s", secret, b.String())
		}
	}
}

func TestWriteSecret(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "life")
	if err := os.MkdirAll(filepath.Join(dir, "below"), 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(top, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path, dir string
		want            fault.Kind
		ok              bool
	}{
		{name: "elsewhere", path: filepath.Join(top, "kit.txt"), dir: dir, ok: true},
		{name: "a folder whose name begins alike", path: filepath.Join(top, "life.txt"), dir: dir, ok: true},
		{name: "before the folder is made", path: filepath.Join(top, "kit2.txt"), dir: filepath.Join(top, "new", "life"), ok: true},
		{name: "beside the file", path: filepath.Join(dir, "kit.txt"), dir: dir, want: fault.Denied},
		{name: "below", path: filepath.Join(dir, "below", "kit.txt"), dir: dir, want: fault.Denied},
		{name: "by way of a link", path: filepath.Join(link, "kit.txt"), dir: dir, want: fault.Denied},
		{name: "to the folder that is a link", path: filepath.Join(dir, "kit.txt"), dir: link, want: fault.Denied},
		{name: "by a roundabout way", path: filepath.Join(top, "x", "..", "life", "kit.txt"), dir: dir, want: fault.Denied},
		{name: "below a folder that is not made yet", path: filepath.Join(top, "new", "life", "kit.txt"), dir: filepath.Join(top, "new", "life"), want: fault.Denied},
		{name: "over another file", path: filepath.Join(top, "kit.txt"), dir: dir, want: fault.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := store.WriteSecret(tt.path, tt.dir, "secret")
			if (err == nil) != tt.ok || err != nil && fault.KindOf(err) != tt.want {
				t.Fatalf("err = %v, want kind %v", err, tt.want)
			}
			if info, err := os.Stat(tt.path); tt.ok && (err != nil || info.Mode() != 0o600) {
				t.Errorf("mode = %v, %v", info.Mode(), err)
			}
		})
	}
}

// stock decrypts with the age library and an identity file, as the age command
// does: nothing of this program takes part.
func stock(t testing.TB, file, identityFile string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := age.ParseIdentities(strings.NewReader(identityFile))
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(data), ids...)
	if err != nil {
		t.Fatalf("age: %v", err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("age: %v", err)
	}
	return text
}

func TestDecryptRefuses(t *testing.T) {
	c, s := newCustomer(t)
	_, other := newCustomer(t)
	var mine bytes.Buffer
	w, err := s.Encrypt(t.Context(), &mine)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "life"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(data []byte, o store.Opener) (string, error) {
		r, err := store.Decrypt(bytes.NewReader(data), o)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(r)
		return string(text), err
	}
	for _, o := range []store.Opener{c.kit, c.passphrase} {
		if got, err := read(mine.Bytes(), o); err != nil || got != "life" {
			t.Errorf("decrypt = %q, %v", got, err)
		}
	}
	keyFile, _, err := store.NewKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	twoPassphrases := bytes.Replace(mine.Bytes(), []byte("-> firsthand-passphrase"), []byte("-> firsthand-passphrase 1 64 1 AAAAAAAAAAAAAAAAAAAAAA\n\n-> firsthand-passphrase"), 1)
	tests := []struct {
		name string
		data []byte
		by   store.Opener
		want fault.Kind
	}{
		{"nothing", mine.Bytes(), nil, fault.Invalid},
		{"wrong passphrase", mine.Bytes(), store.Passphrase([]byte("correct horse battery stapler")), fault.Denied},
		{"passphrase with a space", mine.Bytes(), store.Passphrase(append([]byte(" "), testPassphrase...)), fault.Denied},
		{"another kit", mine.Bytes(), aKit(t), fault.Denied},
		{"no kit", mine.Bytes(), store.Kit{}, fault.Invalid},
		{"another key file", mine.Bytes(), store.KeyFile(keyFile), fault.Denied},
		{"a key file, which is for the machine only", mine.Bytes(), c.keyFile, fault.Denied},
		{"no key file", mine.Bytes(), store.KeyFile("hello"), fault.Invalid},
		{"two keys in a key file", mine.Bytes(), store.KeyFile(keyFile + keyFile), fault.Invalid},
		{"two passphrases", twoPassphrases, c.passphrase, fault.Invalid},
		{"absurd memory", bytes.Replace(mine.Bytes(), []byte("passphrase 1 64 1 "), []byte("passphrase 1 4000000000 1 "), 1), c.passphrase, fault.Invalid},
		{"absurd time", bytes.Replace(mine.Bytes(), []byte("passphrase 1 64 1 "), []byte("passphrase 4000000000 64 1 "), 1), c.passphrase, fault.Invalid},
		{"absurd threads", bytes.Replace(mine.Bytes(), []byte("passphrase 1 64 1 "), []byte("passphrase 1 64 257 "), 1), c.passphrase, fault.Invalid},
		{"no effort", bytes.Replace(mine.Bytes(), []byte("passphrase 1 64 1 "), []byte("passphrase 0 64 1 "), 1), c.passphrase, fault.Invalid},
		{"a number written otherwise", bytes.Replace(mine.Bytes(), []byte("passphrase 1 64 1 "), []byte("passphrase 01 64 1 "), 1), c.passphrase, fault.Invalid},
		{"less effort", bytes.Replace(mine.Bytes(), []byte("passphrase 1 64 1 "), []byte("passphrase 1 32 1 "), 1), c.passphrase, fault.Denied},
		{"not encrypted", []byte("life"), c.passphrase, fault.Invalid},
		{"empty", nil, c.kit, fault.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(tt.data, tt.by)
			var notice *fault.Notice
			if fault.KindOf(err) != tt.want || !errors.As(err, &notice) || notice.Hint == "" {
				t.Errorf("decrypt = %q, %v, want a notice of kind %v", got, err, tt.want)
			}
		})
	}
	if _, err := read(mine.Bytes()[:mine.Len()-1], c.kit); err == nil {
		t.Error("a file that was cut off was read")
	}
	if err := other.CheckKit(t.Context(), c.kit); fault.KindOf(err) != fault.Denied {
		t.Errorf("another's kit = %v, want %v", err, fault.Denied)
	}
	if err := s.CheckKit(t.Context(), c.kit); err != nil {
		t.Errorf("kit = %v", err)
	}
}
