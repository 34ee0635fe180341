package agenttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"
	"testing"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/directory"
	"firsthand/logtest"
)

// everything is all that can be read of a store about some relationships, facts
// and settings, and what it has of all of them.
type everything struct {
	Relationships []agent.Relationship
	Each          []eachOf
	Holders       []agent.Holder
	Facts         []agent.Fact
	Labels        int
	HasLabel      bool
	Settings      []string
	Outbox        []agent.Outgoing // by relationship
	Held          map[firsthand.ID][]int64
	Moves         []moveOf
	Tasks         []agent.Task
	Due           []agent.Task
	Reminders     int // of tasks
	Mails         []agent.Mail
	Answers       []agent.Answer // the newest first
	Waits         []agent.Waiting
	Later         map[string]firsthand.Date
	Masks         []agent.Mask
	Leaks         []agent.Leak

	// What is kept of companies. A test that says what it wants of the rest may leave
	// it out.
	Kept *kept
}

// kept is all that can be read of a store about companies.
type kept struct {
	Companies  []agent.Company // by name
	Owned      []agent.OwnCompany
	Groups     []agent.GroupCount
	Statements []agent.Statement
	Suggested  []agent.Suggestion
	Insight    agent.Insight
	Imports    []importOf
	Paid       []agent.Payment
	Bounds     []agent.Bound
	Contracts  []agent.ContractRow
	Listings   []agent.Listing
	Records    []string // what is listed, sorted
	Lists      []listOf // of a few queries
	At         []atOf   // each of the companies
}

func (k *kept) String() string { return fmt.Sprintf("%+v", *k) }

// importOf is what a store has of one import.
type importOf struct {
	agent.Import
	Accounts, Unsure []agent.Account
	Preview          []agent.PreviewRow
	Cards            []agent.CardFound
	Payments         []agent.Payment
	Bounds           []agent.Bound
}

// listOf is what a query finds.
type listOf struct {
	Query string
	Total int
	Page  []string
}

// atOf is what a store has of one company beside its row.
type atOf struct {
	Domain        string
	Accounts      []agent.Account
	Relationships []firsthand.ID
	Holders       []agent.Holder
	Listed        string
}

// moveOf is what a store has of one move.
type moveOf struct {
	agent.MoveRow
	Legs []agent.LegState
}

// eachOf is what a store has of one relationship.
type eachOf struct {
	ID            firsthand.ID
	Known         bool
	Heads         [2]firsthand.Head
	First, Second []firsthand.Entry
	Receipts      [][]byte
	Evidence      []agent.Evidence
	Drafts        []agent.Draft
	Carried       []agent.Carried
	Waiting       []agent.Waiting
}

// Dump returns all that can be read of s about some relationships and settings,
// and what it has of all of them, as text that can be compared: two stores that
// hold the same give the same.
func Dump(ctx context.Context, s agent.Store, rels []firsthand.ID, settings ...string) (string, error) {
	all, err := readAll(ctx, s, rels, settings...)
	return normal(all), err
}

// readAll reads what Dump returns. Draft IDs are a store's own: they are checked
// to rise, and then counted from 1.
func readAll(ctx context.Context, s agent.Store, rels []firsthand.ID, settings ...string) (all everything, err error) {
	var errs [9]error
	all.Relationships, errs[0] = s.Relationships(ctx)
	all.Holders, errs[1] = collected(s.Holders(ctx, ""))
	all.Facts, errs[2] = s.Facts(ctx)
	all.Labels, errs[3] = s.Labels(ctx)
	all.Later, errs[5] = s.Later(ctx)
	all.Masks, errs[7] = s.Masks(ctx, "")
	all.Leaks, errs[8] = s.Leaks(ctx)
	all.Waits, _, errs[6] = s.Waits(ctx, today, 1000)
	k, err := s.Label(ctx)
	if all.HasLabel = err == nil && k.Label != (firsthand.Label{}) && !k.Hash.IsZero(); !errors.Is(err, fault.NotExist) {
		errs[4] = err
	}
	if err := errors.Join(errs[:]...); err != nil {
		return all, err
	}
	if err := readMoves(ctx, s, &all); err != nil {
		return all, err
	}
	if err := readMail(ctx, s, &all); err != nil {
		return all, err
	}
	for _, rel := range rels {
		each, err := readEach(ctx, s, rel, all.Relationships)
		if err != nil {
			return all, fmt.Errorf("relationship %s: %w", rel, err)
		}
		all.Each = append(all.Each, each)
	}
	for _, name := range settings {
		value, err := s.Setting(ctx, name)
		if err != nil {
			return all, err
		}
		all.Settings = append(all.Settings, value)
	}
	all.Kept = new(kept)
	return all, readKept(ctx, s, all.Kept)
}

