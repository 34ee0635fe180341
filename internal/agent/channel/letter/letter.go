// Package letter is the channel by which an entry goes on paper: a letter that she
// prints, signs and posts in a window envelope.
//
// It reaches companies whose postal address is known. What it prints is what
// package letters says, laid out by DIN 5008 form B on A4, or on US Letter for a
// window envelope no. 10. The QR code holds the reference and nothing else: who
// scans it learns what stands beside it.
package letter

import (
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
)

// A Letter is the channel. The zero value is ready.
type Letter struct{}

var _ channel.Channel = Letter{}

// Name implements [channel.Channel].
func (Letter) Name() string { return "letter" }

// Way implements [channel.Channel]. A letter reaches whoever has an address of two
// lines at least: a street or box, and a town.
func (Letter) Way(to channel.To) (channel.Way, bool) {
	if len(letters.AddressLines(to)) < 2 {
		return channel.Way{}, false
	}
	return channel.Way{Group: channel.NeedsYou, Say: "by letter, ready to print: you post it"}, true
}

// Prepare implements [channel.Channel].
func (c Letter) Prepare(p channel.Parcel) (channel.Draft, error) {
	r, err := letters.OfParcel(p)
	if err != nil {
		return channel.Draft{}, err
	}
	l, err := c.compose(&r)
	if err != nil {
		return channel.Draft{}, err
	}
	d := channel.Draft{Entry: p.Entry, Text: l.Subject + "\n\n" + l.Text()}
	if r.Nameless() {
		d.Steps = append(d.Steps, channel.Step{Label: "Nothing in it says who you are: say first what this company has of you, or write it on the letter"})
	}
	d.Steps = append(d.Steps, []channel.Step{
		{Label: "Print the letter, and sign it"},
		{Label: "Post it to", Copy: strings.Join(addressee(p.To), "\n")},
		{Label: "Note the day on which you posted it"},
	}...)
	if r, ok := p.Content.(*firsthand.Request); ok && r.Due != "" {
		d.Steps = append(d.Steps, channel.Step{Label: "Look whether it answers by " + string(r.Due)})
	} else {
		d.Steps = append(d.Steps, channel.Step{Label: "Look whether it confirms"})
	}
	return d, nil
}

// compose writes a letter that can be posted.
func (c Letter) compose(r *letters.Request) (letters.Letter, error) {
	if _, ok := c.Way(r.To); !ok {
		return letters.Letter{}, fault.Tell(fault.Invalid, "no postal address of it is known", "type it in on its page")
	}
	return letters.Compose(*r)
}

// addressee returns the lines for the window: the company's name, unless its address
// begins with it, and its address.
func addressee(to channel.To) []string {
	lines := letters.AddressLines(to)
	name := channel.Clean(to.Name)
	if name != "" && !strings.HasPrefix(strings.ToLower(lines[0]), strings.ToLower(name)) {
		lines = append([]string{name}, lines...)
	}
	return lines
}
