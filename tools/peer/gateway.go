package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"firsthand"
	"firsthand/fetch"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/store"
	"firsthand/wire"
)

// domain is the company's.
const domain = "acme.example"

// companyKey is the same in this process and in the server's.
var companyKey, companyNext = firsthand.SignerFromSeed([32]byte{1}), firsthand.SignerFromSeed([32]byte{2})

// serveGateway serves a gateway with its own file. What it takes stays with it,
// since no system is connected.
func serveGateway(ctx context.Context, l net.Listener, dir string, ready func()) (err error) {
	s, err := store.Create(ctx, store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	base := "http://" + l.Addr().String()
	g, err := gateway.New(gateway.Options{
		Company: firsthand.Company{Domain: domain, Name: "Acme", Jurisdiction: "BE", Gateway: base},
		Keys: &gateway.Keys{Signers: []*firsthand.Signer{companyKey},
			Chain: []firsthand.ChainKey{{Key: companyKey.Public(), Next: companyNext.Public().Hash()}}},
		Store: s,
	})
	if err != nil {
		return err
	}
	many := wire.Limit{Rate: 1e9, Burst: 1e9} // all relationships are opened at once here
	h, err := wire.NewHandler(g, wire.Options{BaseURL: base, OpenEach: many, OpenAll: many})
	if err != nil {
		return err
	}
	ready()
	return wire.Serve(ctx, h.NewServer(), l)
}

// Entries are signed before the load begins, perLog in each relationship.
const (
	perLog     = 100
	maxEntries = 40_000
)

// loadGateway opens relationships, and returns for each caller what brings the
// next entry of hers, one a call. Calls are signed as they are made.
func loadGateway(ctx context.Context, base string, callers int) ([]func() error, error) {
	client := wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), nil)
	writers := make([]func() error, callers)
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			var all []*relationship
			for range maxEntries / callers / perLog {
				var r *relationship
				if r, errs[i] = open(ctx, client, base); errs[i] != nil {
					return
				}
				all = append(all, r)
			}
			writers[i] = func() error {
				if len(all) == 0 {
					return errAllWritten
				}
				r := all[0]
				e := r.entries[0]
				if r.entries = r.entries[1:]; len(r.entries) == 0 {
					all = all[1:]
				}
				resp, err := client.Sync(ctx, base, r.key, wire.Request{Rel: r.id, First: e.Head(), Second: r.second, Entries: []firsthand.Entry{e}})
				if err == nil && resp.First != e.Head() {
					err = fmt.Errorf("entry %d was not taken", e.Seq)
				}
				return err
			}
		})
	}
	wg.Wait()
	return writers, errors.Join(errs...)
}

// A relationship is open, and has entries to be sent.
type relationship struct {
	id      firsthand.ID
	key     *firsthand.Signer
	second  firsthand.Head
	entries []firsthand.Entry
}

func open(ctx context.Context, client *wire.Client, base string) (*relationship, error) {
	key, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		return nil, err
	}
	next, err := firsthand.NewSigner(rand.Reader)
	if err != nil {
		return nil, err
	}
	state := firsthand.NewState()
	write := func(c firsthand.Content) (firsthand.Entry, error) {
		salt, err := firsthand.NewSalt(rand.Reader)
		if err != nil {
			return firsthand.Entry{}, err
		}
		e, err := state.Write(key, firsthand.First, time.Now(), salt, c)
		if err != nil {
			return e, err
		}
		return e, state.Take(e)
	}
	opening, err := write(&firsthand.Open{Role: "customer", Key: key.Public(), Label: firsthand.Label{1},
		Next: next.Public().Hash(), Domain: domain, CompanyKey: companyKey.Public()})
	if err != nil {
		return nil, err
	}
	resp, err := client.Open(ctx, base, key, wire.Request{Rel: opening.ID, First: opening.Head(), Entries: []firsthand.Entry{opening}})
	if err != nil {
		return nil, err
	}
	for _, e := range resp.Entries {
		if err := errors.Join(state.Check(e), state.Take(e)); err != nil {
			return nil, err
		}
	}
	r := &relationship{id: opening.ID, key: key, second: resp.Second}
	text := strings.Repeat("a change of address", 18)[:300]
	for i := range perLog {
		e, err := write(&firsthand.Message{Text: fmt.Sprint(text, i)})
		if err != nil {
			return nil, err
		}
		r.entries = append(r.entries, e)
	}
	return r, nil
}
