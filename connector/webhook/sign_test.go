package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector/webhook"
	"firsthand/connector/webhook/receiver"
)

// TestVector is the example of the Standard Webhooks libraries.
func TestVector(t *testing.T) {
	secret, err := receiver.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	must(t, err)
	const id, body, want = "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	at := time.Unix(1614265330, 0)
	ours, theirs := http.Header{}, http.Header{}
	webhook.Sign(secret, ours, id, at, []byte(body))
	receiver.Sign(secret, theirs, id, at, []byte(body))
	for _, h := range []http.Header{ours, theirs} {
		if got := h.Get("Webhook-Signature"); got != want {
			t.Errorf("signature %s, want %s", got, want)
		}
		if err := webhook.Verify(secret, h, id, at, []byte(body)); err != nil {
			t.Error(err)
		}
		if got, err := receiver.Verify(secret, h, []byte(body), at); err != nil || got != id {
			t.Errorf("the receiver reads %q, %v", got, err)
		}
	}
}

// FuzzVerify looks for headers that are taken though nobody with the secret made
// them, and that the connector takes and the receiver, written apart, doesn't.
func FuzzVerify(f *testing.F) {
	body := []byte(`{"state":"proposed"}`)
	h := http.Header{}
	webhook.Sign(secret, h, "report_x", noon, body)
	good := h.Get("Webhook-Signature")
	timestamp := h.Get("Webhook-Timestamp")
	f.Add("report_x", timestamp, good, body)
	f.Add("report_x", timestamp, "v1a,AAAA "+good+" v1,"+strings.Repeat("A", 44), body)
	f.Add("report_x", "0"+timestamp, good, body)
	f.Add("report_x", timestamp, strings.TrimSuffix(good, "=")+"\n=", body)
	f.Add("report_y", timestamp, good, body)
	f.Add("", "", "v1,", []byte{})
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
		ours := webhook.Verify(secret, h, id, noon, body)
		theirs, err := receiver.Verify(secret, h, body, noon)
		if ours != nil && err != nil {
			return
		}
		// Each is right only if the signature is among those given.
		want := http.Header{}
		var seconds int64
		fmt.Sscan(timestamp, &seconds)
		webhook.Sign(secret, want, id, time.Unix(seconds, 0), body)
		if ours == nil && !strings.Contains(" "+signature+" ", " "+want.Get("Webhook-Signature")+" ") {
			t.Errorf("taken: id %q, timestamp %q, signature %q, body %q", id, timestamp, signature, body)
		}
		if ours == nil && err != nil && !strings.Contains(id, ".") && id != "" {
			t.Errorf("the connector takes what the receiver doesn't (%v): id %q, timestamp %q, signature %q", err, id, timestamp, signature)
		}
		if err == nil && theirs != id {
			t.Errorf("the receiver reads %q, want %q", theirs, id)
		}
	})
}

// FuzzAnswer decodes what a system answers. What is taken must read the same when
// it is written again.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		written,
		`{"state":"declined","reason":"we don't deliver there"}`,
		`{"record":"7","version":"2","facts":[{"fact":"address.home","value":{"city":"Gent"}}]}`,
		`{"gone":true}`,
		`{"changes":[]}`,
		`{}`,
		`{"changes":[{"cursor":"1","id":"c1","at":"2026-11-21T12:00:00Z","fact":"email","value":"x"}]}`,
		`{"changes":[{"cursor":"2","id":"c2","at":"2026-11-21T13:00:00+01:00","of":"` + firsthand.ID{1}.String() + `","state":"declined","reason":"no"}]}`,
		`{"changes":[{"cursor":"3","id":"c3","at":"2026-11-21T12:00:00Z","relationship":"","author":"Anna","text":"\u202ehi\u001b[2J"}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, kind := range []string{"report", "reading", "page"} {
			got, err := webhook.Decode(kind, text)
			if err != nil {
				continue
			}
			once := firsthand.EncodeJSON(got)
			again, err := webhook.Decode(kind, once)
			if err != nil {
				t.Fatalf("%s: %q is taken, and not as it is written again: %q: %v", kind, text, once, err)
			}
			if twice := firsthand.EncodeJSON(again); !bytes.Equal(once, twice) {
				t.Errorf("%s: %q reads as %q and then as %q", kind, text, once, twice)
			}
		}
	})
}
