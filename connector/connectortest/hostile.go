package connectortest

import (
	"maps"
	"slices"
	"strings"

	"firsthand"
	"firsthand/connector"
)

// hostile is what a customer may write. None of it begins or ends in white
// space, which systems may trim; NUL and broken UTF-8 don't pass the gateway.
var hostile = []string{
	`<script>alert(1)</script><img src=x onerror=alert(1)>&amp;&#60;<!--`,
	"hello\r\nBcc: thief@example.net\r\n\r\n.\r\nQUIT\r\nX",
	"a\x01\x02\x07\x08\x0b\x0c\x0e\x1f\x7f\u0080\u009fz",
	"a\x1b[2J\x1b]0;title\x07\x1b[31mred",
	`{{.}} ${7*7} $(id) <%= 7*7 %> #{7*7} {% raw %} [[x]] %s %d %n`,
	`=HYPERLINK("http://example.net","x")`,
	`'; DROP TABLE customer; -- " OR ""=" \' \`,
	"null",
	`{"state":"declined","reason":"x"}`,
	"007",
	"👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 🇧🇪",
	"שלום مرحبا",
	"\u202egnp.exe\u202c \u2066x\u2069 \u200fy\u061c",
	"a\ufeff\u200b\u00a0\u2028\u2029\u0085\ufffe\U0010ffff\ufffdz",
	"x" + strings.Repeat("é🙂\\\"", 7500) + "x", // 60 KB, near the limit of a body
}

// hostileValues holds that a value is in the system as it was given, to the
// byte, or declined; never something like it.
func hostileValues(w *world) {
	old := map[int]firsthand.Value{}
	var ref connector.Ref
	for n := range w.samples {
		r := w.fact("disclose", n, false)
		ref, old[n] = w.settle(r), r.Value
	}
	for _, text := range hostile {
		n := 0
		for i, s := range w.samples {
			if len(s.One.Parts) == 0 {
				n = i
			}
		}
		r := w.fact("change", n, true)
		r.Value, r.Purpose = with(r.Value, text), text
		r.Record = connector.Ref{System: ref.System, ID: ref.ID}
		if w.deliver(r).State == connector.Declined {
			w.has(ref, r.Fact, old[n])
			continue
		}
		w.settle(r)
		old[n] = r.Value
		all := map[string]firsthand.Value{}
		for i, s := range w.samples {
			all[s.Fact] = old[i]
		}
		w.shows(ref, all)
	}
	w.record()
}

// with returns v with text for its text, or for one of its parts.
func with(v firsthand.Value, text string) firsthand.Value {
	if len(v.Parts) == 0 {
		return firsthand.Text(text)
	}
	parts := maps.Clone(v.Parts)
	parts[slices.Min(slices.Collect(maps.Keys(parts)))] = text
	return firsthand.Value{Parts: parts}
}

func hostileMessages(w *world) {
	for _, text := range hostile {
		r := w.request("message")
		r.Subject, r.Text = oneLine(text), text
		if w.deliver(r).State == connector.Declined {
			w.Fatalf("a message of %d bytes was declined", len(text))
		}
	}
	tickets := w.sys.Tickets(w, w.rel)
	if len(tickets) != len(hostile) {
		w.Fatalf("%d tickets after %d messages", len(tickets), len(hostile))
	}
	for i, text := range hostile {
		w.texts(tickets[i], text)
	}
}

// oneLine returns text as the gateway makes a subject of it.
func oneLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(text[:min(len(text), 70)], "\r")
}

// texts fails the test unless the ticket has exactly the given messages. How a
// system ends its lines is its own affair.
func (w *world) texts(t Ticket, want ...string) {
	w.Helper()
	if len(t.Texts) != len(want) {
		w.Fatalf("ticket %s has %d messages, want %d", t.Ref.ID, len(t.Texts), len(want))
	}
	for i := range want {
		if lines(t.Texts[i]) != lines(want[i]) {
			w.Fatalf("ticket %s says %.200q, want %.200q", t.Ref.ID, t.Texts[i], want[i])
		}
	}
}

func lines(s string) string {
	return strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
}