// queries are a few of which the pages are compared.
func queries() (all []agent.CompanyQuery) {
	for _, sort := range []string{agent.ByName, agent.ByHeld, agent.ByUsed, agent.ByStep, agent.ByDue} {
		for _, desc := range []bool{false, true} {
			all = append(all, agent.CompanyQuery{Sort: sort, Desc: desc, Offset: 1, Limit: 3})
		}
	}
	for _, show := range []string{agent.ShowGuessed, agent.ShowConfirmed, agent.ShowGateway, agent.ShowSilent, agent.ShowDuplicates, agent.ShowAgreed, agent.ShowLate} {
		all = append(all, agent.CompanyQuery{Show: show, Silent: noon, Today: "2027-01-01"})
	}
	return append(all, agent.CompanyQuery{Search: "1"}, agent.CompanyQuery{Group: "shops", Sort: agent.ByHeld}, agent.CompanyQuery{Holds: agent.MailFact},
		agent.CompanyQuery{Holds: "fact1", Search: "a"}, agent.CompanyQuery{Holds: agent.MailFact, Value: " MIA@old.example"})
}

func readKept(ctx context.Context, s agent.Store, all *kept) error {
	var errs [11]error
	all.Paid, errs[8] = collected(s.PaidKept(ctx))
	all.Bounds, errs[9] = s.Bounds(ctx, 0)
	all.Contracts, errs[10] = s.Contracts(ctx)
	all.Companies, _, errs[0] = s.Companies(ctx, agent.CompanyQuery{})
	all.Owned, errs[1] = collected(s.Owned(ctx))
	all.Groups, errs[2] = s.Groups(ctx)
	all.Statements, errs[3] = collected(s.Statements(ctx, "", ""))
	all.Suggested, errs[4] = s.Suggestions(ctx, 5)
	all.Insight, errs[5] = s.Insight(ctx, noon)
	all.Listings, errs[6] = s.Listings(ctx)
	records, err := collected(s.AllRecords(ctx))
	for errs[7] = err; len(records) > 0; records = records[1:] {
		all.Records = append(all.Records, string(firsthand.EncodeJSON(records[0])))
	}
	slices.Sort(all.Records)
	for _, fact := range []string{agent.MailFact, "fact1", "phone", "none"} {
		for offset := range 3 {
			page, total, err := s.HeldPage(ctx, fact, offset, 2*offset) // 0: all
			if err != nil {
				return err
			}
			l := listOf{Query: fmt.Sprint("who holds ", fact, " from ", offset), Total: total}
			for _, h := range page {
				l.Page = append(l.Page, string(firsthand.EncodeJSON(h)))
			}
			if total > 0 {
				all.Lists = append(all.Lists, l)
			}
		}
	}
	for _, q := range queries() {
		page, total, err := s.Companies(ctx, q)
		if err != nil {
			return err
		}
		l := listOf{Query: fmt.Sprintf("%+v", q), Total: total}
		for _, c := range page {
			l.Page = append(l.Page, c.Domain)
		}
		if total > 0 {
			all.Lists = append(all.Lists, l)
		}
	}
	imports, err := s.Imports(ctx)
	for _, i := range imports {
		of := importOf{Import: i}
		var errs [6]error
		of.Payments, errs[4] = s.Payments(ctx, i.ID, 0, 0)
		of.Bounds, errs[5] = s.Bounds(ctx, i.ID)
		of.Accounts, errs[0] = s.Accounts(ctx, i.ID, 0, 0)
		of.Unsure, _, errs[1] = s.Unsure(ctx, i.ID, 0, 0)
		if of.Cards, errs[2] = s.Cards(ctx, i.ID); i.State != agent.Reading { // nothing was counted yet
			of.Preview, _, errs[3] = s.PreviewCompanies(ctx, i.ID, 0, 0)
		}
		all.Imports = append(all.Imports, of)
		err = errors.Join(err, errors.Join(errs[:]...))
	}
	var domains []string
	for _, c := range all.Companies {
		domains = append(domains, c.Domain)
	}
	if again, aerr := s.CompaniesAt(ctx, append(domains, "none.example")...); aerr != nil || len(again) != len(domains) {
		err = errors.Join(err, aerr, fmt.Errorf("%d companies at the domains of %d", len(again), len(domains)))
	}
	for _, c := range all.Companies {
		of := atOf{Domain: c.Domain}
		var errs [4]error
		of.Accounts, errs[0] = s.CompanyAccounts(ctx, c.Domain)
		var rels []agent.Relationship
		rels, errs[1] = s.CompanyRelationships(ctx, c.Domain)
		for _, r := range rels {
			of.Relationships = append(of.Relationships, r.ID)
		}
		of.Holders, errs[2] = s.CompanyHolders(ctx, c.Domain)
		var listed []directory.Record
		listed, errs[3] = s.Records(ctx, directory.Hosts(c.Domain)...)
		of.Listed = string(firsthand.EncodeJSON(listed))
		all.At = append(all.At, of)
		err = errors.Join(err, errors.Join(errs[:]...))
	}
	return errors.Join(err, errors.Join(errs[:]...))
}

