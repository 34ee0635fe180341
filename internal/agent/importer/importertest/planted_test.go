package importertest_test

import (
	"bytes"
	"errors"
	"html"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/importertest"
	"firsthand/internal/agent/importer/passwords"
	"firsthand/internal/needtest"
)

type (
	finds = iter.Seq2[importer.Found, error]
	yield = func(importer.Found, error) bool
)

// sound is a format that passes, and the one into which bugs are planted.
func sound() importertest.Fixture {
	chrome := passwords.Formats()[slices.IndexFunc(passwords.Formats(), func(f importer.Format) bool { return f.Name() == "chrome" })]
	return importertest.Fixture{
		Format: chrome,
		Files:  []string{"../passwords/testdata/chrome.csv"},
		Write: func(texts ...string) string {
			var b strings.Builder
			b.WriteString("name,url,username,password,note\n")
			for _, text := range texts {
				b.WriteString(`"` + strings.ReplaceAll(text, `"`, `""`) + `",https://a.example/,mia,` + importertest.Secret + ",\n")
			}
			return b.String()
		},
	}
}

// planted is a format with a bug.
type planted struct {
	importer.Format
	read  func(f importer.Format, r io.Reader) finds
	match func(sure int) int
}

func (p planted) Read(r io.Reader) finds {
	if p.read == nil {
		return p.Format.Read(r)
	}
	return p.read(p.Format, r)
}

func (p planted) Match(head []byte) (int, error) {
	sure, err := p.Format.Match(head)
	if p.match != nil {
		sure = p.match(sure)
	}
	return sure, err
}

// each is a bug in what is yielded.
func each(bug func(f importer.Found, err error, yield yield) bool) func(importer.Format, io.Reader) finds {
	return func(f importer.Format, r io.Reader) finds {
		return func(yield yield) {
			for found, err := range f.Read(r) {
				if !bug(found, err, yield) {
					return
				}
			}
		}
	}
}

// edit is a bug in what is found.
func edit(bug func(*importer.Found)) func(importer.Format, io.Reader) finds {
	return each(func(f importer.Found, err error, yield yield) bool {
		if err == nil {
			bug(&f)
		}
		return yield(f, err)
	})
}

// tee is a reader that gives what it reads to someone.
type tee struct {
	r   io.Reader
	see func([]byte)
}

func (t tee) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.see(p[:n])
	return n, err
}

func see(see func([]byte)) func(importer.Format, io.Reader) finds {
	return func(f importer.Format, r io.Reader) finds { return f.Read(tee{r, see}) }
}

var (
	keptString string
	keptBytes  []byte
	reads      atomic.Int64
)

func isBad(err error) bool { _, ok := errors.AsType[*importer.BadRow](err); return ok }

