package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/cli"
)

// printJSON prints v on one line.
func printJSON(env *cli.Env, v any) error {
	_, err := fmt.Fprintf(env.Stdout, "%s\n", firsthand.EncodeJSON(v))
	return err
}

// only returns the elements for which keep holds.
func only[T any](all []T, keep func(T) bool) (kept []T) {
	for _, t := range all {
		if keep(t) {
			kept = append(kept, t)
		}
	}
	return kept
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

var statusCmd = cli.Command[*app]{
	Name: "status", Args: "[company]", Short: "who holds what, under which terms, and how far everything has come",
	Setup: func(fs *flag.FlagSet) run {
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 0, 1); err != nil {
				return err
			}
			if len(args) == 0 {
				return a.statusAll(ctx, env, *asJSON)
			}
			r, err := a.agent.Find(ctx, args[0])
			if err != nil {
				return err
			}
			d, err := a.agent.Show(ctx, r.ID)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(env, statusOf(d))
			}
			return a.statusOne(env, d)
		}
	},
}

func (a *app) statusAll(ctx context.Context, env *cli.Env, asJSON bool) error {
	rows, err := a.agent.Relationships(ctx)
	if err != nil {
		return err
	}
	type row struct {
		ID      firsthand.ID `json:"id"`
		Domain  string       `json:"domain"`
		Unsent  int64        `json:"unsent"`
		Failure string       `json:"failure,omitempty"`
		agent.Summary
	}
	all, table := []row{}, [][]string{{"COMPANY", "STEP", "TERMS", "FACTS", "OWES YOU", "ASKS", "NOTE"}}
	for _, r := range rows {
		s, err := r.Summarised()
		if err != nil {
			return err
		}
		all = append(all, row{r.ID, r.Domain, s.First.Seq - r.Received.Seq, r.Failure, s})
		owes := ""
		if s.Waiting > 0 {
			owes = fmt.Sprintf("%d, first due %s", s.Waiting, s.Due)
		}
		table = append(table, []string{r.Domain, s.Step, s.Agreement, fmt.Sprint(len(s.Facts)), owes, fmt.Sprint(s.Asks), note(r, s)})
	}
	if asJSON {
		return printJSON(env, all)
	}
	if len(rows) == 0 {
		fmt.Fprintln(env.Stderr, "firsthand: you have met nobody yet: firsthand meet COMPANY")
		return nil
	}
	_, err = fmt.Fprint(env.Stdout, cli.Table(table...))
	return err
}

// note says what is unusual about a relationship, shortly.
func note(r agent.Relationship, s agent.Summary) string {
	switch {
	case r.Frozen != "":
		return "frozen: firsthand status " + r.Domain
	case r.Restored:
		return "restored: not compared yet"
	case s.Closed:
		return "closed"
	case r.Gateway == "":
		return "no gateway"
	case s.First.Seq > r.Received.Seq && r.Failure != "":
		return fmt.Sprintf("%d to send; last call: %s", s.First.Seq-r.Received.Seq, r.Failure)
	case s.First.Seq > r.Received.Seq:
		return fmt.Sprintf("%d to send", s.First.Seq-r.Received.Seq)
	}
	return ""
}

// A status is one relationship for programs.
type status struct {
	ID         firsthand.ID    `json:"id"`
	Domain     string          `json:"domain"`
	Name       string          `json:"name"`
	Gateway    string          `json:"gateway"`
	Closed     bool            `json:"closed"`
	Paused     bool            `json:"paused"`
	Frozen     string          `json:"frozen,omitempty"`
	Restored   bool            `json:"restored"`
	Bound      string          `json:"bound,omitempty"` // record
	Challenged bool            `json:"challenged"`      // a proof is asked for
	Agreements []string        `json:"agreements"`
	Holdings   []statusHolding `json:"holdings"`
	Asks       []statusAsk     `json:"asks"`
	Duties     []statusDuty    `json:"duties"`
	Drafts     int             `json:"drafts"`
	Entries    []statusEntry   `json:"entries"` // hers that have an outcome or wait for one
}

type statusHolding struct {
	Fact   string           `json:"fact"`
	Value  firsthand.Value  `json:"value"`
	Origin firsthand.Origin `json:"origin"`
	Until  firsthand.Date   `json:"until,omitempty"`
}

type statusAsk struct {
	ID      firsthand.ID `json:"id"`
	Fact    string       `json:"fact"`
	Purpose string       `json:"purpose"`
	Why     string       `json:"why"`
}

