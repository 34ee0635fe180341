package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"firsthand/internal/web/webtest"
)

// A company's system is down, answers 500, garbage, or not at all. What she told that
// company is received, and she sees that it isn't applied; its staff sees at the desk,
// signed in by a passkey, what is wrong; and another company hears of her as quickly as
// ever. Once the system is well, all is applied without anybody's doing.
func TestSystemInTrouble(t *testing.T) {
	s := start(t)
	way := newBorder(t, s.rt.URL)
	acme := newCompany(t, "Acme Ltd", map[string]any{"connector": every(1, s.tracker(way.URL))})
	bolt := newCompany(t, "Bolt NV", map[string]any{"connector": every(1, s.erp(s.tryton.URL, s.tryton))})
	her := newCustomer(t)
	her.note("Kapellenstraat 88")
	for _, c := range []*company{acme, bolt} {
		her.meet(c.domain)
		her.tell(c.domain)
		her.shows(c.domain, "Home address Applied")
	}
	desk := signIn(t, acme)
	anna := tracker{t, s.rt}

	// move moves, and returns the board and what it says once Bolt has applied it.
	move := func(street string) (board, says string, took time.Duration) {
		t.Helper()
		begun := time.Now()
		board = her.change(street)
		until(t, "Bolt has applied "+street, func() bool {
			says = text(her.get(board), "board")
			return strings.Contains(says, "In Tryton")
		}, func() string { return says })
		return board, says, time.Since(begun)
	}
	whole := func(board string) {
		t.Helper()
		until(t, "all is applied", func() bool { return strings.Contains(text(her.get(board), "board"), "2 of 2 finished") },
			func() string { return text(her.get(board), "board") })
	}
	board, _, usual := move("Gewone straat 1")
	whole(board)
	for i, trouble := range []struct {
		name, shows string
		wrong       http.HandlerFunc
	}{
		{"down", "unavailable", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{"500", "answers 500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>Internal error", 500) }},
		{"garbage", "what answers at RT's address is not RT's REST2", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>It works!\x00\xff{[") }},
		{"slow", "", // until it has lost patience, there is nothing to say
			func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done(); panic(http.ErrAbortHandler) }},
	} {
		t.Run(trouble.name, func(t *testing.T) {
			way.broken(trouble.wrong)
			street := fmt.Sprintf("Moeilijke straat %d", i+1)
			board, says, took := move(street)
			if took > 3*usual+2*time.Second {
				t.Errorf("while another company's system is in trouble, Bolt takes %v; %v without", took, usual)
			}
			for _, want := range []string{"1 of 2 finished", "1 Received"} {
				if !strings.Contains(says, want) {
					t.Errorf("her board lacks %q:\n%s", want, says)
				}
			}
			var why string
			until(t, "the desk says why", func() bool {
				desk.Open("/connect")
				desk.Run(chromedp.Text("main", &why, chromedp.ByQuery))
				return strings.Contains(why, trouble.shows)
			}, func() string { return why })
			if n := len(anna.at(street)); n != 0 {
				t.Errorf("RT has it %d times", n)
			}
			way.broken(nil)
			way.CloseClientConnections() // who waits, waits for nobody any more
			whole(board)
			if n := len(anna.at(street)); n != 1 {
				t.Errorf("RT has it %d times", n)
			}
		})
	}
}

// signIn invites a member of staff to a company's desk, who makes a passkey and is in.
func signIn(t testing.TB, c *company) *webtest.Browser {
	t.Helper()
	b := webtest.Open(t, c.desk)
	b.Look(1280, false)
	b.Run(webauthn.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := webauthn.AddVirtualAuthenticator(&webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2,
			Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
			AutomaticPresenceSimulation: true}).Do(ctx)
		return err
	}))
	link := strings.TrimSpace(c.do("desk", "invite", "--role", "admin", "Ann"))
	b.Run(chromedp.Navigate(link), chromedp.Click("[data-passkey]", chromedp.ByQuery), chromedp.WaitVisible(".places", chromedp.ByQuery))
	return b
}
