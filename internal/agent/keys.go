package agent

import (
	"context"
	"encoding/base64"
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

// seeds returns the private keys of r that are known, newest first.
func (a *Agent) seeds(ctx context.Context, r *relationship) ([][32]byte, error) {
	text, err := a.Store.Setting(ctx, formerKeys(r.row.ID))
	if err != nil {
		return nil, err
	}
	seeds := [][32]byte{r.row.Seed}
	for word := range strings.FieldsSeq(text) {
		raw, err := base64.RawURLEncoding.DecodeString(word)
		if err == nil && len(raw) == 32 && [32]byte(raw) != r.row.Seed {
			seeds = slices.Insert(seeds, 1, [32]byte(raw))
		}
	}
	return seeds, nil
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

// replaceKey makes seed r's key, in c, and keeps the one before.
func (a *Agent) replaceKey(ctx context.Context, r *relationship, seed [32]byte, c *Commit) error {
	seeds, err := a.seeds(ctx, r)
	if err != nil {
		return err
	}
	var words []string
	for _, s := range slices.Backward(seeds) {
		if s != seed {
			words = append(words, base64.RawURLEncoding.EncodeToString(s[:]))
		}
	}
	if c.Settings == nil {
		c.Settings = make(map[string]string)
	}
	c.Settings[formerKeys(r.row.ID)] = strings.Join(words, " ")
	r.row.Seed = seed
	return nil
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
