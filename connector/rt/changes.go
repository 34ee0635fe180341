package rt

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
)

// A transaction is what RT notes of something that happened.
type transaction struct {
	ID         word `json:"id"`
	Type       string
	Is         word `json:"type"` // "transaction": without it, Go takes that for Type
	Field      word
	OldValue   word
	NewValue   word
	Data       word
	Created    time.Time
	Creator    struct{ ID word }
	ObjectType string
	ObjectId   word

	n uint64 // ID
}

const transactionFields = "Type,Field,OldValue,NewValue,Created,Creator,ObjectType,ObjectId"

// since returns what others did to users and in the queue after from, by number, and
// whether there is more.
func (t *Tracker) since(ctx context.Context, from uint64) (all []transaction, more bool, err error) {
	end := uint64(1<<64 - 1)
	add := func(page []transaction, err error) error {
		if err != nil {
			return err
		}
		last := from
		for i := range page {
			n, err := strconv.ParseUint(string(page[i].ID), 10, 63)
			if err != nil || page[i].Type == "" {
				return fault.Tell(fault.Invalid, "what RT says of a transaction can't be read", "")
			}
			page[i].n = n
			last = max(last, n)
		}
		if len(page) == pageSize {
			more, end = true, min(end, last)
		}
		all = append(all, page...)
		return nil
	}
	if err := add(found[transaction](ctx, t.client, "transactions", transactionFields, nil,
		fmt.Sprintf("ObjectType = 'RT::Ticket' AND %s AND id > %d AND (Type = 'Correspond' OR Type = 'Status') AND Creator != '%s'",
			t.queues("TicketQueue"), from, t.cfg.User))); err != nil {
		return nil, false, err
	}
	if err := add(found[transaction](ctx, t.client, "transactions", transactionFields, []limit{{Field: "ObjectType", Value: "RT::User"}, {Field: "Type", Value: "Set"},
		{Field: "id", Value: fmt.Sprint(from), Operator: ">"}, {Field: "Creator", Value: t.cfg.User, Operator: "!="}}, "")); err != nil {
		return nil, false, err
	}
	all = slices.DeleteFunc(all, func(x transaction) bool { return x.n <= from || x.n > end })
	slices.SortFunc(all, func(a, b transaction) int { return cmp.Compare(a.n, b.n) })
	return all, more, nil
}

// Changes implements [connector.Connector]. RT numbers a transaction when it is
// written, and shows it when the work that it is part of ends. So what happened up to
// [overlap] before the last that was seen is looked at again; what took longer is
// missed.
func (t *Tracker) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		stopped := false
		err := t.changes(ctx, cursor, func(c connector.Change) bool {
			stopped = !yield(c, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(connector.Change{}, fmt.Errorf("changes: %w", err))
		}
	}
}

func (t *Tracker) changes(ctx context.Context, text string, yield func(connector.Change) bool) error {
	at, err := parseCursor(text)
	if err != nil {
		return err
	}
	at.floor = max(at.floor, t.reached.of(text))
	l := &look{t: t, tickets: map[string][]ticket{}, since: map[string]uint64{}, people: map[string]*user{}, past: map[string]*history{}}
	for from, more := at.floor, true; more; {
		var all []transaction
		if all, more, err = t.since(ctx, from); err != nil {
			return err
		}
		if len(all) > 0 {
			from = all[len(all)-1].n
		}
		at.meet(all)
		for len(all) > 0 {
			n := 1
			if at.told(all[0].n) {
				at.pass(all[:n], true)
				all = all[n:]
				continue
			}
			if all[0].ObjectType == "RT::User" {
				n = t.together(all, at)
			}
			cs, err := l.change(ctx, all[:n])
			if err != nil {
				return err
			}
			before := at.String() // who goes on before the last of them gets all again
			at.pass(all[:n], len(cs) > 0)
			all = all[n:]
			for i, c := range cs {
				if c.Cursor = before; i == len(cs)-1 {
					c.Cursor = at.String()
				}
				if !yield(c) {
					return nil
				}
				text = c.Cursor
			}
		}
	}
	t.reached.put(text, at.floor)
	return nil
}

// together returns how many of the first transactions are one edit: RT notes each
// field for itself.
func (t *Tracker) together(all []transaction, at *cursor) int {
	first := all[0]
	fields := map[word]bool{}
	for i, x := range all {
		if x.ObjectType != first.ObjectType || x.ObjectId != first.ObjectId || x.Creator != first.Creator || fields[x.Field] ||
			t.factOf(string(x.Field)) != t.factOf(string(first.Field)) || x.Created.Sub(first.Created) > 2*time.Second || at.told(x.n) {
			return i
		}
		fields[x.Field] = true
	}
	return len(all)
}

