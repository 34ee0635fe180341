package firsthand_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
)

type target struct {
	Text   string            `json:"text"`
	Small  int8              `json:"small"`
	Count  uint16            `json:"count"`
	Yes    bool              `json:"yes"`
	List   []string          `json:"list"`
	Map    map[string]string `json:"map"`
	Deep   *target           `json:"deep"`
	ID     firsthand.ID      `json:"id"`
	At     time.Time         `json:"at"`
	Value  firsthand.Value   `json:"value"`
	Any    any               `json:"any"`
	Bytes  []byte            `json:"bytes"`
	Fixed  [2]int            `json:"fixed"`
	Hidden string            `json:"-"`
}

// TestParseJSONStores holds that what is accepted is stored as encoding/json
// stores it.
func TestParseJSONStores(t *testing.T) {
	for _, text := range []string{
		`{}`,
		`{"text":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z","small":-128,"count":65535,"yes":true,"list":["a","",""],"map":{"b":"c","d":""}}`,
		`{"list":[],"map":{},"value":{},"bytes":"","any":[]}`,
		`{"deep":{"deep":{"text":"in","list":["x"]}},"yes":false}`,
		`{"id":"BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","at":"2026-11-26T10:00:00Z"}`,
		`{"value":"one text"}`, `{"value":{"street":"Graslei 2","city":"Gent"}}`,
		`{"any":{"a":[1,"b",true]},"bytes":"AQID","fixed":[1,2]}`,
		" { \"small\" :\t0 }\r\n",
	} {
		var got, want target
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if err := firsthand.ParseJSON([]byte(text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v (%v)", text, got, want, err)
		}
	}
}

func TestParseJSONRefuses(t *testing.T) {
	for _, tt := range []struct{ text, why string }{
		{`{"text":1}`, "the number where a string"},
		{`{"text":{}}`, "an object where a string"},
		{`{"text":[]}`, "an array where a string"},
		{`{"text":true}`, "true or false where a string"},
		{`{"small":128}`, "the number where a int8"},
		{`{"count":-1}`, "the number where a uint16"},
		{`{"count":"1"}`, "a string where a uint16"},
		{`{"yes":1}`, "the number where a bool"},
		{`{"list":"a"}`, "a string where a []string"},
		{`{"list":["a",1]}`, "the number where a string"},
		{`{"map":{"a":1}}`, "the number where a string"},
		{`{"map":["a"]}`, "an array where a map"},
		{`{"deep":{"deep":{"what":1}}}`, "unknown member what"},
		{`{"hidden":"x"}`, "unknown member hidden"},
		{`{"id":1}`, "no string where a firsthand.ID"},
		{`{"id":"AAAA"}`, "43 characters"},
		{`{"at":"yesterday"}`, "yesterday"},
		{`{"value":1}`, "the number where a string"},
		{`{"value":{"street":{"a":"b"}}}`, "an object where a string"},
		{`{"fixed":"x"}`, "cannot unmarshal"},
		{`{"text":"a","text":"b"}`, "duplicate member"},
		{`{"any":{"a":1,"a":2}}`, "duplicate member"},
		{`{"value":{"a":"1","a":"2"}}`, "duplicate member"},
		{`{"deep":null}`, "null"},
		{`[]`, "an array where a firsthand_test.target"},
		{`{"text":"a"}{}`, "not JSON"},
	} {
		err := firsthand.ParseJSON([]byte(tt.text), new(target))
		if fault.RuleOf(err) != "json-form" || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%s: %v, want json-form because %q", tt.text, err, tt.why)
		}
	}
}
