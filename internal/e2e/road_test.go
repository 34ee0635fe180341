package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"firsthand/internal/web/webtest"
)

// Her address, changed on her page in a real browser, is in Request Tracker and in
// Tryton, as these show it themselves, in the record that was there before; and applied
// on her board.
func TestAddressOnTheRoad(t *testing.T) {
	s := start(t)
	acme := newCompany(t, "Acme Ltd", map[string]any{"connector": every(1, s.tracker(s.rt.URL))})
	bolt := newCompany(t, "Bolt NV", map[string]any{"connector": every(1, s.erp(s.tryton.URL, s.tryton)), "tickets": s.tracker(s.rt.URL)})
	anna, books := tracker{t, s.rt}, newERP(t, s.tryton)
	const street, old, mail = "Korenmarkt 12", "Kapellenstraat 88", "mia@road.example"
	user := anna.customer("A-100", mail, old)
	party := books.customer("B-100", mail, old)

	her := newCustomer(t)
	her.note(old)
	for domain, number := range map[string]string{acme.domain: "A-100", bolt.domain: "B-100"} {
		her.meet(domain)
		her.bind(domain, number, mail)
		her.tell(domain)
		her.shows(domain, "Home address Applied")
	}
	b := webtest.Open(t, her.base)
	b.Look(1280, false)
	b.Run(chromedp.Navigate(her.link()), chromedp.SendKeys("#f-passphrase", passphrase+"\r", chromedp.ByQuery), chromedp.WaitVisible(".places", chromedp.ByQuery))
	b.Open("/change?fact=address.home")
	for field, text := range map[string]string{"street": street, "postal_code": "9000", "city": "Gent", "country": "BE"} {
		b.Run(chromedp.SendKeys(fmt.Sprintf(`[name="address.home:%s"]`, field), text, chromedp.ByQuery))
	}
	b.Run(chromedp.Click(`form[action="/change"] .actions .primary`, chromedp.ByQuery),
		chromedp.Click(`.sticky .primary`, chromedp.ByQuery), chromedp.WaitVisible("#board", chromedp.ByQuery))
	var board string
	until(t, "her board says that both have applied it", func() bool {
		b.Evaluate(`document.querySelector("#board")?.innerText ?? ""`, &board) // in one step: it is replaced while it moves
		return strings.Contains(board, "2 of 2 finished")
	}, func() string { return board })
	for _, want := range []string{"Request Tracker", "Tryton", "Applied"} {
		if !strings.Contains(board, want) {
			t.Errorf("the board lacks %q:\n%s", want, board)
		}
	}
	for _, noted := range b.Noted() {
		t.Errorf("noted: %s", noted)
	}
	if u := anna.user(user); u["Address1"] != street || u["City"] != "Gent" || u["Zip"] != "9000" || u["Country"] != "BE" {
		t.Errorf("RT has %v", u)
	}
	same(t, "users of RT in the new street", anna.at(street), user)
	if all := books.addresses("street", "=", street); len(all) != 1 || all[0].Party != party || all[0].City != "Gent" {
		t.Errorf("Tryton has %+v", all)
	}
	if all := books.addresses("party", "=", party); len(all) != 1 {
		t.Errorf("of her Tryton has %+v", all)
	}
	// The old contact was told of nothing: an address is none.
}

// What she writes is a ticket in Request Tracker; what an employee answers there, by her
// own login, is a message under her name; and what is resolved there is done for her. What
// an employee changes in either system is what the company holds of her.
func TestWordsOnTheRoad(t *testing.T) {
	s := start(t)
	bolt := newCompany(t, "Bolt NV", map[string]any{"connector": every(1, s.erp(s.tryton.URL, s.tryton)), "tickets": s.tracker(s.rt.URL)})
	acme := newCompany(t, "Acme Ltd", map[string]any{"connector": every(1, s.tracker(s.rt.URL))})
	anna, books := tracker{t, s.rt}, newERP(t, s.tryton)
	her := newCustomer(t)
	her.note("Veldstraat 22")
	for _, c := range []*company{bolt, acme} {
		her.meet(c.domain)
		her.tell(c.domain)
		her.shows(c.domain, "Home address Applied")
		her.act(c.domain, "message", "text", "Where is my parcel?")
		var tickets []string
		until(t, "her message is a ticket", func() bool {
			tickets = anna.tickets(her.rel(c.domain))
			return len(tickets) > 0
		})
		if len(tickets) != 1 {
			t.Fatalf("tickets %q of one message", tickets)
		}
		same(t, "what stands in the ticket", anna.said(tickets[0]), "Where is my parcel?")
		anna.call(http.MethodPost, tickets[0]+"/correspond", map[string]any{"Content": "At the counter in Gent.", "ContentType": "text/plain"}, nil)
		her.shows(c.domain, "At the counter in Gent.")
		her.shows(c.domain, "Anna Agent")
		anna.call(http.MethodPut, tickets[0], map[string]any{"Status": "resolved"}, nil)
		her.shows(c.domain, "This matter has been closed as done.")
	}

	user := anna.at("Veldstraat 22")
	if len(user) != 1 {
		t.Fatalf("users in her street: %q", user)
	}
	anna.call(http.MethodPut, user[0], map[string]any{"Address1": "Veldstraat 22 bus 4"}, nil)
	her.shows(acme.domain, "Veldstraat 22 bus 4")
	// What was written in a second, Tryton on SQLite takes for the same moment.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	home := books.addresses("street", "=", "Veldstraat 22")
	if len(home) != 1 {
		t.Fatalf("addresses in her street: %+v", home)
	}
	must(t, books.Write(t.Context(), "party.address", home[0].ID, map[string]any{"street": "Veldstraat 22 bus 5"}))
	her.shows(bolt.domain, "Veldstraat 22 bus 5")
	for _, c := range []*company{bolt, acme} {
		if holds := text(her.get(her.company(c.domain)), ""); !strings.Contains(holds, "Observed") {
			t.Errorf("her page doesn't say whence it is:\n%s", holds)
		}
	}
}
