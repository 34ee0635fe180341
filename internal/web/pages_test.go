package web_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/web"
	"firsthand/internal/web/webtest"
)

// What each form does: where it leads, what the agent is told, and what she sees
// where something is wrong.
func TestForms(t *testing.T) {
	a := webtest.Usual(t)
	task := "/tasks/" + a.TaskList[0].Entry.String()
	rel := a.Rels[0].ID
	var ask string
	for _, as := range a.Shown[rel].View.Asks {
		ask = as.Entry.String()
	}
	var unmet []string
	for _, c := range a.List {
		if c.Rel.IsZero() {
			unmet = append(unmet, c.Domain)
		}
	}
	const company = "/companies/acme.example"
	tests := []struct {
		name, path, form string // form is a query
		fail             string // the method that fails, with fault.Conflict
		want             int
		to               string // Location
		did              string
		page             string // a part of the page
	}{
		{name: "keep an import", path: "/imports/1/keep", want: 303, to: "/?did=kept", did: "Keep 1"},
		{name: "undo an import", path: "/imports/1/undo", want: 303, to: "/import?did=undone", did: "Undo 1"},
		{name: "no such number", path: "/imports/x/keep", want: 404},
		{name: "assign an account", path: "/imports/1/assign", form: "account=101&domain=https://www.Shop.example/login", want: 303, to: "/imports/1?did=saved", did: "Assign 101 shop.example"},
		{name: "assign to nothing", path: "/imports/1/assign", form: "account=101&domain=no+domain", want: 422, page: `value="no domain"`},
		{name: "this is me", path: "/imports/1/card", form: "card=7", want: 303, to: "/imports/1?did=noted", did: "TakeCard 7"},
		{name: "a suggestion is current", path: "/suggestions", form: "fact=email&value=a@b.example&answer=mine", want: 303, to: "/?did=noted", did: "SetFact email a@b.example"},
		{name: "a suggestion is old", path: "/suggestions", form: "fact=email&value=a@b.example&answer=old", want: 303, to: "/change?fact=email&guesses=yes"},

		{name: "put a card off", path: "/today/later", form: "key=late+acme.example+2026-11-14&by=week", want: 303, to: "/today", did: "PutOff " + string(firsthand.DateOf(webtest.Now.AddDate(0, 0, 7))) + " [late acme.example 2026-11-14]"},
		{name: "put a card away", path: "/today/later", form: "key=message+x&by=good", want: 303, to: "/today", did: "PutOff 9999-12-31 [message x]"},
		{name: "put a card off for ever so long", path: "/today/later", form: "key=x&by=year", want: 404},
		{name: "bring cards back", path: "/today/back", want: 303, to: "/today", did: "BringBack"},

		{name: "add a company", path: "/companies", form: "domain=WWW.New.example&name=New", want: 303, to: "/companies/new.example?did=added", did: "AddCompany new.example New"},
		{name: "add nothing", path: "/companies", form: "domain=+&name=kept+%3Cb%3E", want: 422, page: `value="kept &lt;b&gt;"`},
		{name: "add what is there", path: "/companies", form: "domain=new.example", fail: "AddCompany", want: 422, page: "It has changed meanwhile."},
		{name: "meet those that answer", path: "/companies/meet", want: 303, to: "/?did=met", did: "LookForGateways " + strings.Join(unmet, " ") + "|Meet " + unmet[0] + " unpaired false"},
		{name: "confirm some", path: "/companies/many", form: "act=confirm&domain=a.example&domain=b.example", want: 303, to: "/companies?did=confirmed", did: "Confirm a.example b.example"},
		{name: "confirm none", path: "/companies/many", form: "act=confirm", want: 422, page: "Mark at least one company"},
		{name: "group all of a list", path: "/companies/many", form: "act=group&group=books&all=yes&filter=search%3Dcorner", want: 303, to: "/companies?did=grouped&search=corner", did: "Group books true corner-books.example corner-books-2.example"},
		{name: "group without a name", path: "/companies/many", form: "act=group&domain=a.example", want: 422, page: "Name the group."},
		{name: "state a fact", path: "/companies/many", form: "act=state&domain=a.example&fact=phone&value=123&since=2020-01-31", want: 303, did: "State a.example phone 123 2020-01-31", to: "/companies?did=stated"},
		{name: "state since no day", path: "/companies/many", form: "act=state&domain=a.example&fact=phone&since=31.1.2020", want: 422, page: "Write a day"},
		{name: "take it back", path: "/companies/many", form: "act=unstate&domain=a.example&fact=phone", want: 303, did: "Unstate phone a.example", to: "/companies?did=stated"},
		{name: "do nothing", path: "/companies/many", form: "domain=a.example", want: 422, page: "Choose what to do."},
		{name: "confirm one", path: company + "/confirm", want: 303, to: company + "?did=confirmed", did: "Confirm acme.example"},
		{name: "forget one", path: company + "/drop", want: 303, to: "/companies?did=dropped", did: "DropCompany acme.example"},
		{name: "group one", path: company + "/group", form: "group=shops", want: 303, to: company + "?did=grouped", did: "Group shops true acme.example"},
		{name: "make an address for it", path: company + "/mask", form: "act=make", want: 303, to: company + "?did=saved#own", did: "MakeMask acme.example"},
		{name: "switch it off", path: company + "/mask", form: "act=pause&token=x7k2q9ab", want: 303, to: company + "?did=left_alone#own", did: "PauseMask x7k2q9ab true"},
		{name: "switch it on", path: company + "/mask", form: "act=resume&token=x7k2q9ab", want: 303, to: company + "?did=saved#own", did: "PauseMask x7k2q9ab false"},
		{name: "give it up", path: company + "/mask", form: "act=retire&token=x7k2q9ab", want: 303, to: company + "?did=saved#own", did: "RetireMask x7k2q9ab"},
		{name: "do nothing with it", path: company + "/mask", form: "act=x&token=x7k2q9ab", want: 404},
		{name: "say whose mail it is", path: company + "/leak", form: "token=x7k2q9ab&from=sender.example&verdict=theirs", want: 303, to: company + "?did=saved#own", did: "JudgeLeak x7k2q9ab sender.example theirs"},
		{name: "say where they are made", path: "/masks", form: "kind=domain&base=+mia.example&secret=ignored", want: 303, to: "/masks?did=saved", did: "SetMaskConfig domain mia.example"},
		{name: "at a service, with the key that is there", path: "/masks", form: "kind=simplelogin&url=https://sl.example&secret=", want: 303, to: "/masks?did=saved", did: "SetMaskConfig simplelogin  https://sl.example never-shown"},
		{name: "at no address", path: "/masks", form: "kind=subaddress&base=mia", want: 422, page: "is no address of yours"},
		{name: "choose a way", path: company + "/channel", form: "channel=mail", want: 303, to: company + "?did=saved", did: "SetChannel acme.example mail"},
		{name: "where letters go", path: company + "/writing", form: "postal=Markt+1%0D%0A9000+Gent&lang=nl", want: 303, to: company + "?did=saved", did: "SetAddress acme.example Markt 1\r\n9000 Gent|SetLang acme.example nl"},
		{name: "where no letter goes", path: company + "/writing", form: "postal=kept+%3Cb%3E", fail: "SetAddress", want: 422, page: "kept &lt;b&gt;</textarea>"},
		{name: "posted", path: task + "/posted", form: "posted=2026-11-20", want: 303, to: task + "?did=done", did: "Posted 2026-11-20"},
		{name: "posted on no day", path: task + "/posted", form: "posted=yesterday", want: 422, page: `value="yesterday"`},
		{name: "claim nothing", path: "/rights", form: "right=gold&text=kept", want: 422, page: "kept</textarea>"},
		{name: "claim what the law has not", path: "/rights", form: "right=object&law=CCPA", want: 422, page: "This law has no such right."},
		{name: "claim by no law", path: "/rights", form: "right=erase&law=mine", want: 422, page: "Choose one of these laws."},
		{name: "claim of no company", path: "/rights", form: "right=erase&of=a+b", want: 422, page: "role=\"alert\""},
		{name: "claim of some needs some", path: "/companies/many", form: "act=rights", want: 422, page: "Mark at least one company"},
		{name: "choose none", path: company + "/channel", want: 303, to: company + "?did=saved", did: "SetChannel acme.example"},
		{name: "it has not that", path: company + "/unstate", form: "fact=email&origin=bought", want: 303, to: company + "?did=saved", did: "UnstateOrigin email bought acme.example"},

		{name: "tell", path: company + "/do/tell", form: "fact=phone&purpose=CustomerCare&until=2027-01-31&basis=agreement", want: 303, to: company + "?did=sent", did: "Disclose phone CustomerCare 2027-01-31  "},
		{name: "tell by an exception", path: company + "/do/tell", form: "fact=phone&purpose=CustomerCare&basis=exception&exception=they+call", want: 303, to: company + "?did=sent", did: "Disclose phone CustomerCare  they call "},
		{name: "an exception needs words", path: company + "/do/tell", form: "fact=phone&purpose=CustomerCare&basis=exception", want: 422, page: "Say why"},
		{name: "tell what is not noted", path: company + "/do/tell", form: "fact=shoe_size&purpose=CustomerCare&until=2027-01-31", want: 422, page: `value="2027-01-31"`},
		{name: "answer an ask", path: company + "/do/tell", form: "fact=phone&basis=agreement&ask=" + ask, want: 303, to: company + "?did=sent", did: "Disclose phone    " + ask},
		{name: "policy says no", path: company + "/do/tell", form: "fact=phone&purpose=CustomerCare&until=2027-01-31", fail: "Disclose", want: 422, page: `value="2027-01-31"`},
		{name: "write", path: company + "/do/message", form: "text=Hello%0D%0Athere", want: 303, to: company + "?did=sent", did: "Message Hello\nthere"},
		{name: "write nothing", path: company + "/do/message", form: "text=+", want: 422, page: "Write something."},
		{name: "take back", path: company + "/do/withdraw", form: "fact=address.home", want: 303, to: company + "?did=sent", did: "Withdraw address.home"},
		{name: "ask", path: company + "/do/ask", form: "right=erase&text=all+of+it", want: 303, to: company + "?did=sent", did: "Request erase  all of it"},
		{name: "ask for nothing", path: company + "/do/ask", form: "right=gold&text=kept", want: 422, page: "kept</textarea>"},
		{name: "offer", path: company + "/do/agree", form: "code=FIRSTHAND-SD-BASE", want: 303, to: company + "?did=sent", did: "Offer FIRSTHAND-SD-BASE"},
		{name: "offer nothing", path: company + "/do/agree", want: 422, page: "Choose at least one."},
		{name: "take their terms", path: company + "/do/take", want: 303, to: company + "?did=sent", did: "Take"},
		{name: "end terms", path: company + "/do/end", form: "from=2027-01-31", want: 303, to: company + "?did=sent", did: "EndTerms 2027-01-31"},
		{name: "claim", path: company + "/do/claim", form: "record=C-1", want: 303, to: company + "?did=sent", did: "Claim C-1"},
		{name: "prove", path: company + "/do/prove", form: "code=123456", want: 303, to: company + "?did=sent", did: "Prove 123456"},
		{name: "decline", path: company + "/do/decline", form: "ask=" + ask + "&reason=no", want: 303, to: company + "?did=sent", did: "Decline " + ask + " no"},
		{name: "decline what was not asked", path: company + "/do/decline", form: "reason=kept", want: 422, page: `value="kept"`},
		{name: "pause", path: company + "/do/pause", form: "until=2027-01-31", want: 303, to: company + "?did=sent", did: "Pause 2027-01-31"},
		{name: "leave", path: company + "/do/leave", form: "reason=moved", want: 303, to: company + "?did=sent", did: "Leave moved"},
		{name: "no such act", path: company + "/do/dance", want: 404},
		{name: "no such company", path: "/companies/nobody.example/do/tell", form: "fact=phone", want: 404},
		{name: "the first act meets", path: "/companies/lumen.example/do/message", form: "text=Hello", want: 303, to: "/companies/lumen.example?did=sent", did: "Meet lumen.example unpaired true|Message Hello"},
		{name: "a wrong first act doesn't", path: "/companies/lumen.example/do/message", form: "text=", want: 422},
		{name: "meet", path: "/companies/lumen.example/do/meet", form: "how=gateway", want: 303, to: "/companies/lumen.example?did=sent", did: "Meet lumen.example unpaired false"},

		{name: "note a fact", path: "/me", form: "fact=phone&value=123", want: 303, to: "/me?did=noted", did: "SetFact phone 123"},
		{name: "note an address", path: "/me", form: "fact=address.home&street=Graslei+2&city=Gent", want: 303, to: "/me?did=noted", did: "SetFact address.home city: Gent, street: Graslei 2"},
		{name: "note something else", path: "/me", form: "fact=other&other=Loyalty+number&value=77", want: 303, to: "/me?did=noted", did: "SetFact loyalty_number 77"},
		{name: "note nothing", path: "/me", form: "fact=phone", want: 422, page: "Write the value."},
		{name: "note something without a name", path: "/me", form: "fact=other&other=%21&value=77", want: 422, page: `value="77"`},
		{name: "never tell", path: "/me/phone/rule", form: "never=yes", want: 303, to: "/me/phone?did=saved", did: "SetRule phone true"},
		{name: "forget a fact", path: "/me/phone/forget", want: 303, to: "/me?did=forgotten", did: "SetFact phone"},

		{name: "a change of nothing", path: "/change", form: "fact=phone&phone:value=", want: 422, page: "Write the new one."},
		{name: "a change keeps what was typed", path: "/change", form: "fact=address.home&address.home:street=Graslei+2&fact=phone&phone:value=&note=mine", want: 422, page: `value="Graslei 2"`},
		{name: "one more fact", path: "/change", form: "fact=phone&phone:value=123&more=email&add=1", want: 200, page: `name="email:value"`},
		{name: "an exception needs its words", path: "/change", form: "fact=phone&phone:value=123&basis=exception", want: 422, page: "it is recorded with the change"},
		{name: "no draft any more", path: "/change/0123456789abcdef", want: 303, to: "/change"},
		{name: "pause a change", path: "/changes/1/pause", form: "paused=yes", want: 303, to: "/changes/1?did=saved", did: "PauseMove 1 true"},
		{name: "go on", path: "/changes/1/pause", form: "paused=no", want: 303, to: "/changes/1?did=saved", did: "PauseMove 1 false"},
		{name: "try one again", path: "/changes/1/retry", form: "n=7", want: 303, to: "/changes/1?did=retried", did: "Retry 1 [7]"},
		{name: "cancel too late", path: "/changes/1/cancel", fail: "CancelMove", want: 422, page: "It has changed meanwhile."},

		{name: "done", path: task + "/done", form: "saw=applied&note=Ann", want: 303, to: task + "?did=done", did: "Done applied Ann"},
		{name: "done how", path: task + "/done", form: "note=kept", want: 422, page: `value="kept"`},
		{name: "open it again", path: task + "/reopen", want: 303, to: task + "?did=undone", did: "Reopen"},
		{name: "remind", path: task + "/remind", form: "remind=2027-01-31", want: 303, to: task + "?did=saved", did: "Remind 2027-01-31"},
		{name: "remind on no day", path: task + "/remind", form: "remind=tomorrow", want: 422, page: "Write a day"},

		{name: "set an account", path: "/mail/account", form: "address=mia@her.example&secret=abc&submit_host=Mail.her.example&submit_port=465&submit_tls=tls&receive_host=mail.her.example&receive_port=143&receive_tls=starttls", want: 303, to: "/mail?did=account",
			did: "SetMailAccount mia@her.example  {Mail.her.example 465 tls} {mail.her.example 143 starttls}  3"},
		{name: "an account that is refused", path: "/mail/account", form: "address=mia@her.example&secret=abcdefgh&submit_host=kept&submit_port=x", fail: "SetMailAccount", want: 422, page: `value="kept"`},
		{name: "test it", path: "/mail/check", want: 303, to: "/mail?did=checked", did: "CheckMailAccount"},
		{name: "it is wrong", path: "/mail/check", fail: "CheckMailAccount", want: 422, page: "It has changed meanwhile."},
		{name: "forget it", path: "/mail/drop", want: 303, to: "/mail?did=dropped", did: "DropMailAccount"},
		{name: "an address of a company", path: company + "/address", form: "address=privacy@acme.example", want: 303, to: company + "?did=saved", did: "SetMailAddress acme.example privacy@acme.example"},
		{name: "no address", path: company + "/address", form: "address=kept", fail: "SetMailAddress", want: 422, page: `value="kept"`},
		{name: "send it", path: task + "/mail", want: 303, to: task + "?did=sent", did: "SendMail"},
		{name: "remind them", path: task + "/mail", form: "part=reminder", want: 303, to: task + "?did=sent", did: "SendReminder"},
		{name: "it can't be sent", path: task + "/mail", fail: "SendMail", want: 422, page: "It has changed meanwhile."},
		{name: "it did leave", path: task + "/mail/settle", form: "act=left", want: 303, to: task + "?did=saved", did: "MailLeft"},
		{name: "don't send it", path: task + "/mail/settle", form: "act=drop&part=reminder", want: 303, to: task + "?did=saved", did: "DropMail reminder"},
		{name: "try it now", path: task + "/mail/settle", form: "act=retry", want: 303, to: task + "?did=saved", did: "RetryMail"},
		{name: "mark an answer", path: "/answers/1/mark", form: "mark=applied", want: 303, to: "/answers/1?did=saved", did: "Mark 1 applied"},
		{name: "mark such answers", path: "/answers/1/mark", form: "mark=applied&domain=acme.example&words=your+records", want: 303, to: "/answers/1?did=saved", did: "Mark 1 applied|SetMailRule acme.example your records applied"},
		{name: "unmark it", path: "/answers/1/mark", want: 303, to: "/answers/1?did=saved", did: "Mark 1"},
		{name: "mark it wrongly", path: "/answers/1/mark", form: "mark=gold&words=kept", fail: "Mark", want: 422, page: "It has changed meanwhile."},
		{name: "drop a rule", path: "/mail/rule", form: "domain=acme.example&words=your+records", want: 303, to: "/mail?did=saved", did: "SetMailRule acme.example your records"},
		{name: "keep an attachment", path: "/answers/1/attachments/0/keep", want: 303, to: "/documents/1?did=added", did: "KeepAttachment 1 0"},
		{name: "keep what there isn't", path: "/answers/1/attachments/x/keep", want: 404},
		{name: "take rows over", path: "/documents/1/take", form: "row=1&fact-1=email&origin-1=told&row=3&fact-3=+Address.Home+:+City&origin-3=inferred&fact-2=x", want: 303, to: "/documents/1?did=saved", did: "TakeOver 1 [{1 email told} {3 address.home:city inferred}]"},
		{name: "take none over", path: "/documents/1/take", form: "fact-1=kept_name&origin-1=bought", want: 422, page: `value="kept_name"`},
		{name: "take over what can't be", path: "/documents/1/take", form: "row=2&fact-2=kept_name&origin-2=bought", fail: "TakeOver", want: 422, page: `value="2" checked`},
		{name: "take no row over", path: "/documents/1/take", form: "row=x", want: 404},
		{name: "take one back", path: "/documents/1/back", form: "fact=segments&origin=inferred", want: 303, to: "/documents/1?did=undone", did: "TakeBack 1 segments inferred"},
		{name: "take all back", path: "/documents/1/back", want: 303, to: "/documents/1?did=undone", did: "TakeBack 1"},
		{name: "take nothing back", path: "/documents/1/back", form: "fact=a+b", want: 404},
		{name: "it is the answer", path: "/documents/1/answers", form: "entry=" + firsthand.ID{1}.String(), want: 303, to: "/documents/1?did=noted", did: "AnswerRequest 1"},
		{name: "it answers nothing", path: "/documents/1/answers", form: "entry=x", want: 404},
		{name: "remove the file alone", path: "/documents/1/drop", form: "keep=yes", want: 303, to: company + "?did=dropped", did: "DropDocument 1 true"},
		{name: "remove both", path: "/documents/1/drop", form: "keep=no", want: 303, to: company + "?did=dropped", did: "DropDocument 1 false"},
		{name: "remove what there isn't", path: "/documents/99/drop", form: "keep=no", want: 404},
		{name: "forget an answer", path: "/answers/1/drop", want: 303, to: "/mail?did=dropped", did: "DropAnswer 1"},

		{name: "refill", path: "/safety/kit", form: "recovery_kit=" + webtest.KitText, want: 303, to: "/safety?did=refilled"},
		{name: "another kit", path: "/safety/kit", form: "recovery_kit=AGE-SECRET-KEY-2", want: 422, page: "This recovery kit is not the one of your file."},
		{name: "a new passphrase", path: "/safety/passphrase", form: "next_passphrase=long+enough&next_passphrase2=long+enough", want: 303, to: "/safety?did=passphrase"},
		{name: "too short", path: "/safety/passphrase", form: "next_passphrase=short&next_passphrase2=short", want: 422, page: "at least 8 characters"},
		{name: "not the same", path: "/safety/passphrase", form: "next_passphrase=long+enough&next_passphrase2=long+enoug", want: 422, page: "The two differ."},
		{name: "verify", path: "/safety/verify", want: 200, page: "All is as it was signed: 1 relationships, 41 entries."},
		{name: "not this page", path: "/change", form: "once=", want: 422},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := webtest.Usual(t)
			if tt.fail != "" {
				a.Fail = map[string]error{tt.fail: fmt.Errorf("store: %w", fault.Tell(fault.Conflict, "it has changed meanwhile", "firsthand doctor"))}
			}
			c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
			form, err := url.ParseQuery(tt.form)
			if err != nil {
				t.Fatal(err)
			}
			pairs := []string{"once", "0123456789abcdef0123"}
			for name, values := range form {
				for _, v := range values {
					pairs = append(pairs, name, v)
				}
			}
			r := c.Post(tt.path, pairs...)
			if r.Code != tt.want || r.Header().Get("Location") != tt.to {
				t.Errorf("status %d to %q, want %d to %q", r.Code, r.Header().Get("Location"), tt.want, tt.to)
			}
			if did := strings.Join(a.Did(), "|"); did != strings.TrimSpace(tt.did) {
				t.Errorf("did %q, want %q", did, tt.did)
			}
			body := r.Body.String()
			if !strings.Contains(body, tt.page) {
				_, main, _ := strings.Cut(body, "<main")
				t.Errorf("the page lacks %q:\n%s", tt.page, main)
			}
			if tt.want == 422 && !strings.Contains(body, `class="error"`) && !strings.Contains(body, `role="alert"`) {
				t.Error("nothing says what is wrong")
			}
			if strings.Contains(body, "store: ") || strings.Contains(body, "firsthand doctor") {
				t.Error("internal text, or a command, is shown")
			}
			if tt.want != 303 || tt.did == "" {
				return
			}
			// A second click, a reload, the back button: nothing is done again.
			again := c.Post(tt.path, pairs...)
			repeats := strings.HasPrefix(tt.path, "/imports/1/keep") || strings.HasPrefix(tt.path, "/imports/1/undo") || strings.HasPrefix(tt.path, "/imports/1/assign") ||
				strings.HasPrefix(tt.path, "/changes/") || slices.Contains([]string{company + "/confirm", company + "/drop", company + "/group", company + "/unstate", company + "/channel", company + "/writing"}, tt.path)
			if again.Code != 303 || again.Header().Get("Location") != tt.to || len(a.Did()) != strings.Count(tt.did, "|")+1 && !repeats {
				t.Errorf("again: status %d to %q, did %q", again.Code, again.Header().Get("Location"), a.Did())
			}
		})
	}
}

