package mail_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"firsthand"
	"firsthand/internal/agent/channel"
	. "firsthand/internal/agent/channel/mail"
	"firsthand/internal/needtest"
)

// A flood gives the same text over and over, up to so many bytes, and never has them
// all.
type flood struct {
	text string
	at   int
	left int64
}

func (f *flood) Read(p []byte) (n int, err error) {
	if f.left <= 0 {
		return 0, io.EOF
	}
	for n < len(p) && f.left > 0 {
		k := copy(p[n:], f.text[f.at:])
		k = int(min(int64(k), f.left))
		n, f.at, f.left = n+k, (f.at+k)%len(f.text), f.left-int64(k)
	}
	return n, nil
}

func flooded(head, text string, size int64, tail string) io.Reader {
	return io.MultiReader(strings.NewReader(head), &flood{text: text, left: size}, strings.NewReader(tail))
}

// swallow keeps nothing of an attachment but its size, as a store that streams.
func swallow(r io.Reader) (firsthand.Blob, error) {
	n, err := io.Copy(io.Discard, r)
	return firsthand.Blob{Hash: firsthand.ID{1}, Size: n}, err
}

// nested returns parts within parts, deep.
func nested(deep int) string {
	var b strings.Builder
	for i := range deep {
		fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	b.WriteString("\r\ninnermost\r\n")
	for i := deep - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "--b%d--\r\n", i)
	}
	return b.String()
}

// hostile are mails that want to cost much, or to do something.
func hostile() map[string]func() io.Reader {
	const mixed = "Content-Type: multipart/mixed; boundary=M\r\n\r\n"
	big := int64(6 << 20)
	if needtest.Big() {
		big = 60 << 20
	}
	text := func(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }
	return map[string]func() io.Reader{
		"a thousand parts": func() io.Reader { return flooded(mixed, "--M\r\n\r\nx\r\n", 11*100_000, "--M--\r\n") },
		"a thousand attachments": func() io.Reader {
			return flooded(mixed, "--M\r\nContent-Type: image/png\r\n\r\nx\r\n", 40*100_000, "--M--\r\n")
		},
		"a thousand deep": text(nested(1000)),
		"an attachment of 50 MB": func() io.Reader {
			return flooded(mixed+"--M\r\nContent-Type: video/mp4\r\nContent-Transfer-Encoding: base64\r\n\r\n", strings.Repeat("QUJD", 19)+"\r\n", 50<<20*4/3, "\r\n--M--\r\n")
		},
		"attachments of 140 MB": func() io.Reader {
			part := func() io.Reader {
				return flooded("--M\r\nContent-Type: video/mp4\r\n\r\n", strings.Repeat("x", 76)+"\r\n", 50<<20*4/3, "\r\n")
			}
			return io.MultiReader(strings.NewReader(mixed), part(), part(), strings.NewReader("--M--\r\n"))
		},
		"text of many MB":             func() io.Reader { return flooded("\r\n", "word ", big, "") },
		"one line of many MB":         func() io.Reader { return flooded("\r\n", "x", big, "") },
		"a header of many MB":         func() io.Reader { return flooded("X: ", "x", big, "\r\n\r\nbody") },
		"headers of many MB":          func() io.Reader { return flooded("", "X: y\r\n", big, "\r\nbody") },
		"a part's header of many MB":  func() io.Reader { return flooded(mixed+"--M\r\nX: ", "x", big, "\r\n\r\nbody\r\n--M--\r\n") },
		"a part's headers of many MB": func() io.Reader { return flooded(mixed+"--M\r\n", "X: y\r\n", big, "\r\nbody\r\n--M--\r\n") },
		"tags of many MB":             func() io.Reader { return flooded("Content-Type: text/html\r\n\r\n", "<b><i><div>", big, "") },
		"one tag of many MB":          func() io.Reader { return flooded("Content-Type: text/html\r\n\r\n<a href=\"", "x", big, "") },
		"attributes of many MB":       func() io.Reader { return flooded("Content-Type: text/html\r\n\r\n<a ", "b=c ", big, "") },
		"links of many MB": func() io.Reader {
			return flooded("Content-Type: text/html\r\n\r\n", "<a href=https://x/>y", big, "")
		},
		"entities of many MB": func() io.Reader { return flooded("Content-Type: text/html\r\n\r\n", "&amp;&#65;", big, "") },
		"quoted-printable of many MB": func() io.Reader {
			return flooded("Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=41=\r\n", big, "")
		},
		"base64 without line ends": func() io.Reader { return flooded("Content-Transfer-Encoding: base64\r\n\r\n", "QUJD", big, "") },
		"base64 of nothing":        func() io.Reader { return flooded("Content-Transfer-Encoding: base64\r\n\r\n", "\r\n", big, "") },
		"iso-2022-jp that never ends": func() io.Reader {
			return flooded("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n", "\x1b$B", big, "")
		},
		"gb18030": func() io.Reader {
			return flooded("Content-Type: text/plain; charset=gb18030\r\n\r\n", "\x810\x81", big, "")
		},
		"boundaries of one another": text("Content-Type: multipart/mixed; boundary=M\r\n\r\n--M\r\nContent-Type: multipart/mixed; boundary=M\r\n\r\n--M\r\n\r\nx\r\n--M--\r\n--M--\r\n"),
		"a boundary of 60 KB":       text("Content-Type: multipart/mixed; boundary=\"" + strings.Repeat("M", 60<<10) + "\"\r\n\r\nx"),
		"dashes of many MB":         func() io.Reader { return flooded(mixed, "--M", big, "") },
		"a report of many MB": func() io.Reader {
			return flooded("Content-Type: multipart/report; report-type=delivery-status; boundary=M\r\n\r\n--M\r\nContent-Type: message/delivery-status\r\n\r\n", "Action: failed\r\n\r\n", big, "\r\n--M--\r\n")
		},
	}
}

