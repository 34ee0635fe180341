package sqlite

import (
	"database/sql"
	"errors"
	"reflect"

	"github.com/ncruces/go-sqlite3"
)

// scan copies a column of the current row into dest, which is of a type that
// stores have use for, and of no other. As package database/sql does, it takes
// NULL only where dest can say so, and turns a number into a text but a text
// into no number. After an error what is in dest means nothing.
func (s *stmt) scan(col int, dest any) (err error) {
	kind := s.ColumnType(col)
	if kind == sqlite3.NULL {
		return scanNull(dest)
	}
	var n int64
	var b []byte
	switch d := dest.(type) {
	case *string:
		b, err = s.bytes(col, kind)
		*d = string(b)
	case *[]byte:
		b, err = s.bytes(col, kind)
		*d = append([]byte{}, b...)
	case *sql.RawBytes:
		*d, err = s.bytes(col, kind)
	case *[32]byte:
		b, err = s.bytes(col, kind)
		if copy(d[:], b); err == nil && (kind != sqlite3.BLOB || len(b) != len(d)) {
			err = errors.New("it has not 32 bytes")
		}
	case *int64:
		*d, err = s.number(col, kind)
	case *int:
		n, err = s.number(col, kind)
		if *d = int(n); err == nil && int64(*d) != n {
			err = errRange
		}
	case *bool:
		n, err = s.number(col, kind)
		if *d = n == 1; err == nil && n != 0 && n != 1 {
			err = errors.New("it is neither 0 nor 1")
		}
	case *sql.NullInt64:
		d.Int64, err = s.number(col, kind)
		d.Valid = err == nil
	default:
		err = errors.New("nothing is read into a " + reflect.TypeOf(dest).String())
	}
	return err
}

func scanNull(dest any) error {
	switch d := dest.(type) {
	case *[]byte:
		*d = nil
	case *sql.RawBytes:
		*d = nil
	case *sql.NullInt64:
		*d = sql.NullInt64{}
	default:
		return errors.New("it is NULL")
	}
	return nil
}

// bytes returns what SQLite has in memory, as long as it has. It isn't nil.
func (s *stmt) bytes(col int, kind sqlite3.Datatype) (b []byte, err error) {
	switch kind {
	case sqlite3.TEXT, sqlite3.INTEGER:
		b = s.ColumnRawText(col)
	case sqlite3.BLOB:
		if b = s.ColumnRawBlob(col); b == nil { // which it is without a byte
			b = []byte{}
		}
	}
	if b == nil {
		return nil, errors.New("it is neither text nor bytes, but " + kind.String())
	}
	return b[:len(b):len(b)], nil
}

func (s *stmt) number(col int, kind sqlite3.Datatype) (int64, error) {
	if kind != sqlite3.INTEGER {
		return 0, errors.New("it is no number, but " + kind.String())
	}
	return s.ColumnInt64(col), nil
}
