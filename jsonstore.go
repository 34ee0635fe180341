package firsthand

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// This file is where a jsonReader's values meet Go's: as encoding/json would
// decode them, in the one pass in which they are checked. encoding/json reads a
// text twice more, and took a third of the time that a fold takes.

// misfit says that what was read can't be stored in v.
func (r *jsonReader) misfit(what string, v reflect.Value) bool {
	return r.fail(what + " where a " + v.Type().String() + " belongs")
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// custom stores the next value in v if v's type does that itself, or is of a kind
// that is left to encoding/json; done is false for all others. Of a pointer, which
// it makes, v becomes what it points to.
func (r *jsonReader) custom(depth int, v *reflect.Value) (done, ok bool) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		*v = v.Elem()
	}
	way := storing(v.Type()).way
	if way == plain {
		return false, false
	}
	isString, start := r.peek() == '"', r.at
	if !r.value(depth, reflect.Value{}) {
		return true, false
	}
	text, into, err := r.text[start:r.at], v.Addr().Interface(), error(nil)
	switch {
	case way == ownJSON:
		err = into.(json.Unmarshaler).UnmarshalJSON(text)
	case way == ownText && isString:
		err = into.(encoding.TextUnmarshaler).UnmarshalText(unquote(text[1 : len(text)-1]))
	case way == ownText:
		return true, r.misfit("no string", *v)
	default:
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err = d.Decode(into)
	}
	if err != nil {
		return true, r.fail(err.Error())
	}
	return true, true
}

// A way is how a value is stored in a type.
type way int

const (
	plain   way = iota // here
	ownJSON            // by the type's UnmarshalJSON
	ownText            // by the type's UnmarshalText
	library            // by encoding/json: of types that signed and received JSON has nowhere
)

// A storage is what has to be known of a type to store a value in it.
type storage struct {
	way     way
	members map[string]int // of a plain struct: the fields by their names in JSON
}

var storages sync.Map // reflect.Type → *storage

func storing(t reflect.Type) *storage {
	if s, ok := storages.Load(t); ok {
		return s.(*storage)
	}
	s := new(storage)
	switch p := reflect.PointerTo(t); {
	case p.Implements(jsonUnmarshaler):
		s.way = ownJSON
	case p.Implements(textUnmarshaler):
		s.way = ownText
	default:
		s.way, s.members = plainly(t)
	}
	stored, _ := storages.LoadOrStore(t, s)
	return stored.(*storage)
}

// plainly says whether values are stored in a type without methods for that here,
// and the fields of a struct.
func plainly(t reflect.Type) (way, map[string]int) {
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return plain, nil
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 { // which is base64
			return plain, nil
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return plain, nil
		}
	case reflect.Struct:
		fields := make(map[string]int, t.NumField())
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case !f.IsExported() && !f.Anonymous || name == "-":
			case f.Anonymous || name == "":
				return library, nil
			default:
				fields[name] = i
			}
		}
		return plain, fields
	}
	return library, nil
}

// A members takes the members of one object; the zero members only reads them.
type members struct {
	of     reflect.Value // a struct or a map
	fields map[string]int
}

func (r *jsonReader) membersOf(v reflect.Value) (m members, ok bool) {
	if !v.IsValid() {
		return m, true
	}
	switch v.Kind() {
	case reflect.Struct:
		return members{of: v, fields: storing(v.Type()).members}, true
	case reflect.Map:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		return members{of: v}, true
	}
	return m, r.misfit("an object", v)
}

// read reads the value of the member called name.
func (m *members) read(r *jsonReader, depth int, name []byte) bool {
	switch {
	case !m.of.IsValid():
		return r.value(depth, m.of)
	case m.of.Kind() == reflect.Map:
		element := reflect.New(m.of.Type().Elem()).Elem()
		if !r.value(depth, element) {
			return false
		}
		m.of.SetMapIndex(reflect.ValueOf(string(name)).Convert(m.of.Type().Key()), element)
		return true
	}
	i, ok := m.fields[string(name)]
	if !ok {
		return r.fail("unknown member " + string(name))
	}
	return r.value(depth, m.of.Field(i))
}

func (r *jsonReader) storeString(v reflect.Value, quoted []byte) bool {
	switch {
	case !v.IsValid():
		return true
	case v.Kind() != reflect.String:
		return r.misfit("a string", v)
	}
	v.SetString(string(unquote(quoted)))
	return true
}

func (r *jsonReader) storeInteger(v reflect.Value, n int64) bool {
	switch {
	case !v.IsValid():
		return true
	case v.CanInt() && !v.OverflowInt(n):
		v.SetInt(n)
	case v.CanUint() && n >= 0 && !v.OverflowUint(uint64(n)):
		v.SetUint(uint64(n))
	default:
		return r.misfit("the number", v)
	}
	return true
}

func (r *jsonReader) storeBool(v reflect.Value, b bool) bool {
	switch {
	case !v.IsValid():
		return true
	case v.Kind() != reflect.Bool:
		return r.misfit("true or false", v)
	}
	v.SetBool(b)
	return true
}

// unquote resolves the escapes of a string that jsonReader.quoted has read.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted
	}
	var s string
	if err := json.Unmarshal(append(append([]byte{'"'}, quoted...), '"'), &s); err != nil {
		panic(err) // it was read
	}
	return []byte(s)
}
