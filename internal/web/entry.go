package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"firsthand"
	"firsthand/fault"
)

// An EntryPage is one entry exactly as it was signed, and what it proves.
type EntryPage struct {
	Entry    firsthand.Entry
	Domain   string
	Unpaired bool
	Mine     bool
	Payload  string // the signed text, decoded
	Signed   string // as it travels
	Salt     string
	Body     string // as it was written
	Pretty   string // the same to read
	Erased   bool
	Receipt  *firsthand.Receipt // of the company, that covers it
	Proof    string             // the receipt as it was signed
	Verified bool
	All      bool   // all entries were, and not only this one
	Why      string // if not
	InChain  bool   // the company's key is in the chain of its document
	Flag     string // the rule for which it has no effect
}

// showEntry serves GET /relationships/{rel}/entries/{entry}. It verifies the entry, and
// with ?all=yes the whole relationship, as anybody could with its bundle.
func (s *Server) showEntry(v *visit) error {
	rel, err := v.id("rel")
	if err != nil {
		return err
	}
	id, err := v.id("entry")
	if err != nil {
		return err
	}
	b, err := v.agent().Bundle(v.ctx(), rel)
	if err != nil {
		return err
	}
	var p *EntryPage
	for _, log := range [][]firsthand.Entry{b.First, b.Second} {
		for _, e := range log {
			if e.ID == id {
				p = &EntryPage{Entry: e, Mine: e.Side == firsthand.First}
			}
		}
	}
	if p == nil {
		return errNoPage
	}
	p.Signed, p.Body, p.Erased = string(p.Entry.Signed), string(p.Entry.Body), !p.Entry.HasBody()
	p.Salt = base64.RawURLEncoding.EncodeToString(p.Entry.Salt)
	if parts := strings.Split(p.Signed, "."); len(parts) == 3 {
		text, _ := base64.RawURLEncoding.DecodeString(parts[1]) // the store has checked it
		p.Payload = indent(text)
	}
	p.Pretty = indent(p.Entry.Body)
	p.All = v.URL.Query().Get("all") == "yes"
	var report firsthand.Report
	if p.All {
		report, err = b.Verify()
	} else {
		report, err = b.VerifyEntry(id)
	}
	p.Verified, p.InChain = err == nil, report.InDocument
	if err != nil {
		p.Why = fault.RuleOf(err)
	}
	p.Domain, p.Unpaired = report.State.Opened.Domain, report.State.Unpaired()
	for i, r := range report.Receipts {
		if p.Mine && r.Seq >= p.Entry.Seq && (p.Receipt == nil || r.Seq < p.Receipt.Seq) {
			p.Receipt, p.Proof = &report.Receipts[i], string(b.Receipts[i])
		}
	}
	for _, f := range report.State.Flags {
		if f.Entry == id {
			p.Flag = f.Rule
		}
	}
	return s.render(v, http.StatusOK, "entry", p)
}

// indent makes JSON readable; what is none stays as it is.
func indent(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}

// saveBundle serves GET /relationships/{rel}/bundle: everything that proves the
// relationship, as a file that anybody can verify.
func (s *Server) saveBundle(v *visit) error {
	rel, err := v.id("rel")
	if err != nil {
		return err
	}
	b, err := v.agent().Bundle(v.ctx(), rel)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := b.Write(&text); err != nil {
		return err
	}
	return attach(v, "firsthand-bundle.txt", "text/plain; charset=utf-8", text.Bytes())
}
