package receiver_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"firsthand/connector/webhook/receiver"
)

// A company serves a Receiver wherever its gateway can reach it, and both have
// the secret. Here the gateway's part is played by hand: an event that comes twice
// is done once, and one that isn't signed never.
func Example() {
	secret, err := receiver.ParseSecret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	if err != nil {
		panic(err)
	}
	crm := receiver.NewCRM("email", "address.home")
	server := httptest.NewServer(&receiver.Receiver{Secret: secret, CRM: crm, Now: time.Now})
	defer server.Close()

	const event = `{"specversion":"1.0","id":"entry-1","source":"firsthand-gateway","type":"firsthand.disclose",
		"time":"2026-11-21T21:47:00Z","subject":"relationship-1","data":{"fact":"email","value":"mia@example.org"}}`
	for _, signed := range []bool{true, true, false} {
		req, err := http.NewRequest("POST", server.URL, strings.NewReader(event))
		if err != nil {
			panic(err)
		}
		if signed {
			receiver.Sign(secret, req.Header, "entry-1", time.Now(), []byte(event))
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(err)
		}
		report, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		_, unsigned := receiver.Verify(secret, resp.Header, report, time.Now())
		fmt.Printf("%d %s (signed: %t)\n", resp.StatusCode, strings.TrimSpace(string(report)), unsigned == nil)
	}
	fmt.Println(len(crm.Customers()), "customer")
	// Output:
	// 200 {"state":"written","record":"1001","version":"1","value":"mia@example.org"} (signed: true)
	// 200 {"state":"written","record":"1001","version":"1","value":"mia@example.org"} (signed: true)
	// 401 not signed by the gateway (signed: false)
	// 1 customer
}
