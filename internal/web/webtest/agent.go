package webtest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/mask"
	"firsthand/internal/agent/policy"
)

// An Agent is a [web.Agent] that is made of data. What is done to it is noted in
// Did, and changes little else. Fail is what the method of a name returns.
type Agent struct {
	Insight     agent.Insight
	Suggested   []agent.Suggestion
	Brought_    []agent.Import
	Previewed   []agent.PreviewRow
	Unsure_     []agent.Account
	Cards_      []agent.CardFound
	List        []agent.Company
	Details     map[string]agent.CompanyDetail
	GroupCounts []agent.GroupCount
	Held        []agent.Held
	Shown       map[firsthand.ID]agent.Detail
	Rels        []agent.Relationship
	Bundles     map[firsthand.ID]*firsthand.Bundle
	Hers        []agent.Fact
	RuleList    []policy.Rule
	Planned     agent.Plan
	Only        []string // of the last move that was begun
	MoveList    []agent.MoveRow
	Boards      map[int64]agent.Board
	TaskList    []agent.Task
	Sets        []agent.Listing
	Day         agent.Today
	WayList     []agent.WayTo
	Money       []agent.Contract
	SourceList  []agent.Source
	Columns     []importer.Mapping
	MaskList    []agent.Mask
	LeakList    []agent.Leak
	MaskAt      mask.Config
	Letters     agent.Writing
	Introduced  agent.Introduction // whoever is asked

	Account    *agent.MailState // nil: none is set
	MailList   []agent.Mail
	Drafts     map[string]agent.MailDraft // by part
	Complains  agent.ComplaintDraft
	AnswerList []agent.Answer
	Files      map[firsthand.ID]string // attachments
	RulesMail  []agent.MailRule

	DocumentList []agent.Document
	Read         map[int64]agent.DocumentFields // of those that can be read
	TakenList    []agent.Statement              // from the first document
	AskedList    []agent.Task                   // that a document may answer

	mu   sync.Mutex
	did  []string
	keys map[string]int64 // moves begun
	Fail map[string]error
}

// Did returns what was done, in order: "Confirm acme.example".
func (a *Agent) Did() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.did)
}

func (a *Agent) note(method string, args ...any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.Fail[method]; err != nil {
		return err
	}
	a.did = append(a.did, strings.TrimSpace(method+" "+strings.TrimSuffix(fmt.Sprintln(args...), "\n")))
	return nil
}

func (a *Agent) Map(context.Context) (agent.Insight, error) { return a.Insight, a.Fail["Map"] }
func (a *Agent) Suggestions(context.Context) ([]agent.Suggestion, error) {
	return a.Suggested, nil
}

func (a *Agent) Today(_ context.Context, _ time.Time, limit int) (agent.Today, error) {
	t := a.Day
	t.Cards = t.Cards[:min(limit, len(t.Cards))]
	return t, a.Fail["Today"]
}
func (a *Agent) PutOff(_ context.Context, until firsthand.Date, keys ...string) error {
	return a.note("PutOff", until, keys)
}
func (a *Agent) BringBack(context.Context) error { return a.note("BringBack") }

func (a *Agent) MaskConfig(context.Context) (mask.Config, error) { return a.MaskAt, nil }
func (a *Agent) SetMaskConfig(_ context.Context, c mask.Config) error {
	if err := c.Check(); err != nil {
		return err
	}
	return a.note("SetMaskConfig", c.Kind, c.Base, c.URL, c.Key)
}
func (a *Agent) Masks(_ context.Context, domain string) (masks []agent.Mask, err error) {
	for _, m := range a.MaskList {
		if domain == "" || m.Domain == domain {
			masks = append(masks, m)
		}
	}
	return masks, nil
}
func (a *Agent) MakeMask(_ context.Context, domain string) (agent.Mask, error) {
	return agent.Mask{}, a.note("MakeMask", domain)
}
func (a *Agent) PauseMask(_ context.Context, token string, paused bool) (bool, error) {
	return false, a.note("PauseMask", token, paused)
}
func (a *Agent) RetireMask(_ context.Context, token string) error { return a.note("RetireMask", token) }
func (a *Agent) Leaks(_ context.Context, domain string) ([]agent.Leak, error) {
	if masks, _ := a.Masks(context.Background(), domain); len(masks) == 0 {
		return nil, nil
	}
	return a.LeakList, nil
}
func (a *Agent) JudgeLeak(_ context.Context, token, from, verdict string) error {
	return a.note("JudgeLeak", token, from, verdict)
}

