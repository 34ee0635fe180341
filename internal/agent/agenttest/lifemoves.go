package agenttest

import (
	"cmp"
	"fmt"
	"slices"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
)

// checkMoves says why the moves in c can't be written.
func (l *life) checkMoves(c agent.Commit) error {
	keys := make(map[string]int64)
	for _, m := range l.moves {
		keys[m.Key] = m.ID
	}
	for _, m := range c.Moves {
		if m.ID <= 0 {
			return fmt.Errorf("%w: a move without its ID", fault.Invalid)
		}
		if other, ok := keys[m.Key]; ok && m.Key != "" && other != m.ID {
			return fmt.Errorf("%w: a move of this key", fault.Conflict)
		}
		keys[m.Key] = m.ID
	}
	return nil
}

// applyMoves applies the parts of c that are about what is on its way.
func (l *life) applyMoves(c agent.Commit) {
	for rel, rows := range c.Carried {
		rows = slices.Clone(rows)
		for i := range rows {
			rows[i].Rel, rows[i].Made, rows[i].Noted = rel, plain(rows[i].Made), plain(rows[i].Noted)
		}
		l.carried[rel] = rows
	}
	for _, o := range c.Outbox {
		if r, ok := l.relationships[o.ID]; ok {
			r.Received, r.Sent, r.Tries, r.NextTry, r.Failure = o.Received, o.Sent, o.Tries, plain(o.NextTry), o.Failure
			l.relationships[o.ID] = r
		}
	}
	for _, m := range c.Moves {
		m.Made, m.Began = plain(m.Made), plain(m.Began)
		l.moves[m.ID] = m
	}
	for move, legs := range c.Legs {
		legs = slices.Clone(legs)
		for i := range legs {
			legs[i].Move, legs[i].Value = move, firsthand.Value{}
		}
		slices.SortFunc(legs, func(a, b agent.LegRow) int { return cmp.Compare(a.N, b.N) })
		l.legs[move] = legs
	}
	for _, e := range c.LegEntries {
		legs := slices.Clone(l.legs[e.Move])
		for i := range legs {
			if legs[i].N != e.N {
				continue
			}
			legs[i].Entry = e.Entry
			if e.Entry.IsZero() {
				legs[i].Group, legs[i].Channel, legs[i].Reason = agent.LeftOut, "", e.Reason
			}
		}
		l.legs[e.Move] = legs
	}
	for entry, day := range c.Reminders {
		if day == "" {
			delete(l.reminders, entry)
		} else {
			l.reminders[entry] = day
		}
	}
}

// legStates returns the legs of a move with what is cached of their entries.
func (l *life) legStates(move int64) (states []agent.LegState) {
	for _, leg := range l.legs[move] {
		s := agent.LegState{LegRow: leg}
		for _, rows := range l.carried {
			for _, r := range rows {
				if r.Entry == leg.Entry {
					s.Carried = r
				}
			}
		}
		if r, ok := l.relationships[leg.Rel]; ok {
			s.Sent, s.Received, s.Tries, s.Failure, s.NextTry = r.Sent, r.Received.Seq, r.Tries, r.Failure, r.NextTry
		}
		if m, ok := l.mails[mailKey{leg.Entry, agent.Itself}]; ok {
			s.Mail, s.Tries, s.Failure, s.NextTry = m.State, m.Tries, m.Failure, m.NextTry
		}
		states = append(states, s)
	}
	return states
}

// heldByMoves returns the places of entries of paused moves that no receipt covers.
func (l *life) heldByMoves() map[firsthand.ID][]int64 {
	held := make(map[firsthand.ID][]int64)
	for _, m := range l.moves {
		if !m.Paused {
			continue
		}
		for _, s := range l.legStates(m.ID) {
			if r, ok := l.relationships[s.Carried.Rel]; ok && s.Carried.Seq > r.Received.Seq {
				held[r.ID] = append(held[r.ID], s.Carried.Seq)
			}
		}
	}
	for _, places := range held {
		slices.Sort(places)
	}
	return held
}

// tasks returns what q asks for, whole.
func (l *life) tasks(q agent.TaskQuery, today firsthand.Date) (tasks []agent.Task) {
	place := make(map[firsthand.ID]int64)
	for rel, rows := range l.carried {
		r, known := l.relationships[rel]
		for _, c := range rows {
			t := agent.Task{Entry: c.Entry, Rel: rel, Domain: r.Domain, Name: r.Name, Kind: c.Kind, Fact: c.Fact, Made: c.Made,
				Due: c.Due, Remind: l.reminders[c.Entry], Step: c.Step, Note: c.Why, Noted: c.Noted,
				Mail: l.mails[mailKey{c.Entry, agent.Itself}].State}
			ofMove := false
			for move, legs := range l.legs {
				for _, leg := range legs {
					if leg.Entry == c.Entry {
						t.Move = max(t.Move, move)
						ofMove = ofMove || move == q.Move
					}
				}
			}
			var show bool
			switch q.Show {
			case "":
				show = t.Step == "" && t.Mail != agent.MailWaiting && t.Mail != agent.MailSending
			case "done":
				show = t.Step != ""
			case "due":
				show = (t.Step == "" || t.Step == "sent") && t.Remind != "" && t.Remind <= today
			default:
				show = true
			}
			if known && c.Unpaired && show && (q.Domain == "" || q.Domain == t.Domain) && (q.Move == 0 || ofMove) {
				place[t.Entry] = c.Seq
				tasks = append(tasks, t)
			}
		}
	}
	due := func(t agent.Task) string {
		if t.Remind != "" && t.Remind <= today {
			return string(t.Remind)
		}
		return "later"
	}
	slices.SortFunc(tasks, func(a, b agent.Task) int {
		return cmp.Or(cmp.Compare(due(a), due(b)), a.Made.Compare(b.Made), slices.Compare(a.Rel[:], b.Rel[:]), cmp.Compare(place[a.Entry], place[b.Entry]))
	})
	return tasks
}