// A change goes from what was typed over its preview to its board; back and forth
// lose nothing, and two clicks are one move.
func TestChange(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	once := c.Once("/change?fact=phone")
	typed := []string{"once", once, "fact", "phone", "phone:value", "+32 9 222", "basis", "GDPR 16", "note", "moved", "starts", "2027-02-01"}
	r := c.Post("/change", typed...)
	preview := r.Header().Get("Location")
	if r.Code != http.StatusSeeOther || preview != "/change/"+once {
		t.Fatalf("status %d to %q", r.Code, preview)
	}
	if strings.Contains(preview, "222") {
		t.Error("what was typed stands in the address")
	}
	if body := c.Get(preview).Body.String(); !strings.Contains(body, "+32 9 222") && !strings.Contains(body, "&#43;32 9 222") {
		t.Error("the preview doesn't show the new value")
	}
	if body := c.Get("/change?draft=" + once).Body.String(); !strings.Contains(body, `value="&#43;32 9 222"`) || !strings.Contains(body, `value="moved"`) {
		t.Error("going back loses what was typed")
	}
	if len(d.agent.Did()) != 0 {
		t.Errorf("before it is sent it did %q", d.agent.Did())
	}
	sent := append(formIn(c.Get(preview).Body.String()), "except", "acme.example")
	d.clock.Turn(web.ConfirmTime + time.Second)
	if r := c.Post(preview, sent...); r.Code != http.StatusForbidden || !strings.Contains(r.Body.String(), `name="except" value="acme.example"`) {
		t.Errorf("without a fresh passphrase: status %d", r.Code)
	}
	for range 2 {
		r := c.Post(preview, append(sent, "confirm_passphrase", webtest.Passphrase)...)
		if r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/changes/1" {
			t.Errorf("send: status %d to %q", r.Code, r.Header().Get("Location"))
		}
	}
	if did := d.agent.Did(); len(did) != 1 || !strings.Contains(did[0], "GDPR 16") || !strings.Contains(did[0], "acme.example") || !strings.Contains(did[0], "2027-02-01") {
		t.Errorf("did %q", did)
	}
}