func (a *Agent) Bring(_ context.Context, file string, r io.Reader, progress func(agent.ImportCounts)) (agent.Import, error) {
	n, err := io.Copy(io.Discard, r)
	if err != nil {
		return agent.Import{}, err
	}
	progress(agent.ImportCounts{Rows: int(n)})
	return agent.Import{ID: 1, File: file, State: agent.Preview}, a.note("Bring", file, n)
}
func (a *Agent) Imports(context.Context) ([]agent.Import, error) { return a.Brought_, nil }
func (a *Agent) Brought(_ context.Context, id int64) (agent.Import, error) {
	for _, i := range a.Brought_ {
		if i.ID == id {
			return i, nil
		}
	}
	return agent.Import{}, fault.NotExist
}

func part[T any](all []T, offset, limit int) []T {
	if offset > len(all) {
		return nil
	}
	if limit == 0 {
		limit = len(all)
	}
	return all[offset:min(len(all), offset+limit)]
}

func (a *Agent) PreviewCompanies(_ context.Context, _ int64, offset, limit int) ([]agent.PreviewRow, int, error) {
	return part(a.Previewed, offset, limit), len(a.Previewed), nil
}
func (a *Agent) Unsure(_ context.Context, _ int64, offset, limit int) ([]agent.Account, int, error) {
	return part(a.Unsure_, offset, limit), len(a.Unsure_), nil
}
func (a *Agent) Assign(_ context.Context, account int64, domain string) error {
	return a.note("Assign", account, domain)
}
func (a *Agent) Keep(_ context.Context, id int64) error { return a.note("Keep", id) }
func (a *Agent) Undo(_ context.Context, id int64) error { return a.note("Undo", id) }
func (a *Agent) Cards(context.Context, int64) ([]agent.CardFound, error) {
	return a.Cards_, nil
}
func (a *Agent) TakeCard(_ context.Context, card int64) error { return a.note("TakeCard", card) }

func (a *Agent) Companies(_ context.Context, q agent.CompanyQuery) ([]agent.Company, int, error) {
	var rows []agent.Company
	for _, c := range a.List {
		if strings.Contains(strings.ToLower(c.Name+c.Domain), strings.ToLower(q.Search)) && (q.Show != agent.ShowGuessed || c.Guessed) && (q.Show != agent.ShowAgreed || c.Agreement != "") {
			rows = append(rows, c)
		}
	}
	return part(rows, q.Offset, q.Limit), len(rows), nil
}
func (a *Agent) Company(_ context.Context, domain string) (agent.CompanyDetail, error) {
	d, ok := a.Details[domain]
	if !ok {
		return d, fault.NotExist
	}
	return d, nil
}
func (a *Agent) AddCompany(_ context.Context, domain, name string) error {
	return a.note("AddCompany", domain, name)
}
func (a *Agent) Confirm(_ context.Context, domains ...string) error {
	return a.note("Confirm", strings.Join(domains, " "))
}
func (a *Agent) DropCompany(_ context.Context, domains ...string) error {
	return a.note("DropCompany", strings.Join(domains, " "))
}
func (a *Agent) Group(_ context.Context, group string, in bool, domains ...string) error {
	return a.note("Group", group, in, strings.Join(domains, " "))
}
func (a *Agent) Groups(context.Context) ([]agent.GroupCount, error) { return a.GroupCounts, nil }
func (a *Agent) State(_ context.Context, statements ...agent.Statement) error {
	for _, s := range statements {
		if err := a.note("State", s.Domain, s.Fact, s.Value, s.Since); err != nil {
			return err
		}
	}
	return nil
}
func (a *Agent) UnstateOrigin(_ context.Context, fact string, o firsthand.Origin, domains ...string) error {
	return a.note("UnstateOrigin", fact, o, strings.Join(domains, " "))
}
func (a *Agent) Unstate(_ context.Context, fact string, domains ...string) error {
	return a.note("Unstate", fact, strings.Join(domains, " "))
}
func (a *Agent) Ways(context.Context, string) ([]agent.WayTo, error) {
	return a.WayList, a.Fail["Ways"]
}
func (a *Agent) SetChannel(_ context.Context, domain, channel string) error {
	return a.note("SetChannel", domain, channel)
}
func (a *Agent) Select(ctx context.Context, q agent.CompanyQuery) (domains []string, err error) {
	rows, _, err := a.Companies(ctx, q)
	for _, c := range rows {
		domains = append(domains, c.Domain)
	}
	return domains, err
}
func (a *Agent) HeldPage(_ context.Context, fact string, offset, limit int) ([]agent.Held, int, error) {
	var rows []agent.Held
	for _, h := range a.Held {
		if h.Fact == fact {
			rows = append(rows, h)
		}
	}
	return part(rows, offset, limit), len(rows), nil
}
func (a *Agent) LookForGateways(_ context.Context, domains ...string) ([]agent.GatewayAt, error) {
	found := make([]agent.GatewayAt, len(domains)) // the first of them has one
	for i, d := range domains {
		if found[i].Domain = d; i > 0 {
			found[i].Err = fault.NotExist
		}
	}
	return found, a.note("LookForGateways", strings.Join(domains, " "))
}
func (a *Agent) Directories(context.Context) ([]agent.Listing, error) { return a.Sets, nil }

