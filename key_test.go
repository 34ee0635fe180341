package firsthand_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"firsthand"
	"firsthand/conformance"
	"firsthand/fault"
)

// The check of keys has no false alarms.
func TestGoodKeys(t *testing.T) {
	for range 200 {
		s, err := firsthand.NewSigner(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Public().Check(); err != nil {
			t.Errorf("%v: %v", s.Public(), err)
		}
		if again := firsthand.SignerFromSeed(s.Seed()); again.Public() != s.Public() {
			t.Error("the seed gives another key")
		}
	}
}

func TestKeysFail(t *testing.T) {
	broken := iotest.ErrReader(errors.New("no entropy"))
	if _, err := firsthand.NewSigner(broken); err == nil {
		t.Error("a key from nothing")
	}
	if _, err := firsthand.NewSalt(broken); err == nil {
		t.Error("a salt from nothing")
	}
	if salt, err := firsthand.NewSalt(rand.Reader); err != nil || len(salt) != 32 || [32]byte(salt) == [32]byte{} {
		t.Errorf("NewSalt = %x, %v", salt, err)
	}
}

// Printing a signer, in whatever way, doesn't print the key.
func TestSignerIsHidden(t *testing.T) {
	s := firsthand.SignerFromSeed(seeded("secret"))
	seed := s.Seed()
	for _, verb := range []string{"%v", "%s", "%+v", "%q", "%x", "%#v", "%d"} {
		text := fmt.Sprintf(verb, s)
		for _, secret := range []string{fmt.Sprintf("%x", seed[:8]), b64(seed[:9]), fmt.Sprint(seed[:4])[1:12], fmt.Sprintf("%#v", seed[:3])[8:20]} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s: %s", verb, secret, text)
			}
		}
	}
}

// What was signed for one purpose is not valid for another.
func TestSignaturesHavePurposes(t *testing.T) {
	s := conformance.NewScriptUnopened("purposes")
	signer, key := firsthand.SignerFromSeed(s.Keys[1]), conformance.Public(s.Keys[1])
	company, err := signer.Company(firsthand.Company{Domain: "acme.example", Name: "Acme", Gateway: "https://acme.example",
		Chain: []firsthand.ChainKey{{Key: key, Next: nothing}}, At: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	receipt := signer.Receipt(firsthand.Receipt{Rel: nothing, Seq: 1, ID: nothing, At: s.Now})
	s.Say(first, s.Open(first))
	s.Say(second, s.Open(second))
	entry := []byte(s.Logs[1][0].Signed)
	for name, text := range map[string][]byte{"company": company, "receipt": receipt, "entry": entry} {
		for as, parse := range map[string]func([]byte) error{
			"company": func(b []byte) error { _, err := firsthand.ParseCompany(b, "acme.example"); return err },
			"receipt": func(b []byte) error { _, err := firsthand.ParseReceipt(b, key); return err },
			"entry":   func(b []byte) error { _, err := firsthand.ParseEntry(b); return err },
		} {
			err := parse(text)
			if (err == nil) != (name == as) {
				t.Errorf("a %s read as %s: %v", name, as, err)
			}
			if err != nil {
				wantRule(t, err, fault.Invalid, "jws-header")
			}
		}
	}
}

func TestCompany(t *testing.T) {
	s := conformance.NewScriptUnopened("company")
	old, now := firsthand.SignerFromSeed(s.Keys[1]), firsthand.SignerFromSeed(s.Next[1])
	c := firsthand.Company{Domain: "acme.example", Name: "Acme NV", Jurisdiction: "BE", Gateway: "https://acme.example",
		Chain: []firsthand.ChainKey{{Key: old.Public(), Next: now.Public().Hash()}, {Key: now.Public(), Next: nothing}},
		At:    s.Now.Add(time.Millisecond)}
	text, err := now.Company(c)
	if err != nil {
		t.Fatal(err)
	}
	got, err := firsthand.ParseCompany(text, "acme.example")
	if err != nil || got.Key() != now.Public() || !got.Has(old.Public()) || got.Has(firsthand.PublicKey(nothing)) || !got.At.Equal(s.Now) {
		t.Errorf("ParseCompany = %+v, %v", got, err)
	}
	_, err = old.Company(c)
	wantRule(t, err, fault.Invalid, "company-chain")
	c.Name = ""
	_, err = now.Company(c)
	wantRule(t, err, fault.Invalid, "company-form")
}

func TestReceipt(t *testing.T) {
	key := firsthand.SignerFromSeed(seeded("company"))
	at := time.Date(2026, 11, 21, 22, 47, 13, 999, time.FixedZone("", 3600))
	r := firsthand.Receipt{Rel: nothing, Seq: 7, ID: nothing, At: at}
	got, err := firsthand.ParseReceipt(key.Receipt(r), key.Public())
	if r.At = at.UTC().Truncate(time.Second); err != nil || got != r {
		t.Errorf("ParseReceipt = %v, %v, want %v", got, err, r)
	}
}

func TestCall(t *testing.T) {
	key := firsthand.SignerFromSeed(seeded("customer"))
	c := firsthand.Call{Method: "POST", Host: "acme.example", Path: "/v1/sync?x=1", Time: time.Date(2026, 11, 21, 21, 47, 13, 5, time.UTC), Body: []byte("x")}
	sig := key.Call(c)
	if err := c.Verify(key.Public(), sig, c.Time); err != nil {
		t.Error(err)
	}
	c.Path = "/v1/sync"
	wantRule(t, c.Verify(key.Public(), sig, c.Time), fault.Denied, "call-signature")
}
