package agent

import (
	"cmp"
	"context"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/letters"
	"firsthand/internal/agent/money"
)

// What she says about a contract is a message in the log of the relationship with the
// company, carried like any other. The contract has the entry, so that nothing is said
// twice; message and contract are kept in one step.

// A Cancelling says how a contract is to be cancelled.
type Cancelling struct {
	Ends firsthand.Date // its last day; "" for the earliest possible
	Lang string         // of the letter; "" for the company's
}

// CancelContract tells the company that she cancels a contract. It is
// [fault.Conflict] if she did already, and [fault.Invalid] while it isn't said of which
// company it is.
func (a *Agent) CancelContract(ctx context.Context, id int64, o Cancelling) (Act, error) {
	c, err := a.contractByID(ctx, id)
	if err != nil {
		return Act{}, err
	}
	if !c.Cancelled.IsZero() {
		return Act{}, fault.Tell(fault.Conflict, c.Name+" is cancelled already", "firsthand money show "+c.Ref())
	}
	if _, err := firsthand.ParseDate(string(o.Ends)); err != nil {
		return Act{}, err
	}
	return a.sayOfContract(ctx, c, letters.Request{Kind: letters.Cancel, Lang: o.Lang, Ends: o.Ends}, func(r *ContractRow, entry firsthand.ID) {
		r.Cancelled, r.Ended = entry, o.Ends
	})
}

// HaggleContract asks the company for a better price. offer is what she would pay, and
// may be "". She may ask again; the last time counts.
func (a *Agent) HaggleContract(ctx context.Context, id int64, offer, lang string) (Act, error) {
	c, err := a.contractByID(ctx, id)
	if err != nil {
		return Act{}, err
	}
	if !c.Cancelled.IsZero() {
		return Act{}, fault.Tell(fault.Conflict, c.Name+" is cancelled already", "firsthand money show "+c.Ref())
	}
	if offer = strings.TrimSpace(offer); offer != "" {
		if err := checkWord("offer", offer); err != nil {
			return Act{}, err
		}
	}
	return a.sayOfContract(ctx, c, letters.Request{Kind: letters.Haggle, Lang: lang, Price: c.Price.String(), Offer: offer}, func(r *ContractRow, entry firsthand.ID) { r.Haggled = entry })
}

// sayOfContract tells the company of a contract what a letter of that request says, and
// keeps with it what edit makes of the contract.
func (a *Agent) sayOfContract(ctx context.Context, c Contract, req letters.Request, edit func(*ContractRow, firsthand.ID)) (act Act, err error) {
	if c.Domain == "" {
		return Act{}, fault.Tell(fault.Invalid, "it isn't said of which company "+c.Name+" is", "firsthand money edit "+c.Ref()+" --company COMPANY")
	}
	to, err := a.to(ctx, c.Domain, "")
	if err != nil {
		return Act{}, err
	}
	req.Lang = cmp.Or(req.Lang, to.Lang)
	text, err := contractWords(req, &c, a.today())
	if err != nil {
		return Act{}, err
	}
	rel, err := a.relationshipFor(ctx, c.Domain)
	if err != nil {
		return Act{}, err
	}
	err = a.with(ctx, rel, func(r *relationship) error {
		if r.state.At(a.Now()).Paused {
			return fault.Tell(fault.Denied, r.row.Domain+" is paused", "firsthand pause --until DATE sets another end")
		}
		if r.row.Restored {
			return fault.Tell(fault.Unavailable, "your file was restored, and "+r.row.Domain+" hasn't been asked yet what came after it", "try again later")
		}
		row, err := a.contractRow(ctx, c.ID)
		if err != nil {
			return err
		}
		if row.Cancelled != c.Cancelled || row.Haggled != c.Haggled {
			return fault.Tell(fault.Conflict, "that was said already", "firsthand money show "+c.Ref())
		}
		var with Commit
		if act, err = a.add(r, &firsthand.Message{Text: text}, &with); err != nil {
			return err
		}
		r.row.Kept = true
		edit(&row, act.Entry)
		with.Contracts = []ContractRow{row}
		return a.commit(ctx, with, r)
	})
	a.Wake()
	return act, err
}

// contractWords returns what a letter says of a contract, without what each letter
// says of itself: that is added when it is carried.
func contractWords(req letters.Request, c *Contract, made firsthand.Date) (string, error) {
	req.Made = made
	if req.Kind == letters.Haggle {
		req.Due = money.Period{N: 2, Unit: money.Week}.After(made, 1)
	}
	req.Contract = "“" + c.Name + "”"
	if c.Number != "" {
		req.Contract += " " + c.Number
	}
	l, err := letters.Compose(req)
	if err != nil {
		return "", err
	}
	return strings.Join(l.Paragraphs, "\n\n"), nil
}

// relationshipFor returns the relationship in use with a company; where there is none,
// a log of her own is opened.
func (a *Agent) relationshipFor(ctx context.Context, domain string) (firsthand.ID, error) {
	rows, err := a.Store.CompaniesAt(ctx, domain)
	if err != nil {
		return firsthand.ID{}, err
	}
	if len(rows) > 0 && !rows[0].Rel.IsZero() && !rows[0].Closed {
		return rows[0].Rel, nil
	}
	r, err := a.Meet(ctx, domain, MeetOptions{Unpaired: true, Again: true, Kept: true})
	return r.ID, err
}
