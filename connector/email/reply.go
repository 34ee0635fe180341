package email

import (
	"slices"
	"strings"
	"unicode/utf8"

	"firsthand/internal/mail"
)

// Limits of what an answer may say, in bytes.
const (
	maxText   = 64 << 10
	maxReason = 2 << 10
)

// Words by which a person says that she has made a change, or will not, alone on the
// first line of an answer; after a colon stands the customer's number, or the reason.
var (
	doneWords = []string{"done", "erledigt", "gedaan", "fait", "hecho"}
	noWords   = []string{"no", "nein", "nee", "non"}
)

// command returns the decision that an answer is, nil if it is words for the customer.
func command(text string) *note {
	first, rest, _ := strings.Cut(strings.TrimSpace(text), "\n")
	word, after, colon := strings.Cut(strings.TrimSpace(first), ":")
	word = strings.ToLower(strings.TrimRight(strings.TrimSpace(word), ".!"))
	after = strings.TrimSpace(after)
	switch {
	case slices.Contains(doneWords, word):
		return &note{Record: mail.Clean(after)}
	case colon && slices.Contains(noWords, word):
		reason := strings.TrimSpace(mail.Inert(after + "\n" + rest))
		if reason != "" {
			return &note{Declined: true, Reason: cut(reason, maxReason)}
		}
	}
	return nil
}

// own returns what somebody wrote herself: without her signature and what she quotes,
// but all of it if nothing would be left.
func (m *Mailbox) own(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\x00", "")
	lines := strings.Split(text, "\n")
	if i := slices.Index(lines, "-- "); i > 0 && strings.TrimSpace(strings.Join(lines[:i], "")) != "" {
		lines = lines[:i]
	}
	if i, n := m.quotes(lines); i >= 0 {
		head, tail := lines[:i], lines[i+n:]
		for len(tail) > 0 && strings.TrimSpace(tail[0]) == "" {
			tail = tail[1:]
		}
		if len(tail) > 0 && !strings.HasPrefix(tail[0], ">") {
			tail = nil // quoted without a mark, to the end
			for len(head) > 0 && isRule(head[len(head)-1]) {
				head = head[:len(head)-1]
			}
		}
		lines = slices.Clone(head)
		for _, l := range tail {
			if !strings.HasPrefix(l, ">") {
				lines = append(lines, l)
			}
		}
	}
	if own := strings.TrimSpace(strings.Join(lines, "\n")); own != "" {
		return own
	}
	return strings.TrimSpace(text)
}

// quotes returns the line, and of how many it is, by which a mail program begins what it
// quotes: it names whom it quotes, in whatever language. It is -1 if there is none.
func (m *Mailbox) quotes(lines []string) (i, n int) {
	says := func(s string) bool {
		s = strings.ToLower(strings.Join(strings.Fields(s), " "))
		return strings.Contains(s, strings.ToLower(m.cfg.ReplyTo)) || strings.Contains(s, strings.ToLower(fromName))
	}
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, ">"):
		case says(l):
			if i+1 < len(lines) && i+2 < len(lines) && strings.HasSuffix(strings.TrimSpace(lines[i+1]), ":") && strings.HasPrefix(lines[i+2], ">") {
				return i, 2
			}
			return i, 1
		case i+1 < len(lines) && !strings.HasPrefix(lines[i+1], ">") && !says(lines[i+1]) && says(l+" "+lines[i+1]):
			return i, 2
		}
	}
	return -1, 0
}

// isRule reports whether a line stands between an answer and what it quotes.
func isRule(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "-----") || strings.HasPrefix(line, "____")
}

// cut returns at most n bytes of text, in whole characters.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
