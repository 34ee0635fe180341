package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
)

// Which key signs a call. A gateway admits the key of hers that is in force at the
// head it has, after the rotations that the call brings. So until a rotation has
// arrived, a call that doesn't bring it is signed by the key before; and a company
// that has put back a backup may be at a key of long ago. That is why her former
// keys are kept, as a setting: they can sign nothing any more that a company takes
// which knows of the rotation.
//
// Where a call is refused all the same, the agent doesn't know what the company
// has, or the company doesn't know the relationship; the two look alike. It then
// asks with each key that she had, the newest first. If all are refused, it looks
// whether the company's document still continues the chain that she pinned, since
// what comes next tells the other end everything once more: it opens the
// relationship anew, which does nothing where it is there.

// formerKeys names the setting that has the seeds of the keys before the current
// one of a relationship, oldest first.
func formerKeys(rel firsthand.ID) string { return "former keys " + rel.String() }

// former returns the private keys before the current one of a relationship, oldest
// first.
func (a *Agent) former(ctx context.Context, rel firsthand.ID) ([]firsthand.ID, error) {
	text, err := a.Store.Setting(ctx, formerKeys(rel))
	if err != nil {
		return nil, err
	}
	var seeds []firsthand.ID
	for word := range strings.FieldsSeq(text) {
		seed, err := firsthand.ParseID(word)
		if err != nil {
			return nil, fmt.Errorf("former keys of %s: %w", rel, err)
		}
		seeds = append(seeds, seed)
	}
	return seeds, nil
}

// setFormer keeps them, in c.
func (c *Commit) setFormer(rel firsthand.ID, seeds []firsthand.ID) {
	words := make([]string, len(seeds))
	for i, seed := range seeds {
		words[i] = seed.String()
	}
	if c.Settings == nil {
		c.Settings = make(map[string]string)
	}
	c.Settings[formerKeys(rel)] = strings.Join(words, " ")
}

// seeds returns the private keys of r that are known, newest first.
func (a *Agent) seeds(ctx context.Context, r *relationship) ([][32]byte, error) {
	former, err := a.former(ctx, r.row.ID)
	seeds := [][32]byte{r.row.Seed}
	for _, seed := range slices.Backward(former) {
		if seed != r.row.Seed {
			seeds = append(seeds, seed)
		}
	}
	return seeds, err
}

// signers is seeds as they sign.
func (a *Agent) signers(ctx context.Context, r *relationship) ([]*firsthand.Signer, error) {
	seeds, err := a.seeds(ctx, r)
	signers := make([]*firsthand.Signer, len(seeds))
	for i, seed := range seeds {
		signers[i] = firsthand.SignerFromSeed(seed)
	}
	return signers, err
}

// replaceKey makes seed r's key, in c, and keeps those before it: the ones that her
// file has, and more.
func (a *Agent) replaceKey(ctx context.Context, r *relationship, seed [32]byte, c *Commit, more ...[32]byte) error {
	seeds, err := a.seeds(ctx, r)
	if err != nil {
		return err
	}
	slices.Reverse(seeds)
	var former []firsthand.ID
	for _, s := range append(more, seeds...) {
		if s != seed && !slices.Contains(former, s) {
			former = append(former, s)
		}
	}
	keys := r.state.Log(firsthand.First).Keys
	place := func(s firsthand.ID) int {
		if i := slices.Index(keys, firsthand.SignerFromSeed(s).Public()); i >= 0 {
			return i
		}
		return len(keys) // of a rotation that was lost
	}
	slices.SortStableFunc(former, func(x, y firsthand.ID) int { return cmp.Compare(place(x), place(y)) })
	c.setFormer(r.row.ID, former)
	r.row.Seed = seed
	return nil
}

// derived returns the private keys with which her log was signed that kit derives,
// in their order. A file that is older than a rotation lacks them, and a company
// that loses everything has to be told the log from its beginning, each part in a
// call that is signed by the key in force there.
func (a *Agent) derived(ctx context.Context, r *relationship, kit string, c *Commit) (seeds [][32]byte, err error) {
	first, _, err := a.logs(ctx, r.row.ID, *c)
	if err != nil {
		return nil, err
	}
	var label firsthand.Label
	for i := range first {
		if kind := first[i].Kind(); kind != "open" && kind != "rotate" {
			continue
		}
		say, err := firsthand.DecodeBody(first[i].Body)
		if err != nil {
			return nil, err
		}
		switch say := say.(type) {
		case *firsthand.Open:
			label = say.Label
		case *firsthand.Rotate:
			if key := firsthand.NextKey(kit, label); key.Public() == say.Key {
				seeds = append(seeds, key.Seed())
			}
			label = say.Label
		}
	}
	return seeds, nil
}

// signerAfter returns the key that is in force after entry seq of her log.
func (a *Agent) signerAfter(ctx context.Context, r *relationship, seq int64) (*firsthand.Signer, error) {
	current := r.signer()
	log := r.state.Log(firsthand.First)
	if len(log.Keys) < 2 || seq >= log.Head.Seq {
		return current, nil
	}
	n := len(log.Keys) - 1
	for e, err := range a.Store.Entries(ctx, r.row.ID, firsthand.First, seq) {
		if err != nil {
			return nil, err
		}
		if e.Kind() == "rotate" {
			n--
		}
	}
	signers, err := a.signers(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, s := range signers {
		if s.Public() == log.Keys[max(n, 0)] {
			return s, nil
		}
	}
	return current, nil // of a file that was imported; what is refused is asked about
}

// findKey makes the one of her keys r's that is in force in its log, after entries
// of hers came from elsewhere or a rotation was lost.
func (a *Agent) findKey(ctx context.Context, r *relationship, c *Commit) error {
	inForce := r.state.Log(firsthand.First).Key()
	signers, err := a.signers(ctx, r)
	if err != nil {
		return err
	}
	for i, s := range signers {
		if s.Public() != inForce {
			continue
		}
		if i == 0 {
			return nil
		}
		return a.replaceKey(ctx, r, s.Seed(), c)
	}
	return fault.Tell(fault.Denied, "the key of the relationship with "+r.row.Domain+" was rotated elsewhere, and this file doesn't have the new one",
		"take the recovery kit: firsthand rotate "+r.row.Domain)
}

// mayOpenAnew notes, once all keys of hers were refused, whether the relationship
// may be opened anew.
func (a *Agent) mayOpenAnew(ctx context.Context, rel firsthand.ID) error {
	domain := ""
	err := a.with(ctx, rel, func(r *relationship) error {
		signers, err := a.signers(ctx, r)
		if r.refused == len(signers) {
			domain = r.row.Domain
		}
		return err
	})
	if err != nil || domain == "" {
		return err
	}
	company, _, err := a.Caller.Discover(ctx, domain)
	if err != nil {
		return err
	}
	return a.with(ctx, rel, func(r *relationship) error {
		if err := continues(r.state, &company); err != nil {
			return err
		}
		r.anew = true
		return nil
	})
}

// continues returns an error unless c, the document that is now at the company's
// domain, continues the company's chain from the key in force in s. A domain that
// somebody else has got hold of can't: the key after that one is committed to.
func continues(s *firsthand.State, c *firsthand.Company) error {
	key, next := s.Opened.CompanyKey, firsthand.KeyHash{}
	if log := s.Log(firsthand.Second); log.Head.Seq > 0 {
		key, next = log.Key(), log.Next
	}
	for _, k := range c.Chain {
		if k.Key == key && (next.IsZero() || k.Next == next) {
			return nil
		}
	}
	return fault.Refuse(fault.Denied, "company-chain", "the document at %s is not of the company that she met", c.Domain)
}
