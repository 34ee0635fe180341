package agenttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
	"firsthand/logtest"
)

// account returns an Account in which no field is zero that an import sets.
func account(t testing.TB, domain, login string) agent.Account {
	t.Helper()
	acc := agent.Account{ID: 1, Import: 1, Row: 7, Domain: domain, Host: "login." + domain, Name: "Acme", Title: "Acme\n'; --", URL: "https://login." + domain + "/",
		Login: login, Folder: "Shops", Kind: agent.LoginAccount, Why: "odd", Created: noon.AddDate(-3, 0, 0), Used: noon, Assigned: true, Quiet: true}
	noZero(t, acc)
	acc.ID, acc.Import, acc.Why, acc.Assigned, acc.Quiet = 0, 0, "", false, false
	return acc
}

// bring makes a preview of what was found.
func bring(t testing.TB, s agent.Store, accounts ...agent.Account) int64 {
	t.Helper()
	i := agent.Import{Format: "chrome", File: "passwords.csv", At: noon}
	i.ID = must(s.AddImport(t.Context(), i))(t)
	if err := s.AddFound(t.Context(), i.ID, accounts, nil); err != nil {
		t.Fatal(err)
	}
	must(s.FinishImport(t.Context(), i))(t)
	return i.ID
}

// company returns the row of one company; the zero Company if there is none.
func company(t testing.TB, s agent.Store, domain string) (found agent.Company) {
	t.Helper()
	rows, _, err := s.Companies(t.Context(), agent.CompanyQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range rows {
		if c.Domain == domain {
			found = c
		}
	}
	return found
}

func pointer[T any](v T) *T { return &v }

// confirm is an edit by which a company is hers.
func confirm(domain string) agent.CompanyEdit {
	return agent.CompanyEdit{Domain: domain, Confirmed: pointer(true)}
}

var keptChecks = []check{
	{"what is hers of a company", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		commit(t, s, agent.Commit{Edits: []agent.CompanyEdit{
			{Domain: "b.example", Name: pointer("Bé"), Channel: pointer("letter"), Gateway: pointer(true), Groups: map[string]bool{"shops": true, "music": true}},
			{Domain: "b.example", Name: pointer("Brasserie 'B'"), Groups: map[string]bool{"music": false, "food": true}},
			confirm("a.example"), {Domain: "b.example", Address: pointer("Markt 1\n9000 Gent"), Lang: pointer("nl")}, {Domain: "c.example", Groups: map[string]bool{"shops": false}}, {Domain: "d.example", Name: pointer("")},
		}})
		wantEqual(t, "owned", collect(t, s.Owned(ctx)), []agent.OwnCompany{{Domain: "a.example", Confirmed: true},
			{Domain: "b.example", Name: "Brasserie 'B'", Channel: "letter", Address: "Markt 1\n9000 Gent", Lang: "nl", Gateway: true, Groups: []string{"food", "shops"}}})
		own, err := s.Own(ctx, "b.example", "nobody.example", "b.example")
		b := own["b.example"]
		wantEqual(t, "own", fmt.Sprint(b.Address, b.Lang, b.Groups, err), fmt.Sprint("Markt 1\n9000 Gent", "nl", []string{"food", "shops"}, nil))
		wantEqual(t, "own", fmt.Sprint(len(own), own["nobody.example"]), fmt.Sprint(2, agent.OwnCompany{Domain: "nobody.example"}))
		wantEqual(t, "own of none", len(must(s.Own(ctx))(t)), 0)
		wantEqual(t, "groups", must(s.Groups(ctx))(t), []agent.GroupCount{{Name: "food", Companies: 1}, {Name: "shops", Companies: 1}})
		rows, total, err := s.Companies(ctx, agent.CompanyQuery{})
		wantEqual(t, "companies", fmt.Sprint(rows, total, err), fmt.Sprint([]agent.Company{{Domain: "a.example", Name: "a.example"},
			{Domain: "b.example", Name: "Brasserie 'B'", Channel: "letter", Gateway: true, Groups: []string{"food", "shops"}}}, 2, nil))
		for search, want := range map[string]int{"bRASSERIE 'b": 1, "A.Example": 1, "example": 2, "nothing": 0} {
			rows, total, err := s.Companies(ctx, agent.CompanyQuery{Search: search})
			if len(rows) != want || total != want || err != nil {
				t.Errorf("search for %s: %d rows of %d, %v", search, len(rows), total, err)
			}
		}
		commit(t, s, agent.Commit{Edits: []agent.CompanyEdit{{Domain: "a.example", Confirmed: pointer(false)},
			{Domain: "b.example", Name: pointer(""), Channel: pointer(""), Address: pointer(""), Gateway: pointer(false), Groups: map[string]bool{"food": false, "shops": false}}}})
		wantEqual(t, "companies", len(must(collected(s.Owned(ctx)))(t)), 1)
		commit(t, s, agent.Commit{Edits: []agent.CompanyEdit{{Domain: "b.example", Lang: pointer("")}}})
		wantEqual(t, "companies", len(must(collected(s.Owned(ctx)))(t)), 0)
		if _, total, err := s.Companies(ctx, agent.CompanyQuery{}); total != 0 || err != nil {
			t.Errorf("%d companies, %v", total, err)
		}
	}},
	{"a query that isn't one", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		for _, q := range []agent.CompanyQuery{{Sort: "domain; DROP TABLE company"}, {Show: "all"}} {
			if _, _, err := s.Companies(t.Context(), q); !errors.Is(err, fault.Invalid) {
				t.Errorf("%+v = %v, want %v", q, err, fault.Invalid)
			}
		}
	}},
	{"an account comes back whole", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		want := account(t, "acme.example", "Mia@Old.example")
		empty := agent.Account{Kind: agent.LoginAccount, Why: "none"}
		card := agent.CardFound{ID: 1, Import: 1, Row: 3, Name: "Mia 語", Org: "Acme", Own: true, Facts: []agent.Fact{{Name: "address.home", Value: home}}}
		noZero(t, card)
		im := agent.Import{ID: 1, Format: "vcard", File: "my \"cards\".vcf", At: noon, State: agent.Reading, Counts: agent.ImportCounts{Payments: 1, Incoming: 2, Contracts: 3, Mails: 4, Unproved: 5, Columns: importer.Mapping{Name: "x"}, Rows: 9, Bad: 1, Companies: 5,
			New: 5, Merged: 5, Unsure: 5, Persons: 2, Passwords: 3, OneTimeCodes: 4, Keys: 5, Notes: 6, Cards: 7}, Bad: []agent.BadRow{{Row: 4, Why: "cut off"}}, Digest: "abc", Again: true}
		noZero(t, im)
		noZero(t, im.Counts)
		im.Again = false
		im.ID = must(s.AddImport(ctx, im))(t)
		if err := s.AddFound(ctx, im.ID, []agent.Account{want}, []agent.CardFound{card}); err != nil {
			t.Fatal(err)
		}
		if err := s.AddFound(ctx, im.ID, []agent.Account{empty}, nil); err != nil {
			t.Fatal(err)
		}
		got := must(s.FinishImport(ctx, im))(t)
		im.State, im.At = agent.Preview, im.At.UTC()
		im.Counts.Companies, im.Counts.New, im.Counts.Merged, im.Counts.Unsure = 1, 1, 0, 1
		wantEqual(t, "import", got, im)
		wantEqual(t, "imports", must(s.Imports(ctx))(t), []agent.Import{im})
		accounts, cards := must(s.Accounts(ctx, im.ID, 0, 0))(t), must(s.Cards(ctx, im.ID))(t)
		if len(accounts) != 2 || len(cards) != 1 || accounts[0].ID >= cards[0].ID || cards[0].ID >= accounts[1].ID {
			t.Fatalf("IDs don't rise: %+v, %+v", accounts, cards)
		}
		want.ID, want.Import, want.Created, want.Used = accounts[0].ID, im.ID, want.Created.UTC(), want.Used.UTC()
		empty.ID, empty.Import = accounts[1].ID, im.ID
		card.ID, card.Import = cards[0].ID, im.ID
		wantEqual(t, "accounts", accounts, []agent.Account{want, empty})
		wantEqual(t, "cards", cards, []agent.CardFound{card})
		wantEqual(t, "the second", must(s.Accounts(ctx, im.ID, want.ID, 1))(t), []agent.Account{empty})
		rows, total, err := s.PreviewCompanies(ctx, im.ID, 0, 10)
		wantEqual(t, "preview", fmt.Sprint(rows, total, err),
			fmt.Sprint([]agent.PreviewRow{{Domain: "acme.example", Name: "Acme", Accounts: 1, Hosts: []string{"login.acme.example"}, New: true}}, 1, nil))
		unsure, total, err := s.Unsure(ctx, im.ID, 0, 10)
		wantEqual(t, "unsure", fmt.Sprint(unsure, total, err), fmt.Sprint([]agent.Account{empty}, 1, nil))
	}},
	{"nothing counts before it is kept", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		id := bring(t, s, account(t, "acme.example", "mia@old.example"), account(t, "acme.example", "mia"))
		before := dump(t, s, nil)
		if k := before.Kept; len(k.Companies)+len(k.Statements)+len(k.Suggested) > 0 || before.Kept.Insight.Companies != 0 {
			t.Errorf("a preview counts: %v", before.Kept)
		}
		commit(t, s, agent.Commit{KeepImports: []int64{id}})
		commit(t, s, agent.Commit{KeepImports: []int64{id}})
		wantEqual(t, "company", company(t, s, "acme.example"), agent.Company{Domain: "acme.example", Name: "Acme", Guessed: true, Held: 1, Accounts: 2,
			Since: noon.AddDate(-3, 0, 0).UTC().Truncate(time.Second), Used: noon.UTC().Truncate(time.Second)})
		wantEqual(t, "statements", collect(t, s.Statements(ctx, agent.MailFact, "acme.example")), []agent.Statement{{Domain: "acme.example", Fact: agent.MailFact,
			Value: firsthand.Text("mia@old.example"), Since: "2023-11-21", Guessed: true, Import: id, Kind: agent.LoginAccount, Origin: firsthand.Stated}})
		commit(t, s, agent.Commit{UndoImports: []int64{id}})
		commit(t, s, agent.Commit{UndoImports: []int64{id}})
		wantSame(t, dump(t, s, nil), everything{Kept: new(kept)})
	}},
	{"of the same account the newest counts", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		old, young := account(t, "acme.example", "mia"), account(t, "acme.example", "mia")
		old.Title, young.Title = "old", "young"
		other := account(t, "other.example", "mia")
		one, two := bring(t, s, old, old, other), bring(t, s, young)
		for _, order := range [][]int64{{one, two}, {two, one}} {
			commit(t, s, agent.Commit{KeepImports: order[:1]})
			commit(t, s, agent.Commit{KeepImports: order[1:]})
			got := must(s.CompanyAccounts(ctx, "acme.example"))(t)
			if len(got) != 1 || got[0].Title != "young" || company(t, s, "acme.example").Accounts != 1 {
				t.Fatalf("kept %v: %+v", order, got)
			}
			if order[0] == one {
				break
			}
		}
		commit(t, s, agent.Commit{UndoImports: []int64{two}})
		if got := must(s.CompanyAccounts(ctx, "acme.example"))(t); len(got) != 1 || got[0].Title != "old" {
			t.Errorf("after the newer was undone: %+v", got)
		}
		if c := company(t, s, "other.example"); c.Accounts != 1 {
			t.Errorf("another company has changed: %+v", c)
		}
	}},
	{"undoing an import leaves what is hers", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		p := logtest.NewPair(t, "acme")
		domains := []string{"confirmed.example", "grouped.example", "stated.example", "met.example", "named.example", "guessed.example"}
		var accounts []agent.Account
		for _, d := range domains {
			accounts = append(accounts, account(t, d, "mia@old.example"))
		}
		id := bring(t, s, accounts...)
		commit(t, s, agent.Commit{KeepImports: []int64{id}})
		commit(t, s, agent.Commit{
			Edits: []agent.CompanyEdit{confirm(domains[0]), {Domain: domains[1], Groups: map[string]bool{"shops": true}}, {Domain: domains[4], Name: pointer("N")}},
			State: []agent.Statement{{Domain: domains[2], Fact: "phone", Value: firsthand.Text("1")}}, Relationships: []agent.Relationship{row(p, domains[3])}, Entries: p.All()})
		for _, d := range domains {
			if c := company(t, s, d); c.Guessed != (d == "guessed.example") {
				t.Errorf("%s: guessed = %v", d, c.Guessed)
			}
		}
		commit(t, s, agent.Commit{UndoImports: []int64{id}})
		for _, d := range domains {
			c := company(t, s, d)
			if (c.Domain == "") != (d == "guessed.example") || c.Accounts != 0 || c.Guessed {
				t.Errorf("%s is %+v", d, c)
			}
		}
	}},
	{"statements", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		id := bring(t, s, account(t, "acme.example", "mia@old.example"), account(t, "acme.example", "Mia@Work.example"))
		hers := agent.Statement{Domain: "acme.example", Fact: agent.MailFact, Value: firsthand.Text("mia@new.example"), Since: "2026-01-02", Guessed: true, Import: 9, Kind: "login", Origin: firsthand.Stated, Document: firsthand.ID{7}}
		noZero(t, hers)
		at := agent.FactAt{Domain: hers.Domain, Fact: hers.Fact}
		commit(t, s, agent.Commit{KeepImports: []int64{id}, State: []agent.Statement{{Domain: "b.example", Fact: "address.home", Value: home}, {Domain: "b.example", Fact: "phone"}}})
		all := func() (texts []string) {
			for _, st := range collect(t, s.Statements(ctx, "", "")) {
				texts = append(texts, fmt.Sprint(st.Domain, " ", st.Fact, " ", st.Value, " ", st.Guessed))
			}
			return texts
		}
		rest := []string{"b.example address.home " + home.String() + " false", "b.example phone  false"}
		guesses := []string{"acme.example email mia@old.example true", "acme.example email Mia@Work.example true"}
		want := func(mails ...string) {
			t.Helper()
			wantEqual(t, "statements", all(), slices.Insert(slices.Clone(rest), 1, mails...))
		}
		want(guesses...)
		commit(t, s, agent.Commit{State: []agent.Statement{hers}})
		hers.Guessed, hers.Import, hers.Kind = false, 0, ""
		want("acme.example email mia@new.example false")
		wantEqual(t, "statement", collect(t, s.Statements(ctx, "", "acme.example")), []agent.Statement{hers})
		commit(t, s, agent.Commit{Unstate: []agent.FactAt{at}}) // hers, and what is guessed
		want()
		// In a newer export of the same, what she said holds.
		again := bring(t, s, account(t, "acme.example", "mia@old.example"))
		commit(t, s, agent.Commit{KeepImports: []int64{again}})
		want()
		commit(t, s, agent.Commit{Unstate: []agent.FactAt{{Domain: "b.example", Fact: "phone"}, {Domain: "b.example", Fact: "address.home"}}})
		wantEqual(t, "statements", all(), nil)
	}},
	{"an account is assigned to a company", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		app := agent.Account{Kind: agent.LoginAccount, Why: "app", URL: "android://app", Login: "mia@old.example"}
		id := bring(t, s, app, account(t, "acme.example", "mia"))
		acc := must(s.Accounts(ctx, id, 0, 1))(t)[0]
		commit(t, s, agent.Commit{Assign: []agent.Assignment{{Account: acc.ID, Domain: "bank.example"}}})
		if n := must(s.Imports(ctx))(t)[0].Counts; n.Companies != 2 || n.Unsure != 0 || n.New != 2 {
			t.Errorf("counts = %+v", n)
		}
		commit(t, s, agent.Commit{KeepImports: []int64{id}})
		if c := company(t, s, "bank.example"); c.Accounts != 1 || c.Held != 1 {
			t.Errorf("company = %+v", c)
		}
		again := bring(t, s, app) // is known
		commit(t, s, agent.Commit{KeepImports: []int64{again}})
		if got := must(s.CompanyAccounts(ctx, "bank.example"))(t); len(got) != 1 || got[0].Import != again {
			t.Errorf("accounts = %+v", got)
		}
		err := s.Commit(ctx, agent.Commit{Assign: []agent.Assignment{{Account: 1 << 40}}})
		if !errors.Is(err, fault.NotExist) {
			t.Errorf("assign = %v, want %v", err, fault.NotExist)
		}
	}},
	{"a company is forgotten", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		p := logtest.NewPair(t, "acme")
		id := bring(t, s, account(t, "acme.example", "mia@old.example"), account(t, "met.example", "mia"))
		commit(t, s, agent.Commit{KeepImports: []int64{id}, Edits: []agent.CompanyEdit{{Domain: "acme.example", Name: pointer("A"), Groups: map[string]bool{"shops": true}}},
			State: []agent.Statement{{Domain: "acme.example", Fact: "phone"}}, Relationships: []agent.Relationship{row(p, "shop.met.example")}, Entries: p.All()})
		before := dump(t, s, nil)
		for _, domains := range [][]string{{"met.example"}, {"acme.example", "met.example"}} {
			if err := s.Commit(t.Context(), agent.Commit{Drop: domains}); !errors.Is(err, fault.Conflict) {
				t.Errorf("drop = %v, want %v", err, fault.Conflict)
			}
		}
		wantSame(t, dump(t, s, nil), before)
		commit(t, s, agent.Commit{Drop: []string{"acme.example", "none.example"}})
		got := dump(t, s, nil).Kept
		if len(got.Companies) != 1 || len(got.Statements) != 0 || len(got.Owned) != 0 || len(got.Groups) != 0 || len(got.Imports[0].Accounts) != 1 {
			t.Errorf("after: %v", got)
		}
	}},
	{"an import that can't be kept", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		id := must(s.AddImport(ctx, agent.Import{}))(t)
		for _, id := range []int64{id, 99} {
			if err := s.Commit(ctx, agent.Commit{KeepImports: []int64{id}, Facts: []agent.Fact{{Name: "email", Value: firsthand.Text("x")}}}); !errors.Is(err, fault.NotExist) {
				t.Errorf("keep = %v, want %v", err, fault.NotExist)
			}
		}
		wantEqual(t, "facts", must(s.Facts(ctx))(t), nil)
		must(s.FinishImport(ctx, agent.Import{ID: id}))(t)
		if err := s.AddFound(ctx, id, nil, nil); !errors.Is(err, fault.NotExist) {
			t.Errorf("add = %v, want %v", err, fault.NotExist)
		}
		if _, err := s.FinishImport(ctx, agent.Import{ID: id}); !errors.Is(err, fault.NotExist) {
			t.Errorf("finish = %v, want %v", err, fault.NotExist)
		}
		commit(t, s, agent.Commit{UndoImports: []int64{id}})
		if next := must(s.AddImport(ctx, agent.Import{}))(t); next <= id {
			t.Errorf("import %d after %d", next, id)
		}
	}},
	{"a program that ends while it reads a file", func(t testing.TB, f Fixture) {
		if f.Reopen == nil {
			return
		}
		s, ctx := f.Open(t), t.Context()
		stays := bring(t, s, account(t, "acme.example", "mia"))
		id := must(s.AddImport(ctx, agent.Import{Format: "chrome"}))(t)
		if err := s.AddFound(ctx, id, []agent.Account{account(t, "b.example", "mia")}, nil); err != nil {
			t.Fatal(err)
		}
		s = f.Reopen(t, s)
		if all := must(s.Imports(ctx))(t); len(all) != 1 || all[0].ID != stays {
			t.Errorf("imports = %+v", all)
		}
		wantEqual(t, "accounts", must(s.Accounts(ctx, id, 0, 0))(t), nil)
	}},
	{"listings", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		set := listing("jdm", directory.Record{Key: "2", Name: "Acme Shop", Hosts: []string{"shop.acme.example", "acme.example"}},
			directory.Record{Key: "1", Hosts: []string{"acme.example"}, Shares: &directory.Shares{Hosts: []string{"acme.example", "acme2.example"}}})
		noZero(t, set.Set)
		noZero(t, set.Listing)
		commit(t, s, agent.Commit{SetListings: []agent.ListingSet{listing("jdm", directory.Record{Key: "9", Hosts: []string{"old.example"}}), set}, Edits: []agent.CompanyEdit{confirm("acme.example")}})
		set.Added = set.Added.UTC()
		wantEqual(t, "sets", must(s.Listings(ctx))(t), []agent.Listing{set.Listing})
		wantEqual(t, "records", string(firsthand.EncodeJSON(must(s.Records(ctx, "acme.example", "shop.acme.example", "old.example"))(t))),
			string(firsthand.EncodeJSON([]directory.Record{set.All[1], set.All[0]})))
		wantEqual(t, "records of none", len(must(s.Records(ctx))(t)), 0)
		wantEqual(t, "all records", len(collect(t, s.AllRecords(ctx))), 2)
		wantEqual(t, "name", company(t, s, "acme.example").Name, "Acme Shop")
		commit(t, s, agent.Commit{DropListings: []string{"jdm", "none"}})
		wantEqual(t, "name", company(t, s, "acme.example").Name, "acme.example")
		wantEqual(t, "records", len(must(s.Records(ctx, "acme.example"))(t)), 0)
	}},
	{"payments, and what files say of contracts", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		id := must(s.AddImport(ctx, agent.Import{Format: "ofx", At: noon}))(t)
		if err := s.AddFound(ctx, id, []agent.Account{account(t, "acme.example", "mia")}, nil); err != nil {
			t.Fatal(err)
		}
		pay := agent.Payment{Row: 3, Day: "2026-01-05", Amount: money.Amount{Minor: 1299, Currency: "EUR"}, Name: "Acme", Text: "text", Ref: "ref", Creditor: "cred", Mandate: "m", Domain: "acme.example"}
		bound := agent.Bound{Row: 4, Domain: "acme.example", Title: "Acme Plus", Contract: importer.Contract{Price: pay.Amount, Period: money.Period{N: 1, Unit: money.Month},
			Next: "2026-02-05", Trial: "2026-01-31", Ended: "2027-01-01"}}
		for range 2 {
			if err := s.AddMoney(ctx, id, []agent.Payment{pay, pay}, []agent.Bound{bound}); err != nil {
				t.Fatal(err)
			}
		}
		pay.Import, bound.Import = id, id
		var pays []agent.Payment
		var bounds []agent.Bound
		for n := range int64(6) {
			if n%3 == 2 {
				bound.ID = id<<32 + 2 + n
				bounds = append(bounds, bound)
			} else {
				pay.ID = id<<32 + 2 + n
				pays = append(pays, pay)
			}
		}
		noZero(t, pay)
		noZero(t, bound)
		wantEqual(t, "payments", must(s.Payments(ctx, id, 0, 0))(t), pays)
		wantEqual(t, "some payments", must(s.Payments(ctx, id, pays[0].ID, 2))(t), pays[1:3])
		wantEqual(t, "bounds", must(s.Bounds(ctx, id))(t), bounds)
		wantEqual(t, "payments that count", collect(t, s.PaidKept(ctx)), nil)
		wantEqual(t, "bounds that count", must(s.Bounds(ctx, 0))(t), nil)
		must(s.FinishImport(ctx, agent.Import{ID: id}))(t)
		if err := s.AddMoney(ctx, id, []agent.Payment{pay}, nil); !errors.Is(err, fault.NotExist) {
			t.Errorf("add to a preview = %v", err)
		}
		commit(t, s, agent.Commit{KeepImports: []int64{id}})
		wantEqual(t, "payments that count", collect(t, s.PaidKept(ctx)), pays)
		wantEqual(t, "bounds that count", must(s.Bounds(ctx, 0))(t), bounds)
		commit(t, s, agent.Commit{UndoImports: []int64{id}})
		wantSame(t, dump(t, s, nil), everything{Kept: new(kept)})
	}},
	{"signs are no accounts", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		mail, paid := account(t, "acme.example", "mia@old.example"), account(t, "acme.example", "mia")
		mail.Kind, paid.Kind, paid.Login = agent.MailAccount, agent.PaidAccount, ""
		id := bring(t, s, mail, paid)
		commit(t, s, agent.Commit{KeepImports: []int64{id}})
		if c := company(t, s, "acme.example"); c.Accounts != 0 || c.Held != 1 || !c.Guessed {
			t.Errorf("company = %+v", c)
		}
	}},
	{"contracts", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		row := agent.ContractRow{ID: 7, Key: "paid:x/EUR/1", Domain: "acme.example", Name: "Acme", Number: "4711", Price: money.Amount{Minor: 1299, Currency: "EUR"},
			Period: money.Period{N: 1, Unit: money.Month}, Next: "2026-02-05", Renews: "2027-01-01", Term: money.Period{N: 1, Unit: money.Year}, Notice: money.Period{N: 3, Unit: money.Month},
			Trial: "2026-01-31", Ended: "2028-01-01", Kept: "2026-09-30", Cancelled: firsthand.ID{1}, Haggled: firsthand.ID{2}, Dismissed: true, Note: "note", Added: noon.UTC()}
		noZero(t, row)
		other := agent.ContractRow{ID: 3, Name: "B"}
		commit(t, s, agent.Commit{Contracts: []agent.ContractRow{row, other}})
		wantEqual(t, "contracts", must(s.Contracts(ctx))(t), []agent.ContractRow{other, row})
		row.Name = "Acme Plus"
		commit(t, s, agent.Commit{Contracts: []agent.ContractRow{row}, DropContracts: []int64{3, 99}})
		if f.Reopen != nil {
			s = f.Reopen(t, s)
		}
		wantEqual(t, "contracts", must(s.Contracts(ctx))(t), []agent.ContractRow{row})
		if err := s.Commit(ctx, agent.Commit{Contracts: []agent.ContractRow{{Name: "no ID"}}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("a contract without its ID: %v", err)
		}
		commit(t, s, agent.Commit{DropContracts: []int64{7}})
		wantSame(t, dump(t, s, nil), everything{Kept: new(kept)})
	}},
	{"what is cached can be made anew", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		w := newWalk(t, rand.New(rand.NewPCG(3, 4)))
		for range 20 {
			w.bring(t, s)
			err := s.Commit(t.Context(), w.commit(t))
			w.committed(err == nil)
		}
		before := dump(t, s, w.rels)
		wantEqual(t, "differed", must(s.RebuildCompanies(t.Context()))(t), nil)
		wantSame(t, dump(t, s, w.rels), before)
	}},
}

