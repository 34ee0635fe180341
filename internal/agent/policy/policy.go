// Package policy decides what may be told to whom. It is pure: facts about the
// relationship, terms, her rules and the time go in, a decision with its reason
// comes out. It is asked before anything leaves, and what nothing permits is
// denied.
package policy

import (
	"path"
	"strings"
	"time"

	"firsthand"
	"firsthand/terms"
)

// A Rule is a standing decision of hers about a fact.
type Rule struct {
	Fact   string `json:"fact"`             // a fact, or a pattern such as address.* (path.Match)
	Domain string `json:"domain,omitempty"` // one company, with its subdomains; "" is all
	Never  bool   `json:"never"`            // never tell it, and decline asks for it
}

// A Question is whether one fact may be told to one company.
type Question struct {
	State   *firsthand.State
	Now     time.Time
	Roster  *terms.Roster
	Rules   []Rule
	Fact    string
	Purpose string
	// Basis is what she names; if it is zero, Decide looks for an agreement in
	// force that covers the purpose.
	Basis firsthand.Basis
}

// A Decision is the answer. Basis is what the disclosure stands on, if it is
// allowed; Reason says why it is not, or why it is, in words for her.
type Decision struct {
	Allowed bool
	Basis   firsthand.Basis
	Reason  string
}

// NoAgreement is the reason where her terms are still to be agreed, or a right of hers
// to be named.
const NoAgreement = "there is no agreement with this company"

func no(reason string) Decision { return Decision{Reason: reason} }

// Decide answers q. Her own named exception or a legal right goes before her
// rules and the terms, since she decides it for this case and it is recorded as
// what it is; nothing goes before a pause or an end.
func Decide(q Question) Decision {
	view := q.State.At(q.Now)
	switch {
	case view.Closed:
		return no("the relationship is closed")
	case view.Paused:
		return no("the relationship is paused")
	case q.Basis.Exception != "":
		return Decision{true, q.Basis, "your exception: " + q.Basis.Exception}
	case q.Basis.Right != "":
		return Decision{true, q.Basis, q.Basis.Right}
	case Forbidden(q.Rules, q.Fact, q.State.Opened.Domain):
		return no("your rule: never tell " + q.Fact)
	case len(view.Agreements) == 0:
		return no(NoAgreement)
	}
	reason := no("no agreement in force is the one named")
	for i := len(view.Agreements) - 1; i >= 0; i-- { // the latest first
		a := view.Agreements[i]
		if !q.Basis.Agreement.IsZero() && q.Basis.Agreement != a.Entry {
			continue
		}
		agreed, err := q.Roster.Resolve(a.Terms)
		if err != nil {
			reason = no("the agreement " + a.Terms.Code + " is not in the roster here, so what it covers is unknown")
			continue
		}
		if !agreed.Covers(q.Purpose).Covered {
			reason = no("the agreement " + a.Terms.Code + " does not cover the purpose " + q.Purpose)
			continue
		}
		return Decision{true, firsthand.Basis{Agreement: a.Entry}, "agreement " + a.Terms.Code}
	}
	return reason
}

// Forbidden reports whether a rule forbids telling fact to domain.
func Forbidden(rules []Rule, fact, domain string) bool {
	for _, r := range rules {
		if ok, _ := path.Match(r.Fact, fact); ok && r.Never && (r.Domain == "" || r.Domain == domain || strings.HasSuffix(domain, "."+r.Domain)) {
			return true
		}
	}
	return false
}
