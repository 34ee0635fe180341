package mail_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/channeltest"
	. "firsthand/internal/agent/channel/mail"
)

func TestMail(t *testing.T) { channeltest.Run(t, Mail{}) }

func TestWay(t *testing.T) {
	for _, c := range []struct {
		from, email string
		want        bool
	}{
		{"mia@her.example", "privacy@acme.example", true}, {"", "privacy@acme.example", false}, {"mia@her.example", "", false},
		{"mia@her.example", "Privacy <privacy@acme.example>", false}, {"mia@her.example", "a@b.example,c@d.example", false},
		{"mia@her.example", "a@b.example\r\nBcc: all@d.example", false}, {"mia@her.example", "mailto:a@b.example", false}, {"mia@her.example", "a@b", false},
	} {
		if _, ok := (Mail{}).Way(channel.To{From: c.from, Email: c.email}); ok != c.want {
			t.Errorf("a way from %q to %q: %t, want %t", c.from, c.email, ok, c.want)
		}
	}
}

func TestWrite(t *testing.T) {
	p := new(Post)
	good := channel.Posted{ID: channel.MessageIDOf(firsthand.ID{1}, "", "her.example"), From: "mia@her.example", Name: `Mia "M" Peeters-Müller`, To: "privacy@acme.example",
		Thread: []channel.MessageID{"a@acme.example", "b@acme.example"}, Date: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), Lang: "de",
		Subject: "Änderung meiner Anschrift: " + strings.Repeat("sehr ", 30) + "lang", Text: "Guten Tag,\n\n" + strings.Repeat("ß", 100) + "\n.\nFrom here\n  trailing \n"}
	raw, err := p.Write(good)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := p.Write(good)
	if !bytes.Equal(raw, again) {
		t.Error("the same is not the same")
	}
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 78 || bytes.ContainsAny(line, "\r\n") || bytes.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
			t.Errorf("line %q", line)
		}
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	from, err := mail.ParseAddress(m.Header.Get("From"))
	subject, serr := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || serr != nil || from.Name != good.Name || from.Address != good.From || subject != good.Subject {
		t.Errorf("from %v, subject %q, %v", from, subject, errors.Join(err, serr))
	}
	if m.Header.Get("References") != "<a@acme.example> <b@acme.example>" || m.Header.Get("In-Reply-To") != "<b@acme.example>" {
		t.Errorf("thread %q %q", m.Header.Get("References"), m.Header.Get("In-Reply-To"))
	}
	got, err := p.Read(bytes.NewReader(raw), nil)
	if want := strings.TrimSpace(strings.ReplaceAll(good.Text, "trailing ", "trailing")); err != nil || got.Text != want || got.Cut != "" || len(got.Blobs) > 0 {
		t.Errorf("read back %q, %v, want %q", got.Text, err, want)
	}
	for name, bad := range map[string]func(*channel.Posted){
		"a header in the address": func(p *channel.Posted) { p.To = "a@b.example\r\nBcc: c@d.example" },
		"two addresses":           func(p *channel.Posted) { p.To = "a@b.example, c@d.example" },
		"no sender":               func(p *channel.Posted) { p.From = "" },
		"no ID":                   func(p *channel.Posted) { p.ID = "x\r\ny@z" },
	} {
		wrong := good
		bad(&wrong)
		if _, err := p.Write(wrong); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want %v", name, err, fault.Invalid)
		}
	}
	hostile := good
	hostile.Name, hostile.Subject, hostile.Lang = "x\r\nBcc: c@d.example", "y\r\n\r\nbody", "de\r\nBcc: e@f.example"
	hostile.Thread = []channel.MessageID{"a@b>\r\nBcc: <g@h", "ok@acme.example"}
	raw, err = p.Write(hostile)
	if m, merr := mail.ReadMessage(bytes.NewReader(raw)); err != nil || merr != nil || m.Header.Get("Bcc") != "" || m.Header.Get("References") != "<ok@acme.example>" {
		t.Errorf("%v, %v: a header was made of text: %s", err, merr, raw)
	}
}

func TestMessageID(t *testing.T) {
	entry := firsthand.ID{1, 2, 3}
	for _, part := range []string{"", "reminder"} {
		id := channel.MessageIDOf(entry, part, "her.example")
		if got, p, ok := id.Entry(); !ok || got != entry || p != part {
			t.Errorf("%s is of %v %q, %t", id, got, p, ok)
		}
	}
	for _, id := range []channel.MessageID{"", "x@y", "1@acme.example", channel.MessageIDOf(entry, "", "x")[1:], "AEBAG" + channel.MessageIDOf(entry, "", "x")[5:]} {
		if _, _, ok := id.Entry(); ok {
			t.Errorf("%q is taken for one of ours", id)
		}
	}
}

