package world

import (
	"crypto/sha256"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"firsthand"
	"firsthand/fault"
)

// A Reading is how a company without a gateway deals with mail.
type Reading int

const (
	Does      Reading = iota // somebody does what she asks, at some after an automatic reply
	AsksProof                // somebody wants a copy of her identity card first
	Declines                 // somebody says no
	IsSilent                 // nobody answers, ever
	IsGone                   // its mailbox is no more
)

// readings are those that do not just do it.
var readings = map[string]Reading{
	"kabelkoppel.example": AsksProof,
	"brilofniet.example":  Declines,
	"polderpolis.example": IsSilent,
	"puntenpas.example":   IsSilent,
	"spaarvarken.example": IsGone,
}

// firmAt returns the company at a domain, nil if there is none.
func firmAt(domain string) *firm {
	if i := slices.IndexFunc(firms, func(f firm) bool { return f.domain == domain }); i >= 0 {
		return &firms[i]
	}
	return nil
}

// toFirm returns the company to which a mail of hers went, nil for none, and the
// address.
func toFirm(m *Mail) (*firm, string) {
	if !atHers(m.From) {
		return nil, ""
	}
	for _, to := range m.To {
		if f := firmAt(domainOf(to)); f != nil {
			return f, to
		}
	}
	return nil, ""
}

// correspond has companies answer the mails that have waited for it long enough: a
// machine soon, a person later. What was answered is seen from the answers.
func (w *World) correspond(patience time.Duration) (worked bool, err error) {
	mails := w.post.all()
	byHand, byAuto := make(map[string]bool), make(map[string]bool)
	for _, m := range mails {
		if m.Auto {
			byAuto[m.Of+domainOf(m.From)] = true
		} else {
			byHand[m.Of+domainOf(m.From)] = true
		}
	}
	for _, m := range mails {
		f, _ := toFirm(m)
		if f == nil || byHand[m.ID+f.domain] || w.post.hushed(m) {
			continue
		}
		reading, age := readings[f.domain], w.Now().Sub(m.At)
		if reading >= IsSilent {
			continue
		}
		if f.machine() && !byAuto[m.ID+f.domain] && age >= patience/4 {
			if err := w.reply(m, f, autoReply); err != nil {
				return worked, err
			}
			worked = true
		}
		// One is quicker than another, each as ever.
		if age < patience*time.Duration(2+len(f.domain)%5)/2 {
			continue
		}
		if err := w.reply(m, f, map[Reading]answer{Does: sayDone, AsksProof: sayProof, Declines: sayNo}[reading]); err != nil {
			return worked, err
		}
		worked = true
	}
	return worked, nil
}

// An answer is what a company may say to a mail.
type answer int

const (
	autoReply answer = iota
	sayDone
	sayProof
	sayNo
)

// Answer answers a mail of hers, by its name, as the company does to which it went:
// done, proof or no; or quiet, so that nobody does.
func (w *World) Answer(name, how string) error {
	m, err := w.post.find(name)
	if err != nil {
		return err
	}
	f, _ := toFirm(m)
	if f == nil {
		return fault.NotExist
	}
	if how == "quiet" {
		return w.post.hush(m)
	}
	a, ok := map[string]answer{"done": sayDone, "proof": sayProof, "no": sayNo}[how]
	if !ok {
		return fault.Invalid
	}
	return w.reply(m, f, a)
}

// article finds the right that a letter claims, in any of the languages of letters.
var article = regexp.MustCompile(`(?i)\bart(?:ikel|icle|ículo|\.)[\s\x{a0}]*(1[5678]|2[0-2])\b`)