// factOf returns the fact that a field of users is, or is a part of.
func (t *Tracker) factOf(field string) string {
	for fact, to := range t.cfg.Mapping {
		if slices.ContainsFunc(columns[to], func(c column) bool { return c.name == field }) {
			return fact
		}
	}
	return ""
}

// A look is one reading of the changes, with what was read for it.
type look struct {
	t       *Tracker
	tickets map[string][]ticket // by number: it, and what was merged into it
	since   map[string]uint64   // when one was merged into another
	people  map[string]*user
	past    map[string]*history // by user
}

// change returns what xs, which are one act, come to. It is more than one change where
// tickets were merged.
func (l *look) change(ctx context.Context, xs []transaction) ([]connector.Change, error) {
	x := xs[len(xs)-1]
	c := connector.Change{ID: "transaction " + string(x.ID), At: x.Created}
	if string(x.Creator.ID) == l.t.cfg.User || x.Creator.ID == "" || !isNumber(string(x.ObjectId)) {
		return nil, nil
	}
	if x.ObjectType == "RT::User" {
		return some(l.edit(ctx, c, x))
	}
	all, err := l.ticket(ctx, string(x.ObjectId))
	if err != nil {
		return nil, err
	}
	var cs []connector.Change
	told := map[firsthand.ID]bool{} // a reply
	for i := range all {
		tk := &all[i]
		f := l.t.cfg.Fields
		each := c
		if each.Relationship.UnmarshalText([]byte(tk.is(f.Relationship))) != nil || each.Of.UnmarshalText([]byte(tk.is(f.Message))) != nil || each.Relationship.IsZero() {
			continue // none of hers
		}
		if string(tk.ID) != string(x.ObjectId) {
			if at, err := l.mergedAt(ctx, string(tk.ID), string(x.ObjectId)); err != nil {
				return nil, err
			} else if at == 0 || x.n < at {
				continue // it was no matter of hers then
			}
			each.ID += " of ticket " + string(tk.ID)
		}
		each.Ref = l.t.ticketRef(string(tk.ID))
		each, ok, err := l.ofTicket(ctx, each, x, tk)
		if err != nil {
			return nil, err
		}
		if ok && (each.Text == "" || !told[each.Relationship]) {
			told[each.Relationship] = true
			cs = append(cs, each)
		}
	}
	return cs, nil
}

func some(c connector.Change, ok bool, err error) ([]connector.Change, error) {
	if !ok || err != nil {
		return nil, err
	}
	return []connector.Change{c}, nil
}

// ticket returns the ticket of that number, and those merged into it after it; nothing
// if there is none any more.
func (l *look) ticket(ctx context.Context, id string) ([]ticket, error) {
	if all, ok := l.tickets[id]; ok {
		return all, nil
	}
	all, err := l.t.gathered(ctx, id)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(x ticket) bool { return string(x.ID) == id && x.merged() }); i >= 0 {
		// It was merged itself since, and took with it what was in it by then.
		more, err := l.t.gathered(ctx, all[i].into())
		if err != nil {
			return nil, err
		}
		all = append(all, slices.DeleteFunc(more, func(x ticket) bool { return string(x.ID) == id })...)
	}
	slices.SortStableFunc(all, func(a, b ticket) int { // its own matter comes first
		switch id {
		case string(a.ID):
			return -1
		case string(b.ID):
			return 1
		}
		return 0
	})
	if len(all) == 0 || string(all[0].ID) != id { // a search leaves out what was deleted
		x, err := l.t.ticket(ctx, id)
		if err != nil && fault.KindOf(err) != fault.NotExist {
			return nil, err
		}
		if err == nil && string(x.ID) == id {
			all = append([]ticket{*x}, all...)
		}
	}
	l.tickets[id] = all
	return all, nil
}

// mergedAt is [Tracker.mergedAt], asked once.
func (l *look) mergedAt(ctx context.Context, id, into string) (uint64, error) {
	key := id + " " + into
	if n, ok := l.since[key]; ok {
		return n, nil
	}
	n, err := l.t.mergedAt(ctx, id, into)
	if err == nil {
		l.since[key] = n
	}
	return n, err
}