// listing returns a data set in which no field is zero.
func listing(name string, records ...directory.Record) agent.ListingSet {
	for i := range records {
		records[i].Set = name
	}
	set := directory.Set{Name: name, Source: "https://example.org/", Licence: "CC0", Version: "v1", Date: "2026-01-02", Records: len(records), Skipped: []string{"one"}, More: 2}
	return agent.ListingSet{Listing: agent.Listing{Set: set, From: "/tmp/set", Added: noon}, All: records}
}

// bring has every store make the same preview, now and then, and returns which.
func (w *walk) bring(t testing.TB, stores ...agent.Store) {
	t.Helper()
	if !w.chance(2) {
		return
	}
	var accounts []agent.Account
	for range w.rng.IntN(6) {
		acc := agent.Account{Row: w.rng.IntN(99), Domain: w.domain(), Kind: []string{agent.LoginAccount, agent.AliasAccount, agent.ContactAccount}[w.rng.IntN(3)],
			Login: []string{"", "mia", "mia@old.example", "MIA@old.example", "mia@new.example"}[w.rng.IntN(5)], Name: []string{"", "Acme", "zoo"}[w.rng.IntN(3)]}
		if acc.Host = []string{"", "www.", "login."}[w.rng.IntN(3)]; acc.Host != "" {
			acc.Host += acc.Domain
		}
		if w.chance(5) {
			acc.Domain = ""
		}
		if w.chance(2) {
			acc.Created, acc.Used = w.time(), w.time()
		}
		accounts = append(accounts, acc)
	}
	cards := []agent.CardFound{{Name: w.text()}}[:w.rng.IntN(2)]
	var payments []agent.Payment
	for range w.rng.IntN(4) {
		payments = append(payments, agent.Payment{Row: w.rng.IntN(99), Day: "2026-01-05", Amount: money.Amount{Minor: w.rng.Int64N(999), Currency: "EUR"}, Name: w.text(), Domain: w.domain()})
	}
	bounds := []agent.Bound{{Title: w.text(), Domain: w.domain()}}[:w.rng.IntN(2)]
	finish := !w.chance(6)
	var got []agent.Import
	for _, s := range stores {
		i := agent.Import{Format: "chrome", File: "x", At: noon}
		i.ID = must(s.AddImport(t.Context(), i))(t)
		if err := s.AddFound(t.Context(), i.ID, accounts, cards); err != nil {
			t.Fatal(err)
		}
		if err := s.AddMoney(t.Context(), i.ID, payments, bounds); err != nil {
			t.Fatal(err)
		}
		if finish {
			i = must(s.FinishImport(t.Context(), i))(t)
		} else if err := s.Commit(t.Context(), agent.Commit{UndoImports: []int64{i.ID}}); err != nil { // as after a failure
			t.Fatal(err)
		}
		got = append(got, i)
	}
	w.imports = got[0].ID
	for _, i := range got {
		wantEqual(t, "import", i, got[0])
	}
}

