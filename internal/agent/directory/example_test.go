package directory_test

import (
	"fmt"
	"strings"

	"firsthand/internal/agent/directory"
)

// A host leads to what is known of it, by its own name or a parent's.
func Example() {
	const set = `{"shop.example": "https://www.shop.example/settings"}`
	about, records, err := directory.Read(strings.NewReader(set), "2027-01-31")
	if err != nil {
		fmt.Println(err)
		return
	}
	byHost := map[string][]directory.Record{}
	for r, err := range records {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, h := range r.Hosts {
			byHost[h] = append(byHost[h], r)
		}
	}
	fmt.Println(about.Name, about.Licence, about.Records)

	site := directory.ParseSite("https://mia@login.Shop.example:443/x?y")
	var found []directory.Record
	for _, h := range directory.Hosts(site.Host) {
		found = append(found, byHost[h]...)
	}
	c := directory.Join(site.Host, found)
	fmt.Println(c.Domain, c.Account[0].Value, c.Account[0].Set, c.Account[0].Date)
	// Output:
	// apple-change-password MIT 1
	// shop.example https://www.shop.example/settings apple-change-password 2027-01-31
}
