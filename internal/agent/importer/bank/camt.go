package bank

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"iter"
	"strings"

	"firsthand/fault"
	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/money"
)

// CAMT is the format of ISO 20022's statement: camt.053 in all its versions, and
// camt.052 and camt.054, which look alike.
//
// It is read with encoding/xml, which knows no entities but those of XML itself, reads
// nothing from elsewhere, and here has no more than a row in memory.
type CAMT struct{}

// Name implements [importer.Format].
func (CAMT) Name() string { return "camt" }

// Match implements [importer.Format].
func (CAMT) Match(head []byte) (sure int, err error) {
	if bytes.Contains(head, []byte("camt.05")) && bytes.Contains(head, []byte("<")) && bytes.Contains(head, []byte("Document")) {
		return 20, nil
	}
	return 0, nil
}

// maxDepth is how deep elements may be nested.
const maxDepth = 40

// maxParts is how many payments one booking may stand for.
const maxParts = 1000

// Read implements [importer.Format].
func (CAMT) Read(r io.Reader) iter.Seq2[importer.Found, error] {
	return func(yield func(importer.Found, error) bool) {
		g := importer.NewGuard(r)
		d := xml.NewDecoder(g)
		d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // a Guard has made UTF-8 of it
		var path []string
		var e *booking
		account := "" // its currency
		for {
			token, err := d.Token()
			switch {
			case err == io.EOF && len(path) == 0:
				return
			case g.Err() != nil:
				yield(importer.Found{}, g.Err())
				return
			case err != nil:
				if _, ok := errors.AsType[*fault.Notice](err); !ok {
					err = fault.Tell(fault.Invalid, "This file is damaged, or cut off.", "Download it from the bank again.")
				}
				yield(importer.Found{}, err)
				return
			}
			switch t := token.(type) {
			case xml.StartElement:
				if path = append(path, t.Name.Local); len(path) > maxDepth {
					yield(importer.Found{}, fault.Tell(fault.Invalid, "This file is nested too deeply.", "Download it from the bank again."))
					return
				}
				if t.Name.Local == "Ntry" && e == nil {
					line := g.Line(d.InputOffset())
					e = &booking{row: line, depth: len(path), currency: account}
					e.parts = []part{{}}
				}
				if e != nil {
					e.start(path, t)
				}
			case xml.EndElement:
				at := len(path)
				path = path[:at-1]
				if e == nil || at != e.depth {
					continue
				}
				ok := e.yield(yield)
				e = nil
				g.Row()
				if !ok {
					return
				}
			case xml.CharData:
				if e != nil {
					e.text(path, t)
				} else if len(path) > 2 && path[len(path)-1] == "Ccy" && path[len(path)-2] == "Acct" {
					account = strings.TrimSpace(string(t[:min(len(t), 10)]))
				}
			}
		}
	}
}

// A booking is one entry of a statement. It may stand for several payments: its parts,
// of which the first holds what is said of it as a whole.
type booking struct {
	row, depth int
	currency   string
	sign       string
	reversed   bool
	booked     string
	valued     string
	parts      []part
	many       bool
}

// A part is a payment.
type part struct {
	amount, currency      string
	creditor, debtor      string // names
	ultimate              string // whom a payment service has paid
	text, ref, mandate    string
	creditorID, entryText string
}

func (e *booking) start(path []string, t xml.StartElement) {
	p := e.last()
	switch {
	case t.Name.Local == "TxDtls":
		if len(e.parts) > maxParts {
			e.many = true
			return
		}
		e.parts = append(e.parts, part{})
	case t.Name.Local == "Amt" && (under(path, "Ntry") || under(path, "TxDtls") || under(path, "TxAmt") && p.amount == ""):
		for _, a := range t.Attr {
			if a.Name.Local == "Ccy" {
				p.currency = strings.TrimSpace(a.Value)
			}
		}
	}
}

// last is the part that is being read.
func (e *booking) last() *part { return &e.parts[len(e.parts)-1] }

