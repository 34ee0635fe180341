package wire_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"firsthand"
	"firsthand/fetch"
	"firsthand/wire"
)

// A gateway serves; an agent opens a relationship, says something, and knows
// that it was received when the company has signed for it.
func Example() {
	// At the company.
	server := httptest.NewUnstartedServer(nil)
	gateway := "http://" + server.Listener.Addr().String()
	handler, err := wire.NewHandler(newGateway(), wire.Options{BaseURL: gateway, Now: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	server.Config = handler.NewServer()
	server.Start()
	defer server.Close()

	// At the customer.
	client := wire.NewClient(fetch.New(fetch.Options{AllowLoopback: true}), clock)
	defer client.Close()
	she := newCustomer(new(testing.B), "ann")
	resp, err := client.Open(context.Background(), gateway, she.key, wire.Request{Entries: she.logs[0]})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("opened; the company's log has", resp.Second.Seq, "entry")

	entry := she.write(&firsthand.Message{Text: "Where is my parcel?"})
	resp, err = client.Sync(context.Background(), gateway, she.key, wire.Request{
		Rel: she.rel(), First: entry.Head(), Second: resp.Second, Entries: []firsthand.Entry{entry}})
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt, err := firsthand.ParseReceipt(resp.Receipt, signer("company").Public())
	fmt.Println("received up to", receipt.Seq, err)

	_, err = client.Sync(context.Background(), gateway, signer("a thief"), wire.Request{Rel: she.rel()})
	fmt.Println(err.(interface{ Unwrap() error }).Unwrap())
	// Output:
	// opened; the company's log has 1 entry
	// received up to 2 <nil>
	// the gateway refused: call-signature: answered with 403
}