// today is the day on which dumps are read, for reminders.
const today = firsthand.Date("2026-11-21")

// readMoves reads what is about moves and tasks, each thing in all the ways there
// are.
func readMoves(ctx context.Context, s agent.Store, all *everything) (err error) {
	if all.Outbox, err = s.Outbox(ctx); err != nil {
		return err
	}
	slices.SortFunc(all.Outbox, func(a, b agent.Outgoing) int { return slices.Compare(a.Rel[:], b.Rel[:]) })
	if all.Held, err = s.Held(ctx); err != nil {
		return err
	}
	rows, err := s.Moves(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		alone, err := s.Move(ctx, row.ID)
		if err == nil && row.Key != "" {
			row, err = s.MoveOf(ctx, row.Key)
		}
		if err != nil || !reflect.DeepEqual(alone, row) {
			return fmt.Errorf("alone move %d is %+v, which is not so among all of them: %v", row.ID, alone, err)
		}
		legs, err := s.Legs(ctx, row.ID)
		if err != nil {
			return err
		}
		all.Moves = append(all.Moves, moveOf{row, legs})
	}
	var total int
	if all.Tasks, total, err = s.Tasks(ctx, agent.TaskQuery{Show: "all"}, today); err != nil || total != len(all.Tasks) {
		return fmt.Errorf("%d tasks of %d: %w", len(all.Tasks), total, err)
	}
	for _, t := range all.Tasks {
		alone, err := s.Task(ctx, t.Entry)
		if err != nil || !reflect.DeepEqual(alone, t) {
			return fmt.Errorf("alone task %s is %+v, which is not so among all of them: %v", t.Entry, alone, err)
		}
		if t.Remind != "" {
			all.Reminders++
		}
	}
	all.Due, _, err = s.Tasks(ctx, agent.TaskQuery{Show: "due"}, today)
	return err
}

// readMail reads what is about mail: each thing in all the ways there are, and all
// blobs that are named.
func readMail(ctx context.Context, s agent.Store, all *everything) error {
	rows, err := s.Mails(ctx, agent.MailQuery{})
	if err != nil {
		return err
	}
	for _, row := range rows {
		whole, err := s.Mail(ctx, row.Entry, row.Part)
		bare := whole
		bare.Raw = nil
		if err != nil || !reflect.DeepEqual(bare, row) {
			return fmt.Errorf("alone a mail is %+v, which is not so among all of them: %v", whole, err)
		}
		all.Mails = append(all.Mails, whole)
	}
	total := 0
	if all.Answers, total, err = s.Answers(ctx, agent.AnswerQuery{}); err != nil || total != len(all.Answers) {
		return fmt.Errorf("%d answers of %d: %w", len(all.Answers), total, err)
	}
	for _, a := range all.Answers {
		alone, err := s.Answer(ctx, a.ID)
		if err != nil || !reflect.DeepEqual(alone, a) {
			return fmt.Errorf("alone answer %d is %+v, which is not so among all of them: %v", a.ID, alone, err)
		}
		for _, b := range a.Blobs {
			if err := s.ReadBlob(ctx, b.Hash, io.Discard); err != nil {
				return fmt.Errorf("blob %s: %w", b.Hash, err)
			}
		}
	}
	return nil
}

