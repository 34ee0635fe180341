// Package mail is the channel by which entries go as e-mail, from an account of hers.
//
// [Mail] makes the words of package letters a draft, like every channel. [Post] is
// what carries it: it writes the mail (write.go), gives it to her server (submit.go),
// looks for its copy, and reads what comes back (mailbox.go, read.go). When what is
// sent is decided by the agent, which also knows how one entry stays one mail through
// any crash; see docs/decisions/0021.
//
// What comes by mail is anybody's: it is read within bounds, its HTML becomes text,
// nothing in it is fetched, opened or followed, and what it claims is shown beside
// what her own mail host says of it.
package mail

import (
	"net/mail"
	"strings"

	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/letters"
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

// Address returns one plain mail address, as it may stand in an envelope and a
// header: ASCII, without name, comment, quotes or route. Lists write addresses in
// many ways, and what is not one is refused.
func Address(raw string) (string, error) {
	bad := fault.Tell(fault.Invalid, channel.Clean(raw)+" is no mail address that can be written to", "one address: name@example.org")
	raw = strings.TrimSpace(raw)
	if len(raw) > 254 || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.ContainsAny(raw, `<>()[]\,;:"`) {
		return "", bad
	}
	a, err := mail.ParseAddress(raw)
	if err != nil || a.Address != raw {
		return "", bad
	}
	local, domain, _ := strings.Cut(raw, "@")
	if len(local) > 64 || !strings.Contains(domain, ".") && domain != "localhost" {
		return "", bad
	}
	return raw, nil
}
