package web

import (
	"context"
	"io"
	"time"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/mask"
	"firsthand/internal/agent/policy"
)

// Agent is what the pages ask of the agent, a part for each group of pages. What a
// method promises is said where *agent.Agent has it.
type Agent interface {
	Lists
	Cards
	Masks
	Imports
	Companies
	Relationships
	Acts
	Facts
	Moves
	Tasks
	Mailing
	Documents
	Money
}

// Documents are files that companies gave her of what they hold.
type Documents interface {
	Documents(ctx context.Context, domain string) ([]agent.Document, error)
	Document(ctx context.Context, id int64) (agent.Document, error)
	AddDocument(ctx context.Context, domain, name string, r io.Reader) (agent.Document, error)
	KeepAttachment(ctx context.Context, answer int64, n int) (agent.Document, error)
	SaveDocument(ctx context.Context, id int64, create func(firsthand.Blob) (io.Writer, error)) error
	DropDocument(ctx context.Context, id int64, keep bool) error
	Fields(ctx context.Context, id int64) (agent.DocumentFields, error)
	TakeOver(ctx context.Context, id int64, rows ...agent.Taking) ([]agent.Statement, error)
	Taken(ctx context.Context, id int64) ([]agent.Statement, error)
	TakeBack(ctx context.Context, id int64, fact string, o firsthand.Origin) error
	Requests(ctx context.Context, d agent.Document) ([]agent.Task, error)
	AnswerRequest(ctx context.Context, id int64, entry firsthand.ID) error
}

// Lists are what the map shows.
type Lists interface {
	Map(ctx context.Context) (agent.Insight, error)
	Suggestions(ctx context.Context) ([]agent.Suggestion, error)
}

// Cards are what needs her today.
type Cards interface {
	Today(ctx context.Context, backup time.Time, limit int) (agent.Today, error)
	PutOff(ctx context.Context, until firsthand.Date, keys ...string) error
	BringBack(ctx context.Context) error
}

// Masks are addresses that one company has each.
type Masks interface {
	MaskConfig(ctx context.Context) (mask.Config, error)
	SetMaskConfig(ctx context.Context, c mask.Config) error
	Masks(ctx context.Context, domain string) ([]agent.Mask, error)
	MakeMask(ctx context.Context, domain string) (agent.Mask, error)
	PauseMask(ctx context.Context, token string, paused bool) (held bool, err error)
	RetireMask(ctx context.Context, token string) error
	Leaks(ctx context.Context, domain string) ([]agent.Leak, error)
	JudgeLeak(ctx context.Context, token, from, verdict string) error
}

// Imports are the lists she brings.
type Imports interface {
	Bring(ctx context.Context, file string, r io.Reader, progress func(agent.ImportCounts)) (agent.Import, error)
	Imports(ctx context.Context) ([]agent.Import, error)
	Brought(ctx context.Context, id int64) (agent.Import, error)
	PreviewCompanies(ctx context.Context, id int64, offset, limit int) ([]agent.PreviewRow, int, error)
	Unsure(ctx context.Context, id int64, offset, limit int) ([]agent.Account, int, error)
	Assign(ctx context.Context, account int64, domain string) error
	Keep(ctx context.Context, id int64) error
	Undo(ctx context.Context, id int64) error
	Cards(ctx context.Context, id int64) ([]agent.CardFound, error)
	TakeCard(ctx context.Context, account int64) error
}

// Money is what contracts cost, and the days that belong to them.
type Money interface {
	Contracts(ctx context.Context) ([]agent.Contract, error)
	ContractOf(ctx context.Context, ref string) (agent.Contract, error)
	Sources(ctx context.Context, c agent.Contract) ([]agent.Source, error)
	AddContract(ctx context.Context, c agent.ContractRow) (int64, error)
	EditContract(ctx context.Context, id int64, edit func(*agent.ContractRow)) error
	DropContract(ctx context.Context, id int64) error
	ConfirmContract(ctx context.Context, ref, domain string) (int64, error)
	DismissContract(ctx context.Context, ref string) error
	KeepContract(ctx context.Context, id int64) error
	CancelContract(ctx context.Context, id int64, o agent.Cancelling) (agent.Act, error)
	HaggleContract(ctx context.Context, id int64, offer, lang string) (agent.Act, error)
	HasCalendar(ctx context.Context) (bool, error)
	OpenCalendar(ctx context.Context) (string, error)
	CloseCalendar(ctx context.Context) error
	Calendar(ctx context.Context, word string) ([]byte, error)
	Mappings(ctx context.Context) ([]importer.Mapping, error)
	SaveMapping(ctx context.Context, m importer.Mapping) error
	DropMapping(ctx context.Context, name string) error
}

// Companies are everyone she deals with, or may.
type Companies interface {
	Companies(ctx context.Context, q agent.CompanyQuery) ([]agent.Company, int, error)
	Company(ctx context.Context, domain string) (agent.CompanyDetail, error)
	AddCompany(ctx context.Context, domain, name string) error
	Confirm(ctx context.Context, domains ...string) error
	DropCompany(ctx context.Context, domains ...string) error
	Group(ctx context.Context, group string, in bool, domains ...string) error
	Groups(ctx context.Context) ([]agent.GroupCount, error)
	State(ctx context.Context, statements ...agent.Statement) error
	Unstate(ctx context.Context, fact string, domains ...string) error
	UnstateOrigin(ctx context.Context, fact string, o firsthand.Origin, domains ...string) error
	Ways(ctx context.Context, domain string) ([]agent.WayTo, error)
	Writing(ctx context.Context, domain string) (agent.Writing, error)
	SetAddress(ctx context.Context, domain, address string) error
	SetLang(ctx context.Context, domain, lang string) error
	SetChannel(ctx context.Context, domain, channel string) error
	Select(ctx context.Context, q agent.CompanyQuery) ([]string, error)
	HeldPage(ctx context.Context, fact string, offset, limit int) ([]agent.Held, int, error)
	LookForGateways(ctx context.Context, domains ...string) ([]agent.GatewayAt, error)
	Directories(ctx context.Context) ([]agent.Listing, error)
	Introduce(ctx context.Context, domain string) (agent.Introduction, error)
}