func readEach(ctx context.Context, s agent.Store, rel firsthand.ID, among []agent.Relationship) (each eachOf, err error) {
	each.ID = rel
	r, err := s.Relationship(ctx, rel)
	if err != nil && !errors.Is(err, fault.NotExist) {
		return each, err
	}
	each.Known = err == nil
	if each.Known != slices.ContainsFunc(among, func(x agent.Relationship) bool { return reflect.DeepEqual(x, r) }) {
		return each, fmt.Errorf("alone it is %+v, which is not so among all of them", r)
	}
	some, err := s.RelationshipsAt(ctx, rel, firsthand.ID{0xee})
	if err != nil || (len(some) > 0) != each.Known || len(some) > 1 || each.Known && !reflect.DeepEqual(some[0], r) {
		return each, fmt.Errorf("alone it is %+v, and as one of some %+v: %w", r, some, err)
	}
	var errs [9]error
	each.Heads[0], errs[0] = s.Head(ctx, rel, firsthand.First)
	each.Heads[1], errs[1] = s.Head(ctx, rel, firsthand.Second)
	each.First, errs[2] = collected(s.Entries(ctx, rel, firsthand.First, 0))
	each.Second, errs[3] = collected(s.Entries(ctx, rel, firsthand.Second, 0))
	each.Receipts, errs[4] = s.Receipts(ctx, rel)
	each.Evidence, errs[5] = s.Evidence(ctx, rel)
	each.Drafts, errs[6] = s.Drafts(ctx, rel)
	each.Carried, errs[7] = s.Carried(ctx, rel)
	each.Waiting, errs[8] = s.WaitingIn(ctx, rel)
	last := int64(0)
	for i := range each.Drafts {
		d := &each.Drafts[i]
		if d.ID <= last {
			return each, fmt.Errorf("draft IDs don't rise: %d after %d", d.ID, last)
		}
		last, d.ID = d.ID, int64(i+1)
	}
	return each, errors.Join(errs[:]...)
}

// dump is readAll for a test.
func dump(t testing.TB, s agent.Store, rels []firsthand.ID, settings ...string) everything {
	t.Helper()
	return must(readAll(t.Context(), s, rels, settings...))(t)
}

// wantSame compares two dumps, part by part, so that a failure can be read.
func wantSame(t testing.TB, got, want everything) {
	t.Helper()
	if g, w := got.Kept, want.Kept; g != nil && w != nil {
		g, w := reflect.ValueOf(*g), reflect.ValueOf(*w)
		for i := range g.NumField() {
			if a, b := normal(g.Field(i).Interface()), normal(w.Field(i).Interface()); a != b {
				t.Errorf("%s =\n%s\nwant\n%s", g.Type().Field(i).Name, a, b)
			}
		}
	}
	got.Kept, want.Kept = nil, nil
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		a, b := normal(g.Field(i).Interface()), normal(w.Field(i).Interface())
		if a != b {
			t.Errorf("%s =\n%s\nwant\n%s", g.Type().Field(i).Name, a, b)
		}
	}
}

// normal spells v: nil and empty lists are one, and so are equal times.
func normal(v any) string { return fmt.Sprintf("%+v", v) }

// must returns a function that returns v, or fails the test.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// collect reads a sequence to its end.
func collect[T any](t testing.TB, seq iter.Seq2[T, error]) []T {
	t.Helper()
	return must(collected(seq))(t)
}

func collected[T any](seq iter.Seq2[T, error]) (all []T, err error) {
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// commit commits c.
func commit(t testing.TB, s agent.Store, c agent.Commit) {
	t.Helper()
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

// wantConflict commits c, which must be refused and change nothing.
func wantConflict(t testing.TB, s agent.Store, c agent.Commit, rels ...firsthand.ID) {
	t.Helper()
	before := dump(t, s, rels, "language")
	if err := s.Commit(t.Context(), c); !errors.Is(err, fault.Conflict) {
		t.Errorf("commit = %v, want %v", err, fault.Conflict)
	}
	wantSame(t, dump(t, s, rels, "language"), before)
}

// wantEqual compares what was read with what is wanted.
func wantEqual[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if g, w := normal(got), normal(want); g != w {
		t.Errorf("%s =\n%s\nwant\n%s", what, g, w)
	}
}

// row returns the row of p's relationship, as Meet makes it.
func row(p *logtest.Pair, domain string) agent.Relationship {
	return agent.Relationship{ID: p.Rel(), Domain: domain, Name: domain, Gateway: "https://" + domain + "/", Company: []byte("a document"),
		Seed: p.Key(firsthand.First).Seed(), Opened: p.All()[0].At}
}

// met returns a store that has the row and the logs of each pair.
func met(t testing.TB, f Fixture, pairs ...*logtest.Pair) agent.Store {
	t.Helper()
	s := f.Open(t)
	for i, p := range pairs {
		commit(t, s, agent.Commit{Relationships: []agent.Relationship{row(p, fmt.Sprintf("company%d.example", i))}, Entries: p.All()})
	}
	return s
}
