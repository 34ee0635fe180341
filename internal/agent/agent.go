package agent

import (
	"bytes"
	"cmp"
	"container/list"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/directory"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/mask"
	"firsthand/internal/agent/policy"
	"firsthand/terms"
	"firsthand/wire"
)

// A Caller reaches gateways. *wire.Client is the one for real use.
type Caller interface {
	Discover(ctx context.Context, domain string) (firsthand.Company, []byte, error)
	Open(ctx context.Context, gateway string, key *firsthand.Signer, r wire.Request) (wire.Response, error)
	Sync(ctx context.Context, gateway string, key *firsthand.Signer, r wire.Request) (wire.Response, error)
}

// Options are what an Agent needs from its surroundings.
type Options struct {
	Store  Store
	Caller Caller
	Roster *terms.Roster
	Now    func() time.Time
	Rand   io.Reader
	Log    *slog.Logger // no personal data; a relationship is its ID

	// Channels carry entries to companies without a gateway, the best first.
	Channels []channel.Channel
	// Mail carries mails; nil where nothing does.
	Mail Mailing
	// MailSettle is after how long a copy of a mail of hers that has not come won't
	// come; zero for a quarter of an hour.
	MailSettle time.Duration
	// Formats are the kinds of file that Bring reads.
	Formats []importer.Format
	// OpenListing opens a data set for AddDirectory; it is the one by which
	// directory.Open gets its client.
	OpenListing func(ctx context.Context, pathOrURL string) (*directory.File, error)
	// NewMasks returns the provider of a config; nil for none.
	NewMasks func(mask.Config) (mask.Provider, error)
}

// An Agent acts for one customer. Its methods may be called from several
// goroutines.
type Agent struct {
	Options

	mu    sync.Mutex
	open  map[firsthand.ID]*relationship // those in use, and some that were lately
	used  list.List                      // of *relationship nobody uses, the last used first
	spent int                            // entries that are folded in those
	fold  int                            // how many may be: maxSpent, but in tests

	schedule schedule
	mailing  mailing
	paused   holds
	moving   sync.Mutex    // held while a move begins: so its number and key are its own
	moves    chan struct{} // told when a move may have to begin

	read         readDocuments
	siblings     atomic.Pointer[directory.Siblings] // see sameCompany
	testOnlyStep func(string)                       // told of each step of a mail, in the order of mailsend.go

	previewed memo[string, Plan]           // by the move, and the minute
	papers    memo[firsthand.Date, []Task] // letters to print, by the day

	masking   sync.Mutex // held while a mask is made, or a leak noted
	finishing sync.Mutex // held while an import is compared with those there are
}

// New returns an Agent on o.Store. It starts nothing; see Run.
func New(o Options) *Agent {
	o.Rand = &sharedReader{r: o.Rand}
	if now := o.Now; now != nil {
		// Of the wall: what else time.Now tells stands still while the machine sleeps.
		o.Now = func() time.Time { return now().Round(0) }
	}
	return &Agent{Options: o, fold: maxSpent, open: make(map[firsthand.ID]*relationship), moves: make(chan struct{}, 1),
		schedule: schedule{wake: make(chan struct{}, 1)}}
}

// Bounds of what is kept in memory of relationships that nobody uses just now: how
// many, and of how many entries. Begin and the calls that follow it find the states
// of a change to a thousand companies there, or what was left of them when they were
// shed. A state is folded anew when needed.
const (
	maxOpen  = 1024
	maxSpent = 8192
)

// A relationship is one that is being worked on. mu is held for one act, or for
// one step of the outbox, never during a call.
type relationship struct {
	id    firsthand.ID
	mu    sync.Mutex
	users int           // guarded by Agent.mu, like the next two
	place *list.Element // in Agent.used, nil while there are users
	spent int           // entries that are folded in state

	row   Relationship
	kept  Relationship      // the row as it is in the store
	state *firsthand.State  // nil until needed, and after anything has failed
	ends  *ends             // nil, or what is left of a state that was shed; see shed.go
	shown [2]firsthand.Head // the heads for which the store has what it caches
	key   *firsthand.Signer // of row.Seed, nil until needed
	tail  []firsthand.Entry // the last of her log, if they were signed lately: what is sent next
	lacks int64             // the company has its own log only up to here; everything if it has all

	// refused counts the calls that were refused as not signed by the right key,
	// since the last that was not, and anew says that it may be opened anew; see
	// keys.go. What is asked next follows from them.
	refused int
	anew    bool
}

