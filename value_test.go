package firsthand_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
)

var address = firsthand.Value{Parts: map[string]string{"street": "Korenmarkt 1", "city": "Gent"}}

func TestValue(t *testing.T) {
	if got := address.String(); got != "city: Gent, street: Korenmarkt 1" {
		t.Errorf("String = %q", got)
	}
	if got := firsthand.Text("x").String(); got != "x" {
		t.Errorf("String = %q", got)
	}
	if address.Equal(firsthand.Text("")) || !address.Equal(address) || firsthand.Text("a").Equal(firsthand.Text("b")) {
		t.Error("Equal")
	}
	salt := seededBytes("salt")
	if firsthand.Text(address.Lines()).MAC(salt) == address.MAC(salt) {
		t.Error("a text has the MAC of an address")
	}
	for _, v := range []firsthand.Value{address, firsthand.Text("x"), firsthand.Text("{}")} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var again firsthand.Value
		if err := json.Unmarshal(text, &again); err != nil || !again.Equal(v) {
			t.Errorf("%s read back is %v, %v", text, again, err)
		}
	}
	both := &firsthand.Disclose{Fact: "x", Value: firsthand.Value{Text: "a", Parts: map[string]string{"b": "c"}}, Purpose: "p", Basis: firsthand.Basis{Right: "r"}}
	_, err := firsthand.EncodeBody(both)
	wantRule(t, err, fault.Invalid, "body-form")
	both.Value = firsthand.Value{Parts: map[string]string{"Street": "x"}}
	_, err = firsthand.EncodeBody(both)
	wantRule(t, err, fault.Invalid, "body-form")
}

func TestDate(t *testing.T) {
	d, err := firsthand.ParseDate("2027-01-31")
	if err != nil {
		t.Fatal(err)
	}
	last := time.Date(2027, 1, 31, 23, 59, 59, 0, time.UTC)
	if d.Over(last) || !d.Over(last.Add(time.Second)) || !d.End().Equal(last.Add(time.Second)) {
		t.Error("a day is over when it has ended in UTC")
	}
	if d.Over(last.Add(time.Second).Add(-time.Nanosecond).In(time.FixedZone("", 14*3600))) {
		t.Error("wherever the clock hangs")
	}
	if none := firsthand.Date(""); none.Over(last) || !none.End().IsZero() {
		t.Error("no date never ends")
	}
	if !firsthand.Date("wrong").End().Before(last) {
		t.Error("a wrong date has no end")
	}
	if got := firsthand.DateOf(last.In(time.FixedZone("", 14*3600))); got != d {
		t.Errorf("DateOf = %s", got)
	}
	if d, err := firsthand.ParseDate(""); d != "" || err != nil {
		t.Errorf("ParseDate of nothing = %q, %v", d, err)
	}
}

func TestEncodeJSON(t *testing.T) {
	if got := firsthand.EncodeJSON("<a&b>\u2028"); string(got) != `"<a&b>\u2028"` {
		t.Errorf("EncodeJSON = %s", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a channel was encoded")
		}
	}()
	firsthand.EncodeJSON(make(chan int))
}

// Bodies are read as they were written.
func TestBodies(t *testing.T) {
	for _, c := range []firsthand.Content{
		&firsthand.Close{},
		&firsthand.Disclose{Fact: "address.home", Value: address, Purpose: "Delivery", Basis: firsthand.Basis{Exception: "<&>"}},
		&firsthand.Message{Text: "a\nb\t\"c\" \u2028 \u202e 😀", Blobs: []firsthand.Blob{{Hash: nothing, Size: 1, Media: "m", Name: "n"}}},
	} {
		body, err := firsthand.EncodeBody(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := firsthand.DecodeBody(body)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := firsthand.EncodeBody(again); err != nil || !bytes.Equal(twice, body) {
			t.Errorf("%s became %s, %v", body, twice, err)
		}
	}
	// Text that is no UTF-8 isn't lost in silence: it is replaced, as everywhere in
	// Go, and what is signed is what was replaced.
	body, err := firsthand.EncodeBody(message("a\xffb"))
	if err != nil || !strings.Contains(string(body), `a\ufffdb`) {
		t.Errorf("EncodeBody = %s, %v", body, err)
	}
}
