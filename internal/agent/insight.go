package agent

import (
	"context"
	"time"

	"firsthand"
)

// An Insight is her map: who knows her, and what do they hold.
type Insight struct {
	Companies, Guessed int              // all, and those of which only an import says so
	Gateways           int              // that are known to have one
	Relationships      int              // not closed
	Agreements         []AgreementCount // of those, by code
	Unagreed           int              // of those, with a gateway and no agreement
	Facts              []FactInsight
	Silent             int         // no sign for three years
	Oldest             []Company   // at most five, by the first sign
	Duplicates         int         // companies at which she has two accounts or more
	Emails             int         // different addresses that companies know
	Addresses          []MailCount // at most ten, those that most companies know
	Now                time.Time
}

// A FactInsight is how many companies hold one fact.
type FactInsight struct {
	Fact    string
	Holds   int // companies
	Old     int // of them, those that have another value than she has noted; 0 if she has noted none
	Guessed int // of them, those of which only an import says so
}

// An AgreementCount is with how many companies one agreement is in force.
type AgreementCount struct {
	Code      string
	Companies int
}

// A MailCount is how many companies know one address.
type MailCount struct {
	Value     firsthand.Value // folded: in lower case
	Companies int
	Guessed   int
	Current   bool // it is what she has noted as hers
}

// Map returns her map. It is counted in the store, and quick at 10,000 companies.
func (a *Agent) Map(ctx context.Context) (Insight, error) {
	now := a.Now()
	in, err := a.Store.Insight(ctx, now.AddDate(-silentYears, 0, 0))
	in.Now = now
	return in, err
}