// A right goes the same way: typed, previewed, sent once, with those it is claimed of.
func TestRights(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	r := c.Post("/companies/many", "once", "0123456789abcdef0123", "act", "rights", "domain", "acme.example", "domain", "bolt.example")
	page := r.Header().Get("Location")
	if r.Code != http.StatusSeeOther || !strings.HasPrefix(page, "/rights?draft=") {
		t.Fatalf("status %d to %q", r.Code, page)
	}
	body := c.Get(page).Body.String()
	if !strings.Contains(body, `name="of" value="bolt.example"`) || strings.Contains(page, "acme") {
		t.Error("those that were marked aren't named, or stand in the address")
	}
	once := c.Once(page)
	r = c.Post("/rights", "once", once, "right", "erase", "scope", "phone", "law", "GDPR", "text", "I never <b>gave</b> it", "of", "acme.example", "of", "bolt.example", "starts", "2027-02-01")
	preview := r.Header().Get("Location")
	if r.Code != http.StatusSeeOther || preview != "/change/"+once {
		t.Fatalf("status %d to %q", r.Code, preview)
	}
	body = c.Get(preview).Body.String()
	if !strings.Contains(body, "Erasure") || !strings.Contains(body, "I never &lt;b&gt;gave&lt;/b&gt; it") || !strings.Contains(body, "/rights?draft="+once) {
		t.Error("the preview doesn't say what is claimed, or doesn't lead back")
	}
	if body := c.Get("/rights?draft=" + once).Body.String(); !strings.Contains(body, "gave&lt;/b&gt; it</textarea>") || !strings.Contains(body, `<option value="erase" selected>`) {
		t.Error("going back loses what was typed")
	}
	sent := formIn(body)
	// It outlives the server, and is sent once.
	after := newDoor(t, web.Open)
	c = webtest.SignIn(t, after.server)
	for range 2 {
		if r := c.Post(preview, sent...); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/changes/1" {
			t.Errorf("send: status %d to %q", r.Code, r.Header().Get("Location"))
		}
	}
	if did := after.agent.Did(); len(did) != 1 || !strings.Contains(did[0], "erase phone GDPR I never <b>gave</b> it [acme.example bolt.example]") || !strings.Contains(did[0], "2027-02-01") {
		t.Errorf("did %q", did)
	}
}

