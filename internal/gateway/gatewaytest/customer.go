package gatewaytest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/wire"
)

// A Company is the other side, as a [Customer] knows it.
type Company struct {
	Domain string              // default: acme.example
	Key    firsthand.PublicKey // that she pins; default: that of KeyOf("company")
}

// Seed returns 32 bytes that are the same in every run.
func Seed(what string) [32]byte { return sha256.Sum256([]byte("gatewaytest " + what)) }

// KeyOf returns a key that is the same in every run.
func KeyOf(name string) *firsthand.Signer { return firsthand.SignerFromSeed(Seed(name)) }

// A Customer writes first's log, by the root package alone, and keeps both. It is
// a script: she says what a test tells her to, also what is wrong.
type Customer struct {
	Name          string
	Key           *firsthand.Signer
	State         *firsthand.State
	First, Second []firsthand.Entry
	Receipts      []firsthand.Receipt
	Now           time.Time
	Sent          int64 // first's entries up to here are receipted

	salts int
}

// NewCustomer returns one who has written her open.
func NewCustomer(t testing.TB, name string, company Company) *Customer {
	t.Helper()
	if company.Domain == "" {
		company.Domain = "acme.example"
	}
	if company.Key.IsZero() {
		company.Key = KeyOf("company").Public()
	}
	c := &Customer{Name: name, Key: KeyOf(name), State: firsthand.NewState(), Now: time.Date(2026, 11, 21, 21, 47, 0, 0, time.UTC)}
	c.Write(t, &firsthand.Open{Role: "customer", Key: c.Key.Public(), Label: firsthand.Label{1}, Next: KeyOf(name + " next").Public().Hash(),
		Domain: company.Domain, CompanyKey: company.Key})
	return c
}

// Rel returns the relationship's ID.
func (c *Customer) Rel() firsthand.ID { return c.State.Rel }

// Write signs an entry and takes it.
func (c *Customer) Write(t testing.TB, content firsthand.Content) firsthand.ID {
	t.Helper()
	c.salts++
	salt := Seed(fmt.Sprint(c.Name, " salt ", c.salts))
	c.fresh(t)
	e, err := c.State.Write(c.Key, firsthand.First, c.Now, salt[:], content)
	if err != nil {
		t.Fatalf("%s writes %s: %v", c.Name, content.Kind(), err)
	}
	if err := c.State.Take(e); err != nil {
		t.Fatal(err)
	}
	c.First = append(c.First, e)
	return e.ID
}

// Say writes a message.
func (c *Customer) Say(t testing.TB, text string) firsthand.ID {
	t.Helper()
	return c.Write(t, &firsthand.Message{Text: text})
}

// Answer writes second's next entry, a message, and before the first its open: for
// tests without a gateway.
func (c *Customer) Answer(t testing.TB, text string) firsthand.Entry {
	t.Helper()
	var content firsthand.Content = &firsthand.Message{Text: text}
	if len(c.Second) == 0 {
		content = &firsthand.Open{Role: "company", Key: KeyOf("company").Public(), Next: KeyOf("company next").Public().Hash()}
	}
	c.salts++
	salt := Seed(fmt.Sprint(c.Name, " salt ", c.salts))
	e, err := c.State.Write(KeyOf("company"), firsthand.Second, c.Now, salt[:], content)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.State.Take(e); err != nil {
		t.Fatal(err)
	}
	c.Second = append(c.Second, e)
	if len(c.Second) == 1 {
		return c.Answer(t, text)
	}
	return e
}

// Fork returns a copy of c without the last entry of each side, which then has
// written another in each place: a copy of her file that lives on by itself.
func (c *Customer) Fork(t testing.TB) *Customer {
	t.Helper()
	f := c.Copy(t, len(c.First), len(c.Second)-1)
	f.Name += " fork"
	f.Answer(t, "another")
	return f
}

// Copy returns what c was when her logs had so many entries.
func (c *Customer) Copy(t testing.TB, first, second int) *Customer {
	t.Helper()
	f := *c
	f.First, f.Second = slices.Clone(c.First[:first]), slices.Clone(c.Second[:second])
	f.Sent = min(f.Sent, int64(first))
	f.fold(t)
	return &f
}

func (c *Customer) fold(t testing.TB) {
	t.Helper()
	s, err := firsthand.Fold(c.First, c.Second)
	if err != nil {
		t.Fatalf("%s folds: %v", c.Name, err)
	}
	c.State = s
}

func (c *Customer) fresh(t testing.TB) {
	t.Helper()
	if c.State.Stale() {
		c.fold(t)
	}
}

// Request is the call that brings what has no receipt yet.
func (c *Customer) Request() wire.Request {
	r := wire.Request{Rel: c.State.Rel, First: c.State.Log(firsthand.First).Head, Second: c.State.Log(firsthand.Second).Head}
	r.Entries = slices.Clone(c.First[c.Sent:])
	return r
}

// Call makes one call and takes the answer, verified.
func (c *Customer) Call(t testing.TB, g wire.Server) wire.Response {
	t.Helper()
	resp, err := c.Try(t, g)
	if err != nil {
		t.Fatalf("%s calls: %v", c.Name, err)
	}
	return resp
}

// Try is Call that returns the gateway's error.
func (c *Customer) Try(t testing.TB, g wire.Server) (wire.Response, error) {
	t.Helper()
	r := c.Request()
	call := g.Sync
	if c.Sent == 0 {
		call = g.Open
	}
	resp, err := call(context.WithoutCancel(t.Context()), r)
	if err != nil {
		return resp, err
	}
	c.Take(t, resp)
	return resp, nil
}

// Sync calls until neither side has anything more to give.
func (c *Customer) Sync(t testing.TB, g wire.Server) {
	t.Helper()
	for range 100 {
		resp := c.Call(t, g)
		if !resp.More && len(resp.Entries) == 0 && c.Sent == int64(len(c.First)) && resp.Second == c.State.Log(firsthand.Second).Head {
			return
		}
	}
	t.Fatalf("%s: no end of calls", c.Name)
}

// Take verifies an answer and takes it.
func (c *Customer) Take(t testing.TB, resp wire.Response) {
	t.Helper()
	for _, e := range c.State.Sort(resp.Entries) {
		if err := c.State.Check(e); err != nil {
			t.Fatalf("%s: answer has %s entry %d: %v", c.Name, e.Side, e.Seq, err)
		}
		if err := c.State.Take(e); err != nil {
			t.Fatal(err)
		}
		if e.Side == firsthand.First {
			c.First = append(c.First, e)
		} else {
			c.Second = append(c.Second, e)
		}
	}
	receipt, err := firsthand.ParseReceipt(resp.Receipt, append(c.State.Log(firsthand.Second).Keys, c.State.Opened.CompanyKey)...)
	if err != nil {
		t.Fatalf("%s: receipt: %v", c.Name, err)
	}
	if receipt.Rel != c.Rel() || receipt.ID != c.State.Log(firsthand.First).ID(receipt.Seq) || receipt.ID != resp.First.ID {
		t.Fatalf("%s: receipt for something else: %+v", c.Name, receipt)
	}
	c.Receipts = append(c.Receipts, receipt)
	c.Sent = receipt.Seq
	c.fresh(t)
}
