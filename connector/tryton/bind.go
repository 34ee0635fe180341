package tryton

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// A binder is a Tryton with a mail server.
type binder struct{ *Tryton }

var _ connector.Binder = (*binder)(nil)

// maxFound is how many records are looked at; of two nobody is bound to either.
const maxFound = 20

// Find implements [connector.Binder]: the party that is named as we name it, or those
// which fit in one of the ways of [Config.Find]. It looks for the whole text and
// nothing like it, not at parties that a relationship made, nor at what a customer has
// given here herself: that proves nothing.
func (b *binder) Find(ctx context.Context, c connector.Claim) ([]connector.Ref, error) {
	claim := c.Record
	if claim == "" || strings.TrimSpace(claim) != claim || !oneLine(claim) {
		return nil, nil
	}
	s, err := b.client.signedIn(ctx)
	if err != nil {
		return nil, fmt.Errorf("find: %w", err)
	}
	of := func(types ...string) []any {
		return []any{"contact_mechanisms", "where", []any{[]any{"type", "in", types}, []any{"active", "=", true}, []any{"value", "in", []string{claim, strings.ToLower(claim)}}}}
	}
	ways := map[string][]any{"code": {"code", "=", claim}, "identifier": {"identifiers.code", "=", claim}, "email": of("email"), "phone": of("phone", "mobile")}
	domain := []any{"OR"}
	if model, id := parseRef(connector.Ref{ID: claim}); model == party {
		domain = append(domain, []any{"id", "=", id})
	}
	for _, way := range b.cfg.Find {
		domain = append(domain, ways[way])
	}
	list, err := b.load(ctx, []any{[]any{"active", "=", true}, domain}, maxFound)
	if err != nil {
		return nil, fmt.Errorf("find: %w", err)
	}
	var refs []connector.Ref
	for _, r := range list {
		if _, err := firsthand.ParseID(r.Code); err == nil {
			continue
		}
		ours := slices.ContainsFunc(r.Mechanisms, func(m mechanism) bool { return strings.EqualFold(m.Value, claim) && m.by() == s.uid })
		staffs := slices.ContainsFunc(r.Mechanisms, func(m mechanism) bool {
			return bool(m.Active) && strings.EqualFold(m.Value, claim) && m.by() != s.uid
		})
		if ours && !staffs && r.Code != claim {
			continue
		}
		refs = append(refs, b.versioned(r))
	}
	return refs, nil
}

// Notify implements [connector.Binder]: to the first e-mail address that staff have
// entered. The message is noted before it is sent, so that it isn't sent twice; a crash
// between the two leaves it unsent.
func (b *binder) Notify(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
	to, err := b.notify(ctx, ref, m)
	if err != nil {
		return "", fmt.Errorf("notify %s: %w", ref.ID, err)
	}
	return to, nil
}

// notify returns the contact masked.
func (b *binder) notify(ctx context.Context, ref connector.Ref, m connector.Message) (string, error) {
	model, id := parseRef(ref)
	if model != party || m.ID == "" {
		return "", fmt.Errorf("%w: there is no such party", fault.NotExist)
	}
	unlock, err := b.locks.lock(ctx, ref.ID)
	if err != nil {
		return "", fmt.Errorf("%w: %w", fault.Unavailable, err)
	}
	defer unlock()
	among, err := b.load(ctx, []any{"OR", []any{"id", "=", id}, []any{"contact_mechanisms.value", "=", m.ID}}, 0)
	if err != nil {
		return "", err
	}
	if _, n, ok := noted(among, m.ID); ok {
		return n.To, nil
	}
	r, err := b.party(ctx, id, among)
	if err != nil {
		return "", err
	}
	s, err := b.client.signedIn(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(r.Mechanisms, func(m mechanism) bool {
		return bool(m.Active) && m.Type == "email" && m.by() != s.uid && m.Value != ""
	})
	if i < 0 {
		return "", fmt.Errorf("%w: no contact on record", fault.NotExist)
	}
	to := r.Mechanisms[i].Value
	n := note{ID: m.ID, Did: sent, To: connector.Mask(to)}
	values := n.values()
	values["party"] = r.ID
	var ids []int
	if err := b.client.call(ctx, &ids, "model.party.contact_mechanism.create", []any{values}, none); err != nil {
		return "", err
	}
	err = b.cfg.SMTP.send(ctx, to, m, b.cfg.Now())
	if err == nil || errors.Is(err, errUnsure) { // it may have gone, and must not go twice
		return n.To, nil
	}
	// Nobody has it. Without the note it is tried again.
	if gone := b.client.call(context.WithoutCancel(ctx), nil, "model.party.contact_mechanism.delete", ids, none); gone != nil {
		return "", errors.Join(err, gone)
	}
	return "", err
}
