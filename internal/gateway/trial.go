package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/wire"
)

// A TrialStep is one line of the list that a trial ends in.
type TrialStep struct {
	What    string // needs (what the connector needs of the system), document, meet, terms, tell, read, change, message, withdraw, close, clean
	Fine    bool   // else it is wrong, or was not reached
	Hand    bool   // it is fine, and a person has to do it: the system can't, or is not to
	Skipped bool   // it was not reached
	Note    string // record, reason or error; of nobody: the customer is made up
}

// trialFact is what the made-up customer tells: every system has a place for it.
const trialFact = "name"

// Trial lets a customer who doesn't exist live her whole life with this company:
// she meets it, agrees, tells a marked name, changes it, asks something, takes back what
// she told, and leaves.
// It is this gateway's code with its keys, terms and connector, on a store of
// its own that the caller throws away: no row of a customer's is near. What it made
// in the company's system is removed at the end, whatever came in between. wait
// bounds each step.
func (g *Gateway) Trial(ctx context.Context, by string, scratch Store, wait time.Duration) ([]TrialStep, error) {
	if err := g.Note(ctx, by, "check", "with a made-up customer"); err != nil {
		return nil, err
	}
	o := g.o
	o.Store, o.Keys, o.Poll = scratch, g.keyring(), 365*24*time.Hour
	own, err := New(o)
	if err != nil {
		return nil, err
	}
	for _, l := range own.lanes {
		l.nextPoll = o.Now().Add(o.Poll) // what happens in the system is the real gateway's to hear
	}
	t := &trial{g: own, ctx: ctx, by: by, wait: wait, state: firsthand.NewState(), mark: fmt.Sprintf("Firsthand check %s", o.Now().UTC().Format("2006-01-02 15:04:05"))}
	return t.run(), nil
}

// A trial is the customer's side.
type trial struct {
	g    *Gateway
	ctx  context.Context
	by   string
	wait time.Duration
	mark string // the value that she tells, fit to be recognised by a person

	key   *firsthand.Signer
	state *firsthand.State
	sent  int64
	first []firsthand.Entry

	ref    connector.Ref // the record that was made for her
	ticket connector.Ref // and the ticket
	told   firsthand.ID
	waits  bool // what she told waits for a person in the system
	steps  []TrialStep
}

func (t *trial) run() []TrialStep {
	steps := []struct {
		what string
		do   func() (note string, err error)
	}{
		{"document", t.document}, {"meet", t.meet}, {"terms", t.terms}, {"tell", t.tell}, {"read", t.read},
		{"change", t.change}, {"message", t.message}, {"withdraw", t.withdraw}, {"close", t.close},
	}
	t.needs()
	failed := false
	for _, s := range steps {
		if failed {
			t.steps = append(t.steps, TrialStep{What: s.what, Skipped: true})
			continue
		}
		note, err := s.do()
		failed = t.step(s.what, note, err)
	}
	note, err := t.clean()
	t.step("clean", note, err)
	return t.steps
}

// step notes how a step ended, and reports whether it failed.
func (t *trial) step(what, note string, err error) (failed bool) {
	s := TrialStep{What: what, Note: note}
	if hand, ok := errors.AsType[byHand](err); ok {
		s.Hand, s.Note, err = true, string(hand), nil
	}
	if s.Fine = err == nil; err != nil {
		s.Note = why(err)
	}
	t.steps = append(t.steps, s)
	return err != nil
}

// byHand says that a step is a person's, and what she does.
type byHand string

func (h byHand) Error() string { return string(h) }

// needs has the connector say whether it finds what it needs. The rest is tried all the
// same: she may need less.
func (t *trial) needs() {
	for _, l := range t.g.lanes {
		c, ok := l.connector.(connector.Checker)
		if !ok {
			continue
		}
		for _, f := range c.Check(t.ctx) {
			s := TrialStep{What: "needs", Fine: f.Err == nil, Note: l.label() + ", " + f.What}
			if f.Err != nil {
				s.Note += ": " + why(f.Err)
				if hint := fault.HintOf(f.Err); hint != "" {
					s.Note += "; " + hint
				}
			} else if f.Note != "" {
				s.Note += ": " + f.Note
			}
			t.steps = append(t.steps, s)
		}
	}
}

// document reads what the gateway says of the company, as an agent does.
func (t *trial) document() (string, error) {
	doc, err := t.g.Company(t.ctx)
	if err != nil {
		return "", err
	}
	c, err := firsthand.ParseCompany(doc, t.g.o.Company.Domain)
	return c.Name, err
}

