package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"firsthand/fault"
	"firsthand/fetch"
)

// A company names an address that leads into the house.
func Example() {
	c := fetch.New(fetch.Options{})
	_, err := c.Get(context.Background(), "https://192.168.1.1:8443/.well-known/firsthand")
	fmt.Println(err)
	fmt.Println(errors.Is(err, fault.Denied), fault.RuleOf(err))
	// Output:
	// fetch 192.168.1.1:8443: fetch-address: an address in 192.168.0.0/16: private use (RFC 1918)
	// true fetch-address
}

// Each relationship has a Client of its own, so that the company cannot tell
// that two of its customers are one.
func ExampleClient_Isolated() {
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello, %s", r.UserAgent())
	}))
	defer gateway.Close()

	all := fetch.New(fetch.Options{AllowLoopback: true}) // as in the demo
	for range 2 {
		one := all.Isolated()
		defer one.Close()
		resp, err := one.Get(context.Background(), gateway.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s\n", resp.Body)
	}
	// Output:
	// hello, firsthand
	// hello, firsthand
}
