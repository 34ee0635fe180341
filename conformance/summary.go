package conformance

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firsthand"
)

// Summary says what s holds, a line for each thing, in the words of
// docs/protocol.md, "Summary of a state". Two implementations that agree on it
// for every vector have the same fold.
func Summary(s *firsthand.State) []string {
	w := writer{s: s}
	for _, side := range []firsthand.Side{firsthand.First, firsthand.Second} {
		if log := s.Log(side); log.Head.Seq > 0 {
			w.line("log", string(side), log.Head.Seq, "seen", log.Seen.Seq, "keys", len(log.Keys), "key", log.Key())
		}
	}
	for _, o := range s.Offers {
		w.line("offer", w.at(o.Entry), terms(o.Terms...), opt("until", o.Until), w.by("counter", o.Counted), when(o.Counter != nil, func() string { return terms(*o.Counter) }),
			opt("refused", quoted(o.Refused)), w.by("taken", o.Taken))
	}
	for _, a := range s.Agreements {
		w.line("agreement", w.at(a.Entry), terms(a.Terms), opt("end", a.End))
	}
	w.line("bound", when(s.Binding != nil, func() string {
		return fmt.Sprint(w.at(s.Binding.Entry), " ", s.Binding.System, " ", s.Binding.Record)
	}))
	for _, h := range s.Holdings {
		w.line("holding", w.at(h.Entry), h.Fact, string(h.Origin), "value", string(firsthand.EncodeJSON(h.Value)), "last", w.at(h.Last), w.basis(h.Basis),
			opt("purpose", quoted(h.Purpose)), opt("until", h.Until), flag("proposed", h.Proposed), w.by("withdrawn", h.Withdraw))
	}
	for _, a := range s.Asks {
		w.line("ask", w.at(a.Entry), a.Say.Fact, opt("until", a.Say.Until), w.by("answered", a.Answered))
	}
	for _, c := range s.Claims {
		w.line("claim", w.at(c.Entry), c.Say.Record, when(c.Challenge != nil, func() string { return w.by("challenge", c.Challenge.Entry) }),
			when(c.Proof != nil, func() string { return w.by("proof", c.Proof.Entry) }))
	}
	for _, r := range s.Requests {
		w.line("request", w.at(r.Entry), r.Say.Right, "due", string(r.Due), when(r.Answer != nil, func() string {
			return r.Answer.Say.Outcome + " " + w.at(r.Answer.Entry)
		}))
	}
	for _, m := range s.Messages {
		w.line("message", w.at(m.Entry), w.by("thread", m.Say.Thread), flag("resolved", m.Say.Resolved))
	}
	for _, n := range s.Notes {
		w.line("note", w.at(n.Entry), n.Say.Saw, w.by("entry", n.Say.Entry))
	}
	for _, p := range s.Pauses {
		w.line("pause", w.at(p.Entry), "until", string(p.Say.Until))
	}
	for _, c := range s.Closed {
		w.line("closed", w.at(c.Entry))
	}
	for _, r := range s.Reconciled {
		w.line("reconciled", w.at(r.Entry), r.Say.Seq)
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.Outcomes), w.compare) {
		o := s.Outcomes[id]
		w.line("outcome", w.at(id), when(o.Applied, func() string { return "applied" }), when(!o.Applied, func() string { return "refused" }),
			w.by("by", o.Entry), opt("system", o.System), opt("record", o.Record), flag("reported", o.Reported), opt("reason", quoted(o.Reason)))
	}
	for _, d := range s.Duties {
		w.line("duty", string(d.Owner), d.What, w.at(d.Of), "due", string(d.Due), w.by("done", d.Done))
	}
	for _, f := range s.Flags {
		w.line("flag", w.at(f.Entry), f.Rule)
	}
	return w.lines
}

// SummaryAt says what of s holds at now, likewise.
func SummaryAt(s *firsthand.State, now time.Time) []string {
	w, v := writer{s: s}, s.At(now)
	for _, a := range v.Agreements {
		w.line("now", "agreement", w.at(a.Entry))
	}
	for _, h := range v.Holdings {
		w.line("now", "holding", w.at(h.Entry))
	}
	for _, a := range v.Asks {
		w.line("now", "ask", w.at(a.Entry))
	}
	for _, d := range v.Duties {
		w.line("now", "duty", d.What, w.at(d.Of), flag("overdue", d.Overdue(now)))
	}
	w.line("now", flag("paused", v.Paused))
	w.line("now", flag("closed", v.Closed))
	return w.lines
}

type writer struct {
	s     *firsthand.State
	lines []string
}

// line adds a line of words, unless there is only the first. Empty words are left out.
func (w *writer) line(words ...any) {
	var said []string
	for _, word := range words {
		if s := fmt.Sprint(word); s != "" {
			said = append(said, s)
		}
	}
	if len(said) > 1 {
		w.lines = append(w.lines, strings.Join(said, " "))
	}
}

// at names the place of an entry, as first/4.
func (w *writer) at(id firsthand.ID) string {
	p := w.s.Pos(id)
	if p.Seq == 0 {
		return "nowhere"
	}
	return fmt.Sprintf("%s/%d", p.Side, p.Seq)
}

func (w *writer) by(word string, id firsthand.ID) string {
	if id.IsZero() {
		return ""
	}
	return word + " " + w.at(id)
}

func (w *writer) basis(b firsthand.Basis) string {
	switch {
	case !b.Agreement.IsZero():
		return "basis agreement " + w.at(b.Agreement)
	case b.Right != "":
		return "basis right " + quoted(b.Right)
	case b.Exception != "":
		return "basis exception " + quoted(b.Exception)
	}
	return ""
}

// compare orders entries by side, then place.
func (w *writer) compare(a, b firsthand.ID) int {
	p, q := w.s.Pos(a), w.s.Pos(b)
	return cmp.Or(cmp.Compare(p.Side, q.Side), cmp.Compare(p.Seq, q.Seq))
}

func terms(refs ...firsthand.TermsRef) string {
	names := make([]string, len(refs))
	for i, r := range refs {
		names[i] = r.Code + "/" + r.Version
	}
	return strings.Join(names, ",")
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return string(firsthand.EncodeJSON(s))
}

func opt[S ~string](word string, s S) string {
	if s == "" {
		return ""
	}
	return word + " " + string(s)
}

func flag(word string, set bool) string {
	if set {
		return word
	}
	return ""
}

func when(cond bool, text func() string) string {
	if cond {
		return text()
	}
	return ""
}
