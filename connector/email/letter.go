package email

import (
	"bytes"
	"fmt"
	"maps"
	netmail "net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"firsthand"
	"firsthand/connector"
	"firsthand/internal/mail"
)

// fromName is whom customers' mails come from.
const fromName = "A customer, by Firsthand"

// maxValue is how long a part of a value may be, in bytes: a person copies it.
const maxValue = 1000

// unfit says why a value can't be shown in a mail so that a person can copy it, "" if it
// can. What isn't seen isn't copied, and would be lost.
func unfit(v firsthand.Value) string {
	for _, text := range texts(v) {
		switch {
		case len(text) > maxValue:
			return fmt.Sprintf("It is longer than the %d bytes that we take.", maxValue)
		case !utf8.ValidString(text) || mail.Inert(text) != text || strings.Contains(text, "\r"):
			return "It has characters that can't be seen, so nobody could copy them."
		case strings.TrimSpace(text) != text:
			return "It begins or ends with blanks, which nobody could see."
		}
	}
	return ""
}

// maxThread is how many mails of a thread another one names.
const maxThread = 30

// texts returns the names and texts of a value that a person reads.
func texts(v firsthand.Value) (all []string) {
	if len(v.Parts) == 0 {
		return []string{v.Text}
	}
	for name, text := range v.Parts {
		all = append(all, name, text)
	}
	return all
}

// letter returns the mail of a request as people read it: plain text, of which nothing
// acts.
func (m *Mailbox) letter(s *session, r *connector.Request, n *note, id mail.MessageID) ([]byte, error) {
	own := [][2]string{{"X-Firsthand-Request", r.ID.String()}, {"X-Firsthand-Relationship", r.Relationship.String()},
		{"X-Firsthand-Kind", string(r.Kind)}, {"Auto-Submitted", "auto-generated"}}
	pieces, err := n.pieces()
	if err != nil {
		return nil, err
	}
	own = append(own, pieces...)
	l := mail.Mail{ID: id, From: m.cfg.ReplyTo, Name: fromName, To: m.cfg.Address, Date: r.At}
	if n.Ticket != "" {
		l.Own = append(own, [2]string{"X-Firsthand-Ticket", n.Ticket})
		l.Subject = mail.Clean(r.Subject) + " [" + n.Ticket + "]"
		thread := m.journal.group(threadKey(n.Ticket))
		if len(thread) > maxThread { // the first, and the last
			thread = slices.Delete(thread, 1, len(thread)-maxThread+1)
		}
		before, err := m.notesAt(s, thread)
		if err != nil {
			return nil, err
		}
		if len(before) > 0 {
			for _, b := range before {
				l.Thread = append(l.Thread, mail.MessageIDOf(b.Of, "", m.domain))
			}
			if first, err := m.subjectOf(s, l.Thread[0]); err != nil {
				return nil, err
			} else if first != "" {
				l.Subject = "Re: " + first
			}
		}
		l.Text = r.Text + m.below(n.Ticket, "Answer this mail: she reads what you write, under your name. When the matter is done, move the conversation to the folder \""+m.cfg.Done+"\".")
	} else {
		l.Own = own
		l.Subject, l.Text = m.proposal(r, n)
		if n.Kind == proved {
			l.Thread = []mail.MessageID{mail.MessageIDOf(r.ID, "", m.domain)}
		}
	}
	return l.Write()
}

// below is what stands below a customer's words, where mail programs have signatures.
func (m *Mailbox) below(ref, text string) string {
	return "\n\n-- \n" + text + "\nReference: " + ref + "\n"
}

// subjectOf returns the subject of a mail of ours, "" if it is gone.
func (m *Mailbox) subjectOf(s *session, id mail.MessageID) (string, error) {
	for _, folder := range []string{m.cfg.Folder, m.cfg.Done} {
		uids, err := m.find(s, folder, id)
		if err != nil {
			return "", err
		}
		if len(uids) == 0 {
			continue
		}
		subject := ""
		err = s.inBatches(uids[:1], headers, func(f fetched) error {
			subject = mail.Hear(mail.Header{Raw: f.raw}, "").Subject
			return nil
		})
		return subject, err
	}
	return "", nil
}

