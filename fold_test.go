package firsthand_test

import (
	"bytes"
	"testing"

	"firsthand"
)

var ourTerms = firsthand.TermsRef{Code: "TEST", Version: "1", Hash: firsthand.ID{7}, URL: "https://example.org/"}

func TestLife(t *testing.T) {
	p := newPair(t)
	offer := p.write(firsthand.First, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ourTerms}})
	agreement := p.write(firsthand.Second, &firsthand.TermsAccept{Offer: offer, Terms: ourTerms})
	basis := firsthand.Basis{Agreement: agreement}
	told := p.write(firsthand.First, &firsthand.Disclose{Fact: "address.home", Purpose: "ServiceDelivery", Basis: basis,
		Value: firsthand.Value{Parts: map[string]string{"street": "Korenmarkt 1", "city": "Gent"}}})
	after := firsthand.Value{Parts: map[string]string{"street": "Graslei 2", "city": "Gent"}}
	change := p.write(firsthand.First, &firsthand.Change{Fact: "address.home", Value: after, Of: told, Basis: basis})
	salt := p.first[len(p.first)-1].Salt
	p.write(firsthand.Second, &firsthand.Applied{Entry: change, System: "memory", Record: "C-1", Value: after.MAC(salt)})

	s := p.state
	if o := s.Offers[0]; o.Open() || o.Taken != agreement {
		t.Errorf("offer = %+v", o)
	}
	if h := s.Holding(told); h == nil || !h.Value.Equal(after) || h.Last != change {
		t.Errorf("holding = %+v", h)
	}
	if o := s.Outcomes[change]; o == nil || !o.Applied || o.Record != "C-1" {
		t.Errorf("outcome = %+v", o)
	}
	if v := s.At(p.now); len(v.Duties) != 0 || len(v.Agreements) != 1 || len(v.Holdings) != 1 {
		t.Errorf("view = %+v", v)
	}
	if len(s.Flags) != 0 {
		t.Errorf("flags = %v", s.Flags)
	}
	bundle := firsthand.Bundle{First: p.first, Second: p.second}
	var b bytes.Buffer
	if err := bundle.Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := firsthand.ReadBundle(&b)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := again.Verify(); err != nil || len(r.State.Holdings) != 1 {
		t.Fatalf("verify: %v", err)
	}
}
