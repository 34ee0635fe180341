package firsthand_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"firsthand"
)

// A pair writes both logs of one relationship, each side with its own state, as
// two programs that exchange every entry at once.
type pair struct {
	t             testing.TB
	keys          [2]*firsthand.Signer
	state         *firsthand.State
	first, second []firsthand.Entry
	now           time.Time
	n             int
}

const kit = "AGE-SECRET-KEY-1TEST"

// seeded returns 32 bytes that are the same in every run.
func seeded(what string) [32]byte { return sha256.Sum256([]byte(what)) }

func newPair(t testing.TB) *pair {
	p := &pair{t: t, state: firsthand.NewState(), now: time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)}
	p.keys[0] = firsthand.SignerFromSeed(seeded("customer"))
	p.keys[1] = firsthand.SignerFromSeed(seeded("company"))
	label := firsthand.Label{1}
	p.write(firsthand.First, &firsthand.Open{Role: "customer", Key: p.keys[0].Public(), Label: label,
		Next: firsthand.NextKey(kit, label).Public().Hash(), Domain: "acme.example", CompanyKey: p.keys[1].Public()})
	p.write(firsthand.Second, &firsthand.Open{Role: "company", Key: p.keys[1].Public(),
		Next: firsthand.SignerFromSeed(seeded("company next")).Public().Hash()})
	return p
}

func (p *pair) write(side firsthand.Side, c firsthand.Content) firsthand.ID {
	p.t.Helper()
	p.n++
	salt := seeded(fmt.Sprint("salt", p.n))
	key := p.keys[0]
	if side == firsthand.Second {
		key = p.keys[1]
	}
	e, err := p.state.Write(key, side, p.now, salt[:], c)
	if err != nil {
		p.t.Fatalf("write %s: %v", c.Kind(), err)
	}
	line := e.AppendLine(nil)
	e, err = firsthand.ParseLine(line[:len(line)-1])
	if err != nil {
		p.t.Fatalf("read back %s: %v\n%s", c.Kind(), err, line)
	}
	if err := p.state.Check(e); err != nil {
		p.t.Fatalf("check %s: %v", c.Kind(), err)
	}
	if err := p.state.Take(e); err != nil {
		p.t.Fatalf("take %s: %v", c.Kind(), err)
	}
	if side == firsthand.First {
		p.first = append(p.first, e)
	} else {
		p.second = append(p.second, e)
	}
	return e.ID
}

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

func BenchmarkVerifyEntry(b *testing.B) {
	p := newPair(b)
	id := p.write(firsthand.First, &firsthand.Message{Text: string(bytes.Repeat([]byte("x"), 300))})
	_ = id
	signed := p.first[len(p.first)-1].Signed
	prior, _ := firsthand.Fold(p.first[:1], p.second)
	b.Run("entry", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, err := firsthand.ParseEntry(signed)
			if err != nil {
				b.Fatal(err)
			}
			if err := prior.Check(e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		key, msg, sig := floorVerify(signed)
		for b.Loop() {
			if !verify(key, msg, sig) {
				b.Fatal("bad")
			}
		}
	})
}

func BenchmarkFold(b *testing.B) {
	p := newPair(b)
	for range 499 {
		m := p.write(firsthand.First, &firsthand.Message{Text: "Where is my parcel? It was due on Monday."})
		p.write(firsthand.Second, &firsthand.Message{Thread: m, Text: "It is on its way."})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := firsthand.Fold(p.first, p.second); err != nil {
			b.Fatal(err)
		}
	}
}