type statusDuty struct {
	Owner   firsthand.Side `json:"owner"`
	What    string         `json:"what"`
	Due     firsthand.Date `json:"due"`
	Overdue bool           `json:"overdue"`
}

type statusEntry struct {
	ID     firsthand.ID   `json:"id"`
	Seq    int64          `json:"seq"`
	Kind   firsthand.Kind `json:"kind"`
	Step   string         `json:"step"`
	System string         `json:"system,omitempty"`
	Record string         `json:"record,omitempty"`
	Reason string         `json:"reason,omitempty"`
	Flag   string         `json:"flag,omitempty"`
}

func statusOf(d agent.Detail) status {
	s := status{ID: d.ID, Domain: d.Domain, Name: d.Name, Gateway: d.Gateway, Closed: d.View.Closed, Paused: d.View.Paused,
		Frozen: d.Frozen, Restored: d.Restored, Challenged: d.LastChallenge() != nil, Agreements: []string{}, Holdings: []statusHolding{},
		Asks: []statusAsk{}, Duties: []statusDuty{}, Drafts: len(d.Drafts), Entries: []statusEntry{}}
	if b := d.State.Binding; b != nil {
		s.Bound = b.Record
	}
	for _, ag := range d.View.Agreements {
		s.Agreements = append(s.Agreements, ag.Terms.Code)
	}
	for _, h := range d.View.Holdings {
		s.Holdings = append(s.Holdings, statusHolding{h.Fact, h.Value, h.Origin, h.Until})
	}
	for _, k := range d.View.Asks {
		s.Asks = append(s.Asks, statusAsk{k.Entry, k.Say.Fact, k.Say.Purpose, k.Say.Why})
	}
	for _, duty := range d.View.Duties {
		s.Duties = append(s.Duties, statusDuty{duty.Owner, duty.What, duty.Due, duty.Overdue(d.Now)})
	}
	for _, l := range d.Entries {
		if l.Side == firsthand.First {
			p := l.Progress
			s.Entries = append(s.Entries, statusEntry{l.ID, l.Seq, l.Kind(), p.Step, p.System, p.Record, p.Reason, p.Flag})
		}
	}
	return s
}

func (a *app) statusOne(env *cli.Env, d agent.Detail) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s, %s\n", cli.Printable(d.Domain), cli.Printable(d.Name))
	if d.Frozen != "" {
		fmt.Fprintf(&b, "frozen: %s\n", d.FrozenText())
	}
	if d.Restored {
		fmt.Fprintln(&b, "restored from a backup, and not compared with the company yet; what you do now is kept as a draft")
	}
	switch {
	case d.View.Closed:
		fmt.Fprintln(&b, "closed")
	case d.View.Paused:
		fmt.Fprintln(&b, "paused")
	}
	for _, ag := range d.View.Agreements {
		fmt.Fprintf(&b, "agreed (signed by both): %s version %s, %s\n", cli.Printable(ag.Terms.Code), cli.Printable(ag.Terms.Version), day(ag.At))
	}
	for _, o := range d.State.Offers {
		switch {
		case o.Counter != nil && o.Open():
			fmt.Fprintf(&b, "counter-offer: %s; take it with: firsthand terms --take %s\n", cli.Printable(o.Counter.Code), d.Domain)
		case o.Refused != "":
			fmt.Fprintf(&b, "terms refused: %s\n", cli.Printable(o.Refused))
		}
	}
	if bound := d.State.Binding; bound != nil {
		fmt.Fprintf(&b, "bound to your record %s in %s\n", cli.Printable(bound.Record), cli.Printable(bound.System))
	} else if c := d.LastChallenge(); c != nil {
		switch page := d.SignInPage(); {
		case page != "":
			fmt.Fprintf(&b, "prove your claim: sign in at %s, and enter the code that it shows you: firsthand prove %s\n", cli.Printable(page), d.Domain)
		case c.Say.Way == "sign_in":
			fmt.Fprintf(&b, "prove your claim: it wants you to sign in, on a page that is not its own; ask the company\n")
		default:
			fmt.Fprintf(&b, "prove your claim: a code went to %s; firsthand prove %s\n", cli.Printable(c.Say.To), d.Domain)
		}
	}
	if len(d.View.Holdings) > 0 {
		rows := [][]string{{"\nHOLDS", "VALUE", "ORIGIN", "SINCE", "UNTIL"}}
		for _, h := range d.View.Holdings {
			origin := string(h.Origin)
			if h.Proposed {
				origin += ", a proposal until bound"
			}
			rows = append(rows, []string{h.Fact, h.Value.String(), origin, day(h.Since), string(h.Until)})
		}
		b.WriteString(table(rows))
	}
	for _, k := range d.View.Asks {
		fmt.Fprintf(&b, "asks for %s, for %s: %s\n  firsthand disclose %s %s --ask %s   or   firsthand decline %s %s\n", k.Say.Fact, cli.Printable(k.Say.Purpose),
			cli.Printable(k.Say.Why), d.Domain, k.Say.Fact, k.Entry, d.Domain, k.Entry)
	}
	for _, duty := range d.View.Duties {
		if duty.Owner == firsthand.Second {
			late := ""
			if duty.Overdue(d.Now) {
				late = ", overdue"
			}
			fmt.Fprintf(&b, "owes you: %s by %s%s\n", duty.What, duty.Due, late)
		}
	}
	rows := [][]string{{"\nYOU SAID", "WHEN", "HOW FAR"}}
	for _, l := range d.Entries {
		if l.Side == firsthand.First {
			rows = append(rows, []string{string(l.Kind()), l.At.Format("2006-01-02 15:04"), progressText(l.Progress, d.Gateway == "")})
		}
	}
	b.WriteString(table(rows))
	if len(d.Drafts) > 0 {
		fmt.Fprintf(&b, "%s\n", cli.Count(len(d.Drafts), "draft waits", "drafts wait"))
	}
	_, err := env.Stdout.Write(b.Bytes())
	return err
}