const everything = 1 << 62

// with runs fn with the relationship rel locked, its row read and its state
// folded. If fn fails, what is in memory of it is dropped: it may say what was not
// kept.
func (a *Agent) with(ctx context.Context, rel firsthand.ID, fn func(*relationship) error) error {
	return a.withAll(ctx, []firsthand.ID{rel}, func(rs []*relationship) error { return fn(rs[0]) })
}

// withEnds is with where the ends of rel's logs may suffice, if its state was shed: then
// shed is asked first, and fn only if it isn't done.
func (a *Agent) withEnds(ctx context.Context, rel firsthand.ID, shed func(*relationship) (done bool, err error), fn func(*relationship) error) error {
	rs, unlock := a.lockAll([]firsthand.ID{rel})
	defer unlock()
	r := rs[0]
	done, err := false, error(nil)
	if r.ends != nil {
		done, err = shed(r)
	}
	if !done && err == nil {
		if err = a.load(ctx, r); err != nil {
			return err
		}
		err = fn(r)
	}
	if err != nil {
		r.state, r.ends = nil, nil
	}
	return err
}

// withAll is with for several relationships, which must differ. They are locked
// in one order, so that two acts on several can't wait for each other.
func (a *Agent) withAll(ctx context.Context, rels []firsthand.ID, fn func([]*relationship) error) error {
	rs, unlock := a.lockAll(rels)
	defer unlock()
	for _, r := range rs {
		if err := a.load(ctx, r); err != nil {
			return err
		}
	}
	err := fn(rs)
	for _, r := range rs {
		if err != nil {
			r.state = nil
		}
	}
	return err
}

// lockAll returns the relationships locked, in the order of rels; they are not
// loaded.
func (a *Agent) lockAll(rels []firsthand.ID) (rs []*relationship, unlock func()) {
	if len(rels) == 1 { // as nearly always
		rs = []*relationship{a.take(rels[0])}
		rs[0].mu.Lock()
	} else {
		byID := make(map[firsthand.ID]*relationship, len(rels))
		for _, id := range slices.SortedFunc(slices.Values(rels), func(x, y firsthand.ID) int { return slices.Compare(x[:], y[:]) }) {
			r := a.take(id)
			r.mu.Lock()
			byID[id] = r
		}
		for _, id := range rels {
			rs = append(rs, byID[id])
		}
	}
	return rs, func() {
		for _, r := range rs {
			spent := 0
			if r.state != nil {
				spent = int(r.state.Log(firsthand.First).Head.Seq + r.state.Log(firsthand.Second).Head.Seq)
			}
			r.mu.Unlock()
			a.giveBack(r, spent)
		}
	}
}

func (a *Agent) take(id firsthand.ID) *relationship {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.open[id]
	if r == nil {
		r = &relationship{id: id, lacks: everything}
		a.open[id] = r
	}
	if r.place != nil {
		a.used.Remove(r.place)
		a.spent -= r.spent
		r.place = nil
	}
	r.users++
	return r
}

// giveBack forgets the relationships that were used longest ago, if there are too
// many.
func (a *Agent) giveBack(r *relationship, spent int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.users--; r.users > 0 {
		return
	}
	if spent == 0 && r.refused == 0 && !r.anew && r.lacks == everything && r.ends == nil {
		delete(a.open, r.id) // it was only glanced at: there is nothing to find again
		return
	}
	r.spent = spent
	a.spent += spent
	r.place = a.used.PushFront(r)
	for a.used.Len() > maxOpen || a.spent > a.fold && a.used.Len() > 1 {
		oldest := a.used.Remove(a.used.Back()).(*relationship)
		oldest.place = nil
		a.spent -= oldest.spent
		delete(a.open, oldest.id)
	}
}

// load reads what r lacks.
func (a *Agent) load(ctx context.Context, r *relationship) (err error) {
	id := r.id
	if r.state != nil && !r.state.Stale() {
		return nil
	}
	if r.row, err = a.Store.Relationship(ctx, id); err != nil {
		return fmt.Errorf("relationship %s: %w", id, err)
	}
	r.ends = nil
	if r.state, err = firsthand.Load(ctx, a.Store, id); err != nil {
		r.state = nil
		return fmt.Errorf("relationship %s: %w", id, err)
	}
	r.kept, r.shown, r.tail = r.row, r.heads(), nil
	return nil
}

