package mail

import (
	"bufio"
	"bytes"
	"errors"
	"mime"
	"net/mail"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
	"github.com/emersion/go-msgauth/authres"
	"golang.org/x/net/html/charset"
	"golang.org/x/net/publicsuffix"
)

// maxThread is how many mails before it one mail may name.
const maxThread = 50

var decoder = mime.WordDecoder{CharsetReader: charset.NewReaderLabel}

// decoded returns a header's text, whatever it is encoded in, as one inert line.
func decoded(raw string) string {
	if len(raw) > 8<<10 {
		raw = raw[:8<<10]
	}
	text, err := decoder.DecodeHeader(raw)
	if err != nil {
		text = raw
	}
	return Clean(strings.ToValidUTF8(text, "\ufffd"))
}

// header reads a header that may be cut off in its last line.
func header(raw []byte) message.Header {
	if !bytes.HasSuffix(raw, []byte("\n\r\n")) && !bytes.HasSuffix(raw, []byte("\n\n")) {
		if i := bytes.LastIndexByte(raw, '\n'); i >= 0 {
			raw = raw[:i+1]
		}
		raw = append(bytes.Clone(raw), "\r\n"...)
	}
	h, _ := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(raw))) // what was read before a bad line counts
	return message.Header{Header: h}
}

// Hear reads a header. auth is the name under which the reader's own mail host says
// what it thinks of where the mail comes from; nobody else's word is heeded.
func Hear(raw Header, auth string) Heard {
	h := header(raw.Raw)
	heard := Heard{ID: oneID(h.Get("Message-Id")), Subject: decoded(h.Get("Subject"))}
	heard.From, heard.Address = sender(h.Get("From"))
	heard.Domain = strings.ToLower(strings.TrimSuffix(afterAt(heard.Address), "."))
	if at, err := mail.ParseDate(h.Get("Date")); err == nil && at.Year() > 1970 && at.Year() < 9999 {
		heard.Date = at
	}
	heard.Thread = append(ids(h.Get("References")), ids(h.Get("In-Reply-To"))...)
	heard.Bounce = bounce(&h)
	heard.Auto = !heard.Bounce && auto(&h, heard.Subject)
	if h.FieldsByKey("From").Len() == 1 { // of two, nobody knows which one a host has looked at
		heard.Proof = proof(&h, auth, heard.Domain)
	}
	return heard
}

// Values returns the values of one field of a header, as they came.
func Values(raw Header, name string) (all []string) {
	h := header(raw.Raw)
	for fields := h.FieldsByKey(name); fields.Next() && len(all) < maxThread; {
		all = append(all, fields.Value())
	}
	return all
}

// sender returns who says to have written a mail.
func sender(raw string) (from, address string) {
	parser := mail.AddressParser{WordDecoder: &decoder}
	if len(raw) > 8<<10 {
		return decoded(raw), ""
	}
	list, err := parser.ParseList(raw)
	if err != nil || len(list) != 1 {
		return decoded(raw), ""
	}
	a := list[0]
	from = Clean(a.Address)
	if name := Clean(a.Name); name != "" {
		from = name + " <" + from + ">"
	}
	return from, Clean(a.Address)
}

// ids returns the Message-IDs in a header, at most maxThread, the last ones.
func ids(raw string) (all []MessageID) {
	if len(raw) > 32<<10 {
		raw = raw[len(raw)-32<<10:]
	}
	for {
		begin := strings.IndexByte(raw, '<')
		if begin < 0 {
			break
		}
		end := strings.IndexByte(raw[begin:], '>')
		if end < 0 {
			break
		}
		if id := MessageID(raw[begin+1 : begin+end]); valid(id) {
			all = append(all, id)
		}
		raw = raw[begin+end+1:]
	}
	return all[max(0, len(all)-maxThread):]
}

func oneID(raw string) MessageID {
	if all := ids(raw); len(all) > 0 {
		return all[0]
	}
	return ""
}

func valid(id MessageID) bool {
	_, err := Bracketed(id)
	return err == nil
}

// bounce reports whether a mail is the report of a mail host (RFC 3464), or looks
// like one of those that know no reports.
func bounce(h *message.Header) bool {
	kind, params, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if kind == "multipart/report" && strings.EqualFold(params["report-type"], "delivery-status") {
		return true
	}
	if h.Get("X-Failed-Recipients") != "" {
		return true
	}
	from, _ := sender(h.Get("From"))
	from = strings.ToLower(from)
	return strings.TrimSpace(h.Get("Return-Path")) == "<>" && (strings.Contains(from, "mailer-daemon@") || strings.Contains(from, "postmaster@"))
}

