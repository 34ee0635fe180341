// Package letters has the words in which a person writes to companies: short, polite
// and legally precise, in the language of the company.
//
// [Compose] turns a [Request] into a [Letter]. The words of each language stand in
// words/*.txt as letters are written, so that whoever knows the language can judge
// and mend them. What a company, a file or she supplies goes into the letter as
// text, and nothing of it is ever read as anything else.
//
// What a letter says about the law and its clock is asked of package rights.
package letters

import (
	"crypto/sha256"
	"encoding/base32"

	"firsthand"
	"firsthand/internal/agent/channel"
)

// Kinds of letters.
const (
	Change   = "change"   // a fact has a new value
	Disclose = "disclose" // a fact, for a purpose
	Withdraw = "withdraw" // what was told is taken back
	Message  = "message"  // her own words
	Leave    = "leave"    // the account is to be closed
	Terms    = "terms"    // she proffers terms

	Access  = "access"
	Correct = "correct"
	Erase   = "erase"
	Port    = "port"
	Object  = "object"
	OptOut  = "opt_out"

	Reminder  = "reminder"  // of a request whose answer is overdue
	Complaint = "complaint" // to an authority, about a company that did not answer
	Cancel    = "cancel"    // a contract
	Haggle    = "haggle"    // over a contract's price
)

// Kinds returns all kinds of letters.
func Kinds() []string {
	return []string{Change, Disclose, Withdraw, Message, Leave, Terms, Access, Correct, Erase, Port, Object, OptOut, Reminder, Complaint, Cancel, Haggle}
}

// Languages are those that [Compose] writes.
func Languages() []string { return []string{"en", "de", "fr", "nl", "es"} }

// A Sender is who writes: only what the company already has of her, and the letter
// is about nothing else.
type Sender struct {
	Name  string
	Lines []string // postal address, without the name
	Mail  string
}

// An Identifier is something by which the company finds her in its records.
type Identifier struct {
	Fact  string // customer_number, login, email …
	Value string
}

// A Request says what to write.
type Request struct {
	Lang string // one of Languages; "" for English
	Kind string
	To   channel.To
	From Sender
	// Known is what the company needs to find her, and no more than that.
	Known []Identifier

	Fact     string          // change, disclose, withdraw; correct: what is wrong
	Old, New firsthand.Value // as far as known; Old alone of withdraw
	Purpose  string          // disclose: DPV name
	Until    firsthand.Date  // disclose: "" for no end

	// Right and Law are of requests, and of the request that a reminder or a
	// complaint is about. Scope is the fact that it is about, "" for all.
	Right, Law, Scope string
	Text              string // hers; of a message all of it
	Terms             []firsthand.TermsRef

	Ref  string // see Ref
	Made firsthand.Date
	Due  firsthand.Date // by when the law wants the answer; "" for none
	// Confirm is by when the law wants receipt confirmed; "" for nothing owed.
	Confirm firsthand.Date

	// Asked is when the request was made that a reminder or a complaint is about,
	// Missed when its answer was due, Reminded when she last reminded.
	Asked, Missed, Reminded firsthand.Date
	// About is the company that a complaint is about; To is the authority then.
	About channel.To

	// Contract is what a cancel or a haggle is about: "mobile phone contract 4711".
	Contract string
	Ends     firsthand.Date // cancel: its last day; "" for the earliest possible
	Price    string         // haggle: what she pays now, as it should be read
	Offer    string         // haggle: what she would pay; "" leaves it to them
}

// A Letter is what [Compose] makes: text in its parts, each free of anything that
// acts. A paragraph may have several lines, and those that begin with blanks are
// values that stand by themselves.
type Letter struct {
	Lang       string
	Ref        string
	Date       string // of the letter, in words of its language
	Subject    string // one line
	Salutation string
	Paragraphs []string
	Closing    string
	Signature  string
	Enclosed   string // what stands over the enclosures
	Enclosures []string
	Info       []Line // for the block beside the address
}

// A Line is one label with its text.
type Line struct{ Label, Text string }

// Ref returns the reference of all letters of one relationship. It means nothing to
// anybody else, and no two companies have the same.
func Ref(rel firsthand.ID) string {
	h := sha256.New()
	h.Write([]byte("firsthand-ref-v1"))
	h.Write(rel[:])
	return "FH-" + base32.StdEncoding.EncodeToString(h.Sum(nil))[:10]
}
