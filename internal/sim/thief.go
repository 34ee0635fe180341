package sim

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/wire"
)

// A thief has a copy of one relationship of hers, with the key. He doesn't have
// the kit.
type thief struct {
	r    *run
	bond *bond
	key  *firsthand.Signer
	at   string // the gateway's address
	out  bool   // the gateway has refused him
}

// steal lends a key of hers to a thief.
func (r *run) steal() {
	d := pick(r, r.customers).devices[0]
	rows, _ := d.store.Relationships(r.ctx)
	rows = slices.DeleteFunc(rows, func(row agent.Relationship) bool { return row.Received.Seq == 0 || r.ledger.rels[row.ID].stolen })
	if len(rows) == 0 {
		return
	}
	row := pick(r, rows)
	t := &thief{r: r, bond: r.ledger.rels[row.ID], key: firsthand.SignerFromSeed(row.Seed), at: row.Gateway}
	t.bond.stolen = true
	r.count("key stolen")
	for range 1 + r.rng.Intn(3) {
		r.after(r.between(0, r.plan.active/3), "a thief writes", t.write)
	}
	// She hears of it sooner or later; else her agent shows that it is frozen.
	r.after(r.between(time.Hour, r.plan.active/2), "she hears of the theft", func() {
		t.bond.heard = true
		r.mend()
	})
}

// write takes the company's copy of the logs, and adds to it in her name.
func (t *thief) write() {
	r := t.r
	req := wire.Request{Rel: t.bond.id}
	resp, err := r.serve(t.bond.company, false, t.key.Public(), t.bond.company.clock(), req)
	if err != nil {
		t.out = t.out || fault.KindOf(err) == fault.Denied
		return
	}
	s, err := firsthand.Verify(split(resp.Entries))
	if err != nil || len(resp.Entries) == 0 || s.Log(firsthand.First).Key() != t.key.Public() {
		return
	}
	var say firsthand.Content = &firsthand.Message{Text: "Send it to my new address."}
	for _, h := range s.Holdings {
		if h.Live(r.now) && h.Origin == firsthand.Told && r.chance(0.7) {
			say = &firsthand.Change{Fact: h.Fact, Value: firsthand.Text("the thief's"), Of: h.Entry, Basis: firsthand.Basis{Exception: "me"}}
		}
	}
	if r.chance(0.1) {
		say = &firsthand.Close{}
	}
	salt, _ := firsthand.NewSalt(r.rng) // math/rand doesn't fail
	e, err := s.Write(t.key, firsthand.First, r.now, salt, say)
	if err != nil {
		return
	}
	k := r.ledger.keep(e)
	k.thief, k.gone = true, "a thief's"
	req.First, req.Second = e.Head(), s.Log(firsthand.Second).Head
	req.Entries = []firsthand.Entry{e}
	if resp, err := r.serve(t.bond.company, false, t.key.Public(), t.bond.company.clock(), req); err == nil && resp.First.Seq >= e.Seq {
		r.count("thief's entry taken")
	}
}

// split returns entries of both logs apart.
func split(entries []firsthand.Entry) (first, second []firsthand.Entry) {
	for _, e := range entries {
		if e.Side == firsthand.First {
			first = append(first, e)
		} else {
			second = append(second, e)
		}
	}
	return first, second
}

// rotate forges what the core won't sign: a rotation to a key of the thief's own.
func (t *thief) rotate() error {
	r := t.r
	first := r.log(t.bond.company.store, t.bond.id, firsthand.First)
	second := r.log(t.bond.company.store, t.bond.id, firsthand.Second)
	his, next := r.newSigner(), r.newSigner()
	body, err := firsthand.EncodeBody(&firsthand.Rotate{Key: his.Public(), Next: next.Public().Hash()})
	if err != nil {
		return err
	}
	last := first[len(first)-1]
	e, err := forge(his, last.Head(), second[len(second)-1].Head(), t.bond.id, r.now, body)
	if err != nil {
		return err
	}
	req := wire.Request{Rel: t.bond.id, First: e.Head(), Second: e.Seen, Entries: []firsthand.Entry{e}}
	// The call is signed by the key in force, which he has.
	_, err = r.serve(t.bond.company, false, t.key.Public(), t.bond.company.clock(), req)
	return err
}

// forge signs an entry of hers without asking whether it may be.
func forge(key *firsthand.Signer, prev, seen firsthand.Head, rel firsthand.ID, at time.Time, body []byte) (firsthand.Entry, error) {
	salt := bytes.Repeat([]byte{7}, 32)
	commitment := sha256.Sum256(slices.Concat([]byte("firsthand-body-v1"), salt, body))
	payload := fmt.Sprintf(`{"v":1,"rel":"%s","side":"first","seq":%d,"prev":"%s","seen":{"seq":%d,"id":"%s"},"at":"%s","body":"%s"}`,
		rel, prev.Seq+1, prev.ID, seen.Seq, seen.ID, at.UTC().Format("2006-01-02T15:04:00Z"), firsthand.ID(commitment))
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64([]byte(`{"alg":"Ed25519","typ":"firsthand-entry+jws"}`)) + "." + b64([]byte(payload))
	seed := key.Seed()
	line := input + "." + b64(ed25519.Sign(ed25519.NewKeyFromSeed(seed[:]), []byte(input))) + " " + b64(salt) + " " + string(body)
	return firsthand.ParseLine([]byte(line))
}

// wrote reports whether an entry of a thief's, of that kind, was taken.
func (l *ledger) wrote(b *bond, kind firsthand.Kind) bool {
	return slices.ContainsFunc(l.all, func(k *kept) bool { return k.bond == b && k.thief && k.Kind() == kind })
}