// A change that was sent just before a crash is found again by its key.
func TestChangeAfterACrash(t *testing.T) {
	a := webtest.Usual(t)
	a.MoveList[1].Key = "0123456789abcdef"
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	if r := c.Post("/change/0123456789abcdef"); r.Header().Get("Location") != "/changes/1" {
		t.Errorf("status %d to %q", r.Code, r.Header().Get("Location"))
	}
}

// One that was not is sent from the preview that she still has: what was typed stands
// in it, and outlives the server.
func TestPreviewOutlivesTheServer(t *testing.T) {
	before := newDoor(t, web.Open)
	c := webtest.SignIn(t, before.server)
	once := c.Once("/change?fact=phone")
	c.Post("/change", "once", once, "fact", "phone", "phone:value", "+32 9 222", "basis", "GDPR 16", "guesses", "yes")
	sent := formIn(c.Get("/change/" + once).Body.String())

	after := newDoor(t, web.Open)
	c = webtest.SignIn(t, after.server)
	for range 2 { // nor does a second click lose it
		if r := c.Post("/change/"+once, sent...); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/changes/1" {
			t.Errorf("status %d to %q", r.Code, r.Header().Get("Location"))
		}
	}
	if did := after.agent.Did(); len(did) != 1 || !strings.Contains(did[0], "+32 9 222") || !strings.Contains(did[0], "GDPR 16") {
		t.Errorf("did %q", did)
	}
	// What is no form of ours is nothing.
	if r := c.Post("/change/fedcba9876543210"); r.Header().Get("Location") != "/change" || len(after.agent.Did()) != 1 {
		t.Errorf("status %d to %q", r.Code, r.Header().Get("Location"))
	}
}

