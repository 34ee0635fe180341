// Package mail is the channel by which entries go as e-mail, from an account of hers.
//
// [Mail] makes the words of package letters a draft, like every channel. [Post] is
// what carries it: it gives the mail to her server (submit.go), looks for its copy, and
// finds what comes back (mailbox.go); package internal/mail writes and reads mails. When what is
// sent is decided by the agent, which also knows how one entry stays one mail through
// any crash; see docs/decisions/0021.
//
// What comes by mail is anybody's: it is read within bounds, its HTML becomes text,
// nothing in it is fetched, opened or followed, and what it claims is shown beside
// what her own mail host says of it.
package mail

import (
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
	"firsthand/internal/mail"
)

// A Mail is the channel. The zero value is ready.
type Mail struct{}

var _ channel.Channel = Mail{}

// Name implements [channel.Channel].
func (Mail) Name() string { return "mail" }

// Way implements [channel.Channel].
func (Mail) Way(to channel.To) (channel.Way, bool) {
	if to.From == "" {
		return channel.Way{}, false
	}
	address, err := Address(to.Email)
	if err != nil {
		return channel.Way{}, false
	}
	return channel.Way{Group: channel.Prepared, Say: "by mail to " + address + ", from " + channel.Clean(to.From)}, true
}

// Prepare implements [channel.Channel].
func (m Mail) Prepare(p channel.Parcel) (channel.Draft, error) {
	d := channel.Draft{Entry: p.Entry}
	if _, ok := m.Way(p.To); !ok {
		return d, fault.Refuse(fault.Invalid, "channel-way", "there is no address to which a mail could go, or none from which")
	}
	r, err := letters.OfParcel(p)
	if err != nil {
		return d, err
	}
	l, err := letters.Compose(r)
	if err != nil {
		return d, err
	}
	d.Subject, d.Text, d.Lang, d.Name = l.Subject, l.Text(), l.Lang, channel.Clean(r.From.Name)
	return d, nil
}

// Address is [mail.Address]: one plain mail address.
func Address(raw string) (string, error) { return mail.Address(raw) }