func (a *Agent) Show(_ context.Context, rel firsthand.ID) (agent.Detail, error) {
	d, ok := a.Shown[rel]
	if !ok {
		return d, fault.NotExist
	}
	return d, nil
}
func (a *Agent) Look(ctx context.Context, rel firsthand.ID, last int, fn func(*agent.Detail)) error {
	d, err := a.Show(ctx, rel)
	if err == nil {
		d.Earlier = max(0, len(d.Entries)-last)
		d.Entries = d.Entries[d.Earlier:]
		fn(&d)
	}
	return err
}
func (a *Agent) Relationships(context.Context) ([]agent.Relationship, error) { return a.Rels, nil }
func (a *Agent) Bundle(_ context.Context, rel firsthand.ID) (*firsthand.Bundle, error) {
	b := a.Bundles[rel]
	if b == nil {
		return nil, fault.NotExist
	}
	return b, nil
}

func (a *Agent) Introduce(_ context.Context, domain string) (agent.Introduction, error) {
	return a.Introduced, a.note("Introduce", domain)
}

func (a *Agent) Meet(_ context.Context, domain string, o agent.MeetOptions) (agent.Relationship, error) {
	return agent.Relationship{ID: firsthand.ID{1}, Domain: domain}, a.note("Meet", domain, "unpaired", o.Unpaired)
}
func (a *Agent) Disclose(_ context.Context, _ firsthand.ID, t agent.Telling) (agent.Act, error) {
	return agent.Act{}, a.note("Disclose", t.Fact, t.Purpose, t.Until, t.Basis.Exception, t.Ask)
}
func (a *Agent) Withdraw(_ context.Context, _ firsthand.ID, fact string) ([]agent.Act, error) {
	return nil, a.note("Withdraw", fact)
}
func (a *Agent) Decline(_ context.Context, _, ask firsthand.ID, reason string) (agent.Act, error) {
	return agent.Act{}, a.note("Decline", ask, reason)
}
func (a *Agent) Message(_ context.Context, _, _ firsthand.ID, text string) (agent.Act, error) {
	return agent.Act{}, a.note("Message", text)
}
func (a *Agent) Request(_ context.Context, _ firsthand.ID, r firsthand.Request) (agent.Act, error) {
	return agent.Act{}, a.note("Request", r.Right, r.Law, r.Text)
}
func (a *Agent) Claim(_ context.Context, _ firsthand.ID, record string) (agent.Act, error) {
	return agent.Act{}, a.note("Claim", record)
}
func (a *Agent) Prove(_ context.Context, _ firsthand.ID, code string) (agent.Act, error) {
	return agent.Act{}, a.note("Prove", code)
}
func (a *Agent) Offer(_ context.Context, _ firsthand.ID, codes ...string) (agent.Act, error) {
	return agent.Act{}, a.note("Offer", strings.Join(codes, " "))
}
func (a *Agent) Take(context.Context, firsthand.ID) (agent.Act, error) {
	return agent.Act{}, a.note("Take")
}
func (a *Agent) EndTerms(_ context.Context, _ firsthand.ID, from firsthand.Date) ([]agent.Act, error) {
	return nil, a.note("EndTerms", from)
}
func (a *Agent) Pause(_ context.Context, _ firsthand.ID, until firsthand.Date) (agent.Act, error) {
	return agent.Act{}, a.note("Pause", until)
}
func (a *Agent) Leave(_ context.Context, _ firsthand.ID, reason string) (agent.Act, error) {
	return agent.Act{}, a.note("Leave", reason)
}

