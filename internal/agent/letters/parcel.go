package letters

import (
	"slices"
	"strings"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/rights"
)

// finds are the facts by which a company finds her in its records, the best first.
// The first two that it has are named, and no more.
var finds = []string{"customer_number", "contract_number", "member_number", "login", "email", "phone"}

// OfParcel returns the request for the letter that carries a parcel: what mail and
// paper have in common. Its error is [fault.Invalid] for what no letter says.
func OfParcel(p channel.Parcel) (Request, error) {
	r := Request{Lang: p.To.Lang, To: p.To, Ref: p.Ref, Made: firsthand.DateOf(p.Made), From: SenderOf(p.Hers)}
	for _, fact := range finds {
		v := channel.OneLine(fact, p.Hers[fact])
		if known := slices.ContainsFunc(r.Known, func(k Identifier) bool { return k.Value == v }); v != "" && !known && len(r.Known) < 2 {
			r.Known = append(r.Known, Identifier{fact, v})
		}
	}
	switch say := p.Content.(type) {
	case *firsthand.Change:
		r.Kind, r.Fact, r.Old, r.New = Change, say.Fact, p.Old, say.Value
		if law, ok := strings.CutSuffix(say.Basis.Right, " 16"); ok { // GDPR 16
			if c, err := rights.ClockOf(law, rights.Correct, r.Made, PlaceOf(p.To)); err == nil {
				r.Law, r.Right, r.Due = law, rights.Correct, c.Due
			}
		}
	case *firsthand.Disclose:
		r.Kind, r.Fact, r.New, r.Purpose, r.Until = Disclose, say.Fact, say.Value, say.Purpose, say.Until
	case *firsthand.Withdraw:
		r.Kind, r.Fact, r.Old = Withdraw, p.Fact, p.Old
	case *firsthand.Message:
		r.Kind, r.Text = Message, say.Text
	case *firsthand.Request:
		r.Kind, r.Right, r.Law, r.Scope, r.Text, r.Due = say.Right, say.Right, say.Law, say.Scope, say.Text, say.Due
		if c, err := rights.ClockOf(say.Law, say.Right, r.Made, PlaceOf(p.To)); err == nil {
			r.Confirm = c.Confirm
		}
	case *firsthand.Close:
		r.Kind, r.Text = Leave, say.Reason
	case *firsthand.TermsOffer:
		r.Kind, r.Terms = Terms, say.Terms
	default:
		return r, fault.Refuse(fault.Invalid, "channel-kind", "no letter says this")
	}
	return r, nil
}

// Nameless reports whether nothing in a letter would tell the company who she is.
func (r *Request) Nameless() bool {
	return len(r.Known) == 0 && r.From.Name == "" && r.From.Mail == "" && len(r.From.Lines) == 0
}

// PlaceOf returns where a company is, as far as its address or its domain says it.
func PlaceOf(to channel.To) rights.Place {
	at := rights.PlaceOf(AddressLines(to))
	if at.Country == "" {
		at.Country = rights.CountryOfDomain(to.Domain)
	}
	return at
}

// SenderOf returns her, as a company knows her that holds the facts hers.
func SenderOf(hers map[string]firsthand.Value) Sender {
	s := Sender{Name: strings.Join(Lines("name", hers["name"]), " "), Mail: channel.OneLine("email", hers["email"])}
	for _, fact := range []string{"address.home", "address", "address.postal"} {
		if s.Lines = Lines(fact, hers[fact]); len(s.Lines) > 0 {
			break
		}
	}
	s.Lines = slices.Clip(s.Lines)
	return s
}
