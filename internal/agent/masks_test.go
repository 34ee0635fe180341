package agent_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/fetch"
	"firsthand/internal/agent"
	"firsthand/internal/agent/mask"
	"firsthand/internal/agent/mask/masktest"
)

func newMasker(t *testing.T) *mover {
	m := newMover(t, newFile(t))
	m.NewMasks = func(c mask.Config) (mask.Provider, error) {
		return mask.New(c, fetch.New(fetch.Options{AllowLoopback: true}))
	}
	return m
}

func (m *mover) masked(domain string) agent.Mask {
	m.t.Helper()
	k, err := m.MakeMask(m.t.Context(), domain)
	m.must(err)
	return k
}

// A company gets the address that was made for it, in what she tells and in what she
// changes; and a change of her own address then leaves it alone.
func TestMask(t *testing.T) {
	t.Parallel()
	m, ctx := newMasker(t), t.Context()
	if _, err := m.MakeMask(ctx, "acme.example"); fault.KindOf(err) != fault.NotExist || fault.HintOf(err) == "" {
		t.Errorf("without a provider = %v", err)
	}
	m.must(m.SetMaskConfig(ctx, mask.Config{Kind: mask.Domain, Base: "mia.example"}))
	m.must(m.SetFact(ctx, "email", firsthand.Text("mia@post.example")))

	acme, bolt := newCompany(t, "acme"), newCompany(t, "bolt")
	told := m.agreed(acme, "email", firsthand.Text("mia@post.example"))
	k := m.masked(acme.domain)
	if k.State != agent.MaskActive || !strings.HasSuffix(k.Address, "."+k.Token+"@mia.example") || m.masked(acme.domain) != k {
		t.Errorf("mask = %+v", k)
	}
	own := m.masked(bolt.domain)
	r, err := m.Meet(ctx, bolt.domain, agent.MeetOptions{})
	m.must(err)
	_, err = m.Disclose(ctx, r.ID, agent.Telling{Fact: "email", Purpose: "ServiceDelivery", Basis: firsthand.Basis{Exception: "to try it"}})
	m.must(err)
	if got := m.valueAt(r.ID, "email"); got != own.Address {
		t.Errorf("bolt was told %s, want %s", got, own.Address)
	}

	// "Tell it to acme" is a change at that company alone, of the address that it had.
	id, err := m.Begin(ctx, agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@post.example")}}, Only: []string{acme.domain}}, "tell acme")
	m.must(err)
	if got := m.valueAt(told, "email"); got != k.Address {
		t.Errorf("acme has %s, want %s", got, k.Address)
	}
	if l := leg(t, m.board(id), acme.domain); l.Step == agent.StepLeftOut {
		t.Errorf("leg = %+v", l)
	}
	facts, err := m.Facts(ctx)
	m.must(err)
	if len(facts) != 1 || facts[0].Value.String() != "mia@post.example" {
		t.Errorf("her own address is %v", facts)
	}

	id, err = m.Begin(ctx, agent.Move{Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text("mia@new.example")}}}, "move")
	m.must(err)
	for _, domain := range []string{acme.domain, bolt.domain} {
		if l := leg(t, m.board(id), domain); l.Step != agent.StepLeftOut || !strings.Contains(l.Reason, "address of its own") {
			t.Errorf("a change of her own: %+v", l)
		}
	}

	held, err := m.PauseMask(ctx, k.Token, true)
	if err != nil || held {
		t.Errorf("pause = %t, %v", held, err)
	}
	if err := m.RetireMask(ctx, own.Token); fault.KindOf(err) != fault.Conflict {
		t.Errorf("retire one in use = %v", err)
	}
	m.must(m.RetireMask(ctx, k.Token))
	m.must(m.RetireMask(ctx, k.Token))
	if _, err := m.PauseMask(ctx, k.Token, false); fault.KindOf(err) != fault.Conflict {
		t.Errorf("start one that is retired = %v", err)
	}
	if again := m.masked(acme.domain); again.Token == k.Token || again.Address == k.Address {
		t.Errorf("after it was retired: %+v", again)
	}
}

