package logtest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"firsthand"
)

// A Pair writes both logs of one relationship, as two programs that exchange
// every entry at once. All of it follows from its name: the same name gives the
// same keys, salts and entries in every run.
type Pair struct {
	name  string
	state *firsthand.State
	keys  [2]*firsthand.Signer
	logs  [2][]firsthand.Entry
	order []firsthand.Entry // of both logs, as written
	now   time.Time
}

// begun are the Pairs that NewPair has made, untouched: making keys and
// checking them is most of what a test with a Pair costs.
var begun sync.Map

// NewPair returns a Pair in which both sides have written their open.
func NewPair(t testing.TB, name string) *Pair {
	t.Helper()
	if p, ok := begun.Load(name); ok {
		return p.(*Pair).copy(t)
	}
	p := &Pair{name: name, state: firsthand.NewState(), now: time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)}
	p.keys[0] = firsthand.SignerFromSeed(p.seed("customer"))
	p.keys[1] = firsthand.SignerFromSeed(p.seed("company"))
	label := p.label("label")
	p.Write(t, firsthand.First, &firsthand.Open{Role: "customer", Key: p.keys[0].Public(), Label: label,
		Next: firsthand.NextKey(p.kit(), label).Public().Hash(), Domain: "acme.example", CompanyKey: p.keys[1].Public()})
	p.Write(t, firsthand.Second, &firsthand.Open{Role: "company", Key: p.keys[1].Public(),
		Next: firsthand.SignerFromSeed(p.seed("company next")).Public().Hash()})
	begun.Store(name, p.copy(t))
	return p
}

// seed returns 32 bytes that are the same in every run.
func (p *Pair) seed(what string) [32]byte { return sha256.Sum256([]byte(p.name + "\x00" + what)) }

func (p *Pair) label(what string) (l firsthand.Label) {
	seed := p.seed(what)
	copy(l[:], seed[:])
	return l
}

func (p *Pair) kit() string { return "kit of " + p.name }

func (p *Pair) salt() []byte {
	salt := p.seed(fmt.Sprint("salt ", len(p.order), " ", p.state.Log(firsthand.First).Head.ID))
	return salt[:]
}

// Rel returns the relationship's ID.
func (p *Pair) Rel() firsthand.ID { return p.state.Rel }

// State returns what the logs say. It is the Pair's own.
func (p *Pair) State() *firsthand.State { return p.state }

// Key returns the key with which side signs.
func (p *Pair) Key(side firsthand.Side) *firsthand.Signer { return p.keys[index(side)] }

// Log returns what side has written, with all bodies. The caller owns the slice.
func (p *Pair) Log(side firsthand.Side) []firsthand.Entry { return slices.Clone(p.logs[index(side)]) }

// All returns what both have written, in the order in which they did, with all
// bodies. The caller owns the slice.
func (p *Pair) All() []firsthand.Entry { return slices.Clone(p.order) }

// Write signs the next entry of side's log and takes it.
func (p *Pair) Write(t testing.TB, side firsthand.Side, c firsthand.Content) firsthand.Entry {
	t.Helper()
	e, err := p.state.Write(p.keys[index(side)], side, p.now, p.salt(), c)
	if err != nil {
		t.Fatalf("write %s: %v", c.Kind(), err)
	}
	p.take(t, e)
	return e
}

// Say writes a message, which is the simplest thing to say.
func (p *Pair) Say(t testing.TB, side firsthand.Side, text string) firsthand.Entry {
	t.Helper()
	return p.Write(t, side, &firsthand.Message{Text: text})
}

// Take adds an entry that was made elsewhere: by a [Pair.Fork], or [Pair.Forge].
func (p *Pair) Take(t testing.TB, e firsthand.Entry) {
	t.Helper()
	if err := p.state.Check(e); err != nil {
		t.Fatalf("take %s %d: %v", e.Side, e.Seq, err)
	}
	p.take(t, e)
}