func (w *walk) domain() string {
	return []string{"a.example", "b.example", "c.example", "1.example"}[w.rng.IntN(4)]
}

// companies adds parts about companies to c.
func (w *walk) companies(c *agent.Commit) {
	if w.chance(3) {
		c.Edits = append(c.Edits, agent.CompanyEdit{Domain: w.domain(), Groups: map[string]bool{"shops": w.chance(2)}})
	}
	if w.chance(3) {
		e := agent.CompanyEdit{Domain: w.domain(), Confirmed: pointer(w.chance(2)), Gateway: pointer(w.chance(2))}
		if w.chance(2) {
			e.Name, e.Channel = pointer([]string{"", "É" + w.text()}[w.rng.IntN(2)]), pointer([]string{"", "letter"}[w.rng.IntN(2)])
		}
		if w.chance(3) {
			e.Address, e.Lang = pointer([]string{"", w.text() + "\nGent"}[w.rng.IntN(2)]), pointer([]string{"", "fr"}[w.rng.IntN(2)])
		}
		c.Edits = append(c.Edits, e)
	}
	fact := func() string { return []string{agent.MailFact, "fact1"}[w.rng.IntN(2)] }
	if w.chance(4) {
		c.State = append(c.State, agent.Statement{Domain: w.domain(), Fact: fact(), Value: w.value(), Since: "2026-01-02",
			Origin: []firsthand.Origin{"", firsthand.Told, firsthand.Inferred}[w.rng.IntN(3)], Document: firsthand.ID{byte(w.rng.IntN(2))}})
	}
	if w.chance(5) {
		c.Unstate = append(c.Unstate, agent.FactAt{Domain: w.domain(), Fact: fact()})
	}
	id := func() int64 { return 1 + w.rng.Int64N(w.imports+1) }
	if w.chance(6) && w.imports > 0 {
		c.Assign = append(c.Assign, agent.Assignment{Account: id()<<32 + 1 + w.rng.Int64N(3), Domain: []string{"", w.domain()}[w.rng.IntN(2)]})
	}
	if w.chance(2) && w.imports > 0 {
		c.KeepImports = append(c.KeepImports, id())
	}
	if w.chance(6) {
		c.UndoImports = append(c.UndoImports, id())
	}
	if w.chance(8) {
		c.Drop = append(c.Drop, w.domain())
	}
	if w.chance(10) {
		c.SetListings = append(c.SetListings, listing("set"+fmt.Sprint(w.rng.IntN(2)), directory.Record{Key: w.text(), Name: w.text(), Hosts: []string{w.domain()}}))
	}
	if w.chance(5) {
		c.Contracts = append(c.Contracts, agent.ContractRow{ID: 1 + w.rng.Int64N(4), Name: w.text(), Added: w.time()})
	}
	if w.chance(8) {
		c.DropContracts = append(c.DropContracts, 1+w.rng.Int64N(4))
	}
	if w.chance(12) {
		c.DropListings = append(c.DropListings, "set0")
	}
	if w.chance(4) {
		c.Facts = append(c.Facts, agent.Fact{Name: agent.MailFact, Value: firsthand.Text("Mia@New.example"), Updated: w.time()})
	}
}
