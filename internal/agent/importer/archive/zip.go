package archive

import (
	"compress/flate"
	"encoding/binary"
	"io"
	"iter"
)

// zipped yields the members of a zip file from its beginning to its end, by the headers
// that stand before each. The directory at the end would have to be waited for, and a
// stream has no way back.
func zipped(in *counted) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		for n := 0; ; n++ {
			h, err := nextHeader(in)
			switch {
			case err == io.EOF:
				return
			case err != nil:
				yield(Member{}, err)
				return
			case n >= maxMembers:
				yield(Member{}, errBomb)
				return
			}
			u := &unpacked{c: in, most: -1}
			switch {
			case h.encrypted:
				yield(Member{}, errLocked)
				return
			case h.method == 8:
				z := flate.NewReader(in)
				u.r = z
			case h.method == 0 && !h.after:
				u.r, u.most = in, h.packed
			default:
				yield(Member{}, errDamaged) // where it ends can't be told
				return
			}
			if !yield(Member{h.name, u}, nil) {
				return
			}
			if _, err := io.Copy(io.Discard, u); err != nil {
				yield(Member{}, err)
				return
			}
			if h.after {
				if err := skipDescriptor(in, h.wide); err != nil {
					yield(Member{}, errDamaged)
					return
				}
			}
		}
	}
}

// A header is what stands before a member.
type header struct {
	name      string
	method    uint16
	packed    int64
	after     bool // sizes stand after the member
	wide      bool // and are of 64 bits
	encrypted bool
}

// nextHeader reads the next one; io.EOF at the directory.
func nextHeader(in *counted) (h header, err error) {
	var b [30]byte
	if _, err := io.ReadFull(in, b[:4]); err != nil {
		return h, errDamaged // the directory is missing
	}
	switch binary.LittleEndian.Uint32(b[:4]) {
	case 0x04034b50:
	case 0x02014b50, 0x06054b50, 0x06064b50: // the directory: the rest is of no use
		_, err := io.Copy(io.Discard, in)
		if err == nil {
			err = io.EOF
		}
		return h, err
	default:
		return h, errDamaged
	}
	if _, err := io.ReadFull(in, b[4:]); err != nil {
		return h, errDamaged
	}
	flags := binary.LittleEndian.Uint16(b[6:])
	h.method, h.after, h.encrypted = binary.LittleEndian.Uint16(b[8:]), flags&8 != 0, flags&1 != 0
	h.packed = int64(binary.LittleEndian.Uint32(b[18:]))
	unpacked := binary.LittleEndian.Uint32(b[22:])
	rest := make([]byte, int(binary.LittleEndian.Uint16(b[26:]))+int(binary.LittleEndian.Uint16(b[28:])))
	if _, err := io.ReadFull(in, rest); err != nil {
		return h, errDamaged
	}
	names := int(binary.LittleEndian.Uint16(b[26:]))
	h.name = string(rest[:names])
	for extra := rest[names:]; len(extra) >= 4; {
		id, size := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if len(extra) < 4+size {
			break
		}
		if id == 1 { // zip64
			h.wide = true
			at := 4
			if unpacked == 0xffffffff {
				at += 8
			}
			if h.packed == 0xffffffff && at+8 <= 4+size {
				h.packed = int64(binary.LittleEndian.Uint64(extra[at:]))
			}
		}
		extra = extra[4+size:]
	}
	if h.packed < 0 {
		return h, errDamaged
	}
	return h, nil
}

// skipDescriptor passes over the sizes after a member: with a sign before them, or not.
func skipDescriptor(in *counted, wide bool) error {
	size := 12
	if wide {
		size = 20
	}
	var b [20]byte
	if _, err := io.ReadFull(in, b[:4]); err != nil {
		return err
	}
	left := size - 4
	if binary.LittleEndian.Uint32(b[:4]) == 0x08074b50 {
		left = size
	}
	_, err := io.ReadFull(in, b[:left])
	return err
}
