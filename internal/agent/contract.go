package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/money"
)

// A ContractRow is what is hers of a contract: a row of hers, never part of a log. It
// is kept as JSON.
type ContractRow struct {
	ID     int64        `json:"id"`
	Key    string       `json:"key,omitempty"`    // of the guess that it was made of, whose payments are its own
	Domain string       `json:"domain,omitempty"` // of the company; "" while she hasn't said
	Name   string       `json:"name"`
	Number string       `json:"number,omitempty"` // by which the company knows it
	Price  money.Amount `json:"price"`
	Period money.Period `json:"period"` // how often it is paid

	Next   firsthand.Date `json:"next,omitempty"`   // a day on which it is paid
	Renews firsthand.Date `json:"renews,omitempty"` // a day on which it goes on by itself; "": with each payment
	Term   money.Period   `json:"term"`             // by how long it goes on then; zero: as often as it is paid
	Notice money.Period   `json:"notice"`           // how long before she has to cancel
	Trial  firsthand.Date `json:"trial,omitempty"`  // the last day that costs nothing
	Ended  firsthand.Date `json:"ended,omitempty"`  // the day with which it ends or has ended

	Kept      firsthand.Date `json:"kept,omitempty"` // she has decided to keep it past this day to cancel by
	Cancelled firsthand.ID   `json:"cancelled"`      // the entry with which she cancelled it
	Haggled   firsthand.ID   `json:"haggled"`        // the entry with which she last asked for a better price
	Dismissed bool           `json:"dismissed,omitempty"`
	Note      string         `json:"note,omitempty"`
	Added     time.Time      `json:"added"`
}

// check refuses what is no contract.
func (c *ContractRow) check() error {
	if c.Domain != "" {
		if err := firsthand.CheckDomain(c.Domain); err != nil {
			return fault.Tell(fault.Invalid, err.Error(), "name the company by its domain, as in acme.example")
		}
	}
	if !c.Dismissed {
		if err := checkWord("name of a contract", c.Name); err != nil {
			return err
		}
	}
	if len(c.Note) > 2000 || len(c.Number) > 100 || len(c.Key) > 500 {
		return fault.Tell(fault.Invalid, "the note is too long", "at most 2,000 bytes")
	}
	for _, d := range []firsthand.Date{c.Next, c.Renews, c.Trial, c.Ended, c.Kept} {
		if _, err := firsthand.ParseDate(string(d)); err != nil {
			return err
		}
	}
	for _, p := range []money.Period{c.Period, c.Term, c.Notice} {
		if _, err := money.ParsePeriod(p.String()); err != nil {
			return err
		}
	}
	if c.Price.Minor < 0 || c.Price.Minor > 1e12 || c.Price.Currency != "" && !money.IsCurrency(c.Price.Currency) {
		return fault.Tell(fault.Invalid, "that is no price", "such as 12.99 EUR")
	}
	return nil
}

// AddContract notes a contract of hers, and returns its number. With a Key it is the
// guess of that key, confirmed.
func (a *Agent) AddContract(ctx context.Context, c ContractRow) (id int64, err error) {
	a.finishing.Lock()
	defer a.finishing.Unlock()
	rows, err := a.Store.Contracts(ctx)
	if err != nil {
		return 0, err
	}
	c.ID, c.Added = 1, a.Now().UTC()
	for _, r := range rows {
		if c.ID = max(c.ID, r.ID+1); c.Key != "" && r.Key == c.Key {
			return r.ID, nil // confirmed already
		}
	}
	if c.Domain, err = a.contractDomain(c.Domain); err != nil {
		return 0, err
	}
	if err := c.check(); err != nil {
		return 0, err
	}
	return c.ID, a.Store.Commit(ctx, a.contractCommit(c))
}

// contractCommit keeps a contract, and its company among hers.
func (a *Agent) contractCommit(c ContractRow) Commit {
	commit := Commit{Contracts: []ContractRow{c}}
	if c.Domain != "" && !c.Dismissed {
		yes := true
		commit.Edits = []CompanyEdit{{Domain: c.Domain, Confirmed: &yes}}
	}
	return commit
}

// contractDomain returns the key of the company that she means, "" for none.
func (a *Agent) contractDomain(domain string) (string, error) {
	if strings.TrimSpace(domain) == "" {
		return "", nil
	}
	host, err := hostOf(domain)
	return CompanyKey(host), err
}

// EditContract changes what is hers of a contract. [fault.NotExist] if there is none of
// that number.
func (a *Agent) EditContract(ctx context.Context, id int64, edit func(*ContractRow)) error {
	a.finishing.Lock()
	defer a.finishing.Unlock()
	row, err := a.contractRow(ctx, id)
	if err != nil {
		return err
	}
	before := row
	edit(&row)
	row.ID, row.Key, row.Added = before.ID, before.Key, before.Added
	if row.Domain, err = a.contractDomain(row.Domain); err != nil {
		return err
	}
	if err := row.check(); err != nil || row == before {
		return err
	}
	return a.Store.Commit(ctx, a.contractCommit(row))
}

func (a *Agent) contractRow(ctx context.Context, id int64) (ContractRow, error) {
	rows, err := a.Store.Contracts(ctx)
	if err != nil {
		return ContractRow{}, err
	}
	for _, r := range rows {
		if r.ID == id {
			return r, nil
		}
	}
	return ContractRow{}, fault.Tell(fault.NotExist, fmt.Sprintf("there is no contract %d", id), "firsthand money")
}

// DropContract forgets a contract of hers. If it was made of a guess, that is there
// again. Gone already is no error.
func (a *Agent) DropContract(ctx context.Context, id int64) error {
	return a.Store.Commit(ctx, Commit{DropContracts: []int64{id}})
}

// ConfirmContract makes a guess hers, of the company that she names; "" leaves that as
// it was guessed.
func (a *Agent) ConfirmContract(ctx context.Context, ref, domain string) (int64, error) {
	c, err := a.ContractOf(ctx, ref)
	if err != nil {
		return 0, err
	}
	if !c.Guessed {
		return c.ID, nil
	}
	row := c.ContractRow
	row.ID = 0
	row.Domain = cmp.Or(domain, row.Domain)
	return a.AddContract(ctx, row)
}

// DismissContract says that a guess is no contract. It isn't shown any more.
func (a *Agent) DismissContract(ctx context.Context, ref string) error {
	c, err := a.ContractOf(ctx, ref)
	if err != nil {
		return err
	}
	if !c.Guessed {
		return a.DropContract(ctx, c.ID)
	}
	_, err = a.AddContract(ctx, ContractRow{Key: c.Key, Name: c.Name, Dismissed: true})
	return err
}

// KeepContract says that she keeps a contract for another term: until the next day to
// cancel by, nothing reminds her.
func (a *Agent) KeepContract(ctx context.Context, id int64) error {
	c, err := a.contractByID(ctx, id)
	if err != nil {
		return err
	}
	return a.EditContract(ctx, id, func(r *ContractRow) { r.Kept = c.CancelBy })
}

func (a *Agent) contractByID(ctx context.Context, id int64) (Contract, error) {
	if _, err := a.contractRow(ctx, id); err != nil {
		return Contract{}, err
	}
	all, err := a.Contracts(ctx)
	i := slices.IndexFunc(all, func(c Contract) bool { return c.ID == id })
	if err == nil && i < 0 {
		err = fault.Tell(fault.NotExist, fmt.Sprintf("there is no contract %d", id), "firsthand money")
	}
	if err != nil {
		return Contract{}, err
	}
	return all[i], nil
}
