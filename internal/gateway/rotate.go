package gateway

import (
	"context"

	"firsthand"
)

// Rotate replaces the company's key by next, to which the last key of the chain
// has committed, and commits to the one after it by its hash. In this order:
//
//  1. the key and the longer chain are made durable (Keys.Save);
//  2. from here on the discovery document, and every relationship that is opened,
//     have the new key;
//  3. each relationship that exists gets a rotate, signed by the new key, by Step,
//     one after the other.
//
// After a crash Step goes on where it stopped, because what is left is found in
// the relationships themselves. One that is frozen or restored follows when it is
// so no more; until then the old key must stay in the key file.
func (g *Gateway) Rotate(ctx context.Context, next *firsthand.Signer, after firsthand.KeyHash) error {
	g.rotating.Lock()
	defer g.rotating.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if g.shared != nil {
		done, err := g.beginRotation(ctx)
		if err != nil {
			return err
		}
		defer done()
	}
	keys, err := g.keyring().extended(next, after)
	if err != nil {
		return err
	}
	if keys.Save != nil {
		if err := keys.Save(keys); err != nil {
			return err
		}
	}
	g.use(keys)
	if err := g.announceKeys(ctx); err != nil {
		return err
	}
	for _, l := range g.lanes {
		l.rouse()
	}
	g.o.Log.Info("company key rotated", "key", next.Public(), "keys", len(keys.Chain))
	_, err = g.Company(ctx)
	return err
}

// use makes keys those of this gateway.
func (g *Gateway) use(keys *Keys) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys, g.document, g.behind = keys, nil, true
}
