// Package channel is how entries reach a company that has no gateway.
//
// What she says to such a company is an entry in an unpaired log, like all that
// she says. A channel turns the entry into what a person, a mail server or a
// printer can carry: a [Draft]. Drafts are made when they are looked at and kept
// nowhere: the entry is what is kept, and the same [Parcel] gives the same draft.
//
// Package channeltest is the suite that every channel must pass, and
// docs/adding-a-channel.md the way to write one. The native channel, entries over
// HTTP to a gateway, is none of these: it is the agent's outbox.
package channel

import (
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"

	"firsthand"
)

// A Channel is one way to reach companies. It has no state, reads no clock and
// calls nobody. Its methods may be called from several goroutines.
type Channel interface {
	// Name is that by which she chooses it, one lower-case word: manual, mail.
	Name() string

	// Way says whether the channel can reach the company, and what that takes.
	Way(To) (Way, bool)

	// Prepare makes what is to be carried. The same parcel gives the same draft.
	// The error is [fault.Invalid] where the channel can't carry such an entry,
	// or can't reach the company.
	Prepare(Parcel) (Draft, error)
}

// Papers for letters, each with the window of its country's envelopes.
const (
	A4       = "a4"     // for a window envelope DL or C6/5, DIN 5008 form B
	USLetter = "letter" // US Letter, for a window envelope no. 10
)

// Groups of a change's preview; see Way.
const (
	Instant  = "instant"   // a gateway takes it by itself
	Prepared = "prepared"  // all is ready, and carried when she says so
	NeedsYou = "needs you" // she carries it herself
	LeftOut  = "left out"  // it goes nowhere, for a reason
)

// A Way says what it takes to reach a company.
type Way struct {
	Group string // Prepared or NeedsYou
	Say   string // where it goes, in words for her: "on its account page"
	// LastResort says that every other channel that can goes before it: nothing is
	// known of where to go.
	LastResort bool
}

// To is a company as a channel may know it. All but Domain may be empty.
type To struct {
	Domain string // the key by which she has it
	Name   string
	// What a directory lists: addresses of the company's pages, as they stand
	// there. They are somebody else's text; see Page.
	AccountURL string // where details are changed, else where one signs in
	DeleteURL  string // where an account is closed
	Email      string // for privacy matters, or where she writes to it
	// From is her mail address for this company: her own, or one that is its alone;
	// "" where she has no account to send from.
	From    string
	Phone   string
	Address string // lines
	Lang    string // in which to write to it; "" for English
	Source  string // who says all that, and when
	// Hosts are the other hosts that belong to the company, or that a directory
	// lists for it.
	Hosts []string
}

// A Parcel is one entry to be carried.
type Parcel struct {
	Entry   firsthand.ID
	Made    time.Time
	To      To
	Content firsthand.Content // Change, Disclose, Withdraw, Message, Request, Close, TermsOffer
	// Fact and Old are what Content itself doesn't say: of a Withdraw which fact
	// it is about, and of a Change or Withdraw what the company has, if known.
	Fact string
	Old  firsthand.Value
	// Hers, as the company knows her: the facts it holds, by name.
	Hers map[string]firsthand.Value
	// Ref is the reference of all that is carried in this relationship. It is no ID
	// of ours and means nothing to anybody else; "" for none.
	Ref string
}

// A Draft is a parcel made ready.
type Draft struct {
	Entry firsthand.ID
	Link  string // where to go: https, at a host of the company; "" for none
	Steps []Step // in the order in which to take them
	Text  string // a letter, an e-mail, or what to say at the counter
	// Subject of an e-mail. Name is hers in it, if the company has it, and Lang the
	// language it is in.
	Subject, Name, Lang string
}

// A Step is one thing to do: something to enter, or something to look for.
type Step struct {
	Label string // in words for her
	Was   string // what stands there now, if known
	Copy  string // what to enter there; "" where there is nothing to copy
}

// Page returns raw as the address of a page that may be offered to her for to,
// and whether it may: https, without name, password or port, at a host
// of the company or one that the directory lists for it. What anybody else
// may choose is never offered.
func (to *To) Page(raw string) (string, bool) {
	if raw == "" || len(raw) > 2048 || strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '\\' }) {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || u.Port() != "" || !to.owns(u.Hostname()) {
		return "", false
	}
	return u.String(), true
}

// owns reports whether host is one of the company's.
func (to *To) owns(host string) bool {
	if !plainHost(host) {
		return false
	}
	host = strings.ToLower(host)
	for _, own := range append([]string{to.Domain}, to.Hosts...) {
		own = strings.ToLower(own)
		if plainHost(own) && (host == own || strings.HasSuffix(host, "."+own)) {
			return true
		}
	}
	return false
}

// plainHost reports whether host is a name of letters, digits, hyphens and dots,
// with at least one dot, and no address.
func plainHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return false
		}
	}
	return true
}

// Site returns the company's own page, https://domain/, if its domain is one.
func (to *To) Site() (string, bool) { return to.Page("https://" + to.Domain + "/") }
