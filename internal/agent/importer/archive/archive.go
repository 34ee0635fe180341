// Package archive reads what is packed: zip, and tar with gzip. What is in it is read by
// whichever format it is of, file by file, as it comes: nothing is unpacked to disk, names
// in it lead nowhere, and bombs are bounded. So the file that a company gives to who asks
// for her data is brought as it is.
package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"iter"
	"strings"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
)

// Format is the format of archives of files of other formats.
type Format struct{ Of []importer.Format }

// Limits of one archive. A mailbox in it may be large; what is packed too well to be
// true is a bomb.
const (
	maxMembers = 20_000
	maxUnpack  = 64 << 30 // bytes, of all members together
	maxRatio   = 400      // bytes unpacked for each that was read, after the first 16 MiB
)

// Name implements [importer.Format].
func (Format) Name() string { return "archive" }

// Match implements [importer.Format].
func (Format) Match(head []byte) (int, error) {
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		return 10, nil
	}
	return 0, nil
}

var (
	errDamaged = fault.Tell(fault.Invalid, "This archive is damaged, or cut off.", "Download it again.")
	errBomb    = fault.Tell(fault.Invalid, "This archive holds more than it can.", "It was made to do harm. Don't bring it.")
	errLocked  = fault.Tell(fault.Invalid, "This archive is locked with a password.", "Unpack it with the password, and bring the files that are in it.")
	errNothing = fault.Tell(fault.Invalid, "No file in this archive is of a kind that is known.", "Unpack it, and bring the file that you mean.")
)

// A Member is one file of an archive, as it comes: R is of use until the next one.
type Member struct {
	Name string // as it stands there; it leads nowhere
	R    io.Reader
}

// Members yields the files of an archive, in its order and within its limits, of which
// the bytes that are unpacked are the caller's. An error ends it: that of r as it is, and [fault.Invalid] with a hint for an archive that is
// damaged, locked or a bomb. Reading a member may be what finds that out; see [Ends].
func Members(r io.Reader, unpacked int64) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		in := &counted{r: r, most: unpacked}
		members(in)(yield)
	}
}

// Ends reports whether an error that came from a member is one of the archive: then
// nothing more can be read of it.
func Ends(err error) bool {
	return errors.Is(err, errBomb) || errors.Is(err, errDamaged) || errors.Is(err, errLocked)
}

// members finds out how in is packed.
func members(in *counted) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		of := zipped(in)
		var sign [2]byte
		n, err := io.ReadFull(in, sign[:])
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			yield(Member{}, err)
			return
		}
		in.back = append(in.back, sign[:n]...)
		if n == 2 && sign[0] == 0x1f {
			of = tarred(in)
		}
		for m, err := range of {
			if err != nil && in.err != nil {
				err = in.err
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// Read implements [importer.Format]. Rows are counted over all members, so that they rise.
func (f Format) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		in := &counted{r: r, most: maxUnpack}
		base, read := 0, 0
		for m, err := range members(in) {
			if err != nil {
				yield(importer.Found{}, err)
				return
			}
			if !wanted(m.Name) {
				continue
			}
			last := 0
			_, found, err := importer.Read(m.R, f.Of...)
			if err != nil {
				if in.err != nil {
					yield(importer.Found{}, in.err)
					return
				}
				if Ends(err) {
					yield(importer.Found{}, err)
					return
				}
				continue // of no kind that is known
			}
			for one, err := range found {
				if bad, ok := errors.AsType[*importer.BadRow](err); ok {
					last = bad.Row
					bad.Row += base
				} else if err != nil {
					if in.err != nil {
						err = in.err
					}
					if in.err != nil || Ends(err) {
						yield(importer.Found{}, err)
						return
					}
					// One file that is damaged costs no other.
					if last++; !yield(importer.Found{}, &importer.BadRow{Row: base + last, Why: "a file in the archive can't be read to its end"}) {
						return
					}
					break
				} else {
					last = one.Row
					one.Row += base
				}
				if !yield(one, err) {
					return
				}
			}
			read++
			base += last
		}
		if read == 0 {
			yield(importer.Found{}, errNothing)
		}
	}
}

// wanted reports whether a member may be of a format. Pictures, sounds and archives
// within the archive aren't.
func wanted(name string) bool {
	name = strings.ToLower(name[strings.LastIndexAny(name, `/\`)+1:])
	if name == "" || strings.HasPrefix(name, ".") || name == "manifest.json" {
		return false
	}
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "csv", "tsv", "txt", "json", "xml", "sta", "940", "mt940", "ofx", "qfx", "mbox", "eml", "vcf", name:
		return true
	}
	return false
}

// A counted reader counts what is read, and keeps why it couldn't be. It is a
// [io.ByteReader], so that decompressing reads no byte too many.
type counted struct {
	r    io.Reader
	back []byte // was read ahead
	buf  [8 << 10]byte
	b    []byte
	n    int64
	err  error // but io.EOF
	done error
	out  int64 // bytes unpacked
	most int64 // that may be
}

func (c *counted) fill() error {
	if len(c.back) > 0 {
		c.b, c.back = append(c.back, c.b...), nil
	}
	for empty := 0; len(c.b) == 0; empty++ {
		if c.done != nil {
			return c.done
		}
		if empty == 100 {
			return io.ErrNoProgress
		}
		n, err := c.r.Read(c.buf[:])
		c.b = c.buf[:n]
		if c.done = err; err != nil && err != io.EOF {
			c.err = err
		}
	}
	return nil
}

func (c *counted) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := c.fill(); err != nil {
		return 0, err
	}
	n := copy(p, c.b)
	c.b = c.b[n:]
	c.n += int64(n)
	return n, nil
}

// ReadByte implements [io.ByteReader].
func (c *counted) ReadByte() (byte, error) {
	if err := c.fill(); err != nil {
		return 0, err
	}
	b := c.b[0]
	c.b = c.b[1:]
	c.n++
	return b, nil
}

// An unpacked reader bounds what comes out of a member, by what went in.
type unpacked struct {
	r    io.Reader
	c    *counted
	most int64 // -1 for no bound of its own
}

func (u *unpacked) Read(p []byte) (int, error) {
	if u.most == 0 {
		return 0, io.EOF
	}
	if u.most > 0 && int64(len(p)) > u.most {
		p = p[:u.most]
	}
	n, err := u.r.Read(p)
	if u.most > 0 {
		u.most -= int64(n)
	}
	if u.c.out += int64(n); u.c.out > u.c.most || u.c.out > 16<<20 && u.c.out/maxRatio > u.c.n {
		return 0, errBomb
	}
	if err != nil && (err != io.EOF || u.most > 0) {
		if u.c.err != nil {
			return n, u.c.err
		}
		return n, errDamaged
	}
	return n, err
}

// tarred yields the members of a tar file that is compressed with gzip.
func tarred(in *counted) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		z, err := gzip.NewReader(in)
		if err != nil {
			yield(Member{}, errDamaged)
			return
		}
		t := tar.NewReader(&unpacked{r: z, c: in, most: -1})
		for n := 0; ; n++ {
			h, err := t.Next()
			switch {
			case err == io.EOF:
				return
			case errors.Is(err, errBomb):
				yield(Member{}, errBomb)
				return
			case err != nil:
				yield(Member{}, errDamaged)
				return
			case n >= maxMembers:
				yield(Member{}, errBomb)
				return
			}
			if h.Typeflag == tar.TypeReg && !yield(Member{h.Name, t}, nil) {
				return
			}
		}
	}
}