// proposal returns the words of a change that a person is to make.
func (m *Mailbox) proposal(r *connector.Request, n *note) (subject, text string) {
	var b bytes.Buffer
	label := labelOf(r.Fact)
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	switch {
	case r.Kind == "withdraw":
		subject = "Remove: " + label
		line("A customer takes back what she gave you. Remove it, with copies and mails that have it.")
	case r.Kind == "change":
		subject = "Change: " + label
		line("A customer asks you to change what you have about her.")
	default:
		subject = "New: " + label
		line("A customer gives you this, to keep and to use for what is said below.")
	}
	line("")
	switch {
	case r.Proposal && n.Record == "":
		line("Customer: NOT PROVED. She says that you know her, and has not proved who she is.")
		line("Nothing may be changed on her word alone: find out who she is by what you have about her.")
	case r.Proposal:
		line("Customer: NOT PROVED to be %s.", mail.Clean(n.Record))
		line("Nothing may be changed on her word alone: find out who she is by what you have about her.")
	case n.Record == refOf(r.Relationship):
		line("Customer: %s", n.Record)
		line("(You don't know her from before. Keep her under this name, or put it beside her number.)")
	default:
		line("Customer: %s", mail.Clean(n.Record))
	}
	if n.Kind == proved {
		line("It is proved now that this is she. This mail stands instead of the one before it.")
	}
	line("What: %s", mail.Clean(r.Fact))
	if r.Purpose != "" {
		line("For: %s", mail.Clean(r.Purpose))
	}
	if !r.Old.IsZero() {
		line("\nOld:")
		b.WriteString(block(r.Old))
	}
	if r.Kind != "withdraw" {
		line("\nNew:")
		b.WriteString(block(r.Value))
	}
	line("\nWhen you have written it to where you keep your customers, answer this mail with one word:")
	line("    done")
	if r.Proposal {
		line("and with the customer's number, as in \"done: C-123\".")
	}
	line("Moving it to the folder %q says the same. If you will not do it, answer", m.cfg.Done)
	line("    no: and the reason, which she reads")
	line("Whatever else you answer goes to her as a message.")
	b.WriteString(m.below(refOf(r.ID), "A customer, by Firsthand."))
	return subject + " [" + refOf(r.ID) + "]", b.String()
}

// block returns a value as people copy it: a part each line, and further lines of one
// further in.
func block(v firsthand.Value) string {
	indent := func(text, with string) string {
		return strings.ReplaceAll(mail.Inert(strings.ReplaceAll(text, "\r\n", "\n")), "\n", "\n"+with)
	}
	if len(v.Parts) == 0 {
		return "    " + indent(v.Text, "    ") + "\n"
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(v.Parts)) {
		fmt.Fprintf(&b, "    %s: %s\n", mail.Clean(name), indent(v.Parts[name], "        "))
	}
	return b.String()
}

// labelOf returns the name of a fact as a subject has it: "home address" for address.home.
func labelOf(fact string) string {
	root, rest, _ := strings.Cut(fact, ".")
	return mail.Clean(strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(rest, ".", " ")+" "+root), "_", " "))
}

// sentTo reports whether one of the addresses in headers is address.
func sentTo(address string, headers []string) bool {
	for _, h := range headers {
		if len(h) > 64<<10 {
			continue
		}
		list, err := netmail.ParseAddressList(h)
		if err != nil && strings.Contains(strings.ToLower(h), "<"+strings.ToLower(address)+">") {
			return true // a name beside it is broken
		}
		if slices.ContainsFunc(list, func(a *netmail.Address) bool { return strings.EqualFold(a.Address, address) }) {
			return true
		}
	}
	return false
}