// table is cli.Table with an empty line before it where the first cell begins
// with one.
func table(rows [][]string) string {
	text, ok := strings.CutPrefix(rows[0][0], "\n")
	rows[0][0] = text
	if ok {
		return "\n" + cli.Table(rows...)
	}
	return cli.Table(rows...)
}

func day(t time.Time) string { return t.Format(time.DateOnly) }

var syncCmd = cli.Command[*app]{
	Name: "sync", Args: "[company]", Short: "send what waits and ask for news now",
	Setup: func(fs *flag.FlagSet) run {
		wait := fs.Duration("wait", 0, "how long to wait for news")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			rows, err := a.agent.Relationships(ctx)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				r, err := a.agent.Find(ctx, args[0])
				if err != nil {
					return err
				}
				rows = []agent.Relationship{r}
				if r.Gateway == "" {
					say(env, "%s has no gateway, so nothing goes there by itself: firsthand task", r.Domain)
				}
			}
			if len(rows) == 0 {
				say(env, "you have met nobody yet, so there is nothing to send: firsthand meet COMPANY")
			}
			var failed error
			for _, r := range rows {
				if r.Gateway == "" {
					continue
				}
				if err := a.agent.Flush(ctx, r.ID, *wait); err != nil {
					failed = errors.Join(failed, fmt.Errorf("%s: %w", r.Domain, err))
				}
			}
			return failed
		}
	},
}

var logCmd = cli.Command[*app]{
	Name: "log", Args: "company", Short: "print both logs of a relationship, or keep them as a bundle",
	Setup: func(fs *flag.FlagSet) run {
		bundle := fs.String("bundle", "", "write everything that proves the relationship to this `file`")
		asJSON := fs.Bool("json", false, "print JSON, one entry a line")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 1, 1); err != nil {
				return err
			}
			r, err := a.agent.Find(ctx, args[0])
			if err != nil {
				return err
			}
			if *bundle != "" {
				b, err := a.agent.Bundle(ctx, r.ID)
				if err != nil {
					return err
				}
				return writeFile(env.Path(*bundle), b.Write)
			}
			d, err := a.agent.Show(ctx, r.ID)
			if err != nil {
				return err
			}
			for _, l := range d.Entries {
				if *asJSON {
					type row struct {
						ID   firsthand.ID   `json:"id"`
						Side firsthand.Side `json:"side"`
						Seq  int64          `json:"seq"`
						At   time.Time      `json:"at"`
						Body string         `json:"body"`
					}
					if err := printJSON(env, row{l.ID, l.Side, l.Seq, l.At, string(l.Body)}); err != nil {
						return err
					}
					continue
				}
				body := string(l.Body)
				if !l.HasBody() {
					body = "(erased)"
				}
				fmt.Fprintf(env.Stdout, "%s %d\t%s\t%s\n", l.Side, l.Seq, l.At.Format("2006-01-02 15:04"), cli.Printable(body))
			}
			return nil
		}
	},
}

