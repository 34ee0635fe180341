package firsthand_test

import (
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