// valueAt returns what a company has of a fact, by its log.
func (m *mover) valueAt(rel firsthand.ID, fact string) (value string) {
	m.t.Helper()
	d, err := m.Show(m.t.Context(), rel)
	m.must(err)
	for _, h := range d.View.Holdings {
		if h.Fact == fact {
			value = h.Value.String()
		}
	}
	return value
}

// A mask that was ordered when the power failed is found again: there is one.
func TestMaskAfterCrash(t *testing.T) {
	t.Parallel()
	m, ctx := newMasker(t), t.Context()
	s := masktest.NewService(t)
	m.must(m.SetMaskConfig(ctx, mask.Config{Kind: mask.SimpleLogin, URL: s.URL, Key: s.Key}))
	make := m.NewMasks
	m.NewMasks = func(c mask.Config) (mask.Provider, error) {
		p, err := make(c)
		return deaf{p}, err
	}
	if _, err := m.MakeMask(ctx, "acme.example"); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("an answer that is lost = %v", err)
	}
	m.NewMasks = make
	k := m.masked("acme.example")
	if all := s.Enabled(); len(all) != 1 || !strings.EqualFold(all[0], k.Address) {
		t.Errorf("there are %v, want %s alone", all, k.Address)
	}
	if masks, err := m.Masks(ctx, ""); err != nil || len(masks) != 1 {
		t.Errorf("masks = %+v, %v", masks, err)
	}
}

// deaf is a provider whose answers are lost.
type deaf struct{ mask.Provider }

func (d deaf) Create(ctx context.Context, o mask.Order) (mask.Address, error) {
	d.Provider.Create(ctx, o)
	return mask.Address{}, fault.Unavailable
}

// Mail to a mask from elsewhere is a question, asked once; what she says counts for
// what comes later.
func TestLeak(t *testing.T) {
	t.Parallel()
	m, ctx := newMasker(t), t.Context()
	m.must(m.SetMaskConfig(ctx, mask.Config{Kind: mask.Domain, Base: "mia.example"}))
	k := m.masked("acme.example")
	now := time.Now()
	mail := func(from string) *agent.Mask {
		t.Helper()
		h := map[string][]string{"To": {k.Address}, "From": {from}}
		to, err := m.MaskedMail(ctx, func(name string) []string { return h[name] }, now)
		m.must(err)
		return to
	}
	if to := mail("news@mail.acme.example"); to == nil || to.Token != k.Token {
		t.Errorf("the company's own mail came to %+v", to)
	}
	if _, words := m.cards(now); words != "" {
		t.Errorf("after the company's own mail: %s", words)
	}
	mail("a@list.sender.example")
	mail("b@sender.example")
	cards, words := m.cards(now)
	if words != "leak acme.example" || cards[0].File != "sender.example" || cards[0].N != 2 {
		t.Errorf("after mail from elsewhere: %s, %+v", words, cards)
	}
	if err := m.JudgeLeak(ctx, k.Token, "other.example", agent.LeakReal); fault.KindOf(err) != fault.NotExist {
		t.Errorf("judge what isn't there = %v", err)
	}
	m.must(m.JudgeLeak(ctx, k.Token, "sender.example", agent.LeakTheirs))
	mail("c@sender.example")
	if _, words := m.cards(now); words != "" {
		t.Errorf("after she said whose it is: %s", words)
	}
	leaks, err := m.Leaks(ctx, "acme.example")
	if err != nil || len(leaks) != 1 || leaks[0].N != 3 || leaks[0].Verdict != agent.LeakTheirs {
		t.Errorf("leaks = %+v, %v", leaks, err)
	}
	if to, err := m.MaskedMail(ctx, func(string) []string { return []string{"acme.unknown1@mia.example"} }, now); to != nil || err != nil {
		t.Errorf("mail to no mask of hers = %+v, %v", to, err)
	}
}
