package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/archive"
	"firsthand/internal/agent/importer/bank"
	"firsthand/internal/agent/importer/exports"
	"firsthand/internal/agent/importer/importertest"
	"firsthand/internal/agent/importer/mail"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/needtest"
)

func format() importer.Format {
	of := append(append(bank.Formats(), exports.Formats()...), passwords.Formats()...)
	return archive.Format{Of: append(of, mail.Format{})}
}

const table = "Buchungstag;Empfänger;Betrag\n05.01.2026;Spotify;-9,99\nx;y;z\n06.01.2026;Gym;-20,00\n"

// files are name, content, name, content …
func zipOf(t testing.TB, stored bool, files ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		h := &zip.FileHeader{Name: files[i], Method: zip.Deflate}
		var w io.Writer
		var err error
		if stored {
			h.Method, h.UncompressedSize64, h.CompressedSize64 = zip.Store, uint64(len(files[i+1])), uint64(len(files[i+1]))
			w, err = z.CreateRaw(h)
		} else {
			w, err = z.CreateHeader(h)
		}
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[i+1])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tgzOf(t testing.TB, files ...string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[i+1])
	}
	w.WriteHeader(&tar.Header{Name: "link", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink})
	w.Close()
	z.Close()
	return b.Bytes()
}

// read returns what is found, shown, and the error that ends it.
func read(r io.Reader) (all []string, err error) {
	_, found, err := importer.Read(r, format())
	if err != nil {
		return nil, err
	}
	row := 0
	for f, err := range found {
		bad, ok := errors.AsType[*importer.BadRow](err)
		if err != nil && !ok {
			return all, err
		}
		at := f.Row
		if ok {
			at = bad.Row
		}
		if at < row {
			return all, fmt.Errorf("row %d after %d", at, row)
		}
		row = at
		all = append(all, importertest.Show(f, err))
	}
	return all, nil
}

func TestArchives(t *testing.T) {
	mailbox := "From - Thu Jan  1 12:00:00 2026\nFrom: Acme <news@acme.example>\nTo: mia@hers.example\n\nbody\n"
	files := []string{"Takeout/", "", "Takeout/photo.jpg", "\xff\xd8\xff", "../../etc/cron.d/x.csv", table, "Mail/All.mbox", mailbox, "pass.json", `{"passTypeIdentifier":"x","organizationName":"Acme","serialNumber":"1","authenticationToken":"SECRETSECRET"}`,
		"unknown.csv", "a,b\n1,2\n", ".hidden.csv", table}
	want := []string{`2 payment "Spotify" day=2026-01-05 amount="9.99"`, `3 bad: has no day, or one that doesn't exist`, `4 payment "Gym" day=2026-01-06 amount="20.00"`,
		`5 mail "Acme" url="acme.example" login="mia@hers.example" list=false forged=false`, `6 account "Acme" folder="pass" secrets={Passwords:0 OneTimeCodes:0 Keys:1 Cards:0 Notes:0}`}
	for name, packed := range map[string][]byte{"zip": zipOf(t, false, files...), "zip, stored": zipOf(t, true, files...), "tgz": tgzOf(t, files[2:]...)} {
		for _, r := range []io.Reader{bytes.NewReader(packed), iotest.OneByteReader(bytes.NewReader(packed))} {
			got, err := read(r)
			if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s: %v\n%s\nwant\n%s", name, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		for n := 2; n < len(packed)*9/10; n += max(1, len(packed)/60) {
			got, err := read(bytes.NewReader(packed[:n]))
			if err == nil && len(got) < len(want) && n < len(packed)/2 {
				t.Errorf("%s cut off after %d of %d bytes: no error", name, n, len(packed))
			}
			if err != nil && (fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "") {
				t.Errorf("%s cut off after %d bytes: %v", name, n, err)
			}
		}
		for i := 4; i < len(packed); i += 3 {
			b := bytes.Clone(packed)
			b[i] ^= 0x55
			read(bytes.NewReader(b)) // nothing panics or hangs
		}
	}
}

// bomb is a member that unpacks to far more than it is.
type bomb struct{ left int }

func (b *bomb) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), b.left)
	for i := range p[:n] {
		p[i] = 'a'
	}
	b.left -= n
	return n, nil
}

func TestBombs(t *testing.T) {
	needtest.Alone(t)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, _ := z.Create("a.csv")
	io.WriteString(w, table)
	w, _ = z.Create("b.csv")
	io.Copy(w, &bomb{64 << 20})
	z.Close()
	if _, err := read(bytes.NewReader(b.Bytes())); err == nil || !strings.Contains(err.Error(), "more than it can") {
		t.Errorf("a bomb of %d bytes: %v", b.Len(), err)
	}
	var many []string
	for i := range 20_002 {
		many = append(many, fmt.Sprint(i, ".jpg"), "")
	}
	if _, err := read(bytes.NewReader(zipOf(t, false, many...))); err == nil || !strings.Contains(err.Error(), "more than it can") {
		t.Errorf("too many members: %v", err)
	}
	if _, err := read(bytes.NewReader(zipOf(t, false, "a.jpg", "x"))); fault.KindOf(err) != fault.Invalid {
		t.Errorf("nothing in it: %v", err)
	}
	// An archive in an archive isn't opened.
	if _, err := read(bytes.NewReader(zipOf(t, false, "x.zip", string(zipOf(t, false, "a.csv", table)), "y.csv", string(zipOf(t, false, "a.csv", table))))); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an archive in an archive: %v", err)
	}
}

func TestReaderFails(t *testing.T) {
	packed := zipOf(t, false, "a.csv", table)
	broken := errors.New("the reader has an error")
	for n := range len(packed) {
		_, err := read(io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Fatalf("an error after %d of %d bytes: %v", n, len(packed), err)
		}
	}
}
