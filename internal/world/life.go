package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/store"
)

// A Maker makes the agent that acts on her file. It has to reach the world by
// [World.Fetch], and to tell the time by [World.Now].
type Maker func(*store.Store) *agent.Agent

// HasLife reports whether there is a file of Mia's in the world.
func (w *World) HasLife() bool { return store.Exists(w.LifeDir()) }

// MadeLife reports whether the life is the one that MakeLife made up, and so opens by
// [Passphrase]: who began with nothing has a passphrase of her own.
func (w *World) MadeLife() bool {
	_, err := os.Stat(w.KitFile())
	return err == nil && w.HasLife()
}

// KitFile is where the recovery kit of the life that MakeLife made up lies. A kit
// has no business beside the file that it opens; this one opens nothing real.
func (w *World) KitFile() string { return w.path(kitName) }

// MakeLife makes up Mia's life up to now, and leaves her file closed: what she has
// brought and kept, some companies that she has met, terms, disclosures, and her
// last change with its board. All of it is done by an agent as she would have done
// it, with companies that answer, at the times at which she would have: the world's
// clock is turned back for as long. Nothing else may go on in the world meanwhile.
//
// A crash leaves nothing that counts: her file gets its name when it is finished.
func (w *World) MakeLife(ctx context.Context, make Maker) (err error) {
	if w.HasLife() {
		return fault.Tell(fault.Conflict, "there is a life in "+w.o.Dir+" already", "begin anew with --reset")
	}
	defer w.turnTo(time.Time{})
	l := &lifeMaker{World: w, today: w.Now()}
	l.on(70, 9)
	draft := w.path(lifeName + ".new")
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	kit, err := store.NewKit()
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.KitFile(), []byte(kit.Page(w.Now())), 0o600); err != nil {
		return err
	}
	file, err := store.Create(ctx, draft, store.CreateOptions{Passphrase: []byte(Passphrase), KitRecipient: kit.Recipient()})
	if err != nil {
		return err
	}
	l.agent = make(file)
	if err = l.agent.Refill(ctx, kit.Text()); err == nil {
		err = l.live(ctx)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("make up Mia's life: %w", err)
	}
	return os.Rename(draft, w.LifeDir())
}

// turnTo makes t the world's time; the zero time is what the clock says.
func (w *World) turnTo(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.past = t
}

// A lifeMaker makes up a life.
type lifeMaker struct {
	*World
	agent *agent.Agent
	today time.Time
	err   error // of a step before; later steps do nothing
}

// on makes it that many days ago, at an hour.
func (l *lifeMaker) on(daysAgo, hour int) {
	day := l.today.AddDate(0, 0, -daysAgo)
	l.turnTo(time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, day.Location()))
}

// do carries on unless something has failed before.
func (l *lifeMaker) do(what string, fn func() error) {
	if l.err == nil {
		if err := fn(); err != nil {
			l.err = fmt.Errorf("%s: %w", what, err)
		}
	}
}

func (l *lifeMaker) live(ctx context.Context) error {
	l.on(70, 9)
	l.do("facts", func() error {
		return l.note(ctx, map[string]firsthand.Value{"name": firsthand.Text(Name), "email": firsthand.Text(OldEmail),
			"phone": firsthand.Text(OldPhone), "address.home": OldAddress})
	})
	l.do("directory", func() error { return l.AddDirectory(ctx, l.agent) })
	l.do("exports", func() error { return l.bring(ctx, func(e Export) bool { return e.Format != statementFormat }) })
	l.do("groups", func() error { return l.sort(ctx) })

	l.on(68, 20)
	for _, domain := range []string{"veloshop.example", "leiebank.example", "kruidenbox.example"} {
		l.do("meet "+domain, func() error { return l.meet(ctx, domain, domain != "leiebank.example") })
	}
	l.on(66, 21)
	l.do("mail account", func() error { return l.account(ctx) })
	l.do("access to what one has that is silent", func() error { return l.access(ctx, silent) })
	l.on(45, 20)
	l.do("access to what one has that answers", func() error { return l.access(ctx, answered) })
	l.on(44, 20)
	l.do("answer", func() error { return l.mark(ctx) })
	l.on(40, 21)
	l.do("access to what one has that waits for a reminder", func() error { return l.access(ctx, silentOnce) })
	l.on(30, 19)
	l.do("reminder", func() error { return l.remind(ctx, silent) })

	l.do("new e-mail", func() error { return l.newEmail(ctx) })

	l.on(20, 12)
	l.do("answer", func() error { return l.mark(ctx) })
	l.do("rules", func() error { return l.rules(ctx) })
	l.do("stranger", l.stranger)
	l.do("mails", func() error { return l.mails(ctx) })

	l.on(19, 8)
	l.do("meet gentwater.example", func() error { return l.meet(ctx, "gentwater.example", false) })

	// She has moved, and told nobody yet.
	l.on(2, 18)
	l.do("new facts", func() error {
		return l.note(ctx, map[string]firsthand.Value{"address.home": NewAddress})
	})

	// Her bank lets her download a year.
	l.on(1, 19)
	l.do("statement", func() error { return l.bring(ctx, func(e Export) bool { return e.Format == statementFormat }) })
	l.do("contracts", func() error { return l.know(ctx) })
	return l.err
}

func (l *lifeMaker) note(ctx context.Context, facts map[string]firsthand.Value) error {
	for name, v := range facts {
		if err := l.agent.SetFact(ctx, name, v); err != nil {
			return err
		}
	}
	return nil
}