// A file is read as it arrives, and under a name that is only shown.
func TestBring(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	send := func(field, file, text string) *httptest.ResponseRecorder {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		w, err := form.CreateFormFile(field, file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, text)
		form.Close()
		r := httptest.NewRequest("POST", "/import", &body)
		r.Header.Set("Content-Type", form.FormDataContentType())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return c.Do(r)
	}
	if r := send("file", "C:\\Users\\mia\\passwords.csv", "name,url\n"); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/imports/1" {
		t.Errorf("status %d to %q", r.Code, r.Header().Get("Location"))
	}
	if did := d.agent.Did(); !slices.Equal(did, []string{"Bring passwords.csv 9"}) {
		t.Errorf("did %q", did)
	}
	if r := send("other", "x.csv", "x"); r.Code != http.StatusUnprocessableEntity {
		t.Errorf("without a file: status %d", r.Code)
	}
	d.agent.Fail = map[string]error{"Bring": fault.Tell(fault.Invalid, "this is no list that can be read", "export it as CSV")}
	if r := send("file", "x.txt", "x"); r.Code != http.StatusUnprocessableEntity || !strings.Contains(r.Body.String(), "This is no list that can be read. Export it as CSV.") {
		t.Errorf("a wrong file: status %d", r.Code)
	}
	if r := c.Post("/import", "file", "x"); r.Code != http.StatusUnprocessableEntity {
		t.Errorf("a form without a file: status %d", r.Code)
	}
}

