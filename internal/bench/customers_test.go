package bench_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/gateway"
)

// perLog is how many entries a customer writes in one relationship before she
// goes on with the next: more than most ever will.
const perLog = 100

// domain is the company's.
const domain = "acme.example"

// seeded returns 32 bytes that are the same in every run.
func seeded(format string, args ...any) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, format, args...))
}

// constant is a source of chance in which there is none. With it, and with a
// clock that stands still, it is known beforehand what a gateway will answer to an
// opening; so entries can be signed before the gateway is there.
type constant struct{}

func (constant) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 0x5a
	}
	return len(b), nil
}

func companyKeys() *gateway.Keys {
	key := firsthand.SignerFromSeed(seeded("company"))
	next := firsthand.SignerFromSeed(seeded("company, later")).Public().Hash()
	return &gateway.Keys{Signers: []*firsthand.Signer{key}, Chain: []firsthand.ChainKey{{Key: key.Public(), Next: next}}}
}

// A relationship has what a customer sends in it, signed beforehand.
type relationship struct {
	id      firsthand.ID
	key     *firsthand.Signer
	open    firsthand.Entry
	second  firsthand.Entry   // what the company will answer to it
	entries []firsthand.Entry // that follow open
}

// clock is what the gateway's clock says all the time.
var clock = sync.OnceValue(func() time.Time { return time.Now().UTC().Truncate(time.Minute) })

// shared are relationships made once for all benchmarks, and more when more are
// needed.
var shared struct {
	sync.Mutex
	all []*relationship
}

// signed returns n of the shared relationships, of perLog entries.
func signed(tb testing.TB, n int) []*relationship {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if have := len(shared.all); have < n {
		shared.all = append(shared.all, newRelationships(tb, have, n, perLog)...)
	}
	return shared.all[:n]
}

// newRelationships returns those from first to before last.
func newRelationships(tb testing.TB, first, last, entries int) []*relationship {
	tb.Helper()
	return talking(tb, first, last, entries, 10, clock())
}

// talking returns relationships in which each message has so many sentences.
func talking(tb testing.TB, first, last, entries, sentences int, now time.Time) []*relationship {
	tb.Helper()
	all := make([]*relationship, last-first)
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i], errs[i] = newRelationship(first+i, entries, sentences, now) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		tb.Fatal(err)
	}
	return all
}

// newRelationship writes both logs as the two programs will.
func newRelationship(n, entries, sentences int, now time.Time) (*relationship, error) {
	r := &relationship{key: firsthand.SignerFromSeed(seeded("customer %d", n))}
	company := companyKeys()
	state := firsthand.NewState()
	write := func(side firsthand.Side, key *firsthand.Signer, salt []byte, c firsthand.Content) (firsthand.Entry, error) {
		e, err := state.Write(key, side, now, salt, c)
		if err == nil {
			err = state.Take(e)
		}
		return e, err
	}
	label := firsthand.Label{1}
	salt := seeded("salt of open %d", n)
	var err error
	r.open, err = write(firsthand.First, r.key, salt[:], &firsthand.Open{Role: "customer", Key: r.key.Public(), Label: label,
		Next: firsthand.NextKey("kit", label).Public().Hash(), Domain: domain, CompanyKey: company.Chain[0].Key})
	if err != nil {
		return nil, err
	}
	r.id = r.open.ID
	same, err := firsthand.NewSalt(constant{})
	if err != nil {
		return nil, err
	}
	r.second, err = write(firsthand.Second, company.Signers[0], same, &firsthand.Open{Role: "company", Key: company.Chain[0].Key, Next: company.Chain[0].Next})
	if err != nil {
		return nil, err
	}
	text := strings.Repeat("My parcel was due on Monday. ", sentences)
	for i := range entries {
		salt := seeded("salt of %d in %d", i, n)
		e, err := write(firsthand.First, r.key, salt[:], &firsthand.Message{Text: fmt.Sprint(text, i)})
		if err != nil {
			return nil, err
		}
		r.entries = append(r.entries, e)
	}
	return r, nil
}
