package world

import (
	"firsthand"
	"firsthand/connector/memory"
)

// Mia is the customer: what companies have of her from before she moved, and what
// is true now.
var (
	OldAddress = Address("Kapellenstraat 88 bus 3", "2000", "Antwerpen")
	NewAddress = Address("Korenmarkt 12", "9000", "Gent")
)

const (
	Name     = "Mia Peeters"
	OldEmail = "mia.peeters@oldmail.example"
	NewEmail = "mia@peeters.example"
	OldPhone = "+32 3 555 01 42"
	NewPhone = "+32 9 555 01 77"
)

// Address returns an address in Belgium.
func Address(street, code, city string) firsthand.Value {
	return firsthand.Value{Parts: map[string]string{"street": street, "postal_code": code, "city": city, "country": "BE"}}
}

// A Manner is how a company of the world deals with what it is told.
type Manner int

const (
	AtOnce   Manner = iota // its system takes it by itself
	ByPerson               // somebody looks at it, and enters it after some seconds
	Refuses                // somebody looks at it, and wants to see her first
	Falters                // at once, but it is down for a while; see outage.go
)

// A character is a company of the world with a gateway, and what it has of Mia.
type character struct {
	domain, name, law, does string
	manner                  Manner
	desk                    string // who looks at what a person decides, or what its system can't do by itself
	record                  memory.Record
	shop                    bool // it has a site, with the button that leads to her app
}

// record is what a company has of her under a number: her old contacts, to which
// codes go, and her old address.
func record(number string) memory.Record {
	return memory.Record{Number: number, Contacts: []string{OldEmail}, Facts: memory.Facts{
		"name": firsthand.Text(Name), "email": firsthand.Text(OldEmail), "phone": firsthand.Text(OldPhone), "address.home": OldAddress,
	}}
}

// cast are the companies with gateways.
var cast = []character{
	{domain: "veloshop.example", name: "Veloshop BV", law: "BE", does: "sells and repairs bicycles", manner: AtOnce, desk: "Anna, workshop", record: record("V-20418")},
	{domain: "gentwater.example", name: "Gent Water CV", law: "BE", does: "brings the water", manner: ByPerson, desk: "Els, customer desk", record: record("9000-3172")},
	{domain: "leiebank.example", name: "Leiebank NV", law: "BE", does: "keeps the savings", manner: Refuses, desk: "Koen, branch Veldstraat", record: record("LB-77-104-2")},
	{domain: "kruidenbox.example", name: "Kruidenbox BV", law: "NL", does: "sends a box of herbs each month", manner: Falters, record: record("K5521")},
	{domain: "leeszaal.example", name: "Leeszaal vzw", law: "BE", does: "lends books", manner: AtOnce, record: record("L-000931")},
	// The example for a company's developers: nothing of Mia's leads to it but the
	// button on its own site. See docs/meet-us.md.
	{domain: Shop, name: "Kaarsenmakerij Schelde VOF", law: "BE", does: "pours candles", manner: AtOnce, shop: true},
}

// Shop is the domain of a small company that Mia has never dealt with.
const Shop = "kaarsenmakerij.example"

// noAddress is why the company that refuses does.
const noAddress = "A bank may not take a new address from afar. Please come to the branch in Veldstraat with your identity card."

// Passphrase opens Mia's file. It is for the demo alone, and printed by it.
const Passphrase = "korenmarkt in the rain"

// Purpose is that for which she tells companies things.
const Purpose = "ServiceDelivery"