// Setting up: nothing is made before she has the kit.
func TestSetup(t *testing.T) {
	d := newDoor(t, web.Empty)
	c := webtest.NewClient(t, d.server)
	c.Get(d.server.Link())
	for form, want := range map[string]string{"passphrase=short&passphrase2=short": "at least 8 characters", "passphrase=long+enough&passphrase2=other": "The two differ."} {
		q, _ := url.ParseQuery(form)
		r := c.Post("/setup", "passphrase", q.Get("passphrase"), "passphrase2", q.Get("passphrase2"))
		if r.Code != http.StatusUnprocessableEntity || !strings.Contains(r.Body.String(), want) || strings.Contains(r.Body.String(), "long enough") {
			t.Errorf("%s: status %d\n%s", form, r.Code, r.Body)
		}
	}
	if r := c.Post("/setup", "passphrase", "long enough", "passphrase2", "long enough"); r.Header().Get("Location") != "/setup/kit" {
		t.Fatalf("status %d to %q", r.Code, r.Header().Get("Location"))
	}
	page := c.Get("/setup/kit").Body.String()
	_, rest, _ := strings.Cut(page, `name="mark" value="`)
	mark, _, _ := strings.Cut(rest, `"`)
	if !strings.Contains(page, webtest.KitText) || mark == "" {
		t.Fatalf("no kit:\n%s", page)
	}
	if r := c.Post("/setup/kit.txt"); !strings.Contains(r.Header().Get("Content-Disposition"), "attachment") || !strings.Contains(r.Body.String(), webtest.KitText) {
		t.Errorf("the kit as a file: status %d", r.Code)
	}
	if r := c.Post("/setup/done", "mark", mark); r.Code != http.StatusUnprocessableEntity || d.house.State() != web.Empty {
		t.Errorf("without saying that she has it: status %d, state %v", r.Code, d.house.State())
	}
	if r := c.Post("/setup/done", "mark", "other", "have", "yes"); r.Code != http.StatusUnprocessableEntity || d.house.State() != web.Empty {
		t.Errorf("of another tab's kit: status %d, state %v", r.Code, d.house.State())
	}
	if r := c.Post("/setup/done", "mark", mark, "have", "yes"); r.Code != http.StatusSeeOther || d.house.State() != web.Open {
		t.Errorf("status %d, state %v", r.Code, d.house.State())
	}
	if r := c.Get("/safety"); r.Code != http.StatusOK {
		t.Errorf("she is not in: status %d", r.Code)
	}
	if page := c.Get("/setup/kit").Body.String(); strings.Contains(page, webtest.KitText) {
		t.Error("the kit is shown twice")
	}
}

func TestRestore(t *testing.T) {
	for _, tt := range []struct {
		name, secret, file string
		want               int
		state              web.State
	}{
		{"passphrase", webtest.Passphrase, "a backup", 303, web.Locked},
		{"kit", webtest.KitText, "a backup", 303, web.Locked},
		{"wrong passphrase", "wrong", "a backup", 422, web.Empty},
		{"damaged", webtest.Passphrase, "half a bac", 422, web.Empty},
	} {
		d := newDoor(t, web.Empty)
		c := webtest.NewClient(t, d.server)
		c.Get(d.server.Link())
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		form.WriteField("secret", tt.secret)
		w, _ := form.CreateFormFile("backup", "x.backup")
		fmt.Fprint(w, tt.file)
		form.Close()
		r := httptest.NewRequest("POST", "/restore", &body)
		r.Header.Set("Content-Type", form.FormDataContentType())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if got := c.Do(r); got.Code != tt.want || d.house.State() != tt.state || strings.Contains(got.Body.String(), tt.secret) {
			t.Errorf("%s: status %d, state %v", tt.name, got.Code, d.house.State())
		}
	}
}