func (t *trial) meet() (_ string, err error) {
	if t.key, err = firsthand.NewSigner(t.g.o.Rand); err != nil {
		return "", err
	}
	next, err := firsthand.NewSigner(t.g.o.Rand)
	if err != nil {
		return "", err
	}
	var label firsthand.Label
	if _, err := io.ReadFull(t.g.o.Rand, label[:]); err != nil {
		return "", err
	}
	_, err = t.say(&firsthand.Open{Role: "customer", Key: t.key.Public(), Label: label, Next: next.Public().Hash(),
		Domain: t.g.o.Company.Domain, CompanyKey: t.g.keyring().current().Public()})
	return "", err
}

func (t *trial) terms() (string, error) {
	offered := t.g.o.Company.Terms
	if len(offered) == 0 {
		return "the company accepts no terms: her own exception stands for them", nil
	}
	if _, err := t.say(&firsthand.TermsOffer{Terms: offered[:1]}); err != nil {
		return "", err
	}
	if len(t.state.Agreements) == 0 {
		return "", errors.New("what the company says it accepts was not accepted")
	}
	return offered[0].Code, nil
}

// basis is what she tells on.
func (t *trial) basis() firsthand.Basis {
	if n := len(t.state.Agreements); n > 0 {
		return firsthand.Basis{Agreement: t.state.Agreements[n-1].Entry}
	}
	return firsthand.Basis{Exception: "a check of the company's own"}
}

func (t *trial) tell() (note string, err error) {
	t.told, err = t.say(&firsthand.Disclose{Fact: trialFact, Value: firsthand.Text(t.mark), Purpose: "dpv:RequestedServiceProvision", Basis: t.basis()})
	if err != nil {
		return "", err
	}
	note, err = t.outcome(t.told)
	t.note(t.told)
	if t.delivery(t.told).Status == Proposed {
		t.waits = true
		err = byHand("a person decides in the system on what she tells: that is how it is configured")
	}
	return note, err
}

// errWaits is of what can't be tried when a person has to decide first.
const errWaits = byHand("waits for the person who decides")

// outcome waits for what becomes of an entry.
func (t *trial) outcome(entry firsthand.ID) (string, error) {
	err := t.until(func() bool { return t.state.Outcomes[entry] != nil || t.rests(entry) })
	o := t.state.Outcomes[entry]
	switch {
	case err != nil:
		return "", err
	case o == nil:
		return "", t.trouble(entry)
	case !o.Applied:
		return "", fmt.Errorf("refused: %s", o.Reason)
	}
	return o.System + " " + o.Record, nil
}

// rests reports whether nothing happens about an entry until a person acts.
func (t *trial) rests(entry firsthand.ID) bool {
	d := t.delivery(entry)
	return d.Status == Stopped || d.Status == Held || d.Status == Proposed
}

// trouble says why nothing has come of an entry.
func (t *trial) trouble(entry firsthand.ID) error {
	switch d := t.delivery(entry); d.Status {
	case "":
		return errors.New("there is no answer")
	default:
		return fmt.Errorf("%s: %s", d.Status, d.Why)
	}
}

func (t *trial) delivery(entry firsthand.ID) (found Delivery) {
	all, _ := t.g.o.Store.Deliveries(t.ctx, t.state.Rel) // none says enough
	for _, d := range all {
		if d.Entry == entry {
			found = d
		}
	}
	return found
}

// note keeps which record is hers, to be removed at the end.
func (t *trial) note(entry firsthand.ID) {
	if d := t.delivery(entry); !d.Ref.IsZero() {
		t.ref = d.Ref
	}
	if row, err := t.g.o.Store.Relationship(t.ctx, t.state.Rel); err == nil && !row.Record.IsZero() {
		t.ref = row.Record
	}
	t.ref.Version = ""
}

func (t *trial) read() (string, error) {
	if t.waits {
		return "", errWaits
	}
	return t.shows(firsthand.Text(t.mark))
}

func (t *trial) shows(want firsthand.Value) (string, error) {
	rec, err := t.g.records().Read(t.ctx, t.ref)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return "the system can't be read: its word is passed on as such", nil
	case err != nil:
		return "", err
	case !rec.Facts[trialFact].Equal(want):
		return "", fmt.Errorf("the record shows another value: %q", rec.Facts[trialFact].String())
	}
	return rec.Facts[trialFact].String(), nil
}