func (p *Pair) take(t testing.TB, e firsthand.Entry) {
	t.Helper()
	if err := p.state.Take(e); err != nil {
		t.Fatalf("take %s %d: %v", e.Side, e.Seq, err)
	}
	p.logs[index(e.Side)] = append(p.logs[index(e.Side)], e)
	p.order = append(p.order, e)
	if p.state.Stale() {
		var err error
		if p.state, err = firsthand.Fold(p.logs[0], p.logs[1]); err != nil {
			t.Fatalf("fold: %v", err)
		}
	}
}

// Erase writes an erased entry that names entries.
func (p *Pair) Erase(t testing.TB, side firsthand.Side, entries ...firsthand.Entry) firsthand.Entry {
	t.Helper()
	ids := make([]firsthand.ID, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
	}
	return p.Write(t, side, p.state.Erasure(ids...))
}

// Rotate writes first's rotate, which disowns its entries from a seq on, or none
// for 0.
func (p *Pair) Rotate(t testing.TB, disown int64) firsthand.Entry {
	t.Helper()
	p.keys[0] = firsthand.NextKey(p.kit(), p.state.Log(firsthand.First).Label)
	label := p.label(fmt.Sprint("label ", len(p.order)))
	return p.Write(t, firsthand.First, &firsthand.Rotate{Key: p.keys[0].Public(), Disown: disown,
		Next: firsthand.NextKey(p.kit(), label).Public().Hash(), Label: label})
}

// Fork returns a copy of p that goes on by itself: what it writes next has the
// places of what p writes next.
func (p *Pair) Fork(t testing.TB) *Pair {
	t.Helper()
	fork := p.copy(t)
	fork.now = p.now.Add(time.Minute) // so that the same words are another entry
	return fork
}

func (p *Pair) copy(t testing.TB) *Pair {
	t.Helper()
	s, err := firsthand.Fold(p.logs[0], p.logs[1])
	if err != nil {
		t.Fatalf("copy: %v", err)
	}
	c := *p
	c.state, c.order = s, slices.Clone(p.order)
	c.logs[0], c.logs[1] = slices.Clone(p.logs[0]), slices.Clone(p.logs[1])
	return &c
}

// Next returns the unsigned next entry of side's log, for [Pair.Forge].
func (p *Pair) Next(side firsthand.Side) firsthand.Entry {
	return firsthand.Entry{Rel: p.state.Rel, Side: side, Seq: p.state.Log(side).Head.Seq + 1,
		Prev: p.state.Log(side).Head.ID, Seen: p.state.Log(side.Other()).Head, At: p.now}
}

// Forge signs e, which says body, with the key of its side, whatever e says: an
// entry that [firsthand.State.Write] would refuse to write. p doesn't take it.
func (p *Pair) Forge(t testing.TB, e firsthand.Entry, body string) firsthand.Entry {
	t.Helper()
	salt := p.salt()
	commitment := firsthand.ID(sha256.Sum256(slices.Concat([]byte("firsthand-body-v1"), salt, []byte(body))))
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64([]byte(`{"alg":"Ed25519","typ":"firsthand-entry+jws"}`)) + "." + b64(fmt.Appendf(nil,
		`{"v":1,"rel":"%s","side":"%s","seq":%d,"prev":"%s","seen":{"seq":%d,"id":"%s"},"at":"%s","body":"%s"}`,
		e.Rel, e.Side, e.Seq, e.Prev, e.Seen.Seq, e.Seen.ID, e.At.UTC().Format("2006-01-02T15:04:00Z"), commitment))
	seed := p.keys[index(e.Side)].Seed()
	sig := ed25519.Sign(ed25519.NewKeyFromSeed(seed[:]), []byte(input))
	forged, err := firsthand.ParseEntry([]byte(input + "." + b64(sig)))
	if err != nil {
		t.Fatalf("forge: %v", err)
	}
	forged.Salt, forged.Body = salt, []byte(body)
	return forged
}

func index(side firsthand.Side) int {
	if side == firsthand.First {
		return 0
	}
	return 1
}