func TestSuiteCatches(t *testing.T) {
	const (
		good       = "the fixture is good enough"
		wanted     = "what is in the files is found"
		encodings  = "files are recognised in each encoding"
		repeatable = "the same file gives the same"
		hostile    = "hostile texts come back unchanged"
		cutOff     = "a file that is cut off gives what was before"
		broken     = "one broken byte costs one row and no secret"
		fails      = "an error of the reader ends it"
		left       = "the loop may be left"
		streams    = "rows are read as they come"
		bounded    = "memory is bounded"
		traces     = "secrets leave no trace"
	)
	tests := []struct {
		bug   string
		by    string // the test that must notice
		read  func(importer.Format, io.Reader) finds
		match func(int) int
	}{
		{"it stops at a bad row", good, each(func(f importer.Found, err error, yield yield) bool { return yield(f, err) && err == nil }), nil},
		{"a bad row is the end of the file", broken, each(func(f importer.Found, err error, yield yield) bool { return err == nil && yield(f, err) }), nil},
		{"bad rows aren't reported", good, each(func(f importer.Found, err error, yield yield) bool { return isBad(err) || yield(f, err) }), nil},
		{"a bad row is a find without anything", wanted, each(func(f importer.Found, err error, yield yield) bool { return yield(f, nil) }), nil},
		{"one row is left out", wanted, each(func(f importer.Found, err error, yield yield) bool { return f.Row == 3 || yield(f, err) }), nil},
		{"one row comes twice", wanted, each(func(f importer.Found, err error, yield yield) bool {
			again := f
			return yield(f, err) && yield(again, err)
		}), nil},
		{"secrets aren't counted", wanted, edit(func(f *importer.Found) { f.Secrets = importer.Secrets{} }), nil},
		{"rows are counted from 0", wanted, edit(func(f *importer.Found) { f.Row = 0 }), nil},
		{"rows are not in order", wanted, edit(func(f *importer.Found) { f.Row = 1000 - f.Row }), nil},
		{"a kind nobody knows", wanted, edit(func(f *importer.Found) { f.Kind = "login" }), nil},
		{"an account has a card", wanted, edit(func(f *importer.Found) { f.Card = &importer.Card{} }), nil},
		{"a contact has none", wanted, edit(func(f *importer.Found) { f.Kind = importer.Contact }), nil},
		{"an empty address", wanted, edit(func(f *importer.Found) { f.URLs = append(f.URLs, "") }), nil},
		{"a time of a zone", wanted, edit(func(f *importer.Found) { f.Used = time.Unix(1e9, 0).In(time.FixedZone("", 3600)) }), nil},
		{"text that isn't UTF-8", wanted, edit(func(f *importer.Found) { f.Folder = "\xff" }), nil},
		{"text with a NUL", wanted, edit(func(f *importer.Found) { f.Login += "\x00" }), nil},
		{"something goes on after the end", wanted, each(func(f importer.Found, err error, yield yield) bool {
			return yield(f, errors.New("the end")) && yield(f, nil)
		}), nil},
		{"an error without a hint", wanted, each(func(f importer.Found, err error, yield yield) bool {
			yield(f, errors.New("something is wrong"))
			return false
		}), nil},
		{"another format is as sure", encodings, nil, func(sure int) int { return min(sure, 3) }},
		{"it is sure of nothing", encodings, nil, func(int) int { return 0 }},
		{"the byte order mark is taken for text", wanted, func(f importer.Format, r io.Reader) finds {
			return f.Read(io.MultiReader(strings.NewReader("\ufeff"), r))
		}, nil},
		{"the second time is another", repeatable, func(f importer.Format, r io.Reader) finds {
			if reads.Add(1)%2 == 0 {
				return f.Read(io.MultiReader(r, strings.NewReader("\nmore,https://b.example,x,y,z\n")))
			}
			return f.Read(r)
		}, nil},
		{"small pieces are the end", repeatable, func(f importer.Format, r io.Reader) finds { return f.Read(&short{r: r}) }, nil},
		{"titles are trimmed", hostile, edit(func(f *importer.Found) { f.Title = strings.TrimSpace(f.Title) }), nil},
		{"titles are escaped", hostile, edit(func(f *importer.Found) { f.Title = html.EscapeString(f.Title) }), nil},
		{"titles are unescaped", hostile, edit(func(f *importer.Found) { f.Title = html.UnescapeString(f.Title) }), nil},
		{"titles have one line", hostile, edit(func(f *importer.Found) { f.Title = strings.ReplaceAll(f.Title, "\n", " ") }), nil},
		{"titles are cut", hostile, edit(func(f *importer.Found) { f.Title = f.Title[:min(len(f.Title), 255)] }), nil},
		{"formulas are defused", hostile, edit(func(f *importer.Found) {
			if strings.HasPrefix(f.Title, "=") {
				f.Title = "'" + f.Title
			}
		}), nil},
		{"invisible characters are lost", hostile, edit(func(f *importer.Found) { f.Title = strings.ReplaceAll(f.Title, "\u200b", "") }), nil},
		{"a file that is cut off gives rows of its own", cutOff, func(f importer.Format, r io.Reader) finds {
			return f.Read(io.MultiReader(r, strings.NewReader("\nmore,https://b.example,x,y,z\nmore,https://b.example,x,y,z\n")))
		}, nil},
		{"an error has the text of the row", broken, func(f importer.Format, r io.Reader) finds {
			return each(func(found importer.Found, err error, yield yield) bool {
				if bad, ok := errors.AsType[*importer.BadRow](err); ok {
					err = &importer.BadRow{Row: bad.Row, Why: "can't read two"}
				}
				return yield(found, err)
			})(f, r)
		}, nil},
		{"an error costs the rest", broken, each(func(f importer.Found, err error, yield yield) bool { return yield(f, err) && !isBad(err) }), nil},
		{"a row with too many cells is read", broken, func(f importer.Format, r io.Reader) finds { return naive(r) }, nil},
		{"the error of a reader is kept quiet", fails, each(func(f importer.Found, err error, yield yield) bool { return err != nil && !isBad(err) || yield(f, err) }), nil},
		{"the error of a reader is a bad row", fails, each(func(f importer.Found, err error, yield yield) bool {
			if err != nil {
				err = &importer.BadRow{Row: 1 << 20, Why: "can't be read"}
			}
			return yield(f, err)
		}), nil},
		{"it goes on when it was left", left, each(func(f importer.Found, err error, yield yield) bool { yield(f, err); return true }), nil},
		{"it reads on when it was left", left, func(f importer.Format, r io.Reader) finds {
			return func(yield yield) {
				f.Read(r)(yield)
				r.Read(make([]byte, 10))
			}
		}, nil},
		{"all is read before the first row", streams, func(f importer.Format, r io.Reader) finds {
			all, _ := io.ReadAll(r)
			return f.Read(bytes.NewReader(all))
		}, nil},
		{"all rows are kept", bounded, func(f importer.Format, r io.Reader) finds {
			var all [][]byte
			return each(func(found importer.Found, err error, yield yield) bool {
				all = append(all, make([]byte, 200))
				ok := yield(found, err)
				runtime.KeepAlive(all)
				return ok
			})(f, r)
		}, nil},
		{"all is read into memory", bounded, func(f importer.Format, r io.Reader) finds {
			return func(yield yield) {
				all, _ := io.ReadAll(r)
				f.Read(bytes.NewReader(all))(yield)
				runtime.KeepAlive(all)
			}
		}, nil},
		{"a secret is kept as a text", traces, see(func(b []byte) { keptString = string(b[len(b)/2:]) }), nil},
		{"secrets are kept in a buffer", traces, see(func(b []byte) { keptBytes = append(keptBytes[:0], b...) }), nil},
		{"the buffer is left as it is", traces, func(f importer.Format, r io.Reader) finds {
			return func(yield yield) {
				buffered := &short{r: r, buf: make([]byte, 64<<10)}
				f.Read(buffered)(yield)
				runtime.KeepAlive(buffered)
			}
		}, nil},
	}
	if runtime.GOOS == "linux" && !needtest.Race {
		tests = append(tests, tests[0])
		tests[len(tests)-1].bug, tests[len(tests)-1].by = "secrets are in garbage", traces
		tests[len(tests)-1].read = see(func(b []byte) {
			garbage := string(b)
			runtime.KeepAlive(&garbage)
		})
	}
	for _, tt := range tests {
		t.Run(tt.bug, func(t *testing.T) {
			f := sound()
			for _, other := range passwords.Formats() {
				if other.Name() == "1password" || other.Name() == "lastpass" || other.Name() == "firefox" {
					f.Others = append(f.Others, other)
				}
			}
			if tt.bug == "another format is as sure" {
				f.Others = []importer.Format{planted{Format: f.Format, match: func(int) int { return 3 }}}
			}
			f.Format = planted{Format: f.Format, read: tt.read, match: tt.match}
			if failures := importertest.Check(t, f, tt.by); len(failures) == 0 {
				t.Errorf("%q doesn't notice", tt.by)
			}
		})
	}
}

// With nothing planted the suite passes.
func TestSuitePasses(t *testing.T) {
	importertest.Run(t, sound())
}

// short is a reader with a buffer that nobody wipes; without one, it takes few bytes
// for the end of the file.
type short struct {
	r   io.Reader
	buf []byte
}

func (s *short) Read(p []byte) (int, error) {
	if s.buf != nil {
		n, err := s.r.Read(s.buf[:min(len(p), len(s.buf))])
		return copy(p, s.buf[:n]), err
	}
	n, err := s.r.Read(p)
	if n > 0 && n < min(len(p), 10) {
		err = io.EOF
	}
	return n, err
}

// naive reads a table as one would who has never seen a broken one.
func naive(r io.Reader) finds {
	return func(yield yield) {
		all, _ := io.ReadAll(r)
		for i, line := range strings.Split(string(all), "\n") {
			cells := strings.Split(line, ",")
			if i > 0 && len(cells) >= 3 && !yield(importer.Found{Kind: importer.Account, Row: i + 1, Title: strings.Trim(cells[0], `"`), Login: cells[2]}, nil) {
				return
			}
		}
	}
}