func (t *trial) change() (string, error) {
	if t.waits {
		return "", errWaits
	}
	value := firsthand.Text(t.mark + ", changed")
	id, err := t.say(&firsthand.Change{Fact: trialFact, Value: value, Basis: t.basis(), Of: t.told})
	if err != nil {
		return "", err
	}
	if _, err := t.outcome(id); err != nil {
		return "", err
	}
	return t.shows(value)
}

// message asks something, where the company talks to its customers.
func (t *trial) message() (string, error) {
	entry, err := t.say(&firsthand.Message{Text: t.mark + ". Nobody asks this: it was made to see whether it arrives. It can be closed."})
	if err != nil {
		return "", err
	}
	note, err := t.outcome(entry)
	d := t.delivery(entry)
	switch {
	case d.Status == Held && d.Why == noPlace:
		return "", byHand("no system of the company's has a place for what customers ask: operators answer them here")
	case err != nil:
		return "", err
	}
	t.ticket = d.Ref
	t.ticket.Version = ""
	if t.ticket.IsZero() {
		return note, nil
	}
	if _, err := t.g.laneOf(t.ticket).connector.Read(t.ctx, t.ticket); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return "", fmt.Errorf("read %s %s back: %w", t.ticket.System, t.ticket.ID, err)
	}
	return note, nil
}

func (t *trial) withdraw() (string, error) {
	if t.waits {
		return "", errWaits
	}
	if _, err := t.say(&firsthand.Withdraw{Disclosure: t.told}); err != nil {
		return "", err
	}
	gone := func() bool { _, _, effect := t.state.Entry(t.told); return !effect }
	err := t.until(func() bool { return gone() || t.rests(t.told) })
	_, redacts := t.g.records().(connector.Redactor)
	switch {
	case err != nil:
		return "", err
	case !gone() && !redacts && t.g.records() != nil && t.delivery(t.told).Status == Held:
		return "", t.asOperator(gone)
	case !gone():
		return "", t.trouble(t.told)
	}
	rec, err := t.g.records().Read(t.ctx, t.ref)
	if err == nil && !rec.Facts[trialFact].IsZero() {
		return "", errors.New("the system still shows it")
	}
	return "signed as erased, and gone from the record", nil
}

// asOperator does what an operator is asked to where the system can't forget, as far as
// the connector can with the record of nobody, and says that it is done.
func (t *trial) asOperator(gone func() bool) error {
	asked := "operators are asked to " + t.delivery(t.told).Why
	_, err := t.clear(t.ctx, t.ref)
	if errors.Is(err, errors.ErrUnsupported) {
		return byHand(asked)
	}
	if err != nil {
		return err
	}
	if err := t.g.Apply(t.ctx, t.by, t.state.Rel, t.told, ""); err != nil {
		return err
	}
	if err := t.until(gone); err != nil {
		return err
	}
	return byHand(asked + "; when it was said to be done, it was signed as erased")
}

// clear puts away what she has left in the system of ref, and returns what stays.
func (t *trial) clear(ctx context.Context, ref connector.Ref) (stays string, err error) {
	c, ok := t.g.laneOf(ref).connector.(connector.Clearer)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return c.Clear(ctx, ref)
}

func (t *trial) close() (string, error) {
	_, err := t.say(&firsthand.Close{Reason: "the check is over"})
	return "", err
}

// clean removes what was made for her: the record, and the ticket.
func (t *trial) clean() (string, error) {
	ctx := context.WithoutCancel(t.ctx)
	var gone, stays []string
	if t.waits {
		stays = append(stays, "refuse what was proposed")
	}
	for _, ref := range []connector.Ref{t.ticket, t.ref} {
		if ref.IsZero() || t.g.laneOf(ref).connector == nil {
			continue
		}
		left, err := t.remove(ctx, ref)
		switch {
		case err != nil:
			return "", fmt.Errorf("remove %s %s by hand: %w", ref.System, ref.ID, err)
		case left != "":
			stays = append(stays, left)
		default:
			gone = append(gone, ref.System+" "+ref.ID)
		}
	}
	switch {
	case len(stays) > 0:
		return "", byHand(strings.Join(stays, "; "))
	case len(gone) == 0:
		return "nothing was left in a system", nil
	}
	return strings.Join(gone, ", "), nil
}

