package agent

import (
	"archive/zip"
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
)

// What she keeps of companies, in an export: what is hers, and what kept imports
// found. What is guessed or cached follows from that. Data sets of the directory are
// nobody's life, and are not in it.

type lifeCompany struct {
	Domain    string   `json:"domain"`
	Name      string   `json:"name,omitempty"`
	Confirmed bool     `json:"confirmed"`
	Channel   string   `json:"channel,omitempty"`
	Address   string   `json:"address,omitempty"`
	Lang      string   `json:"lang,omitempty"`
	Gateway   bool     `json:"gateway"` // it was seen to have one
	Groups    []string `json:"groups"`
}

type lifeStatement struct {
	Domain string          `json:"domain"`
	Fact   string          `json:"fact"`
	Value  firsthand.Value `json:"value"`
	Since  firsthand.Date  `json:"since,omitempty"`

	Origin   firsthand.Origin `json:"origin,omitempty"`  // "" is stated
	Document firsthand.ID     `json:"document,omitzero"` // the hash of the one that it is from
}

type lifeImport struct {
	Accounts string       `json:"accounts"`        // name of their file
	Money    string       `json:"money,omitempty"` // the same of payments and contracts; "" if it has none
	Format   string       `json:"format"`
	File     string       `json:"file"`
	At       time.Time    `json:"at"`
	Counts   ImportCounts `json:"counts"`
	Bad      []BadRow     `json:"bad"`
	Digest   string       `json:"digest"`
}

// A lifeAccount is one line of a file of accounts.
type lifeAccount struct {
	Row      int        `json:"row"`
	Kind     string     `json:"kind"`
	Domain   string     `json:"domain,omitempty"`
	Host     string     `json:"host,omitempty"`
	Name     string     `json:"name,omitempty"`
	Title    string     `json:"title,omitempty"`
	URL      string     `json:"url,omitempty"`
	Login    string     `json:"login,omitempty"`
	Folder   string     `json:"folder,omitempty"`
	Why      string     `json:"why,omitempty"`
	Created  *time.Time `json:"created,omitempty"`
	Used     *time.Time `json:"used,omitempty"`
	Assigned bool       `json:"assigned,omitempty"`
	Quiet    bool       `json:"quiet,omitempty"`
}

// exportKept adds to l what she keeps of companies, and writes files of accounts by
// way of create.
func (a *Agent) exportKept(ctx context.Context, l *life, create func(name string) (io.Writer, error)) error {
	for own, err := range a.Store.Owned(ctx) {
		if err != nil {
			return err
		}
		l.Companies = append(l.Companies, lifeCompany{own.Domain, own.Name, own.Confirmed, own.Channel, own.Address, own.Lang, own.Gateway, append([]string{}, own.Groups...)})
	}
	for s, err := range a.Store.Statements(ctx, "", "") {
		if err != nil {
			return err
		}
		if !s.Guessed {
			l.Statements = append(l.Statements, lifeStatement{s.Domain, s.Fact, s.Value, s.Since, notStated(s.Origin), s.Document})
		}
	}
	contracts, err := a.Store.Contracts(ctx)
	if err != nil {
		return err
	}
	l.Contracts = contracts
	imports, err := a.Store.Imports(ctx)
	if err != nil {
		return err
	}
	for n := len(imports); n > 0; n-- { // the oldest first
		i := imports[n-1]
		if i.State != Kept {
			continue
		}
		money, err := a.exportMoney(ctx, i.ID, fmt.Sprintf("imports/%04d-money.jsonl", len(l.Imports)+1), create)
		if err != nil {
			return err
		}
		li := lifeImport{Money: money, Accounts: fmt.Sprintf("imports/%04d.jsonl", len(l.Imports)+1), Format: i.Format, File: i.File, At: i.At.UTC(),
			Counts: i.Counts, Bad: append([]BadRow{}, i.Bad...), Digest: i.Digest}
		l.Imports = append(l.Imports, li)
		w, err := create(li.Accounts)
		if err != nil {
			return err
		}
		if err := a.exportAccounts(ctx, w, i.ID); err != nil {
			return err
		}
	}
	return nil
}

func (a *Agent) exportAccounts(ctx context.Context, w io.Writer, id int64) error {
	for after := int64(0); ; {
		accounts, err := a.Store.Accounts(ctx, id, after, bringBatch)
		if err != nil || len(accounts) == 0 {
			return err
		}
		for _, acc := range accounts {
			line := lifeAccount{acc.Row, acc.Kind, acc.Domain, acc.Host, acc.Name, acc.Title, acc.URL, acc.Login, acc.Folder, acc.Why,
				orNil(acc.Created), orNil(acc.Used), acc.Assigned, acc.Quiet}
			if _, err := w.Write(append(firsthand.EncodeJSON(line), '\n')); err != nil {
				return err
			}
			after = acc.ID
		}
	}
}

