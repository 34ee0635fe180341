package systems

import (
	"fmt"
	"net"
	"net/smtp"
	"strings"
	"testing"
	"time"
)

// A mail is kept once for each of those it is for, as it was written.
func TestMailbox(t *testing.T) {
	at := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	m, err := OpenMailbox(func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	send := func(text string, to ...string) error {
		return smtp.SendMail(net.JoinHostPort("127.0.0.1", fmt.Sprint(m.Port)), nil, "care@vendor.example", to, []byte(strings.ReplaceAll(text, "\n", "\r\n")))
	}
	if err := send("Subject: =?utf-8?q?Caf=C3=A9?=\nContent-Transfer-Encoding: quoted-printable\n\nDear =\nMia,\n.\nbye\n", "mia@example.org", "jan@example.org", "mia@example.org"); err != nil {
		t.Fatal(err)
	}
	want := Mail{To: "mia@example.org", Subject: "Café", Text: "Dear Mia,\n.\nbye\n", At: at}
	if all := m.Mails(); len(all) != 2 || all[0] != want || all[1].To != "jan@example.org" {
		t.Errorf("mails = %+v, want %+v and the same for Jan", all, want)
	}
	m.Fail(550, "no")
	if err := send("Subject: x\n\nx\n", "mia@example.org"); err == nil || len(m.Mails()) != 2 {
		t.Errorf("refused: %v, and there are %d", err, len(m.Mails()))
	}
	m.HangUp()
	if err := send("Subject: x\n\nlast\n", "mia@example.org"); err == nil {
		t.Error("it has an answer")
	}
	if texts := m.To("mia@example.org"); len(texts) != 2 || texts[1] != "last\n" {
		t.Errorf("Mia has %q", texts)
	}
}