// remove removes a record or ticket, and looks whether it is gone. What stays is for a
// person, by the connector's own word.
func (t *trial) remove(ctx context.Context, ref connector.Ref) (stays string, err error) {
	c := t.g.laneOf(ref).connector
	r, ok := c.(connector.Redactor)
	if !ok {
		stays, err = t.clear(ctx, ref)
		if errors.Is(err, errors.ErrUnsupported) {
			return "remove " + ref.System + " " + ref.ID, nil
		}
		if err != nil {
			return "", err
		}
	} else if err := r.Redact(ctx, ref, ""); err != nil {
		return "", err
	}
	rec, err := c.Read(ctx, ref)
	switch {
	case fault.KindOf(err) == fault.NotExist, errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		return "", err
	default:
		for fact, v := range rec.Facts {
			if !v.IsZero() {
				return "", fmt.Errorf("it still has %s", fact)
			}
		}
	}
	return stays, nil
}

// say writes an entry and brings it to the gateway.
func (t *trial) say(c firsthand.Content) (firsthand.ID, error) {
	salt, err := firsthand.NewSalt(t.g.o.Rand)
	if err != nil {
		return firsthand.ID{}, err
	}
	if err := t.fresh(); err != nil {
		return firsthand.ID{}, err
	}
	e, err := t.state.Write(t.key, firsthand.First, t.g.o.Now(), salt, c)
	if err != nil {
		return firsthand.ID{}, err
	}
	if err := t.state.Take(e); err != nil {
		return firsthand.ID{}, err
	}
	t.first = append(t.first, e)
	return e.ID, t.sync()
}

// fresh folds the logs anew where what came has changed what was before.
func (t *trial) fresh() error {
	if !t.state.Stale() {
		return nil
	}
	second, err := firsthand.Collect(t.g.o.Store.Entries(t.ctx, t.state.Rel, firsthand.Second, 0))
	if err != nil {
		return err
	}
	first, err := firsthand.Collect(t.g.o.Store.Entries(t.ctx, t.state.Rel, firsthand.First, 0))
	if err != nil {
		return err
	}
	first = append(first, t.first[min(len(first), len(t.first)):]...)
	t.state, err = firsthand.Fold(first, second)
	return err
}

// sync calls the gateway as an agent does, and verifies all that comes.
func (t *trial) sync() error {
	for range 10 {
		r := wire.Request{Rel: t.state.Rel, First: t.state.Log(firsthand.First).Head, Second: t.state.Log(firsthand.Second).Head, Entries: t.first[t.sent:]}
		call := t.g.Sync
		if t.sent == 0 {
			call = t.g.Open
		}
		resp, err := call(t.ctx, r)
		if err != nil {
			return err
		}
		for _, e := range t.state.Sort(resp.Entries) {
			if err := t.state.Check(e); err != nil {
				return fmt.Errorf("what the gateway says doesn't verify: %w", err)
			}
			if err := t.state.Take(e); err != nil {
				return err
			}
		}
		receipt, err := firsthand.ParseReceipt(resp.Receipt, append(t.state.Log(firsthand.Second).Keys, t.state.Opened.CompanyKey)...)
		if err != nil {
			return fmt.Errorf("receipt: %w", err)
		}
		if receipt.ID != t.state.Log(firsthand.First).Head.ID {
			return errors.New("the receipt is for something else")
		}
		t.sent = receipt.Seq
		if err := t.fresh(); err != nil {
			return err
		}
		if !resp.More && resp.Second == t.state.Log(firsthand.Second).Head {
			return nil
		}
	}
	return errors.New("no end of calls")
}

// until lets the gateway work until something is so.
func (t *trial) until(so func() bool) error {
	end := time.Now().Add(t.wait)
	for {
		worked, next, err := t.g.Step(t.ctx)
		if err != nil {
			return err
		}
		if err := t.sync(); err != nil {
			return err
		}
		if so() {
			return nil
		}
		if worked {
			continue
		}
		pause := time.Second
		if !next.IsZero() {
			pause = min(pause, max(next.Sub(t.g.o.Now()), 10*time.Millisecond))
		}
		if time.Now().Add(pause).After(end) {
			d := t.delivery(t.told)
			return fmt.Errorf("no answer within %s: %s", t.wait, d.Why)
		}
		timer := time.NewTimer(pause)
		select {
		case <-t.ctx.Done():
			timer.Stop()
			return t.ctx.Err()
		case <-timer.C:
		}
	}
}
