package gateway_test

import (
	"context"
	"encoding/base64"
	"iter"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/connectortest"
	crmpkg "firsthand/connector/memory"
	"firsthand/connector/webhook"
	"firsthand/connector/webhook/receiver"
	"firsthand/internal/gateway"
)

// hasty is a connector that doesn't wait for long.
type hasty struct{ *webhook.Hook }

const haste = 200 * time.Millisecond

func (h hasty) Deliver(ctx context.Context, r connector.Request) (connector.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, haste)
	defer cancel()
	return h.Hook.Deliver(ctx, r)
}

func (h hasty) Changes(ctx context.Context, cursor string) iter.Seq2[connector.Change, error] {
	return func(yield func(connector.Change, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, haste)
		defer cancel()
		h.Hook.Changes(ctx, cursor)(yield)
	}
}

// A system over HTTP, in each lane, broken in each way that there is: she has her receipt,
// what goes to the other system is applied at once, and when it is mended all is brought
// once. (What says 200 and garbage is left out: a hook may have a person behind it who
// answers so.)
func TestRealLaneInTrouble(t *testing.T) {
	troubles := map[string]func(*connectortest.Border, bool){
		"down": func(b *connectortest.Border, on bool) { b.Down(t, on) },
		"busy": func(b *connectortest.Border, on bool) {
			b.Busy(t, map[bool]time.Duration{true: time.Minute}[on])
		},
	}
	for _, how := range []connectortest.Trouble{connectortest.Errors, connectortest.Cut, connectortest.Slow} {
		troubles[string(how)] = func(b *connectortest.Border, on bool) {
			b.Break(t, map[bool]connectortest.Trouble{true: how}[on])
		}
	}
	secret := []byte("0123456789abcdef0123456789abcdef")
	secretFile := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secretFile, []byte("whsec_"+base64.StdEncoding.EncodeToString(secret)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for how, trouble := range troubles {
		for _, of := range []gateway.Lane{gateway.Records, gateway.Tickets} {
			t.Run(how+" "+of.Member(), func(t *testing.T) {
				sick := receiver.NewCRM("name", "phone")
				server := httptest.NewServer(&receiver.Receiver{Secret: secret, CRM: sick, Now: time.Now})
				defer server.Close()
				border := connectortest.NewBorder(t, server.URL)
				hook, err := webhook.Open(webhook.Config{Name: "Hook", URL: border.URL, SecretFile: secretFile})
				if err != nil {
					t.Fatal(err)
				}
				well, err := crmpkg.Open(crmpkg.Config{File: filepath.Join(t.TempDir(), "crm"), Name: "CRM"})
				if err != nil {
					t.Fatal(err)
				}
				w := memory(t)
				w.now = time.Now() // calls are signed with it
				w.change = func(o *gateway.Options) {
					o.Connector, o.Tickets = connector.Connector(hasty{hook}), connector.Connector(well)
					if of == gateway.Tickets {
						o.Connector, o.Tickets = o.Tickets, o.Connector
					}
				}
				w.restart()
				c := w.meet("mia")
				basis := w.agree(c)
				trouble(border, true)
				entries := map[gateway.Lane]firsthand.ID{gateway.Records: tell(t, c, "name", "Mia", basis), gateway.Tickets: c.Say(t, "hello")}
				w.exchange(c)
				if c.Receipts[len(c.Receipts)-1].Seq != int64(len(c.First)) {
					t.Error("she has no receipt")
				}
				for lane, e := range entries {
					if o := c.State.Outcomes[e]; (o != nil) != (lane != of) {
						t.Errorf("%s: outcome = %+v", lane.Member(), o)
					}
				}
				conn, err := w.Connection(w.ctx())
				if err != nil || conn.Systems[0].Down() != (of == gateway.Records) || conn.Systems[1].Down() != (of == gateway.Tickets) {
					t.Errorf("%+v, %v", conn, err)
				}
				trouble(border, false)
				w.pass(2 * time.Minute)
				w.exchange(c)
				o := c.State.Outcomes[entries[of]]
				if o == nil || !o.Applied || o.System != "Hook" || len(sick.Customers())+len(sick.Tickets()) != 1 || len(well.Records())+len(well.Tickets()) != 1 {
					t.Errorf("outcome = %+v; there are %d and %d", o, len(sick.Customers())+len(sick.Tickets()), len(well.Records())+len(well.Tickets()))
				}
				w.wantSound(c)
			})
		}
	}
}