// TestHostileMail: whatever comes, it is read in bounded memory, and what is shown of
// it is bounded and inert.
func TestHostileMail(t *testing.T) {
	for name, mail := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			peak := uint64(0)
			watched := &watch{Reader: mail(), every: 4 << 20, do: func() {
				runtime.ReadMemStats(&after)
				peak = max(peak, after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc))
			}}
			got, err := new(Post).Read(watched, swallow)
			if err != nil {
				t.Fatal(err)
			}
			watched.do()
			if limit := uint64(64 << 20); peak > limit { // most of it is garbage that waits
				t.Errorf("%d MB in use, want at most %d", peak>>20, limit>>20)
			}
			if len(got.Text) > 200<<10 || len(got.Blobs) > 50 || len(got.Cut) > 1000 || len(got.Why) > 1000 {
				t.Errorf("%d bytes of text, %d attachments", len(got.Text), len(got.Blobs))
			}
			if want := map[string]string{"a thousand parts": "300 parts", "a thousand attachments": "50 attachments", "a thousand deep": "8 deep", "attachments of 140 MB": "120 MB", "text of many MB": "longer"}[name]; !strings.Contains(got.Cut, want) {
				t.Errorf("of what was not kept it says %q, want %q", got.Cut, want)
			}
			if strings.ContainsAny(got.Text, "\x1b\x00\r") {
				t.Errorf("control characters in %q", got.Text)
			}
		})
	}
}

// A watch does something now and then while it is read.
type watch struct {
	io.Reader
	every, n int
	do       func()
}

func (w *watch) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if w.n += n; w.n > w.every {
		w.n = 0
		w.do()
	}
	return n, err
}

// FuzzRead: no mail makes it fail or show what acts.
func FuzzRead(f *testing.F) {
	f.Add([]byte("Content-Type: text/html; charset=iso-8859-1\r\n\r\n<b>x</b>"))
	f.Add([]byte(nested(3)))
	f.Add([]byte("From: a@b\r\nFrom: c@d\r\nAuthentication-Results: mx; dmarc=pass header.from=b\r\n\r\n"))
	f.Add([]byte("Content-Type: multipart/report; report-type=delivery-status; boundary=M\r\n\r\n--M\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\n--M--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := new(Post)
		h := p.Heard(channel.Header{Raw: raw}, "mx")
		for _, line := range []string{h.From, h.Subject, h.Address, h.Proof.By} {
			if strings.ContainsAny(line, "\r\n\x00\x1b\u202e") || len([]rune(line)) > 650 {
				t.Errorf("shown: %q", line)
			}
		}
		got, err := p.Read(bytes.NewReader(raw), swallow)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(got.Text+got.Why, "\x00\x1b\r\u202e") {
			t.Errorf("shown: %q", got.Text)
		}
		for _, b := range got.Blobs {
			if b.Name == "" || strings.ContainsAny(b.Name, "/\\\r\n\x00") || strings.HasPrefix(b.Name, ".") {
				t.Errorf("named %q", b.Name)
			}
		}
	})
}
