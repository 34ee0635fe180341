package sqlite

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"

	"lukechampine.com/adiantum"
)

// magic is how files begin, by the end of their names.
var magic = []struct{ end, starts string }{
	{"", "SQLite format 3\x00"},
	{"-wal", "\x37\x7f\x06\x82\x00\x2d\xe2\x18"}, // checksums in one order of bytes
	{"-wal", "\x37\x7f\x06\x83\x00\x2d\xe2\x18"}, // … or the other
	{"-journal", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"},
}

// prove returns an error unless key opens the file at path; nil is for one that
// isn't encrypted. SQLite must not find out: with the wrong key a write-ahead
// log is noise to it, which it removes when the connection closes, and with it
// all that had been acknowledged since it was last moved into the file.
//
// After a power cut the beginning of one of the three files may be torn, but
// not of all: each is written only while another is good. An empty file proves
// nothing, and there is nothing in it to lose.
func prove(files files, path string, key *Key) error {
	nothing := true
	for _, m := range magic {
		head, err := files.ReadHead(path+m.end, block)
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(head) == 0 {
			continue
		}
		if err != nil {
			return err
		}
		nothing = false
		if key != nil {
			if len(head) < block {
				continue // not even one block: not written by us
			}
			head = adiantum.New(key[:]).Decrypt(head, binary.LittleEndian.AppendUint64(nil, 0))
		}
		if strings.HasPrefix(string(head), m.starts) {
			return nil
		}
	}
	switch {
	case nothing:
		return nil
	case key != nil:
		return errKey
	}
	return errNotDB
}
