package agent

import (
	"archive/zip"
	"bufio"
	"context"
	"io"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// A lifeMoney is one line of a file of what was paid: a payment if it has a Day, else
// what a file says of a contract.
type lifeMoney struct {
	Row      int            `json:"row"`
	Day      firsthand.Date `json:"day,omitempty"`
	Amount   money.Amount   `json:"amount"`
	Name     string         `json:"name"`
	Text     string         `json:"text,omitempty"`
	Ref      string         `json:"ref,omitempty"`
	Creditor string         `json:"creditor,omitempty"`
	Mandate  string         `json:"mandate,omitempty"`
	Domain   string         `json:"domain,omitempty"`

	Period money.Period   `json:"period"`
	Next   firsthand.Date `json:"next,omitempty"`
	Trial  firsthand.Date `json:"trial,omitempty"`
	Ended  firsthand.Date `json:"ended,omitempty"`
}

// exportMoney writes what an import found of payments and contracts, and returns the
// name of the file, "" if there is nothing.
func (a *Agent) exportMoney(ctx context.Context, id int64, name string, create func(name string) (io.Writer, error)) (string, error) {
	bounds, err := a.Store.Bounds(ctx, id)
	if err != nil {
		return "", err
	}
	var w io.Writer
	put := func(m lifeMoney) error {
		if w == nil {
			if w, err = create(name); err != nil {
				return err
			}
		}
		_, err := w.Write(append(firsthand.EncodeJSON(m), '\n'))
		return err
	}
	for after := int64(0); ; {
		payments, err := a.Store.Payments(ctx, id, after, bringBatch)
		if err != nil {
			return "", err
		}
		if len(payments) == 0 {
			break
		}
		for _, p := range payments {
			if err := put(lifeMoney{Row: p.Row, Day: p.Day, Amount: p.Amount, Name: p.Name, Text: p.Text, Ref: p.Ref, Creditor: p.Creditor, Mandate: p.Mandate, Domain: p.Domain}); err != nil {
				return "", err
			}
			after = p.ID
		}
	}
	for _, b := range bounds {
		if err := put(lifeMoney{Row: b.Row, Amount: b.Price, Name: b.Title, Domain: b.Domain, Period: b.Period, Next: b.Next, Trial: b.Trial, Ended: b.Ended}); err != nil {
			return "", err
		}
	}
	if w == nil {
		return "", nil
	}
	return name, nil
}

// importMoney stages what exportMoney wrote.
func (a *Agent) importMoney(ctx context.Context, z *zip.Reader, name string, id int64) error {
	f, err := z.Open(name)
	if err != nil {
		return fault.Tell(fault.Invalid, "the export lacks "+name, "make a new one: firsthand export FILE")
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<16)
	var payments []Payment
	var bounds []Bound
	flush := func() error {
		err := a.Store.AddMoney(ctx, id, payments, bounds)
		payments, bounds = payments[:0], bounds[:0]
		return err
	}
	for n := 1; lines.Scan(); n++ {
		var m lifeMoney
		if err := firsthand.ParseJSON(lines.Bytes(), &m); err != nil {
			return fault.Refuse(fault.Invalid, "json-form", "line %d: %v", n, err)
		}
		if m.Domain != "" && firsthand.CheckDomain(m.Domain) != nil {
			return fault.Refuse(fault.Invalid, "json-form", "line %d names no company", n)
		}
		if m.Day != "" {
			payments = append(payments, Payment{Row: m.Row, Day: m.Day, Amount: m.Amount, Name: m.Name, Text: m.Text, Ref: m.Ref, Creditor: m.Creditor, Mandate: m.Mandate, Domain: m.Domain})
		} else {
			bounds = append(bounds, Bound{Row: m.Row, Domain: m.Domain, Title: m.Name,
				Contract: importer.Contract{Price: m.Amount, Period: m.Period, Next: m.Next, Trial: m.Trial, Ended: m.Ended}})
		}
		if len(payments)+len(bounds) >= bringBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return flush()
}

// importContracts adds contracts of hers to c. They get numbers after those that are
// there already.
func (a *Agent) importContracts(ctx context.Context, l *life, c *Commit) error {
	rows, err := a.Store.Contracts(ctx)
	if err != nil {
		return err
	}
	last := int64(0)
	for _, r := range rows {
		last = max(last, r.ID)
	}
	for _, r := range l.Contracts {
		last++
		r.ID = last
		if err := r.check(); err != nil {
			return err
		}
		c.Contracts = append(c.Contracts, r)
	}
	return nil
}