func heard(t testing.TB, raw, auth string) channel.Heard {
	t.Helper()
	return new(Post).Heard(channel.Header{Raw: []byte(strings.ReplaceAll(raw, "\n", "\r\n") + "\r\n")}, auth)
}

func TestHeard(t *testing.T) {
	h := heard(t, `Message-ID: <1@acme.example>
From: =?utf-8?q?Caf=C3=A9_Acme?= <care@ACME.example>
Subject: =?iso-8859-1?q?R=E9ponse?= =?x-nothing?q?=00?=
 [FH-ABCDEFGHIJ]
References: <a@x> garbage <b@x>
In-Reply-To: <c@x>
Date: Sat, 21 Nov 2026 12:00:00 +0100
`, "")
	if h.ID != "1@acme.example" || h.From != "Café Acme <care@ACME.example>" || h.Domain != "acme.example" || !strings.Contains(h.Subject, "[FH-ABCDEFGHIJ]") ||
		fmt.Sprint(h.Thread) != "[a@x b@x c@x]" || h.Date.IsZero() || h.Auto || h.Bounce || h.Proof != (channel.Proof{}) {
		t.Errorf("heard %+v", h)
	}
	if got := new(Post).Values(channel.Header{Raw: []byte("To: a@b\r\nX: 1\r\nto: c@d,\r\n e@f\r\n\r\n")}, "To"); fmt.Sprint(len(got), got) != "2 [a@b c@d, e@f]" {
		t.Errorf("values %q", got)
	}
	for name, c := range map[string]struct {
		raw          string
		auto, bounce bool
	}{
		"a person":       {"Subject: Out of office hours we are closed\n", false, false},
		"RFC 3834":       {"Auto-Submitted: auto-replied (vacation)\n", true, false},
		"not automatic":  {"Auto-Submitted: no\n", false, false},
		"precedence":     {"Precedence: bulk\n", true, false},
		"vacation":       {"Subject: =?utf-8?q?Automatische_Antwort:_Danke?=\n", true, false},
		"exchange":       {"X-Auto-Response-Suppress: All\n", true, false},
		"a report":       {"Content-Type: multipart/report; report-type=delivery-status; boundary=x\nAuto-Submitted: auto-replied\n", false, true},
		"an old report":  {"Return-Path: <>\nFrom: Mail <MAILER-DAEMON@mx.example>\n", false, true},
		"a read receipt": {"Content-Type: multipart/report; report-type=disposition-notification; boundary=x\nAuto-Submitted: auto-replied\n", true, false},
	} {
		if h := heard(t, c.raw, ""); h.Auto != c.auto || h.Bounce != c.bounce {
			t.Errorf("%s: auto %t, bounce %t, want %t, %t", name, h.Auto, h.Bounce, c.auto, c.bounce)
		}
	}
}

