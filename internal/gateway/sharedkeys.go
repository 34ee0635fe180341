package gateway

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"firsthand/fault"
)

// Each gateway reads the company's keys from its own files, which are the same files
// or copies of them. The store says how many keys the chain has, so that a gateway
// whose files are older notices, reads them again, and until they are as new touches
// no relationship that is under a key it lacks.

// settingKeys is the length of the company's chain, and its last key.
const settingKeys = "keys"

// keysEvery is how often gateways compare their keys.
const keysEvery = 10 * time.Second

// elsewhere is how long a relationship is left alone whose outbox another gateway is
// at.
const elsewhere = 500 * time.Millisecond

// errOldKeys is what the operator must mend.
var errOldKeys = fault.Tell(fault.Unavailable, "The company's key was rotated by another gateway, and the key file and chain file here are older.",
	"Copy both files from where it was rotated.")

// chainLength returns how many keys the store says there are.
func (g *Gateway) chainLength(ctx context.Context) (n int, err error) {
	value, err := g.o.Store.Setting(ctx, settingKeys)
	if err != nil || value == "" {
		return 0, err
	}
	count, _, _ := strings.Cut(value, " ")
	if n, err = strconv.Atoi(count); err != nil {
		return 0, fmt.Errorf("setting %s: %w", settingKeys, err)
	}
	return n, nil
}

// announceKeys tells the other gateways of a longer chain.
func (g *Gateway) announceKeys(ctx context.Context) error {
	if g.shared == nil {
		return nil
	}
	chain := g.keyring().Chain
	value := fmt.Sprintf("%d %s", len(chain), chain[len(chain)-1].Key)
	return g.commit(ctx, Commit{Settings: map[string]string{settingKeys: value}})
}

// stepKeys compares this gateway's keys with the others' when it is time to. What
// relationships another has opened with the key before is looked for as well.
func (g *Gateway) stepKeys(ctx context.Context) (bool, time.Time, error) {
	if g.shared == nil {
		return false, time.Time{}, nil
	}
	now := g.o.Now()
	g.mu.Lock()
	next := g.nextKeys
	if now.Before(next) && next.Sub(now) <= keysEvery { // else the clock was set back
		g.mu.Unlock()
		return false, next, nil
	}
	g.nextKeys = now.Add(keysEvery)
	g.mu.Unlock()
	n, err := g.chainLength(ctx)
	if err != nil {
		return false, time.Time{}, err
	}
	switch have := len(g.keyring().Chain); {
	case n < have:
		err = g.announceKeys(ctx)
	case n > have:
		if err := g.keysFor(ctx, n); err != nil {
			g.o.Log.Error("keys", "err", err)
		}
	}
	g.mu.Lock()
	g.behind = true
	g.mu.Unlock()
	return false, time.Time{}, err
}

// keysFor sees to it that this gateway has n keys of the chain.
func (g *Gateway) keysFor(ctx context.Context, n int) error {
	have := g.keyring()
	if n <= len(have.Chain) {
		return nil
	}
	if have.Load == nil {
		return errOldKeys
	}
	keys, err := have.Load()
	if err != nil {
		return fmt.Errorf("read the keys again: %w", err)
	}
	if len(keys.Chain) < n {
		return errOldKeys
	}
	g.use(keys)
	g.o.Log.Info("company key replaced by another gateway", "key", keys.current().Public(), "keys", len(keys.Chain))
	return nil
}

// beginRotation makes this gateway the only one that rotates, with keys that are as
// new as anybody's.
func (g *Gateway) beginRotation(ctx context.Context) (done func(), err error) {
	held, err := g.hold(ctx, choreRotate)
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, fault.Tell(fault.Conflict, "Another gateway is rotating the company's key.", "See whether it did.")
	}
	done = func() {
		if err := g.shared.Release(context.WithoutCancel(ctx), choreRotate); err != nil {
			g.o.Log.Warn("give back the rotation", "err", err)
		}
	}
	n, err := g.chainLength(ctx)
	if err == nil {
		err = g.keysFor(ctx, n)
	}
	if err != nil {
		done()
		return nil, err
	}
	return done, nil
}