// under reports whether an element lies right in another.
func under(path []string, parent string) bool { return len(path) > 1 && path[len(path)-2] == parent }

func (e *booking) text(path []string, t xml.CharData) {
	if e.many {
		return
	}
	p := e.last()
	add := func(to *string) {
		if len(*to)+len(t) <= most {
			*to += string(t)
		}
	}
	within := func(name string) bool {
		for _, n := range path[e.depth:] {
			if n == name {
				return true
			}
		}
		return false
	}
	switch path[len(path)-1] {
	case "Amt":
		if under(path, "Ntry") || under(path, "TxDtls") || under(path, "TxAmt") && len(e.parts) > 1 && strings.TrimSpace(p.amount) == "" {
			add(&p.amount)
		}
	case "CdtDbtInd":
		if under(path, "Ntry") {
			add(&e.sign)
		}
	case "RvslInd":
		e.reversed = strings.TrimSpace(string(t)) == "true"
	case "Dt", "DtTm":
		if under(path, "BookgDt") {
			add(&e.booked)
		} else if under(path, "ValDt") {
			add(&e.valued)
		}
	case "Nm":
		switch {
		case within("UltmtCdtr"):
			add(&p.ultimate)
		case within("Cdtr"):
			add(&p.creditor)
		case within("Dbtr"):
			add(&p.debtor)
		}
	case "Ustrd":
		add(&p.text)
	case "AddtlNtryInf":
		add(&e.parts[0].entryText)
	case "MndtId":
		add(&p.mandate)
	case "AcctSvcrRef", "EndToEndId":
		if p.ref == "" && strings.TrimSpace(string(t)) != "NOTPROVIDED" {
			add(&p.ref)
		}
	case "Id":
		if within("Cdtr") && within("PrvtId") && under(path, "Othr") {
			add(&p.creditorID)
		}
	}
}

// yield yields the payments of a booking.
func (e *booking) yield(yield func(importer.Found, error) bool) bool {
	bad := func(why string) bool { return yield(importer.Found{}, &importer.BadRow{Row: e.row, Why: why}) }
	if e.many {
		return bad("stands for too many payments")
	}
	whole := e.parts[0]
	parts := e.parts[1:]
	if len(parts) == 0 {
		parts = e.parts
	}
	for i := range parts {
		// Parts without amounts of their own are one payment.
		if i > 0 && parts[i].amount == "" {
			break
		}
		if !e.one(whole, parts[i], len(parts) == 1, yield) {
			return false
		}
	}
	return true
}

func (e *booking) one(whole, p part, only bool, yield func(importer.Found, error) bool) bool {
	bad := func(why string) bool { return yield(importer.Found{}, &importer.BadRow{Row: e.row, Why: why}) }
	sum, currency := p.amount, p.currency
	if sum == "" || only && whole.amount != "" {
		sum, currency = whole.amount, whole.currency
	}
	if !money.IsCurrency(currency) {
		currency = e.currency
	}
	a := amount(sum, currency, '.')
	pays := strings.TrimSpace(e.sign) == "DBIT"
	if !pays && strings.TrimSpace(e.sign) != "CRDT" {
		return bad("doesn't say who paid")
	}
	if pays == e.reversed {
		a.Minor = -a.Minor
	}
	name := p.creditor
	if p.ultimate != "" {
		name = p.ultimate
	}
	if !pays && p.debtor != "" {
		name = p.debtor
	}
	text := p.text
	if text == "" {
		text = whole.entryText
	}
	if name == "" {
		name, text = text, ""
	}
	day := iso(e.booked)
	if day == "" {
		day = iso(e.valued)
	}
	ref := strings.TrimSpace(p.ref)
	if only && ref == "" {
		ref = strings.TrimSpace(whole.ref)
	}
	f, why := paid(e.row, name, importer.Payment{Day: day, Amount: a, Text: text, Ref: ref,
		Mandate: strings.TrimSpace(p.mandate), Creditor: strings.TrimSpace(p.creditorID)})
	if why != "" {
		return bad(why)
	}
	return yield(f, nil)
}