// Files to be saved are attachments.
func TestDownloads(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	rel := d.agent.Rels[0].ID.String()
	for path, want := range map[string]string{"POST /safety/backup": "a backup", "POST /safety/export": "a life", "GET /relationships/" + rel + "/bundle": "firsthand-bundle-v1\n",
		"GET /letters": "%PDF-1.3 2", "GET /tasks/" + d.agent.TaskList[0].Entry.String() + "/letter": "%PDF-1.3 1",
		"GET /tasks/" + d.agent.TaskList[0].Entry.String() + "/letter?part=reminder": "%PDF-1.3 reminder"} {
		method, path, _ := strings.Cut(path, " ")
		r := c.Get(path)
		if method == "POST" {
			r = c.Post(path)
		}
		if r.Code != http.StatusOK || !strings.HasPrefix(r.Body.String(), want) || !strings.HasPrefix(r.Header().Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: status %d, %q", path, r.Code, r.Header().Get("Content-Disposition"))
		}
	}
	if body := c.Get("/safety").Body.String(); !strings.Contains(body, "Tested") {
		t.Error("the backup isn't shown as tested")
	}
}

// Internal errors stay inside; others say their sentence.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		err        error
		want       int
		page, lack string
	}{
		{errors.New("secret detail"), 500, "Something went wrong on our side", "secret detail"},
		{fault.Tell(fault.Unavailable, "the disk is full", "make room"), 503, "The disk is full.", "[error"},
		{fault.Tell(fault.Denied, "no", "firsthand doctor"), 403, "This may not be done", "firsthand doctor"},
	} {
		a := webtest.Usual(t)
		a.Fail = map[string]error{"Map": tt.err}
		c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
		r := c.Get("/")
		if body := r.Body.String(); r.Code != tt.want || !strings.Contains(body, tt.page) || strings.Contains(body, tt.lack) {
			t.Errorf("%v: status %d\n%s", tt.err, r.Code, body)
		}
	}
}

// A form that is too big is refused, not read.
func TestTooBig(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	if r := c.Post("/companies", "name", strings.Repeat("x", 2<<20)); r.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", r.Code)
	}
}

// A link that leads on after signing in leads to a page of ours.
func TestNextIsOurs(t *testing.T) {
	for next, want := range map[string]string{"/companies?search=x": "/companies?search=x", "//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/", "/%09/evil.example": "/%09/evil.example", "": "/", "javascript:alert(1)": "/", "/\t/evil.example": "/"} {
		d := newDoor(t, web.Locked)
		c := webtest.NewClient(t, d.server)
		c.Get(d.server.Link())
		if r := c.Post("/unlock", "passphrase", webtest.Passphrase, "next", next); r.Header().Get("Location") != want {
			t.Errorf("next %q leads to %q, want %q", next, r.Header().Get("Location"), want)
		}
	}
}

// The exact entry is one click away, and says what is proved.
func TestEntry(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.SignIn(t, d.server)
	b := d.agent.Bundles[d.agent.Rels[0].ID]
	rel := d.agent.Rels[0].ID.String()
	page := "/relationships/" + rel + "/entries/" + b.First[2].ID.String()
	body := c.Get(page).Body.String()
	for _, want := range []string{string(b.First[2].Signed), b.First[2].ID.String(), "Verified: its signature", `href="?all=yes"`, "&#34;fact&#34;: &#34;address.home&#34;", string(b.Receipts[0]), "Received, signed"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if body := c.Get(page + "?all=yes").Body.String(); !strings.Contains(body, "Verified: every signature") {
		t.Error("all are not verified")
	}
	for n, wants := range map[int][2]string{2: {"This does not verify", "This does not verify"}, 1: {"Verified: its signature", "This does not verify"}} {
		broken := *b
		broken.First = slices.Clone(b.First)
		broken.First[n].Signed = bytes.Replace(b.First[n].Signed, []byte("."), []byte(".A"), 1)
		d.agent.Bundles[d.agent.Rels[0].ID] = &broken
		for i, query := range []string{"", "?all=yes"} {
			if body := c.Get(page + query).Body.String(); !strings.Contains(body, wants[i]) {
				t.Errorf("entry %d is broken, and %q lacks %q", n, query, wants[i])
			}
		}
	}
	if r := c.Get("/relationships/" + rel + "/entries/" + firsthand.ID{9}.String()); r.Code != http.StatusNotFound {
		t.Errorf("no such entry: status %d", r.Code)
	}
}

// Ten thousand companies are shown in parts, quickly.
func TestManyCompanies(t *testing.T) {
	a := webtest.Usual(t)
	for i := range 10000 {
		a.List = append(a.List, agent.Company{Domain: fmt.Sprintf("c%d.example", i), Name: fmt.Sprintf("Company %d", i)})
	}
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	body := c.Get("/companies?from=200&sort=name").Body.String()
	if strings.Count(body, `class="row"`) != 50 || !strings.Contains(body, "201–250 of 10,024") || !strings.Contains(body, "from=250") || !strings.Contains(body, "from=150") {
		t.Error("no part of a long list")
	}
}

// Static files never change under their name.
func TestStatic(t *testing.T) {
	d := newDoor(t, web.Open)
	c := webtest.NewClient(t, d.server)
	for _, name := range []string{"firsthand.css", "firsthand.js", "mark.svg"} {
		r := c.Get(web.Asset(name))
		if r.Code != http.StatusOK || !strings.Contains(r.Header().Get("Cache-Control"), "immutable") || r.Body.Len() == 0 {
			t.Errorf("%s: status %d, %q", name, r.Code, r.Header().Get("Cache-Control"))
		}
		c.Header.Set("Accept-Encoding", "gzip")
		packed := c.Get(web.Asset(name)).Body.Len()
		c.Header.Del("Accept-Encoding")
		limit := map[string]int{"firsthand.css": 12 << 10, "firsthand.js": 20 << 10, "mark.svg": 2 << 10}[name]
		if packed > limit {
			t.Errorf("%s: %d bytes compressed, at most %d", name, packed, limit)
		}
		if r := c.Get("/static/" + name); r.Code != http.StatusNotFound {
			t.Errorf("%s without its hash: status %d", name, r.Code)
		}
	}
}

// A page that goes to another machine is compressed; to this one it is copied.
func TestPacked(t *testing.T) {
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, webtest.Usual(t)), webtest.NewClock()))
	c.Header.Set("Accept-Encoding", "gzip")
	for url, want := range map[string]string{"http://localhost/companies": "", "https://localhost/companies": "gzip"} {
		r := c.Do(httptest.NewRequest("GET", url, nil))
		if got := r.Header().Get("Content-Encoding"); r.Code != http.StatusOK || got != want {
			t.Errorf("%s: status %d, encoding %q, want %q", url, r.Code, got, want)
		}
	}
}

