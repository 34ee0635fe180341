package firsthand_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"firsthand"
	"firsthand/conformance"
	"firsthand/fault"
)

// seed adds the contents of all vectors of the types.
func seed(f *testing.F, types ...string) {
	vectors, err := conformance.Vectors()
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range vectors {
		if slices.Contains(types, v.Type) && len(v.Content) < 16<<10 {
			f.Add(v.Content)
		}
	}
}

// refused fails t unless err names a rule and a kind.
func refused(t *testing.T, err error) {
	if fault.RuleOf(err) == "" || fault.KindOf(err) == fault.Internal {
		t.Fatalf("refused without a rule: %v", err)
	}
}

func FuzzParseEntry(f *testing.F) {
	seed(f, "entry")
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := firsthand.ParseEntry(text)
		if err != nil {
			refused(t, err)
			return
		}
		// What was read has one spelling: the payload made of it is the one it had.
		_, payload, _ := strings.Cut(string(text), ".")
		payload, _, _ = strings.Cut(payload, ".")
		s := conformance.NewScriptUnopened("fuzz")
		d := conformance.Draft{Side: e.Side, Rel: e.Rel, Seq: e.Seq, Prev: e.Prev, Seen: e.Seen, At: e.At, Header: `{"alg":"Ed25519","typ":"firsthand-entry+jws"}`}
		var commitment string
		d.Edit = func(p string) string {
			commitment = p[:strings.LastIndex(p, `"body":"`)] + `"body":"` + e.Commitment.String() + `"}`
			return commitment
		}
		s.Sign(d)
		if b64([]byte(commitment)) != payload {
			t.Errorf("read %s\nwrote %s", unb64(payload), commitment)
		}
	})
}

func FuzzParseLine(f *testing.F) {
	seed(f, "line", "entry")
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := firsthand.ParseLine(text)
		if err != nil {
			refused(t, err)
			return
		}
		if again := e.AppendLine(nil); string(again) != string(text)+"\n" {
			t.Errorf("%q was written as %q", text, again)
		}
	})
}

// Where ours accepts, everybody's accepts and reads the same; and ours refuses
// what everybody's reads in his own way.
func FuzzParseJSON(f *testing.F) {
	seed(f, "json", "body")
	f.Fuzz(func(t *testing.T, text []byte) {
		var got any
		if err := firsthand.ParseJSON(text, &got); err != nil {
			refused(t, err)
			return
		}
		var want any
		if err := json.Unmarshal(text, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: ours reads %v, encoding/json %v, %v", text, got, want, err)
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		unambiguous(t, d)
	})
}

// unambiguous walks one value and fails t on what readers differ about.
func unambiguous(t *testing.T, d *json.Decoder) {
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch v := token.(type) {
	case nil:
		t.Fatal("null")
	case json.Number:
		if n, err := v.Int64(); err != nil || n > 1<<53-1 || n < -(1<<53-1) {
			t.Fatalf("number %s", v)
		}
	case string:
		if strings.ContainsRune(v, 0) {
			t.Fatal("NUL")
		}
	case json.Delim:
		seen := map[string]bool{}
		for d.More() {
			if v == '{' {
				name, err := d.Token()
				if err != nil {
					t.Fatal(err)
				}
				key := strings.ToLower(name.(string))
				if seen[key] || key != name {
					t.Fatalf("member %q", name)
				}
				seen[key] = true
			}
			unambiguous(t, d)
		}
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	}
}

// What was decoded is encoded and decoded to the same.
func FuzzDecodeBody(f *testing.F) {
	seed(f, "body")
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := firsthand.DecodeBody(text)
		if err != nil {
			refused(t, err)
			return
		}
		sameAsLibrary(t, text, c)
		body, err := firsthand.EncodeBody(c)
		if err != nil {
			if len(text) > firsthand.MaxBody/6 { // escapes make it longer
				return
			}
			t.Fatalf("%s can be read and not written: %v", text, err)
		}
		again, err := firsthand.DecodeBody(body)
		if err != nil {
			t.Fatalf("%s, written from %s, can't be read: %v", body, text, err)
		}
		if twice, err := firsthand.EncodeBody(again); err != nil || !bytes.Equal(twice, body) {
			t.Errorf("%s becomes %s, and then %s", text, body, twice)
		}
	})
}

// sameAsLibrary holds that encoding/json, at its strictest, reads from a body what
// ours has read.
func sameAsLibrary(t *testing.T, body []byte, got firsthand.Content) {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		t.Fatalf("%s: encoding/json refuses it: %v", body, err)
	}
	delete(members, "kind")
	rest, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	want := reflect.New(reflect.TypeOf(got).Elem()).Interface()
	d := json.NewDecoder(bytes.NewReader(rest))
	d.DisallowUnknownFields()
	if err := d.Decode(want); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: ours reads %+v, encoding/json %+v, %v", body, got, want, err)
	}
}

func FuzzReadBundle(f *testing.F) {
	seed(f, "bundle")
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := firsthand.ReadBundle(bytes.NewReader(text))
		if err != nil {
			refused(t, err)
			return
		}
		var again bytes.Buffer
		if err := b.Write(&again); err != nil || !bytes.Equal(again.Bytes(), text) {
			t.Errorf("%q was written as %q, %v", text, again.Bytes(), err)
		}
		r, err := b.Verify()
		if err != nil && fault.RuleOf(err) == "" {
			t.Errorf("refused without a rule: %v", err)
		}
		conformance.Summary(r.State) // panics on nothing
	})
}

func FuzzParseCompany(f *testing.F) {
	seed(f, "company")
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := firsthand.ParseCompany(text, "acme.example")
		if err != nil {
			refused(t, err)
		} else if c.Domain != "acme.example" || c.Key().Check() != nil {
			t.Errorf("accepted %+v", c)
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	seed(f, "receipt")
	key := conformance.Public(conformance.NewScriptUnopened("vector receipts").Seed("key"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := firsthand.ParseReceipt(text, key)
		if err != nil {
			refused(t, err)
			return
		}
		if again := firsthand.SignerFromSeed(conformance.NewScriptUnopened("vector receipts").Seed("key")).Receipt(r); string(again) != string(text) {
			t.Errorf("%s was written as %s", text, again)
		}
	})
}