// maxTail is how many entries of hers are kept to be sent without being read again.
const maxTail = 8

// remember keeps e, which was just signed, to be sent.
func (r *relationship) remember(e firsthand.Entry) {
	if n := len(r.tail); n == maxTail || n > 0 && r.tail[n-1].ID != e.Prev || len(e.Erases()) > 0 {
		r.tail = nil // what was erased is not to be found here either
	}
	r.tail = append(r.tail, e)
}

// after returns her entries after a seq up to her head, if they are kept.
func (r *relationship) after(seq int64) []firsthand.Entry {
	n := len(r.tail)
	if n == 0 || r.tail[n-1].ID != r.heads()[0].ID || r.tail[0].Seq > seq+1 {
		return nil
	}
	return r.tail[min(max(seq+1-r.tail[0].Seq, 0), int64(n)):]
}

// heads returns the ends of both logs, as they are in memory.
func (r *relationship) heads() [2]firsthand.Head {
	if r.ends != nil {
		return r.ends.heads
	}
	return [2]firsthand.Head{r.state.Log(firsthand.First).Head, r.state.Log(firsthand.Second).Head}
}

// signer returns her key in force.
func (r *relationship) signer() *firsthand.Signer {
	if r.key == nil || r.key.Seed() != r.row.Seed {
		r.key = firsthand.SignerFromSeed(r.row.Seed)
	}
	return r.key
}

// commit makes c, to which the rows and caches of rs are added, durable. What is
// in memory of a relationship that is forgotten goes too: else the next commit
// would bring it back.
func (a *Agent) commit(ctx context.Context, c Commit, rs ...*relationship) error {
	for _, r := range rs {
		if err := a.refresh(ctx, r, &c); err != nil {
			return err
		}
	}
	return a.keep(ctx, c, rs...)
}

// keep is commit once the rows and caches are in c.
func (a *Agent) keep(ctx context.Context, c Commit, rs ...*relationship) error {
	if err := a.Store.Commit(ctx, c); err != nil {
		return err
	}
	for _, r := range rs {
		if r.state == nil {
			continue // it was too much to keep, or it is forgotten
		}
		r.kept, r.shown = r.row, r.heads()
		if r.row.Received == r.shown[0] {
			r.tail = nil // nothing is left to be sent
		}
		if slices.Contains(c.Forget, r.row.ID) {
			r.state = nil
		}
	}
	a.schedule.note(a.Now(), &c)
	return nil
}

// refresh adds to c what has changed of r's row, and what the store caches of r
// where one of the logs has changed.
func (a *Agent) refresh(ctx context.Context, r *relationship, c *Commit) error {
	if slices.Contains(c.Forget, r.row.ID) {
		return nil
	}
	if r.state.Stale() {
		// What is shown is what both sides fold.
		if err := a.unstale(ctx, r, *c); err != nil {
			return err
		}
	}
	if r.shown != r.heads() || r.kept.Frozen != r.row.Frozen {
		r.row.cache(summarise(r.state))
		c.cache(r.state, &r.row)
	}
	was := r.kept
	was.Received, was.Sent, was.Tries, was.NextTry, was.Failure = r.row.Received, r.row.Sent, r.row.Tries, r.row.NextTry, r.row.Failure
	if !was.same(&r.row) {
		c.Relationships = append(c.Relationships, r.row)
	} else if !r.kept.same(&r.row) {
		c.Outbox = append(c.Outbox, r.row)
	}
	return nil
}

// cache adds what the store caches of a relationship beside its row.
func (c *Commit) cache(s *firsthand.State, row *Relationship) {
	if c.Holdings == nil {
		c.Holdings, c.Carried, c.Waiting = make(map[firsthand.ID][]Holder), make(map[firsthand.ID][]Carried), make(map[firsthand.ID][]Waiting)
	}
	c.Holdings[row.ID], c.Carried[row.ID], c.Waiting[row.ID] = holders(s, row), carried(s), waiting(s, row)
}