// ofTicket returns what x is for the matter of tk.
func (l *look) ofTicket(ctx context.Context, c connector.Change, x transaction, tk *ticket) (connector.Change, bool, error) {
	kind := tk.is(l.t.cfg.Fields.Kind)
	switch {
	case x.Type == "Correspond":
		return l.reply(ctx, c, x)
	case x.Type != "Status" || kind == past || kind == notice:
		return c, false, nil
	case kind != proposed && kind != change:
		c.Resolved = slices.Contains(l.t.cfg.Done, string(x.NewValue))
		return c, c.Resolved, nil
	}
	decision := *tk
	decision.Status = string(x.NewValue)
	res, ok, err := l.t.decided(ctx, &decision)
	if !ok || err != nil {
		return c, false, err
	}
	c.State, c.Reason, c.Ref = res.State, res.Reason, res.Ref
	return c, true, nil
}

// person returns who has done something, nil if RT doesn't know.
func (l *look) person(ctx context.Context, name string) (*user, error) {
	if u, ok := l.people[name]; ok {
		return u, nil
	}
	u, err := l.t.user(ctx, name)
	if err != nil && fault.KindOf(err) != fault.NotExist {
		return nil, err
	}
	l.people[name] = u
	return u, nil
}

// reply returns an answer of staff's. What somebody without rights says, RT has from
// her mail.
func (l *look) reply(ctx context.Context, c connector.Change, x transaction) (connector.Change, bool, error) {
	who, err := l.person(ctx, string(x.Creator.ID))
	if err != nil || who == nil || !who.staff {
		return c, false, err
	}
	c.Author = cmp.Or(strings.TrimSpace(who.fields["RealName"]), l.t.cfg.Author)
	c.Text, err = l.t.text(ctx, string(x.ID))
	return c, err == nil && c.Text != "", err
}

// A history is how one user came to be what it is.
type history struct {
	user  *user
	after map[uint64]map[string]string // its fields, by transaction
}

// edit returns a fact that somebody else has changed, of a user that belongs to a
// relationship.
func (l *look) edit(ctx context.Context, c connector.Change, x transaction) (connector.Change, bool, error) {
	fact := l.t.factOf(string(x.Field))
	if fact == "" {
		return c, false, nil
	}
	id := string(x.ObjectId)
	h := l.past[id]
	if h == nil || h.user != nil && h.after[x.n] == nil {
		var err error
		if h, err = l.t.history(ctx, id, x.n); err != nil {
			return c, false, err
		}
		l.past[id] = h
	}
	if h.user == nil || h.after[x.n] == nil {
		return c, false, nil
	}
	rels, _ := values(h.user.custom, l.t.cfg.Fields.Relationship)
	if len(rels) == 0 {
		return c, false, nil // nobody's
	}
	if len(rels) == 1 && c.Relationship.UnmarshalText([]byte(rels[0])) != nil {
		return c, false, nil
	}
	c.Ref, c.Fact, c.Value = l.t.userRef(id), fact, gather(l.t.cfg.Mapping[fact], h.after[x.n])
	return c, true, nil
}

// history reads a customer, and undoes what was done to her fields down to the
// transaction from. The user is read first: what comes between is undone too.
func (t *Tracker) history(ctx context.Context, id string, from uint64) (*history, error) {
	u, err := t.customer(ctx, t.userRef(id))
	if err != nil && fault.KindOf(err) == fault.NotExist {
		return &history{}, nil
	}
	if err != nil {
		return nil, err
	}
	h := &history{user: u, after: map[uint64]map[string]string{}}
	if rels, _ := values(u.custom, t.cfg.Fields.Relationship); len(rels) == 0 {
		return h, nil
	}
	var all []transaction
	for at := from - 1; ; {
		page, err := found[transaction](ctx, t.client, "transactions", transactionFields, []limit{{Field: "ObjectType", Value: "RT::User"}, {Field: "ObjectId", Value: id},
			{Field: "Type", Value: "Set"}, {Field: "id", Value: fmt.Sprint(at), Operator: ">"}}, "")
		if err != nil {
			return nil, err
		}
		for i := range page {
			if page[i].n, err = strconv.ParseUint(string(page[i].ID), 10, 63); err != nil {
				return nil, fault.Tell(fault.Invalid, "what RT says of a transaction can't be read", "")
			}
			at = max(at, page[i].n)
		}
		if all = append(all, page...); len(page) < pageSize {
			break
		}
	}
	slices.SortFunc(all, func(a, b transaction) int { return cmp.Compare(b.n, a.n) })
	now := maps.Clone(u.fields)
	for _, x := range all {
		h.after[x.n] = maps.Clone(now)
		now[string(x.Field)] = string(x.OldValue)
	}
	return h, nil
}
