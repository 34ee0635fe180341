package policy_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/internal/agent/policy"
	"firsthand/terms"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// state returns the state of a relationship in which entries were written in
// turn: first's, and second's, each as the content says.
func state(t *testing.T, say ...func(s *firsthand.State) (firsthand.Side, firsthand.Content)) *firsthand.State {
	t.Helper()
	keys := map[firsthand.Side]*firsthand.Signer{
		firsthand.First: firsthand.SignerFromSeed([32]byte{1}), firsthand.Second: firsthand.SignerFromSeed([32]byte{2})}
	s := firsthand.NewState()
	write := func(side firsthand.Side, c firsthand.Content) {
		t.Helper()
		e, err := s.Write(keys[side], side, now, bytes.Repeat([]byte{7}, 32), c)
		if err != nil {
			t.Fatalf("%s: %v", c.Kind(), err)
		}
		if err := s.Take(e); err != nil {
			t.Fatal(err)
		}
	}
	write(firsthand.First, &firsthand.Open{Role: "customer", Key: keys[firsthand.First].Public(), Next: firsthand.ID{1}, Domain: "acme.example", CompanyKey: keys[firsthand.Second].Public()})
	write(firsthand.Second, &firsthand.Open{Role: "company", Key: keys[firsthand.Second].Public(), Next: firsthand.ID{2}})
	for _, f := range say {
		write(f(s))
	}
	return s
}

type step = func(s *firsthand.State) (firsthand.Side, firsthand.Content)

func ours() firsthand.TermsRef {
	a, _ := terms.Default().Lookup("FIRSTHAND-SD-BASE")
	return a.Ref()
}

func offer(ref firsthand.TermsRef) step {
	return func(*firsthand.State) (firsthand.Side, firsthand.Content) {
		return firsthand.First, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{ref}}
	}
}

func accept(s *firsthand.State) (firsthand.Side, firsthand.Content) {
	o := s.Offers[len(s.Offers)-1]
	return firsthand.Second, &firsthand.TermsAccept{Offer: o.Entry, Terms: o.Terms[0]}
}

func end(from firsthand.Date) step {
	return func(s *firsthand.State) (firsthand.Side, firsthand.Content) {
		return firsthand.Second, &firsthand.TermsEnd{Agreement: s.Agreements[0].Entry, From: from}
	}
}

func pause(until firsthand.Date) step {
	return func(*firsthand.State) (firsthand.Side, firsthand.Content) {
		return firsthand.First, &firsthand.Pause{Until: until}
	}
}

func leave(*firsthand.State) (firsthand.Side, firsthand.Content) {
	return firsthand.First, &firsthand.Close{}
}

func TestDecide(t *testing.T) {
	foreign := firsthand.TermsRef{Code: "THEIRS", Version: "1", Hash: firsthand.ID{9}}
	never := []policy.Rule{{Fact: "birth_date", Never: true}, {Fact: "address.*", Domain: "other.example", Never: true}}
	tests := []struct {
		name          string
		say           []step
		fact, purpose string
		basis         firsthand.Basis
		allowed       bool
		reason        string
	}{
		{name: "no terms", fact: "phone", purpose: "ServiceDelivery", reason: "no agreement"},
		{name: "offered and not accepted", say: []step{offer(ours())}, fact: "phone", purpose: "ServiceDelivery", reason: "no agreement"},
		{name: "agreed", say: []step{offer(ours()), accept}, fact: "phone", purpose: "ServiceDelivery", allowed: true, reason: "FIRSTHAND-SD-BASE"},
		{name: "a purpose the terms prohibit", say: []step{offer(ours()), accept}, fact: "phone", purpose: "Marketing", reason: "does not cover"},
		{name: "a purpose nobody knows", say: []step{offer(ours()), accept}, fact: "phone", purpose: "Whatever", reason: "does not cover"},
		{name: "no purpose", say: []step{offer(ours()), accept}, fact: "phone", reason: "does not cover"},
		{name: "terms that are not in the roster", say: []step{offer(foreign), accept}, fact: "phone", purpose: "ServiceDelivery", reason: "not in the roster"},
		{name: "ended yesterday", say: []step{offer(ours()), accept, end("2026-11-20")}, fact: "phone", purpose: "ServiceDelivery", reason: "no agreement"},
		{name: "ends today", say: []step{offer(ours()), accept, end("2026-11-21")}, fact: "phone", purpose: "ServiceDelivery", reason: "no agreement"},
		{name: "ends tomorrow", say: []step{offer(ours()), accept, end("2026-11-22")}, fact: "phone", purpose: "ServiceDelivery", allowed: true},
		{name: "her rule", say: []step{offer(ours()), accept}, fact: "birth_date", purpose: "ServiceDelivery", reason: "your rule"},
		{name: "her rule for another company", say: []step{offer(ours()), accept}, fact: "address.home", purpose: "ServiceDelivery", allowed: true},
		{name: "her exception against her rule", fact: "birth_date", basis: firsthand.Basis{Exception: "at the counter"}, allowed: true, reason: "at the counter"},
		{name: "a right", fact: "phone", basis: firsthand.Basis{Right: "GDPR 16"}, allowed: true, reason: "GDPR 16"},
		{name: "another agreement than the one named", say: []step{offer(ours()), accept}, fact: "phone", purpose: "ServiceDelivery", basis: firsthand.Basis{Agreement: firsthand.ID{5}}, reason: "the one named"},
		{name: "paused", say: []step{offer(ours()), accept, pause("2026-11-21")}, fact: "phone", basis: firsthand.Basis{Exception: "x"}, reason: "paused"},
		{name: "paused until yesterday", say: []step{offer(ours()), accept, pause("2026-11-20")}, fact: "phone", purpose: "ServiceDelivery", allowed: true},
		{name: "closed", say: []step{offer(ours()), accept, leave}, fact: "phone", basis: firsthand.Basis{Right: "GDPR 16"}, reason: "closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := policy.Decide(policy.Question{State: state(t, tt.say...), Now: now, Roster: terms.Default(), Rules: never,
				Fact: tt.fact, Purpose: tt.purpose, Basis: tt.basis})
			if d.Allowed != tt.allowed || !strings.Contains(d.Reason, tt.reason) {
				t.Errorf("%+v, want allowed %v because %q", d, tt.allowed, tt.reason)
			}
			if d.Allowed && d.Basis == (firsthand.Basis{}) {
				t.Error("allowed without a basis")
			}
		})
	}
}

func TestForbidden(t *testing.T) {
	rules := []policy.Rule{{Fact: "email", Domain: "books.example", Never: true}, {Fact: "birth_*", Never: true}}
	for at, want := range map[[2]string]bool{
		{"email", "books.example"}: true, {"email", "www.books.example"}: true, {"email", "evilbooks.example"}: false, {"email", "example"}: false,
		{"email", ""}: false, {"phone", "books.example"}: false, {"birth_date", ""}: true, {"birth_date", "acme.example"}: true,
	} {
		if got := policy.Forbidden(rules, at[0], at[1]); got != want {
			t.Errorf("%s to %q: forbidden is %t, want %t", at[0], at[1], got, want)
		}
	}
}