// same reports whether two rows say the same.
func (r *Relationship) same(o *Relationship) bool {
	return r.ID == o.ID && r.Domain == o.Domain && r.Name == o.Name && r.Gateway == o.Gateway && bytes.Equal(r.Company, o.Company) &&
		r.Seed == o.Seed && r.Opened.Equal(o.Opened) && r.Kept == o.Kept && r.Received == o.Received && r.Sent == o.Sent &&
		r.Tries == o.Tries && r.NextTry.Equal(o.NextTry) && r.Failure == o.Failure && r.Restored == o.Restored && r.Frozen == o.Frozen &&
		bytes.Equal(r.Summary, o.Summary) && r.Head == o.Head && r.Expects == o.Expects && r.Quiet == o.Quiet
}

// logs returns both logs of rel as they will be after c.
func (a *Agent) logs(ctx context.Context, rel firsthand.ID, c Commit) (first, second []firsthand.Entry, err error) {
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		entries, err := firsthand.Collect(a.Store.Entries(ctx, rel, side, 0))
		if err != nil {
			return nil, nil, err
		}
		for _, p := range c.Replace {
			if p.Rel == rel && p.Side == side {
				entries = entries[:p.Seq-1]
			}
		}
		for _, e := range c.Entries {
			if e.Relationship() == rel && e.Side == side {
				entries = append(entries, e)
			}
		}
		if side == firsthand.First {
			first = entries
		} else {
			second = entries
		}
	}
	return first, second, nil
}

// rules returns her standing decisions.
func (a *Agent) rules(ctx context.Context) (rules []policy.Rule, err error) {
	text, err := a.Store.Setting(ctx, "rules")
	if err != nil || text == "" {
		return nil, err
	}
	return rules, firsthand.ParseJSON([]byte(text), &rules)
}

// Rules returns her standing decisions, sorted by fact.
func (a *Agent) Rules(ctx context.Context) ([]policy.Rule, error) { return a.rules(ctx) }

// SetRule adds a rule, in place of the one for the same fact and company. One that could
// hold nothing back, since no fact and no company is called so, is refused.
func (a *Agent) SetRule(ctx context.Context, rule policy.Rule) error {
	if _, err := path.Match(rule.Fact, ""); err != nil || strings.Trim(rule.Fact, "abcdefghijklmnopqrstuvwxyz0123456789_.*?[]^-") != "" || rule.Fact == "" {
		return fault.Tell(fault.Invalid, fmt.Sprintf("%.60q is no name of a fact", rule.Fact), "a-z, 0-9, _ and dots, as in address.home; with *, as in address.*, it means several")
	}
	typed := rule.Domain
	if rule.Domain != "" {
		host, err := hostOf(rule.Domain)
		if err != nil {
			return err
		}
		rule.Domain = CompanyKey(host)
	}
	rules, err := a.rules(ctx)
	if err != nil {
		return err
	}
	rules = slices.DeleteFunc(rules, func(r policy.Rule) bool {
		return r.Fact == rule.Fact && (r.Domain == rule.Domain || r.Domain == typed)
	})
	if rule.Never {
		rules = append(rules, rule)
	}
	slices.SortFunc(rules, func(x, y policy.Rule) int {
		return cmp.Or(cmp.Compare(x.Fact, y.Fact), cmp.Compare(x.Domain, y.Domain))
	})
	return a.Store.Commit(ctx, Commit{Settings: map[string]string{"rules": string(firsthand.EncodeJSON(rules))}})
}

// Find returns the relationship that name means: a company's domain, or the ID
// of a relationship or its beginning. With several at one domain the last that is
// not closed is meant.
func (a *Agent) Find(ctx context.Context, name string) (Relationship, error) {
	all, err := a.Store.Relationships(ctx)
	if err != nil {
		return Relationship{}, err
	}
	var found []Relationship
	for _, r := range all {
		if r.Domain == name || len(name) >= 6 && len(r.ID.String()) >= len(name) && r.ID.String()[:len(name)] == name {
			found = append(found, r)
		}
	}
	for _, r := range slices.Backward(found) {
		if s, err := r.Summarised(); err == nil && !s.Closed {
			return r, nil
		}
	}
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	return Relationship{}, fault.Tell(fault.NotExist, "you have no relationship with "+name, "firsthand meet "+name)
}