// AddDirectory adds the world's own data sets, and those of its Options, to
// somebody's file. A set of the world gives way to one of the same name.
func (w *World) AddDirectory(ctx context.Context, a *agent.Agent) error {
	sets, err := os.ReadDir(w.Directory())
	if err != nil {
		return err
	}
	for _, set := range sets {
		if _, err := a.AddDirectory(ctx, filepath.Join(w.Directory(), set.Name())); err != nil {
			return err
		}
	}
	for _, set := range w.o.Directories {
		if _, err := a.AddDirectory(ctx, set); err != nil {
			return fmt.Errorf("directory %s: %w", set, err)
		}
	}
	return nil
}

// bring brings and keeps what her programs have exported.
func (l *lifeMaker) bring(ctx context.Context, which func(Export) bool) error {
	for _, e := range Exports(l.today) {
		if !which(e) {
			continue
		}
		f, err := os.Open(filepath.Join(l.Exports(), e.Name))
		if err != nil {
			return err
		}
		i, err := l.agent.Bring(ctx, e.Name, f, nil)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		if err := l.agent.Keep(ctx, i.ID); err != nil {
			return err
		}
	}
	return nil
}

// sort puts companies into groups, and states who has the old address.
func (l *lifeMaker) sort(ctx context.Context) error {
	groups := map[string][]string{}
	var stated []agent.Statement
	for _, f := range firms {
		groups[f.group] = append(groups[f.group], f.domain)
		if f.address == "o" {
			stated = append(stated, agent.Statement{Domain: f.domain, Fact: "address.home", Value: OldAddress, Since: firsthand.DateOf(f.monthsAgo(l.today, f.since))})
		}
	}
	for name, domains := range groups {
		if err := l.agent.Group(ctx, name, true, domains...); err != nil {
			return err
		}
	}
	return l.agent.State(ctx, stated...)
}

// meet meets a company, agrees on terms and proves which of its customers she is.
// Then she may tell it her address, as she would for a delivery.
func (l *lifeMaker) meet(ctx context.Context, domain string, tell bool) error {
	r, err := l.agent.Meet(ctx, domain, agent.MeetOptions{})
	if err != nil {
		return err
	}
	if _, err := l.agent.Offer(ctx, r.ID); err != nil {
		return err
	}
	c := l.Company(domain)
	if _, err := l.agent.Claim(ctx, r.ID, c.Number()); err != nil {
		return err
	}
	if err := l.exchange(ctx); err != nil {
		return err
	}
	code, err := l.codeFrom(c)
	if err != nil {
		return err
	}
	if _, err := l.agent.Prove(ctx, r.ID, code); err != nil {
		return err
	}
	if tell {
		if err := l.exchange(ctx); err != nil {
			return err
		}
		if _, err := l.agent.Disclose(ctx, r.ID, agent.Telling{Fact: "address.home", Purpose: Purpose}); err != nil {
			return err
		}
	}
	return l.exchange(ctx)
}

var inLetter = regexp.MustCompile(`The code is (\S+)\.`)

// codeFrom is what she does when a letter has come: she reads the code.
func (l *lifeMaker) codeFrom(c *Company) (string, error) {
	for _, letter := range c.letters() {
		if found := inLetter.FindStringSubmatch(letter.Text); found != nil {
			return found[1], nil
		}
	}
	return "", fmt.Errorf("no letter with a code from %s: %w", c.domain, fault.NotExist)
}

// exchange lets everybody do what is to be done: she sends, companies and their
// people answer, and she hears of it.
func (l *lifeMaker) exchange(ctx context.Context) error {
	for range 3 {
		rows, err := l.agent.Relationships(ctx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.Gateway == "" {
				continue
			}
			if err := l.agent.Flush(ctx, r.ID, 0); err != nil {
				return err
			}
		}
		if err := l.settle(ctx, 0, false); err != nil {
			return err
		}
	}
	return nil
}

// newEmail is her last change. It goes by mail where that is possible; what had to be
// carried by hand she has carried, as far as people do.
func (l *lifeMaker) newEmail(ctx context.Context) error {
	l.on(26, 10)
	id, err := l.agent.Begin(ctx, agent.Move{
		Facts: []agent.NewFact{{Fact: "email", Value: firsthand.Text(NewEmail), Old: firsthand.Text(OldEmail)}},
		Basis: firsthand.Basis{Right: "GDPR 16"}, Guesses: true, Note: "the old provider closes",
	}, "")
	if err != nil {
		return err
	}
	if err := cmp.Or(l.exchange(ctx), l.mails(ctx)); err != nil {
		return err
	}
	tasks, _, err := l.agent.Tasks(ctx, agent.TaskQuery{Move: id})
	if err != nil {
		return err
	}
	tasks = slices.DeleteFunc(tasks, func(t agent.Task) bool { return t.Mail != "" }) // it came back
	slices.SortFunc(tasks, func(a, b agent.Task) int { return cmp.Compare(a.Domain, b.Domain) })
	for i, t := range tasks {
		saw, note := "applied", "" // most say at once that it was saved
		switch i % 5 {
		case 1:
			saw, note = "sent", "by their form; they write within two weeks"
		case 3:
			saw, note = "refused", "they want a copy of my identity card, for an e-mail address!"
		case 4:
			continue // still to be done
		}
		l.on(25-i/4, 19)
		if err := l.agent.Done(ctx, t.Entry, saw, note); err != nil {
			return err
		}
	}
	return nil
}
