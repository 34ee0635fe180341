package firsthand_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log"
	"time"

	"firsthand"
)

// A relationship from its opening to its first change, what both sides can show
// afterwards, and what is left when it was erased.
func Example() {
	now := time.Date(2026, 11, 21, 21, 47, 13, 0, time.UTC)
	kit := "AGE-SECRET-KEY-1EXAMPLE" // in truth an age identity, and never where her other keys are
	label := firsthand.Label{1}      // in truth random
	customer, company := exampleKey("customer"), exampleKey("company")

	// Each side keeps a state. Here one serves both, since they see the same.
	state := firsthand.NewState()
	var logs [2][]firsthand.Entry
	write := func(key *firsthand.Signer, side firsthand.Side, says firsthand.Content) firsthand.Entry {
		salt := sha256.Sum256(fmt.Append(nil, "salt ", len(logs[0]), len(logs[1]))) // in truth NewSalt(rand.Reader)
		e, err := state.Write(key, side, now, salt[:], says)
		if err != nil {
			log.Fatal(err)
		}
		// The entry travels as a line. Whoever gets it checks it, and takes it.
		line := e.AppendLine(nil)
		if e, err = firsthand.ParseLine(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			log.Fatal(err)
		}
		if err := state.Check(e); err != nil {
			log.Fatal(err)
		}
		if err := state.Take(e); err != nil {
			log.Fatal(err)
		}
		if side == firsthand.First {
			logs[0] = append(logs[0], e)
		} else {
			logs[1] = append(logs[1], e)
		}
		return e
	}

	// She opens, with a key for this company alone; the company answers.
	write(customer, firsthand.First, &firsthand.Open{Role: "customer", Key: customer.Public(), Label: label,
		Next: firsthand.NextKey(kit, label).Public().Hash(), Domain: "acme.example", CompanyKey: company.Public()})
	write(company, firsthand.Second, &firsthand.Open{Role: "company", Key: company.Public(), Next: exampleKey("company's next").Public().Hash()})

	// She proffers terms, and under them tells her number; later it changes.
	terms := firsthand.TermsRef{Code: "EXAMPLE", Version: "1", Hash: sha256.Sum256([]byte("the text")), URL: "https://terms.example/1"}
	offer := write(customer, firsthand.First, &firsthand.TermsOffer{Terms: []firsthand.TermsRef{terms}})
	agreement := write(company, firsthand.Second, &firsthand.TermsAccept{Offer: offer.ID, Terms: terms})
	basis := firsthand.Basis{Agreement: agreement.ID}
	told := write(customer, firsthand.First, &firsthand.Disclose{Fact: "phone", Value: firsthand.Text("09 000 00 00"), Purpose: "ServiceProvision", Basis: basis})
	change := write(customer, firsthand.First, &firsthand.Change{Of: told.ID, Fact: "phone", Value: firsthand.Text("09 111 11 11"), Basis: basis})

	for _, d := range state.At(now).Duties {
		fmt.Printf("%s owes to %s it by %s\n", d.Owner, d.What, d.Due)
	}
	write(company, firsthand.Second, &firsthand.Applied{Entry: change.ID, System: "crm", Record: "4711",
		Value: firsthand.Text("09 111 11 11").MAC(change.Salt)}) // what it read back

	// Either side can prove all of it to a stranger.
	var file bytes.Buffer
	if err := (&firsthand.Bundle{First: logs[0], Second: logs[1]}).Write(&file); err != nil {
		log.Fatal(err)
	}
	bundle, err := firsthand.ReadBundle(&file)
	if err != nil {
		log.Fatal(err)
	}
	report, err := bundle.Verify()
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range report.State.Holdings {
		fmt.Println(h.Fact, h.Value, "in record", report.State.Outcomes[h.Last].Record)
	}

	// What was said can be erased; that it was said stays, and still verifies.
	write(customer, firsthand.First, report.State.Erasure(told.ID, change.ID))
	for i := range logs[0] {
		if e := &logs[0][i]; e.ID == told.ID || e.ID == change.ID {
			*e = e.WithoutBody()
		}
	}
	after, err := firsthand.Verify(logs[0], logs[1])
	fmt.Println(len(after.Holdings), "holdings,", after.Log(firsthand.First).Head.Seq, "entries of hers,", err)
	// Output:
	// second owes to apply it by 2026-12-21
	// phone 09 111 11 11 in record 4711
	// 0 holdings, 5 entries of hers, <nil>
}

func exampleKey(what string) *firsthand.Signer {
	return firsthand.SignerFromSeed(sha256.Sum256([]byte("example " + what)))
}

// Weak keys, with which a signature proves nothing, are refused.
func ExamplePublicKey_Check() {
	var key firsthand.PublicKey
	key[0] = 1 // the identity: one signature of it fits every message
	fmt.Println(key.Check())
	// Output: key-small-order: the key is a point of small order
}
