// Package rights says what a person may claim of a company by law, and by when the
// company has to answer.
//
// A [Rule] is one right under one law, with the article that gives it, its periods
// and the source of each. [Claimable] says which laws she may invoke against which
// company, and a [Clock] turns the day on which a request was received into the days
// that count. [AuthorityFor] says to whom she may complain.
//
// All of it computes: it reads no clock, asks nobody, and it is no legal advice.
package rights

import (
	"slices"

	"firsthand/fault"
)

// Rights, by the words of [firsthand.Request].
const (
	Access  = "access"  // what they hold, where it is from, who has got it
	Correct = "correct" // put right what is wrong
	Erase   = "erase"
	Port    = "port"    // what she gave them, in a form that a machine reads
	Object  = "object"  // no longer use it
	OptOut  = "opt_out" // neither sell nor share it
)

// All are the rights, in the order in which pages show them.
func All() []string { return []string{Access, Correct, Erase, Port, Object, OptOut} }

// Laws, as requests and letters name them.
const (
	GDPR = "GDPR"
	UK   = "UK GDPR"
	CCPA = "CCPA"
)

// Laws returns the laws that this package knows.
func Laws() []string { return []string{GDPR, UK, CCPA} }

// A Rule is one right under one law.
type Rule struct {
	ID    string // of the clock, see docs
	Law   string
	Right string
	// Article is where the law gives the right, as the law numbers it: "15",
	// "1798.110". Letters put the name of the law to it in their own language.
	Article string
	// TimeArticle is where the law, or the regulation that completes it, sets the
	// time to answer.
	TimeArticle string

	Confirm Period // to say that the request has come; zero: nothing is owed
	Answer  Period
	Extend  Period // counted from receipt, all in all; zero: it can't be extended

	Source string // where all that stands
}

// RuleOf returns the rule of a right under a law. Its error is [fault.NotExist]
// where the law has no such right, or nobody here knows the law.
func RuleOf(law, right string) (Rule, error) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.Law == law && r.Right == right })
	if i < 0 {
		return Rule{}, fault.Tell(fault.NotExist, law+" has no right "+right+" that is known here", "the laws are GDPR, UK GDPR and CCPA; the rights access, correct, erase, port, object and opt_out")
	}
	return rules[i], nil
}

const (
	gdprSource = "Regulation (EU) 2016/679, Art. 12(3) and 15 to 21; periods by Regulation (EEC, Euratom) 1182/71 Art. 3; EDPB Guidelines 01/2022"
	ukSource   = "UK GDPR (legislation.gov.uk, eur/2016/679), Art. 12, 12A and 15 to 21"
	ccpaSource = "Cal. Civ. Code 1798.100 to 1798.130; 11 CCR 7021"
	optSource  = "Cal. Civ. Code 1798.120; 11 CCR 7026(f)"
)

// The rules. Source of each is in its last field; Articles are those of the law.
var rules = []Rule{
	{"gdpr-12-3", GDPR, Access, "15", "12(3)", Period{}, oneMonth, threeMonths, gdprSource},
	{"gdpr-16-17-19", GDPR, Correct, "16", "12(3)", Period{}, oneMonth, threeMonths, gdprSource},
	{"gdpr-16-17-19", GDPR, Erase, "17", "12(3)", Period{}, oneMonth, threeMonths, gdprSource},
	{"gdpr-12-3", GDPR, Port, "20", "12(3)", Period{}, oneMonth, threeMonths, gdprSource},
	{"gdpr-12-3", GDPR, Object, "21", "12(3)", Period{}, oneMonth, threeMonths, gdprSource},
	// European law knows no sale of data; who sells or shares for marketing has to
	// stop when she objects to that, and what stood on her consent when she takes it
	// back.
	{"gdpr-21-3", GDPR, OptOut, "21(2)", "12(3)", Period{}, oneMonth, threeMonths, gdprSource},

	{"uk-12a", UK, Access, "15", "12A", Period{}, oneMonth, threeMonths, ukSource},
	{"uk-12a", UK, Correct, "16", "12A", Period{}, oneMonth, threeMonths, ukSource},
	{"uk-12a", UK, Erase, "17", "12A", Period{}, oneMonth, threeMonths, ukSource},
	{"uk-12a", UK, Port, "20", "12A", Period{}, oneMonth, threeMonths, ukSource},
	{"uk-12a", UK, Object, "21", "12A", Period{}, oneMonth, threeMonths, ukSource},
	{"uk-12a", UK, OptOut, "21(2)", "12A", Period{}, oneMonth, threeMonths, ukSource},

	{"ccpa-7021", CCPA, Access, "1798.110", "7021", Period{Business: 10}, Period{Days: 45}, Period{Days: 90}, ccpaSource},
	{"ccpa-7021", CCPA, Correct, "1798.106", "7021", Period{Business: 10}, Period{Days: 45}, Period{Days: 90}, ccpaSource},
	{"ccpa-7021", CCPA, Erase, "1798.105", "7021", Period{Business: 10}, Period{Days: 45}, Period{Days: 90}, ccpaSource},
	// There it is part of the right to know: the answer has to be portable.
	{"ccpa-7021", CCPA, Port, "1798.130", "7021", Period{Business: 10}, Period{Days: 45}, Period{Days: 90}, ccpaSource},
	{"ccpa-7026", CCPA, OptOut, "1798.120", "7026", Period{}, Period{Business: 15}, Period{}, optSource},
}

// A Period is a span of time that a law leaves. Exactly one member is set; the zero
// Period is none.
type Period struct{ Months, Days, Business int }

var oneMonth, threeMonths = Period{Months: 1}, Period{Months: 3}

// IsZero reports whether p is none.
func (p Period) IsZero() bool { return p == Period{} }