// autoSubjects begin the subjects of auto-replies that don't say what they are, in
// the languages in which letters are written.
var autoSubjects = []string{"automatic reply", "auto-reply", "auto reply", "autoreply", "out of office:", "automatische antwort", "abwesenheitsnotiz", "abwesend:",
	"réponse automatique", "absence du bureau", "automatisch antwoord", "afwezig:", "respuesta automática", "fuera de la oficina:"}

// auto reports whether nobody wrote a mail (RFC 3834, and what was used before it).
func auto(h *message.Header, subject string) bool {
	if v := strings.ToLower(firstWord(h.Get("Auto-Submitted"))); v != "" && v != "no" {
		return true
	}
	switch strings.ToLower(firstWord(h.Get("Precedence"))) {
	case "bulk", "junk", "list", "auto_reply":
		return true
	}
	if h.Get("X-Autoreply") != "" || h.Get("X-Autorespond") != "" || strings.Contains(strings.ToLower(h.Get("X-Auto-Response-Suppress")), "all") && h.Get("Auto-Submitted") != "no" {
		return true
	}
	subject = strings.ToLower(subject)
	for _, begin := range autoSubjects {
		if strings.HasPrefix(subject, begin) {
			return true
		}
	}
	return false
}

func firstWord(s string) string {
	if f := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ';' || r == '\t' || r == '(' }); len(f) > 0 {
		return f[0]
	}
	return ""
}

// proof reads what the own mail host says: the topmost Authentication-Results under
// its name, and no other. A host must remove those that came from outside under its
// name (RFC 8601, 5); without its name nothing is believed.
func proof(h *message.Header, auth, from string) (p Proof) {
	if auth == "" {
		return p
	}
	fields := h.FieldsByKey("Authentication-Results")
	for n := 0; n < 20 && fields.Next(); n++ {
		by, results, err := parseAuth(fields.Value())
		if err != nil || !strings.EqualFold(by, auth) {
			continue
		}
		p.By = Clean(by)
		for _, r := range results {
			domain, passed := add(&p, r)
			if passed && from != "" && sameSite(domain, from) {
				p.Domain = from
			}
		}
		return p
	}
	return p
}

// add takes one result, and returns the domain that it is about and whether it passed.
// Of several of one method, one that passed counts: a mail may have many signatures.
func add(p *Proof, r authres.Result) (domain string, passed bool) {
	var at *string
	var value authres.ResultValue
	switch r := r.(type) {
	case *authres.SPFResult:
		at, value, domain = &p.SPF, r.Value, afterAt(r.From)
	case *authres.DKIMResult:
		at, value, domain = &p.DKIM, r.Value, r.Domain
		if domain == "" {
			domain = afterAt(r.Identifier)
		}
	case *authres.DMARCResult:
		at, value, domain = &p.DMARC, r.Value, afterAt(r.From)
	case *authres.ARCResult:
		p.ARC = word(string(r.Value))
		return "", false
	default:
		return "", false
	}
	if *at != authres.ResultPass {
		*at = word(string(value))
	}
	return strings.ToLower(domain), value == authres.ResultPass
}

func afterAt(s string) string { return s[strings.LastIndexByte(s, '@')+1:] }

// word returns a result as it may be shown.
func word(s string) string {
	if len(s) > 20 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz") != "" {
		return "unknown"
	}
	return s
}

// sameSite reports whether two domains are of one owner: DMARC's relaxed alignment.
func sameSite(a, b string) bool {
	if a == b {
		return a != ""
	}
	x, err := publicsuffix.EffectiveTLDPlusOne(a)
	y, yerr := publicsuffix.EffectiveTLDPlusOne(b)
	return err == nil && yerr == nil && x == y
}

func parseAuth(raw string) (by string, results []authres.Result, err error) {
	if len(raw) > 16<<10 {
		return "", nil, errors.New("too long")
	}
	by, results, err = authres.Parse(strings.NewReplacer("\r", "", "\n", " ", "\t", " ").Replace(raw))
	by, _, _ = strings.Cut(strings.TrimSpace(by), " ") // a version may follow
	return by, results, err
}
