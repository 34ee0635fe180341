package world

import (
	"net/http"
	"slices"
	"time"
)

// A deskMail is a mail of Mia's as the page shows it, at the company to which it went.
type deskMail struct {
	Name, Company, Does string
	To, Subject, Text   string
	At                  time.Time
	Answers             []*Mail
	Answered            bool // by a person
	Quiet               bool // nobody will answer, as the visitor wants it
	Gone                bool // it came back
}

// deskMailsLimit is how many mails the page shows.
const deskMailsLimit = 30

// habits say what a company does with mail.
var habits = map[Reading]string{
	Does:      "Somebody does what she asks after some seconds, and says so.",
	AsksProof: "Somebody answers after some seconds, and wants a copy of her identity card.",
	Declines:  "Somebody answers after some seconds, and says no.",
	IsSilent:  "Nobody ever answers.",
	IsGone:    "There is no such mailbox any more: the mail came back.",
}

// deskMails returns what Mia has sent to companies, the latest first, each with what
// came of it; and how many there are beside those.
func (w *World) deskMails() (all []deskMail, older int) {
	mails := w.post.all()
	for _, m := range slices.Backward(mails) {
		f, to := toFirm(m)
		if f == nil {
			continue
		}
		if len(all) == deskMailsLimit {
			older++
			continue
		}
		reading := readings[f.domain]
		row := deskMail{Name: m.Name, Company: f.name, Does: habits[reading], To: to, Subject: m.Subject, Text: m.Text, At: m.At,
			Quiet: w.post.hushed(m), Gone: reading == IsGone}
		if f.machine() {
			row.Does = "A machine answers at once. " + row.Does
		}
		for _, a := range mails {
			if a.Of == m.ID && domainOf(a.From) == f.domain {
				row.Answers, row.Answered = append(row.Answers, a), row.Answered || !a.Auto
			}
		}
		all = append(all, row)
	}
	return all, older
}

// answer answers a mail as the company does to which it went.
func (d *Desk) answer(w http.ResponseWriter, r *http.Request) {
	if err := d.o.World().Answer(r.PostFormValue("mail"), r.PostFormValue("how")); err != nil {
		fail(w, err)
		return
	}
	http.Redirect(w, r, d.path+"#mail", http.StatusSeeOther)
}
