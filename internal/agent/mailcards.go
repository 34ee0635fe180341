package agent

import (
	"context"

	"firsthand"
)

// What cards of mail are about.
const (
	CardHeard    = "heard"    // a company answered by mail, and she hasn't said what it means
	CardStranger = "stranger" // likewise, and nothing proves that it is the company
	CardMail     = "mail"     // a mail did not get there, or nobody knows
)

// mailCards are answers that she has not marked, and mails that got stuck.
func (a *Agent) mailCards(ctx context.Context, _ firsthand.Date, limit int) (cards []Card, total int, err error) {
	answers, total, err := a.Store.Answers(ctx, AnswerQuery{Open: true, Limit: limit})
	if err != nil {
		return nil, 0, err
	}
	for _, ans := range answers {
		c := Card{Key: CardHeard + " " + ans.Key.String(), What: CardHeard, Rel: ans.Rel, Entry: ans.Entry, Answer: ans.ID, Since: ans.Came}
		if ans.Stranger {
			c.What = CardStranger
		}
		cards = append(cards, c)
	}
	mails, err := a.Store.Mails(ctx, MailQuery{Lost: true})
	for _, m := range mails {
		t, terr := a.Store.Task(ctx, m.Entry)
		if terr != nil || t.Step != "" {
			continue // she has told it otherwise, or it is gone
		}
		total++
		cards = append(cards, Card{Key: CardMail + " " + m.Entry.String() + m.Part, What: CardMail, Rel: m.Rel, Entry: m.Entry, Since: m.Made})
	}
	for i := range cards {
		row, rerr := a.Store.Relationship(ctx, cards[i].Rel)
		if rerr != nil {
			return nil, 0, rerr
		}
		cards[i].Domain = CompanyKey(row.Domain)
	}
	return cards, total, err
}