// Relationships are the logs, as they are read.
type Relationships interface {
	Show(ctx context.Context, rel firsthand.ID) (agent.Detail, error)
	Look(ctx context.Context, rel firsthand.ID, last int, fn func(*agent.Detail)) error
	Relationships(ctx context.Context) ([]agent.Relationship, error)
	Bundle(ctx context.Context, rel firsthand.ID) (*firsthand.Bundle, error)
}

// Acts are what she does with a company.
type Acts interface {
	Meet(ctx context.Context, domain string, o agent.MeetOptions) (agent.Relationship, error)
	Disclose(ctx context.Context, rel firsthand.ID, t agent.Telling) (agent.Act, error)
	Withdraw(ctx context.Context, rel firsthand.ID, fact string) ([]agent.Act, error)
	Decline(ctx context.Context, rel, ask firsthand.ID, reason string) (agent.Act, error)
	Message(ctx context.Context, rel, thread firsthand.ID, text string) (agent.Act, error)
	Request(ctx context.Context, rel firsthand.ID, req firsthand.Request) (agent.Act, error)
	Claim(ctx context.Context, rel firsthand.ID, record string) (agent.Act, error)
	Prove(ctx context.Context, rel firsthand.ID, code string) (agent.Act, error)
	Offer(ctx context.Context, rel firsthand.ID, codes ...string) (agent.Act, error)
	Take(ctx context.Context, rel firsthand.ID) (agent.Act, error)
	EndTerms(ctx context.Context, rel firsthand.ID, from firsthand.Date) ([]agent.Act, error)
	Pause(ctx context.Context, rel firsthand.ID, until firsthand.Date) (agent.Act, error)
	Leave(ctx context.Context, rel firsthand.ID, reason string) (agent.Act, error)
}

// Facts are hers, and her standing decisions about them.
type Facts interface {
	Facts(ctx context.Context) ([]agent.Fact, error)
	SetFact(ctx context.Context, name string, v firsthand.Value) error
	Rules(ctx context.Context) ([]policy.Rule, error)
	SetRule(ctx context.Context, rule policy.Rule) error
}

// Moves are changes, once and everywhere.
type Moves interface {
	Preview(ctx context.Context, m agent.Move, shown int) (agent.Plan, error)
	Begin(ctx context.Context, m agent.Move, key string) (int64, error)
	Moves(ctx context.Context) ([]agent.MoveRow, error)
	BoardPart(ctx context.Context, id int64, step string, offset, limit int) (agent.Board, int, error)
	PauseMove(ctx context.Context, id int64, paused bool) error
	Retry(ctx context.Context, id int64, n ...int) error
	CancelMove(ctx context.Context, id int64) error
}

// Tasks are what she carries herself.
type Tasks interface {
	Tasks(ctx context.Context, q agent.TaskQuery) ([]agent.Task, int, error)
	Task(ctx context.Context, entry firsthand.ID) (agent.Task, error)
	Done(ctx context.Context, entry firsthand.ID, saw, note string) error
	Reopen(ctx context.Context, entry firsthand.ID) error
	Remind(ctx context.Context, entry firsthand.ID, on firsthand.Date) error
	PaperLetters(ctx context.Context) ([]agent.Task, error)
	Print(ctx context.Context, paper string, entries ...firsthand.ID) (agent.Printed, error)
	PrintFollow(ctx context.Context, paper string, entry firsthand.ID, part string) ([]byte, error)
	Posted(ctx context.Context, entry firsthand.ID, on firsthand.Date) error
}

// Mailing is her mail account, what goes by it, and what comes back.
type Mailing interface {
	MailState(ctx context.Context) (agent.MailState, error)
	SetMailAccount(ctx context.Context, acc channel.Account) error
	DropMailAccount(ctx context.Context) error
	CheckMailAccount(ctx context.Context) error
	MailAddress(ctx context.Context, domain string) (address string, typed bool, err error)
	SetMailAddress(ctx context.Context, domain, address string) error

	Mails(ctx context.Context, q agent.MailQuery) ([]agent.Mail, error)
	MailDraft(ctx context.Context, entry firsthand.ID, part string) (agent.MailDraft, error)
	SendMail(ctx context.Context, entry firsthand.ID) error
	SendReminder(ctx context.Context, entry firsthand.ID) error
	DropMail(ctx context.Context, entry firsthand.ID, part string) error
	MailLeft(ctx context.Context, entry firsthand.ID, part string) error
	RetryMail(ctx context.Context, entry firsthand.ID, part string) error
	Complaint(ctx context.Context, entry firsthand.ID) (agent.ComplaintDraft, error)

	Answers(ctx context.Context, q agent.AnswerQuery) ([]agent.Answer, int, error)
	Answer(ctx context.Context, id int64) (agent.Answer, error)
	Attachment(ctx context.Context, id int64, n int, create func(firsthand.Blob) (io.Writer, error)) error
	Mark(ctx context.Context, id int64, mark string) error
	DropAnswer(ctx context.Context, id int64) error
	MailRules(ctx context.Context) ([]agent.MailRule, error)
	SetMailRule(ctx context.Context, rule agent.MailRule) error
}
