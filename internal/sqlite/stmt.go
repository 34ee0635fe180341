package sqlite

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// A stmt is a prepared statement.
type stmt struct {
	*sqlite3.Stmt
	params int  // how many it has
	busy   bool // its rows are being read
	once   bool // not kept
}

// newStmt prepares query, which is one statement.
func newStmt(c *sqlite3.Conn, query string) (*stmt, error) {
	s, tail, err := c.Prepare(query)
	switch {
	case err != nil:
		return nil, err
	case s == nil:
		return nil, errors.New("there is no statement in the text")
	case strings.Trim(tail, " \t\r\n;") != "":
		s.Close() // only frees memory
		return nil, errors.New("there is more than one statement in the text")
	}
	return &stmt{Stmt: s, params: s.BindCount()}, nil
}

// run binds args and runs a statement that returns no rows.
func (s *stmt) run(args []any) error {
	if err := s.bind(args); err != nil {
		return err
	}
	err := s.Exec()
	s.unbind()
	return err
}

// bind gives each parameter its value. SQLite has a copy of it then.
//
// Of args nothing is kept, and no method of theirs is called: so the compiler
// leaves them, and what is in them, on the caller's stack. The same is true of
// scan. TestNothingEscapes holds it.
func (s *stmt) bind(args []any) error {
	if len(args) != s.params {
		return fmt.Errorf("%d values for %d parameters", len(args), s.params)
	}
	for i, arg := range args {
		if err := s.bindOne(i+1, arg); err != nil {
			s.unbind()
			return fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	return nil
}

// unbind frees what was bound. It can't fail.
func (s *stmt) unbind() {
	if s.params > 0 {
		s.ClearBindings()
	}
}

func (s *stmt) bindOne(param int, arg any) error {
	switch v := arg.(type) {
	case nil:
		return s.BindNull(param)
	case string:
		return s.BindText(param, v)
	case []byte: // also if it is nil: then without a byte, and not NULL
		return s.BindBlob(param, v)
	case int:
		return s.BindInt64(param, int64(v))
	case int64:
		return s.BindInt64(param, v)
	case bool:
		return s.BindBool(param, v)
	}
	return s.bindKind(param, reflect.ValueOf(arg))
}

// bindKind binds what has a type of its own, by what is beneath it.
func (s *stmt) bindKind(param int, v reflect.Value) error {
	switch kind := v.Kind(); {
	case kind == reflect.String:
		return s.BindText(param, v.String())
	case kind == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return s.BindBlob(param, v.Bytes())
	case kind == reflect.Bool:
		return s.BindBool(param, v.Bool())
	case v.CanInt():
		return s.BindInt64(param, v.Int())
	case v.CanUint() && v.Uint() <= math.MaxInt64:
		return s.BindInt64(param, int64(v.Uint()))
	case v.CanUint():
		return errRange
	}
	return errors.New("a " + v.Type().String() + " can't be stored")
}

var errRange = errors.New("the number is too large")