// words are what somebody at a company writes, in Dutch as is usual in Gent.
func (a answer) words(m *Mail) (text string, withData bool) {
	right := ""
	if found := article.FindStringSubmatch(m.Text); found != nil {
		right = found[1]
	}
	switch a {
	case autoReply:
		return "Bedankt voor uw bericht. Wij hebben het goed ontvangen en antwoorden zo snel mogelijk.\n\nDit is een automatisch bericht.", false
	case sayProof:
		return "Bedankt voor uw bericht. Voor wij uw vraag kunnen behandelen, moeten wij zeker weten dat u het bent.\n\nWilt u ons een kopie van uw identiteitskaart of paspoort sturen, voor- en achterzijde?", false
	case sayNo:
		return "Bedankt voor uw bericht. Wij kunnen dit helaas niet doen: uw gegevens moeten bij ons bewaard blijven zoals ze op de laatste factuur staan.", false
	}
	switch right {
	case "15", "20":
		return "Bedankt voor uw verzoek. In de bijlage vindt u alle gegevens die wij van u hebben, en aan wie wij ze gaven.", true
	case "17":
		return "Wij hebben uw gegevens gewist. Alleen uw facturen bewaren wij nog, zolang de wet dat van ons vraagt.", false
	case "21", "22":
		return "Wij gebruiken uw gegevens vanaf vandaag niet meer voor reclame.", false
	case "":
		return "Bedankt voor uw bericht. Wij hebben het genoteerd in uw dossier.", false
	}
	return "Wij hebben uw gegevens aangepast in onze hele administratie. U hoeft niets meer te doen.", false
}

// machine reports whether a machine answers first.
func (f *firm) machine() bool { return readings[f.domain] == Does && len(f.domain)%3 == 1 }

// signs is who writes at a company.
func (f *firm) signs() string {
	return []string{"Lieve", "Joris", "Fatima", "Bart", "Sofie"}[len(f.name)%5]
}

// reply sends an answer to a mail, from the address to which that went. Its host has
// signed it, and hers finds it in order.
func (w *World) reply(m *Mail, f *firm, a answer) error {
	_, from := toFirm(m)
	text, withData := a.words(m)
	l := outgoing{from: mail.Address{Name: f.name, Address: from}, to: m.From, of: m.ID, kind: fmt.Sprint(a), at: w.Now(), auto: a == autoReply,
		subject: "Re: " + m.Subject, text: "Beste Mia Peeters,\n\n" + text + "\n\nMet vriendelijke groet,\n" + f.signs() + "\n" + f.name}
	if a == autoReply {
		l.subject = "Automatisch antwoord: " + m.Subject
		l.text = text + "\n\n" + f.name
	}
	if withData {
		l.file, l.data = strings.TrimSuffix(f.domain, ".example")+"-gegevens.json", f.knows(w.Now())
	}
	return w.post.deliver(from, []string{l.to}, genuine(f.domain), l.write())
}

// knows is what a company has of her, told, seen and guessed, as it gives it away.
func (f *firm) knows(now time.Time) []byte {
	type object = map[string]any
	login := OldEmail
	if all := f.logins(); len(all) > 0 {
		login = all[len(all)-1]
	}
	home := OldAddress.Parts
	if f.address == "n" {
		home = NewAddress.Parts
	}
	var orders []object
	for i := range 3 {
		day := f.monthsAgo(now, f.used+i)
		orders = append(orders, object{"datum": day.Format(time.DateOnly), "bedrag": fmt.Sprintf("%d.%02d EUR", 12+len(f.name)*(i+1), len(f.domain)*3%100)})
	}
	return firsthand.EncodeJSON(object{
		"klant": object{"nummer": f.number(), "naam": Name, "email": login, "telefoon": OldPhone,
			"adres":       object{"straat": home["street"], "postcode": home["postal_code"], "gemeente": home["city"], "land": home["country"]},
			"klant_sinds": f.monthsAgo(now, f.since).Format(time.DateOnly)},
		"verrichtingen": orders,
		"profiel":       object{"segment": "trouwe klant", "kans_op_vertrek": "laag", "interesses": []string{"wonen", "fietsen"}},
		"gedeeld_met":   []object{{"ontvanger": "Pakjesdienst Noord BV", "waarvoor": "levering"}, {"ontvanger": "Doelgroep Media NV", "waarvoor": "reclame"}},
		"bron":          []object{{"gegeven": "telefoon", "van": "Adressenhuis CV", "datum": f.monthsAgo(now, f.since).Format(time.DateOnly)}},
	})
}

// number is under which the company has her.
func (f *firm) number() string {
	sum := sha256.Sum256([]byte(f.domain))
	return fmt.Sprintf("%c-%d", f.name[0], 10_000+int(sum[0])<<8+int(sum[1]))
}
