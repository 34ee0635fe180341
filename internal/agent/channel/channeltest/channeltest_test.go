package channeltest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"firsthand"
	"firsthand/internal/agent/channel"
	"firsthand/internal/needtest"
)

// good is a channel that could not be simpler, and does all that the suite wants.
type good struct{}

func (good) Name() string { return "good" }

func (good) Way(to channel.To) (channel.Way, bool) {
	return channel.Way{Group: channel.NeedsYou}, true
}

func (good) Prepare(p channel.Parcel) (d channel.Draft, err error) {
	say, ok := p.Content.(*firsthand.Change)
	if !ok {
		return d, errKind
	}
	d.Entry = p.Entry
	d.Link, _ = p.To.Page(p.To.AccountURL)
	d.Text = "To " + channel.Clean(p.To.Name) + "\n" + channel.OneLine(say.Fact, p.Old) + " is now " + channel.OneLine(say.Fact, say.Value)
	was := make(map[string]string)
	for _, f := range channel.Fields(say.Fact, p.Old) {
		was[f.Name] = channel.Clean(f.Text)
	}
	for _, f := range channel.Fields(say.Fact, say.Value) {
		d.Steps = append(d.Steps, channel.Step{Label: f.Label, Was: was[f.Name], Copy: f.Text})
	}
	return d, nil
}

// A broken channel is good with one bug.
type broken struct {
	good
	bug string
}

func (b broken) Name() string {
	if b.bug == "a name of two words" {
		return "by hand"
	}
	return b.good.Name()
}

func (b broken) Way(to channel.To) (channel.Way, bool) {
	switch b.bug {
	case "a way of its own":
		return channel.Way{Group: channel.Instant}, true
	case "no way, and prepares all the same":
		return channel.Way{}, false
	}
	return b.good.Way(to)
}

var calls int

func (b broken) Prepare(p channel.Parcel) (channel.Draft, error) {
	say, isChange := p.Content.(*firsthand.Change)
	d, err := b.good.Prepare(p)
	if b.bug == "everything is carried" {
		return channel.Draft{Entry: p.Entry, Text: "something"}, nil
	}
	if err != nil {
		if b.bug == "messages lose their lines" {
			if m, ok := p.Content.(*firsthand.Message); ok {
				return channel.Draft{Entry: p.Entry, Text: strings.SplitN(m.Text, "\n", 2)[0]}, nil
			}
		}
		return d, err
	}
	switch b.bug {
	case "the entry is forgotten":
		d.Entry = firsthand.ID{}
	case "any link is offered":
		d.Link = p.To.AccountURL
	case "links by their beginning":
		if strings.HasPrefix(p.To.AccountURL, "https://"+p.To.Domain) {
			d.Link = p.To.AccountURL
		}
	case "links by their end":
		if host, _, _ := strings.Cut(strings.TrimPrefix(p.To.AccountURL, "https://"), "/"); strings.HasSuffix(host, p.To.Domain) && strings.HasPrefix(p.To.AccountURL, "https://") {
			d.Link = p.To.AccountURL
		}
	case "the domain is a link":
		d.Link = "https://" + p.To.Domain + "/"
	case "http will do":
		d.Link = strings.Replace(d.Link, "https:", "http:", 1)
	case "the name as it came":
		d.Text = "To " + p.To.Name + "\n" + d.Text
	case "the name in the label":
		d.Steps[0].Label = p.To.Name
	case "values as they are":
		for i, f := range say.Value.Parts {
			d.Steps = append(d.Steps, channel.Step{Label: i, Copy: f})
		}
	case "parts by their names":
		d.Steps[0], d.Steps[1] = d.Steps[1], d.Steps[0]
	case "a part is forgotten":
		d.Steps, d.Text = d.Steps[:1], ""
	case "old and new are exchanged":
		for i := range d.Steps {
			d.Steps[i].Was, d.Steps[i].Copy = d.Steps[i].Copy, d.Steps[i].Was
		}
	case "the old value is not said":
		d.Text = ""
		for i := range d.Steps {
			d.Steps[i].Was = ""
		}
	case "in the order of a map":
		var all []string
		for name := range say.Value.Parts {
			all = append(all, name)
		}
		d.Text += fmt.Sprint(all)
	case "with a counter":
		mu.Lock()
		calls++
		d.Text += fmt.Sprint(calls)
		mu.Unlock()
	case "the parcel is changed":
		if isChange && say.Value.Parts != nil {
			say.Value.Parts["street"] = "changed"
		}
	case "the entry's ID as a reference":
		d.Text += "\nReference: " + p.Entry.String()
	case "all that the company knows":
		d.Text += fmt.Sprint(p.Hers)
	}
	return d, nil
}

var mu sync.Mutex

var errKind = func() error {
	_, err := firsthand.ParseID("no ID")
	return err // of the kind Invalid
}()

func TestBrokenChannelsFail(t *testing.T) {
	for _, bug := range []string{
		"a name of two words", "a way of its own", "no way, and prepares all the same", "everything is carried", "messages lose their lines",
		"the entry is forgotten", "any link is offered", "links by their beginning", "links by their end", "the domain is a link", "http will do",
		"the name as it came", "the name in the label", "values as they are", "parts by their names", "a part is forgotten",
		"old and new are exchanged", "the old value is not said", "in the order of a map", "with a counter", "the parcel is changed",
		"the entry's ID as a reference", "all that the company knows",
	} {
		t.Run(bug, func(t *testing.T) {
			found := failure(t, broken{bug: bug})
			if found == "" {
				t.Error("not noticed")
			}
			t.Log(found)
		})
	}
}

func TestGoodChannelPasses(t *testing.T) { Run(t, good{}) }

// failure runs the suite until a check fails, and returns which and how.
func failure(t *testing.T, c channel.Channel) string {
	for _, k := range checks {
		if said, failed := needtest.Record(t, func(t testing.TB) { k.run(t, c) }); failed {
			return k.name + ": " + said
		}
	}
	return ""
}