// notStated leaves out the origin that most have, and older programs knew alone.
func notStated(o firsthand.Origin) firsthand.Origin {
	if o == firsthand.Stated {
		return ""
	}
	return o
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// importKept adds to c what she keeps of companies. Accounts are too many for one
// commit: they are staged as an import is, and c keeps them. undo removes what was
// staged, for when c can't be committed.
func (a *Agent) importKept(ctx context.Context, z *zip.Reader, l *life, c *Commit) (undo func() error, err error) {
	undo = func() error {
		return a.Store.Commit(context.WithoutCancel(ctx), Commit{UndoImports: c.KeepImports})
	}
	for _, own := range l.Companies {
		if err := firsthand.CheckDomain(own.Domain); err != nil {
			return undo, fault.Refuse(fault.Invalid, "json-form", "%v", err)
		}
		e := CompanyEdit{Domain: own.Domain, Name: &own.Name, Channel: &own.Channel, Address: &own.Address, Lang: &own.Lang, Confirmed: &own.Confirmed, Gateway: &own.Gateway, Groups: map[string]bool{}}
		for _, g := range own.Groups {
			e.Groups[g] = true
		}
		c.Edits = append(c.Edits, e)
	}
	for _, s := range l.Statements {
		if err := firsthand.CheckDomain(s.Domain); err != nil {
			return undo, fault.Refuse(fault.Invalid, "json-form", "%v", err)
		}
		if err := checkFact(s.Fact, s.Value); err != nil {
			return undo, err
		}
		if s.Origin != "" && !slices.Contains(TakeOrigins, s.Origin) {
			return undo, fault.Refuse(fault.Invalid, "json-form", "%.60q is no origin", s.Origin)
		}
		c.State = append(c.State, Statement{Domain: s.Domain, Fact: s.Fact, Value: s.Value, Since: s.Since, Origin: s.Origin, Document: s.Document})
	}
	if err := a.importContracts(ctx, l, c); err != nil {
		return undo, err
	}
	for _, i := range l.Imports {
		im := Import{Format: i.Format, File: i.File, At: i.At, Counts: i.Counts, Bad: i.Bad, Digest: i.Digest}
		if im.ID, err = a.Store.AddImport(ctx, im); err != nil {
			return undo, err
		}
		c.KeepImports = append(c.KeepImports, im.ID)
		if err := a.importAccounts(ctx, z, i.Accounts, im.ID); err != nil {
			return undo, fmt.Errorf("%s: %w", i.Accounts, err)
		}
		if i.Money != "" {
			if err := a.importMoney(ctx, z, i.Money, im.ID); err != nil {
				return undo, fmt.Errorf("%s: %w", i.Money, err)
			}
		}
		if _, err := a.Store.FinishImport(ctx, im); err != nil {
			return undo, err
		}
	}
	return undo, nil
}

func (a *Agent) importAccounts(ctx context.Context, z *zip.Reader, name string, id int64) error {
	f, err := z.Open(name)
	if err != nil {
		return fault.Tell(fault.Invalid, "the export lacks "+name, "make a new one: firsthand export FILE")
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<16)
	batch := make([]Account, 0, bringBatch)
	for n := 1; lines.Scan(); n++ {
		var la lifeAccount
		if err := firsthand.ParseJSON(lines.Bytes(), &la); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		acc := Account{Row: la.Row, Kind: la.Kind, Domain: la.Domain, Host: la.Host, Name: la.Name, Title: la.Title, URL: la.URL, Login: la.Login,
			Folder: la.Folder, Why: la.Why, Assigned: la.Assigned, Quiet: la.Quiet}
		if la.Created != nil {
			acc.Created = *la.Created
		}
		if la.Used != nil {
			acc.Used = *la.Used
		}
		if acc.Domain != "" && firsthand.CheckDomain(acc.Domain) != nil || !slices.Contains(AccountKinds, acc.Kind) {
			return fault.Refuse(fault.Invalid, "json-form", "line %d is no account", n)
		}
		if batch = append(batch, acc); len(batch) == bringBatch {
			if err := a.Store.AddFound(ctx, id, batch, nil); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return a.Store.AddFound(ctx, id, batch, nil)
}
