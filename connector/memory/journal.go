package memory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"

	"firsthand/fault"
)

// Limits of the file, in bytes.
const (
	maxFile   = 256 << 20
	smallFile = 1 << 20 // below, a journal isn't worth rewriting
)

// magic is the journal's first line.
const magic = `{"format":"firsthand-memory-1"}`

// A journal is the file: magic, and then one line of JSON for each change. What
// a crash leaves, at each step:
//
//	append   1 write the line   a torn line at the end, which open removes; the
//	                            call had not returned, so nothing was promised
//	         2 sync             the line, or none of it
//	rewrite  1 write NAME.new   the old file, and a NAME.new that open removes
//	         2 sync NAME.new    the same
//	         3 rename           the old file or the new one; both are whole
//	         4 sync directory   the new one
//
// A line that was promised and does not read is not a crash but damage, and then
// open refuses. After an error that leaves the disk in doubt the journal is
// broken: it takes nothing more until the program is started again.
//
// Someone who can alter the file can make the CRM say anything; nothing in it is
// signed. It is not encrypted.
type journal struct {
	name   string
	size   int64 // that it has on disk
	base   int64 // that it had when it was last rewritten
	broken error
	sync   func(*os.File) error

	testOnlyFail func(step string) error // makes a step fail
}

func (j *journal) step(name string) error {
	if j.testOnlyFail != nil {
		return j.testOnlyFail(name)
	}
	return nil
}

// ready says whether the file can be relied on now. Asking costs a microsecond,
// and notices a second program that writes to the same file.
func (j *journal) ready() error {
	if j.broken != nil {
		return j.broken
	}
	info, err := os.Stat(j.name)
	if err != nil {
		return fmt.Errorf("%w: %w", fault.Unavailable, err)
	}
	if info.Size() != j.size {
		return fmt.Errorf("%w: %s was changed by another program", fault.Unavailable, j.name)
	}
	return nil
}

// open reads the file, or makes one of seed if there is none.
func (j *journal) open(seed *state) (*state, error) {
	if err := os.Remove(j.name + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text, err := os.ReadFile(j.name)
	if errors.Is(err, fs.ErrNotExist) {
		return seed, j.rewrite(seed)
	}
	if err != nil {
		return nil, err
	}
	whole := untorn(text)
	s, n := newState(), 0
	for one := range bytes.Lines(whole) {
		n++
		if n == 1 {
			if string(one) != magic+"\n" {
				return nil, fault.Tell(fault.Invalid, "this is no file of the memory connector, or one of a newer version", "")
			}
			continue
		}
		var l line
		d := json.NewDecoder(bytes.NewReader(one))
		d.DisallowUnknownFields() // a newer program's line must not be half understood
		if err := d.Decode(&l); err != nil {
			return nil, fault.Tell(fault.Internal, fmt.Sprintf("line %d is damaged", n), "put back a copy of the file")
		}
		s.apply(&l)
	}
	if n == 0 {
		return nil, fault.Tell(fault.Invalid, "the file is empty", "remove it to begin anew")
	}
	j.size, j.base = int64(len(text)), int64(len(text))
	if len(whole) < len(text) {
		return s, j.rewrite(s)
	}
	return s, nil
}

// untorn returns text without the line that a crash left unfinished at its end:
// one without a line feed or, after a power cut, with blocks that never reached
// the disk and read as zero, which JSON never contains.
func untorn(text []byte) []byte {
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if n := bytes.LastIndexByte(bytes.TrimSuffix(whole, []byte("\n")), '\n') + 1; len(whole) == len(text) && bytes.IndexByte(whole[n:], 0) >= 0 {
		return whole[:n]
	}
	return whole
}

// append makes l, which follows s, durable.
func (j *journal) append(l *line, s *state) error {
	text := encode(l)
	if j.size+int64(len(text)) > max(2*j.base, smallFile) {
		if err := j.rewrite(s); err != nil {
			return err
		}
	}
	if j.size+int64(len(text)) > maxFile {
		return fault.Tell(fault.Unavailable, "the memory connector's file is full", "it is meant for a demo: connect a real system")
	}
	f, err := os.OpenFile(j.name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", fault.Unavailable, err)
	}
	defer f.Close() // what counts was synced
	failed, all := j.step("write"), text
	if failed != nil {
		text = text[:len(text)/2] // as it is when the disk gets full
	}
	_, err = f.Write(text)
	if err = errors.Join(err, failed); err != nil { // without the half line all is as it was
		if short := f.Truncate(j.size); short != nil {
			return j.doubt(errors.Join(err, short))
		}
		return fmt.Errorf("%w: %w", fault.Unavailable, err)
	}
	if err := errors.Join(j.step("sync"), j.sync(f)); err != nil {
		return j.doubt(err)
	}
	j.size += int64(len(all))
	return nil
}

// rewrite makes s durable as a file without history.
func (j *journal) rewrite(s *state) error {
	next := j.name + ".new"
	size, err := j.write(next, s.lines)
	if err != nil {
		os.Remove(next) // if it stays, open removes it
		return fmt.Errorf("%w: %w", fault.Unavailable, err)
	}
	if err := errors.Join(j.step("rename"), os.Rename(next, j.name)); err != nil {
		return j.doubt(err)
	}
	j.size, j.base = size, size
	if err := errors.Join(j.step("sync directory"), j.syncDir()); err != nil {
		return j.doubt(err)
	}
	return nil
}

func (j *journal) write(name string, lines iter.Seq[*line]) (size int64, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var b bytes.Buffer
	b.WriteString(magic + "\n")
	for l := range lines {
		b.Write(encode(l))
	}
	if b.Len() > maxFile {
		return 0, errors.New("the file is full")
	}
	if err := j.step("write new"); err != nil {
		return 0, err
	}
	if _, err := io.Copy(f, &b); err != nil {
		return 0, err
	}
	if size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return 0, err
	}
	return size, errors.Join(j.step("sync new"), j.sync(f))
}

// doubt breaks the journal: what is on disk is known again once it was read.
func (j *journal) doubt(err error) error {
	j.broken = fmt.Errorf("%w: the state of %s is in doubt until the program is started again: %w", fault.Unavailable, j.name, err)
	return j.broken
}

func encode(l *line) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(l); err != nil {
		panic(err) // no value of these types can't be encoded
	}
	return b.Bytes()
}

// syncDir makes a rename durable. Windows can't, and needn't.
func (j *journal) syncDir() error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(filepath.Dir(j.name))
	if err != nil {
		return err
	}
	return errors.Join(j.sync(d), d.Close())
}