// TestProof: who is believed, and for what.
func TestProof(t *testing.T) {
	const from, mx = "From: care@shop.acme.example\n", "mx.her.example"
	pass := "Authentication-Results: " + mx + "; spf=pass smtp.mailfrom=bounce@acme.example; dkim=pass header.d=acme.example; dmarc=pass header.from=acme.example; arc=pass\n"
	for name, c := range map[string]struct {
		raw, auth string
		want      channel.Proof
	}{
		"all well":            {pass + from, mx, channel.Proof{By: mx, SPF: "pass", DKIM: "pass", DMARC: "pass", ARC: "pass", Domain: "shop.acme.example"}},
		"nobody is believed":  {pass + from, "", channel.Proof{}},
		"another host":        {pass + from, "mx.other.example", channel.Proof{}},
		"a forged one below":  {"Authentication-Results: " + mx + "; dmarc=fail header.from=acme.example\n" + pass + from, mx, channel.Proof{By: mx, DMARC: "fail"}},
		"a stranger on top":   {"Authentication-Results: evil.example; dmarc=pass header.from=acme.example\n" + "Authentication-Results: " + mx + "; spf=softfail smtp.mailfrom=evil.example\n" + from, mx, channel.Proof{By: mx, SPF: "softfail"}},
		"of another domain":   {"Authentication-Results: " + mx + "; spf=pass smtp.mailfrom=evil.example; dkim=pass header.d=evil.example\n" + from, mx, channel.Proof{By: mx, SPF: "pass", DKIM: "pass"}},
		"one of two keys":     {"Authentication-Results: " + mx + "; dkim=fail header.d=evil.example; dkim=pass header.d=acme.example\n" + from, mx, channel.Proof{By: mx, DKIM: "pass", Domain: "shop.acme.example"}},
		"a public suffix":     {"Authentication-Results: " + mx + "; dkim=pass header.d=co.uk\nFrom: a@acme.co.uk\n", mx, channel.Proof{By: mx, DKIM: "pass"}},
		"two senders":         {pass + from + "From: care@evil.example\n", mx, channel.Proof{}},
		"two in one":          {pass + "From: care@acme.example, care@evil.example\n", mx, channel.Proof{By: mx, SPF: "pass", DKIM: "pass", DMARC: "pass", ARC: "pass"}},
		"not to be read":      {"Authentication-Results: " + mx + " \"\\\n" + from, mx, channel.Proof{}},
		"a version":           {"Authentication-Results: " + mx + " 1; dmarc=pass header.from=acme.example\n" + from, mx, channel.Proof{By: mx, DMARC: "pass", Domain: "shop.acme.example"}},
		"name that is a page": {"Authentication-Results: " + mx + "; dmarc=<b>\n" + from, mx, channel.Proof{By: mx, DMARC: "unknown"}},
	} {
		if got := heard(t, c.raw, c.auth).Proof; got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// kept collects attachments.
type kept struct{ all [][]byte }

func (k *kept) keep(r io.Reader) (firsthand.Blob, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return firsthand.Blob{}, err
	}
	k.all = append(k.all, raw)
	return firsthand.Blob{Hash: firsthand.ID{byte(len(k.all))}, Size: int64(len(raw))}, nil
}

func read(t testing.TB, raw string) (channel.Received, [][]byte) {
	t.Helper()
	var k kept
	got, err := new(Post).Read(strings.NewReader(strings.ReplaceAll(raw, "\n", "\r\n")), k.keep)
	if err != nil {
		t.Fatal(err)
	}
	return got, k.all
}

func TestRead(t *testing.T) {
	const mixed = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=M\n\npreamble\n"
	for name, c := range map[string]struct{ raw, text, cut, blobs string }{
		"plain":                {"Subject: x\n\nHello.\n", "Hello.", "", ""},
		"no header at all":     {"\nHello.\n", "Hello.", "", ""},
		"latin 1":              {"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ncaf=E9\n", "café", "", ""},
		"a charset of nobody":  {"Content-Type: text/plain; charset=x-klingon\n\nqapla'\n", "qapla'", "", ""},
		"a charset that lies":  {"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\ncaf\xe9 ok\n", "caf  ok", "", ""},
		"utf-7 is no script":   {"Content-Type: text/plain; charset=utf-7\n\n+ADw-script+AD4-\n", "+ADw-script+AD4-", "", ""},
		"broken base64":        {"Content-Transfer-Encoding: base64\n\nSGVsbG8=!!!garbage\n", "Hello", "", ""},
		"an encoding of none":  {"Content-Transfer-Encoding: x-uuencode\n\nabc\n", "abc", "", ""},
		"a type of none":       {"Content-Type: ;;;\n\nabc\n", "abc", "", ""},
		"bidi and control":     {"\n\nabc\u202edef\x1b[31m\x00g\n", "abcdef [31m g", "", ""},
		"alternative":          {"Content-Type: multipart/alternative; boundary=M\n\n--M\nContent-Type: text/html\n\n<b>rich</b>\n--M\nContent-Type: text/plain\n\nplain\n--M--\n", "plain", "", ""},
		"alternative of blank": {"Content-Type: multipart/alternative; boundary=M\n\n--M\nContent-Type: text/plain\n\n \n--M\nContent-Type: text/html\n\n<b>rich</b>\n--M--\n", "rich", "", ""},
		"attachments": {mixed + "--M\n\nText.\n--M\nContent-Type: application/pdf; name=\"../../etc/a.pdf\"\nContent-Transfer-Encoding: base64\n\nJVBERg==\n" +
			"--M\nContent-Type: text/html; name=page.html\nContent-Disposition: attachment; filename*=utf-8''caf%C3%A9.html\n\n<script>alert(1)</script>\n" +
			"--M\nContent-Type: message/rfc822\n\nSubject: y\n\nz\n--M--\n", "Text.", "",
			`_.._etc_a.pdf application/pdf "%PDF", café.html text/html "<script>alert(1)</script>", mail.eml message/rfc822 "Subject: y\r\n\r\nz"`},
		"cut off":         {mixed + "--M\n\nText.\n--M\nContent-Type: application/pdf\n\nab", "Text.", "it isn't whole, or not put together as mails are", `attachment application/pdf "ab"`},
		"without an end":  {mixed + "--M\n\nText.\n", "Text.", "it isn't whole, or not put together as mails are", ""},
		"no boundary":     {"Content-Type: multipart/mixed\n\nabc\n", "", "", "attachment multipart/mixed \"abc\\r\\n\""},
		"nothing":         {"", "", "", ""},
		"bad part header": {mixed + "--M\n: : :\n\nabc\n--M--\n", "", "it isn't whole, or not put together as mails are", ""},
	} {
		got, all := read(t, c.raw)
		var blobs []string
		for i, b := range got.Blobs {
			blobs = append(blobs, fmt.Sprintf("%s %s %q", b.Name, b.Media, all[i]))
		}
		if got.Text != c.text || got.Cut != c.cut || strings.Join(blobs, ", ") != c.blobs {
			t.Errorf("%s: %q, cut %q, blobs %s\nwant %q, %q, %s", name, got.Text, got.Cut, strings.Join(blobs, ", "), c.text, c.cut, c.blobs)
		}
	}
}

func TestBounce(t *testing.T) {
	got, _ := read(t, `Content-Type: multipart/report; report-type=delivery-status; boundary=M

--M

I'm sorry to have to inform you …
--M
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.her.example

Final-Recipient: rfc822; gone@acme.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--M
Content-Type: message/rfc822

Message-ID: <one@her.example>
Subject: x

y
--M--
`)
	if !got.Failed || fmt.Sprint(got.About) != "[one@her.example]" || got.Why != "550 5.1.1 no such user" || len(got.Blobs) > 0 || !strings.HasPrefix(got.Text, "I'm sorry") {
		t.Errorf("%+v", got)
	}
	if got, _ := read(t, "Content-Type: multipart/report; report-type=delivery-status; boundary=M\n\n--M\nContent-Type: message/delivery-status\n\nX: y\n\nAction: delayed\n--M--\n"); got.Failed {
		t.Error("what is delayed has failed")
	}
	for said, want := range map[string]string{"smtp; 550 no such user": "5.1.1 550 no such user", "smtp; 550 15.1.1 odd": "5.1.1 550 15.1.1 odd", "": "5.1.1"} {
		got, _ := read(t, "Content-Type: multipart/report; report-type=delivery-status; boundary=M\n\n--M\nContent-Type: message/delivery-status\n\nX: y\n\n"+
			"Action: failed\nStatus: 5.1.1\nDiagnostic-Code: "+said+"\n--M--\n")
		if got.Why != want {
			t.Errorf("%q: %q, want %q", said, got.Why, want)
		}
	}
}

func TestHTML(t *testing.T) {
	for in, want := range map[string]string{
		"<p>One<p>Two<br>three": "One\n\nTwo\nthree",
		"a<b>b</b>c <i>d</i>":   "abc d",
		"<ul><li>x<li>y</ul>z":  "- x\n- y\nz",
		"<script>alert(1)</script><style>p{}</style><title>t</title>x":                    "x",
		`<a href="https://acme.example/a?b=1&amp;c=2">here</a>`:                           "here <https://acme.example/a?b=1&c=2>",
		`<a href="https://evil.example/">https://bank.example/</a>`:                       "https://bank.example/ <https://evil.example/>",
		`<a href="javascript:alert(1)">x</a><a href="data:text/html,y">y</a>`:             "xy",
		`<img src="https://track.example/1.gif" alt="a cat"><img src=x onerror=alert(1)>`: "[a cat]",
		"<table><tr><td>a<td>b<tr><td>c</table>":                                          "a b\nc",
		"&lt;script&gt;&amp;&#x202e;&#0;x":                                                "<script>& x",
		"<head><title>t<body>x":                                                           "",
		"<head><meta x><body>x":                                                           "x",
		"<svg><script>a</script></svg><form action=x><input value=secret>x</form>":        "x",
		"<!-- a --><![CDATA[b]]>c":                                                        "c",
		"<p hidden>x</p":                                                                  "x",
	} {
		if got, _ := read(t, "Content-Type: text/html; charset=utf-8\n\n"+in); got.Text != want {
			t.Errorf("%s: %q, want %q", in, got.Text, want)
		}
	}
}
