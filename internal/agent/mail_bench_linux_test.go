package agent_test

import (
	"fmt"
	"testing"

	"firsthand/internal/agent"
	"firsthand/internal/agent/channel/mail/mailtest"
)

// BenchmarkMails sends mails to fifty companies through a real mail host, each noted
// before and after, and beside it the same bytes, to her as well, over one connection,
// with nothing noted.
func BenchmarkMails(b *testing.B) {
	h := mailtest.Start(b)
	l := newMailLife(b, h)
	var raw []byte
	b.Run("noted", func(b *testing.B) {
		l.use(b, func(m *mover) {
			for i := range b.N {
				domain := fmt.Sprintf("shop%d.test", i%50)
				m.must(m.SetMailAddress(b.Context(), domain, mailtest.Company))
				say(m, domain, fmt.Sprintf("mail %d of %d", i, b.N))
			}
			b.ResetTimer()
			if _, err := m.PostMails(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			mails, err := m.Mails(b.Context(), agent.MailQuery{})
			m.must(err)
			for _, row := range mails {
				if row.State != agent.MailSent && row.State != agent.MailFiled {
					b.Fatalf("a mail is %s: %s", row.State, row.Failure)
				}
			}
			if len(mails) < b.N {
				b.Fatalf("%d mails for %d", len(mails), b.N)
			}
			last, err := m.Store.Mail(b.Context(), mails[0].Entry, mails[0].Part)
			m.must(err)
			raw = last.Raw
		})
	})
	b.Run("bare", func(b *testing.B) {
		post, err := l.post()
		if err != nil {
			b.Fatal(err)
		}
		out, err := post.Submit(b.Context(), l.Account)
		if err != nil {
			b.Fatal(err)
		}
		defer out.Close()
		for b.Loop() {
			if err := out.Send(l.Account.Address, []string{mailtest.Company, l.Account.Address}, raw, func() error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
