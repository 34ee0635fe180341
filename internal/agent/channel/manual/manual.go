// Package manual is the channel by which she carries an entry herself: on the
// company's page, by phone, or at its counter. It always works, and nothing of it is
// proved: what came of it is her own note.
package manual

import (
	"fmt"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// A Manual is the channel. The zero value is ready.
type Manual struct{}

var _ channel.Channel = Manual{}

// Name implements [channel.Channel].
func (Manual) Name() string { return "manual" }

// Way implements [channel.Channel]. She can always go herself.
func (Manual) Way(to channel.To) (channel.Way, bool) {
	way := channel.Way{Group: channel.NeedsYou, Say: "you tell it yourself, at its counter or by letter"}
	if _, ok := to.Page(to.AccountURL); ok {
		way.Say = "you tell it yourself, on its account page"
		return way, true
	}
	if _, ok := to.Site(); ok {
		way.Say = "you tell it yourself, on its site"
	}
	way.LastResort = true
	return way, true
}

// Prepare implements [channel.Channel].
func (Manual) Prepare(p channel.Parcel) (channel.Draft, error) {
	d := channel.Draft{Entry: p.Entry}
	pages := []string{p.To.AccountURL}
	switch say := p.Content.(type) {
	case *firsthand.Change:
		d.Steps, d.Text = change(p, say)
	case *firsthand.Disclose:
		d.Steps = enter(say.Fact, say.Value, firsthand.Value{})
		d.Text = letter(p, "here is my "+channel.Label(say.Fact)+".", lines(say.Fact, say.Value), purpose(say))
	case *firsthand.Withdraw:
		fact := channel.Label(p.Fact)
		d.Steps = []channel.Step{{Label: "Delete there: " + fact, Was: channel.OneLine(p.Fact, p.Old)}, look("it no longer shows your " + fact)}
		d.Text = letter(p, "I take back what I told you: my "+fact+". Please erase it, and tell me when that is done.", lines(p.Fact, p.Old))
	case *firsthand.Message:
		d.Steps = []channel.Step{{Label: "Message", Copy: channel.Value(say.Text)}, look("it confirms that it has your message, with a number if it gives one")}
		d.Text = letter(p, channel.Value(say.Text))
	case *firsthand.Request:
		d.Steps, d.Text = request(p, say)
	case *firsthand.Close:
		pages = []string{p.To.DeleteURL, p.To.AccountURL}
		d.Steps = []channel.Step{{Label: "Close your account there, or ask for it"}, look("it confirms that the account is closed")}
		d.Text = letter(p, "please close my account, and erase what you hold of me unless a law says that you must keep it.", channel.Value(say.Reason))
	case *firsthand.TermsOffer:
		d.Text = letter(p, "I proffer these terms for what you know of me. Please tell me whether you agree.", offered(say))
		d.Steps = []channel.Step{{Label: "Terms", Copy: offered(say)}, look("it answers that it agrees")}
	default:
		return d, fault.Refuse(fault.Invalid, "channel-kind", "nobody can carry this by hand")
	}
	d.Link = link(&p.To, pages...)
	return d, nil
}

// link returns the first page that may be offered, else the company's own.
func link(to *channel.To, pages ...string) string {
	for _, raw := range pages {
		if page, ok := to.Page(raw); ok {
			return page
		}
	}
	page, _ := to.Site()
	return page
}

func change(p channel.Parcel, say *firsthand.Change) ([]channel.Step, string) {
	fact := channel.Label(say.Fact)
	parts := []string{"my " + fact + " has changed. Please change it in your records, and tell me when that is done."}
	if !p.Old.IsZero() {
		parts = append(parts, "Until now:\n"+lines(say.Fact, p.Old))
	}
	parts = append(parts, "From now on:\n"+lines(say.Fact, say.Value))
	return enter(say.Fact, say.Value, p.Old), letter(p, parts...)
}

// enter returns the steps by which a value is entered, field by field, and what to
// look for afterwards.
func enter(fact string, v, old firsthand.Value) (steps []channel.Step) {
	was := make(map[string]string)
	for _, f := range channel.Fields(fact, old) {
		was[f.Name] = f.Text
	}
	for _, f := range channel.Fields(fact, v) {
		steps = append(steps, channel.Step{Label: f.Label, Was: was[f.Name], Copy: f.Text})
		delete(was, f.Name)
	}
	if (len(old.Parts) > 0) != (len(v.Parts) > 0) {
		steps[0].Was = channel.OneLine(fact, old) // nobody knows what was in which field
	} else {
		for _, f := range channel.Fields(fact, old) {
			if text, left := was[f.Name]; left {
				steps = append(steps, channel.Step{Label: "Empty there: " + f.Label, Was: text})
			}
		}
	}
	return append(steps, look("it says that it has saved, and shows the new "+channel.Label(fact)+" when you come back to the page"))
}

func look(what string) channel.Step { return channel.Step{Label: "Look whether " + what} }

func request(p channel.Parcel, say *firsthand.Request) ([]channel.Step, string) {
	right := map[string]string{
		"access":  "what you hold of me, where it is from, and whom you have given it",
		"correct": "that you put right what you hold of me",
		"erase":   "that you erase what you hold of me",
		"port":    "a copy of what I have given you, in a form that a machine can read",
		"object":  "that you no longer use what you hold of me",
		"opt_out": "that you neither sell nor share what you hold of me",
	}[say.Right]
	first := fmt.Sprintf("I ask for %s, as %s gives me the right.", right, channel.Clean(say.Law))
	if say.Scope != "" {
		first += " It is about my " + channel.Label(say.Scope) + "."
	}
	text := letter(p, first, channel.Value(say.Text), "I expect your answer by "+string(say.Due)+".")
	return []channel.Step{{Label: "Request", Copy: text}, look("it confirms that it has your request, with a number if it gives one")}, text
}

func offered(say *firsthand.TermsOffer) string {
	var all []string
	for _, t := range say.Terms {
		all = append(all, channel.Clean(t.Code+" version "+t.Version+", "+t.URL))
	}
	return strings.Join(all, "\n")
}

func purpose(say *firsthand.Disclose) string {
	text := "It is for this purpose alone: " + channel.Clean(say.Purpose) + "."
	if say.Until != "" {
		text += " You may hold it until " + string(say.Until) + "."
	}
	return text
}

// lines returns a value as a letter has it: one line for each part.
func lines(fact string, v firsthand.Value) string {
	var all []string
	for _, f := range channel.Fields(fact, v) {
		all = append(all, f.Text)
	}
	return strings.Join(all, "\n")
}

// letter returns paragraphs as a letter, or what to read out at a counter.
func letter(p channel.Parcel, paragraphs ...string) string {
	name := channel.Clean(p.To.Name)
	if name == "" {
		name = channel.Clean(p.To.Domain)
	}
	all := []string{"To " + name + ":"}
	for _, text := range paragraphs {
		if text = strings.TrimSpace(text); text != "" {
			all = append(all, text)
		}
	}
	if me := channel.OneLine("name", p.Hers["name"]); me != "" {
		all = append(all, me)
	}
	return strings.Join(all, "\n\n") + "\n"
}
