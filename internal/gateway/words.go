package gateway

import (
	"fmt"
	"strings"
	"unicode"

	"firsthand"
	"firsthand/connector"
)

// What the gateway writes to people stands here, apart from reasons that it gives
// in one place only. Messages to a contact on record hold nothing that the
// claimant has written: else anybody could have the company send his words.

// codeMessage is sent to the contact on record for a claim.
func codeMessage(company *firsthand.Company, c *Challenge, code string) connector.Message {
	return connector.Message{
		ID:      fmt.Sprintf("code-%s-%d", c.Claim, c.Sends),
		Subject: "Your code for " + company.Name,
		Text: fmt.Sprintf("Somebody, probably you, wants to connect an app to your customer record with us.\n\n"+
			"The code is %s. Enter it in the app. It is good until %s.\n\n"+
			"If it was not you, do nothing: without the code nothing happens. Give it to nobody, not even to us.\n\n%s\n",
			showCode(code), c.Until, company.Name),
	}
}

// contactMessage is sent to the contact on record before a request changes how
// the customer is reached.
func contactMessage(company *firsthand.Company, r *connector.Request) connector.Message {
	what, _, _ := strings.Cut(r.Fact, ".")
	return connector.Message{
		ID:      "changed-" + r.ID.String(),
		Subject: "A change of your customer record with " + company.Name,
		Text: fmt.Sprintf("We have been told of a new %s for your customer record, by the app that is connected to it, and are about to enter it.\n\n"+
			"If it was not you, tell us at once.\n\n%s\n", what, company.Name),
	}
}

// subject returns the beginning of a text as one line. Lists of tickets show it, and
// programs export such lists: it turns no text round, and begins no formula. The text
// itself is brought as it is.
func subject(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case r == '\u200c', r == '\u200d':
			return r // Persian and family emoji are written with them
		case unicode.Is(unicode.Cf, r):
			return -1 // bidi controls, zero-width, tags
		}
		return r
	}, text)
	text = strings.TrimLeft(strings.Join(strings.Fields(text), " "), "=+-@ ")
	if short := cut(text, 80); short != text {
		return short + " …"
	}
	return text
}

// requestText is what the ticket of a request says.
func requestText(r *firsthand.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The customer claims a right: %s, under %s.\n", r.Right, r.Law)
	if r.Scope != "" {
		fmt.Fprintf(&b, "It concerns: %s.\n", r.Scope)
	}
	fmt.Fprintf(&b, "The answer is due by %s.\n", r.Due)
	if r.Text != "" {
		fmt.Fprintf(&b, "\n%s\n", r.Text)
	}
	return b.String()
}