var verifyCmd = cli.Command[*app]{
	Name: "verify", Args: "[file | company]", Short: "check every signature, of a bundle, a company, or all",
	Long: `Says three things apart: that the chain is valid; which key claimed to be the
company; and whether that key is in the chain of the company's domain, by the
document that was kept and, with --online, by the one it serves now.
A file is checked without your own file, by anyone.`,
	LocalFor: func(env *cli.Env, args []string) bool { return len(args) == 1 && isFile(env, args[0]) },
	Setup: func(fs *flag.FlagSet) run {
		online := fs.Bool("online", false, "ask the company's domain for its chain now")
		asJSON := fs.Bool("json", false, "print JSON")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 0, 1); err != nil {
				return err
			}
			var rows []agent.Relationship
			var err error
			if len(args) == 1 && isFile(env, args[0]) {
				b, err := readBundle(env, args[0])
				if fault.RuleOf(err) != "" {
					return fault.Tell(fault.Invalid, args[0]+" is no bundle, or it is damaged: "+err.Error(),
						"a bundle is written by: firsthand log --bundle FILE COMPANY; a backup is looked at by restoring it: firsthand restore")
				}
				if err != nil {
					return err
				}
				return report(ctx, env, newCaller(env), b, *online, *asJSON)
			}
			if len(args) == 0 {
				rows, err = a.agent.Relationships(ctx)
			} else {
				var r agent.Relationship
				r, err = a.agent.Find(ctx, args[0])
				rows = append(rows, r)
			}
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				say(env, "you have met nobody yet, so there is nothing to verify: firsthand meet COMPANY")
			}
			for _, r := range rows {
				b, err := a.agent.Bundle(ctx, r.ID)
				if err != nil {
					return err
				}
				if err := report(ctx, env, a.agent.Caller, b, *online, *asJSON); err != nil {
					return err
				}
			}
			return nil
		}
	},
}

// report verifies b and prints what it proves.
func report(ctx context.Context, env *cli.Env, caller agent.Caller, b *firsthand.Bundle, online, asJSON bool) error {
	r, err := b.Verify()
	if err != nil {
		return fmt.Errorf("not valid: %w", err)
	}
	s := r.State
	now := "not asked"
	if online && !r.Claimed.IsZero() {
		now = "not in it"
		company, _, err := caller.Discover(ctx, s.Opened.Domain)
		switch {
		case err != nil:
			now = "no answer: " + fault.KindOf(err).Error()
		case company.Has(s.Log(firsthand.Second).Key()) || company.Has(r.Claimed):
			now = "in it"
		}
	}
	if asJSON {
		return printJSON(env, struct {
			Domain     string              `json:"domain"`
			Rel        firsthand.ID        `json:"relationship"`
			Valid      bool                `json:"valid"`
			First      firsthand.Head      `json:"first"`
			Second     firsthand.Head      `json:"second"`
			Receipts   int                 `json:"receipts"`
			Forks      int                 `json:"forks"`
			Flags      int                 `json:"flags"`
			Claimed    firsthand.PublicKey `json:"claimed_key"`
			InDocument bool                `json:"key_in_kept_document"`
			DomainNow  string              `json:"key_in_domain_now"`
		}{s.Opened.Domain, s.Rel, true, s.Log(firsthand.First).Head, s.Log(firsthand.Second).Head, len(r.Receipts), len(r.Forks), len(s.Flags), r.Claimed, r.InDocument, now})
	}
	fmt.Fprintf(env.Stdout, "%s\n", cli.Printable(s.Opened.Domain))
	fmt.Fprintf(env.Stdout, "  the chain is valid: %s of the customer, %d of the company, %s\n",
		entries(int(s.Log(firsthand.First).Head.Seq)), s.Log(firsthand.Second).Head.Seq, cli.Count(len(r.Receipts), "receipt", "receipts"))
	switch {
	case s.Unpaired():
		fmt.Fprintln(env.Stdout, "  a log of her own: the company has signed nothing")
		return nil
	case len(r.Forks) > 0:
		fmt.Fprintf(env.Stdout, "  %s that a log was forked\n", cli.Count(len(r.Forks), "entry proves", "entries prove"))
	}
	if len(s.Flags) > 0 {
		fmt.Fprintf(env.Stdout, "  %s without effect\n", cli.Count(len(s.Flags), "entry is", "entries are"))
	}
	fmt.Fprintf(env.Stdout, "  this key claimed to be the company: %s\n", r.Claimed)
	kept := "no document was kept"
	if r.Document != nil {
		kept = "the document kept from " + day(r.Document.At) + " lists it"
		if !r.InDocument {
			kept = "the document kept from " + day(r.Document.At) + " does not list it"
		}
	}
	fmt.Fprintf(env.Stdout, "  in the domain's chain: %s; the domain now: %s\n", kept, now)
	return nil
}