// An attachment, or a document, is kept by the browser, never shown: whatever it is, and
// whatever its name.
func TestAttachment(t *testing.T) {
	a := webtest.Usual(t)
	for _, b := range []*firsthand.Blob{&a.AnswerList[0].Blobs[0], &a.DocumentList[0].Blob} {
		b.Name, b.Size = "café\r\nX: \"y\".html", int64(len("<script>alert(1)</script>"))
	}
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	for _, path := range []string{"/answers/1/attachments/0", "/documents/1/file"} {
		r := c.Get(path)
		h := r.Header()
		if r.Code != http.StatusOK || r.Body.String() != "<script>alert(1)</script>" {
			t.Errorf("%s: status %d: %q", path, r.Code, r.Body.String())
		}
		for name, want := range map[string]string{"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff",
			"Content-Disposition": `attachment; filename="caf____X___y_.html"; filename*=UTF-8''caf%C3%A9%0D%0AX%3A%20%22y%22.html`} {
			if got := h.Get(name); got != want {
				t.Errorf("%s: %s: %s, want %s", path, name, got, want)
			}
		}
		if !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox") || h.Get("X") != "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
	for _, path := range []string{"/documents/99/file", "/documents/x/file", "/documents/99", "/answers/1/attachments/9", "/answers/1/attachments/-1", "/answers/99/attachments/0", "/answers/x/attachments/0"} {
		if r := c.Get(path); r.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, r.Code)
		}
	}
}

// TestDocument: a file is added, or refused with what is wrong; what is read of one is
// shown with its guesses, and what can't be read says why.
func TestDocument(t *testing.T) {
	a := webtest.Usual(t)
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	upload := func(name, text string) *httptest.ResponseRecorder {
		t.Helper()
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		w, err := form.CreateFormFile("file", name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, text)
		form.Close()
		r := httptest.NewRequest("POST", "/companies/acme.example/documents", &body)
		r.Header.Set("Content-Type", form.FormDataContentType())
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return c.Do(r)
	}
	if r := upload("answer.json", "{}"); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/documents/1?did=added" {
		t.Errorf("status %d to %q", r.Code, r.Header().Get("Location"))
	}
	if did := a.Did(); len(did) != 1 || did[0] != "AddDocument acme.example answer.json 2" {
		t.Errorf("did %q", did)
	}
	if r := upload("", ""); r.Code != http.StatusUnprocessableEntity || !strings.Contains(r.Body.String(), `role="alert"`) {
		t.Errorf("no file: status %d", r.Code)
	}
	a.Fail = map[string]error{"AddDocument": fault.Tell(fault.Invalid, "there is nothing in this file", "download it again")}
	if r := upload("x", "y"); r.Code != http.StatusUnprocessableEntity || !strings.Contains(r.Body.String(), "There is nothing in this file. Download it again.") {
		t.Errorf("a file that is refused: status %d", r.Code)
	}
	for path, wants := range map[string][]string{
		"/documents/1":            {`value="address.home:city"`, `<option value="bought" selected>`, "the same as yours", "named after where it stands", "photo.jpg", "and 7 more files", "This is the answer", "Remove both"},
		"/documents/1?only=known": {"third_party.phone"},
		"/documents/2":            {"This is a PDF. Ask the company for JSON or CSV.", "Nothing was taken over from it."},
		"/documents/3":            {`href="/answers/1"`, "answers a request of yours"},
		"/companies/acme.example": {`href="/documents/1"`, "answer.pdf", "It concluded it"},
	} {
		body := c.Get(path).Body.String()
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q", path, want)
			}
		}
	}
	if r := c.Get("/documents/1?from=9223372036854775807"); r.Code != http.StatusOK {
		t.Errorf("a page far behind the last: status %d", r.Code)
	}
	if body := c.Get("/documents/1?only=known").Body.String(); strings.Contains(body, "logins.csv") {
		t.Error("what is named after its place is shown among what seems to be hers")
	}
}

// Terms that are in force aren't offered again.
func TestAgreeOffersWhatIsNotInForce(t *testing.T) {
	a := webtest.Usual(t)
	c := webtest.SignIn(t, webtest.NewServer(t, webtest.NewHouse(web.Open, a), webtest.NewClock()))
	const option = `name="code"`
	if page := c.Get("/companies/lumen.example/do/agree").Body.String(); !strings.Contains(page, option) {
		t.Errorf("nothing is offered to a company without terms:\n%s", page)
	}
	page := c.Get("/companies/acme.example/do/agree").Body.String()
	if strings.Contains(page, option) || !strings.Contains(page, "are agreed with this company") {
		t.Errorf("what is in force is offered:\n%s", page)
	}
	if page := c.Get("/companies/acme.example").Body.String(); strings.Contains(page, "/do/agree") || !strings.Contains(page, "/do/tell") {
		t.Errorf("its page leads to an act that makes no sense:\n%s", page)
	}
}