func (a *Agent) Facts(context.Context) ([]agent.Fact, error) { return a.Hers, nil }
func (a *Agent) SetFact(_ context.Context, name string, v firsthand.Value) error {
	return a.note("SetFact", name, v)
}
func (a *Agent) Rules(context.Context) ([]policy.Rule, error) { return a.RuleList, nil }
func (a *Agent) SetRule(_ context.Context, r policy.Rule) error {
	return a.note("SetRule", r.Fact, r.Never)
}

func (a *Agent) Preview(_ context.Context, _ agent.Move, shown int) (agent.Plan, error) {
	p, legs := a.Planned, make(map[string]int)
	p.Legs = slices.DeleteFunc(slices.Clone(p.Legs), func(l agent.Leg) bool {
		legs[l.Group]++
		return legs[l.Group] > shown
	})
	return p, nil
}
func (a *Agent) Begin(_ context.Context, m agent.Move, key string) (int64, error) {
	a.mu.Lock()
	id, again := a.keys[key]
	a.mu.Unlock()
	if again {
		return id, nil
	}
	args := []any{m.Facts, m.Basis, m.Except, m.Starts}
	if c := m.Claim; !c.IsZero() {
		args = []any{c.Right, c.Scope, c.Law, c.Text, m.Only, m.Except, m.Starts}
	}
	a.Only = m.Only
	if err := a.note("Begin", args...); err != nil {
		return 0, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys == nil {
		a.keys = make(map[string]int64)
	}
	a.keys[key] = 1
	return 1, nil
}
func (a *Agent) Moves(context.Context) ([]agent.MoveRow, error) { return a.MoveList, nil }
func (a *Agent) BoardPart(_ context.Context, id int64, step string, offset, limit int) (agent.Board, int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b, ok := a.Boards[id]
	if !ok {
		return b, 0, fault.NotExist
	}
	legs := slices.DeleteFunc(slices.Clone(b.Legs), func(l agent.BoardLeg) bool { return step != "" && l.Step != step })
	b.Legs = part(legs, offset, limit)
	return b, len(legs), nil
}
func (a *Agent) PauseMove(_ context.Context, id int64, paused bool) error {
	return a.note("PauseMove", id, paused)
}
func (a *Agent) Retry(_ context.Context, id int64, n ...int) error { return a.note("Retry", id, n) }
func (a *Agent) CancelMove(_ context.Context, id int64) error      { return a.note("CancelMove", id) }

func (a *Agent) Tasks(_ context.Context, q agent.TaskQuery) ([]agent.Task, int, error) {
	return part(a.TaskList, q.Offset, q.Limit), len(a.TaskList), nil
}
func (a *Agent) Task(_ context.Context, entry firsthand.ID) (agent.Task, error) {
	for _, t := range a.TaskList {
		if t.Entry == entry {
			return t, nil
		}
	}
	return agent.Task{}, fault.NotExist
}
func (a *Agent) Done(_ context.Context, _ firsthand.ID, saw, note string) error {
	return a.note("Done", saw, note)
}
func (a *Agent) Reopen(context.Context, firsthand.ID) error { return a.note("Reopen") }
func (a *Agent) Remind(_ context.Context, _ firsthand.ID, on firsthand.Date) error {
	return a.note("Remind", on)
}

func (a *Agent) PaperLetters(context.Context) ([]agent.Task, error) {
	return part(a.TaskList, 0, 2), nil
}
func (a *Agent) Print(_ context.Context, paper string, entries ...firsthand.ID) (agent.Printed, error) {
	return agent.Printed{PDF: []byte("%PDF-1.3 " + fmt.Sprint(len(entries))), Done: entries}, nil
}
func (a *Agent) PrintFollow(_ context.Context, _ string, _ firsthand.ID, part string) ([]byte, error) {
	return []byte("%PDF-1.3 " + part), nil
}
func (a *Agent) Posted(_ context.Context, _ firsthand.ID, on firsthand.Date) error {
	return a.note("Posted", on)
}
func (a *Agent) Writing(context.Context, string) (agent.Writing, error) { return a.Letters, nil }
func (a *Agent) SetAddress(_ context.Context, domain, address string) error {
	return a.note("SetAddress", domain, address)
}
func (a *Agent) SetLang(_ context.Context, domain, lang string) error {
	return a.note("SetLang", domain, lang)
}

// SetLeg moves leg n of a board on.
func (a *Agent) SetLeg(id int64, n int, step, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.Boards[id]
	b.Legs = slices.Clone(b.Legs)
	b.Legs[n-1].Step, b.Legs[n-1].Why = step, why
	a.Boards[id] = b
}
