package manual_test

import (
	"testing"

	"firsthand"
	"firsthand/internal/agent/channel"
	"firsthand/internal/agent/channel/channeltest"
	"firsthand/internal/agent/channel/manual"
)

func TestSuite(t *testing.T) { channeltest.Run(t, manual.Manual{}) }

// What she reads, whole.
func TestChange(t *testing.T) {
	d, err := manual.Manual{}.Prepare(channel.Parcel{
		To:      channel.To{Domain: "acme.example", Name: "Acme Ltd", AccountURL: "https://my.acme.example/address"},
		Content: &firsthand.Change{Fact: "address.home", Value: firsthand.Value{Parts: map[string]string{"city": "Gent", "street": "Graslei 2"}}},
		Old:     firsthand.Value{Parts: map[string]string{"city": "Gent", "street": "Korenmarkt 1", "box": "3"}},
		Hers:    map[string]firsthand.Value{"name": firsthand.Value{Parts: map[string]string{"family": "Peeters", "given": "Mia"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := "https://my.acme.example/address"; d.Link != want {
		t.Errorf("link %q, want %q", d.Link, want)
	}
	want := []channel.Step{
		{Label: "street", Was: "Korenmarkt 1", Copy: "Graslei 2"},
		{Label: "city", Was: "Gent", Copy: "Gent"},
		{Label: "Empty there: box", Was: "3"},
		{Label: "Look whether it says that it has saved, and shows the new home address when you come back to the page"},
	}
	if len(d.Steps) != len(want) {
		t.Fatalf("steps %+v", d.Steps)
	}
	for i := range want {
		if d.Steps[i] != want[i] {
			t.Errorf("step %d: %+v, want %+v", i, d.Steps[i], want[i])
		}
	}
	text := `To Acme Ltd:

my home address has changed. Please change it in your records, and tell me when that is done.

Until now:
Korenmarkt 1
3
Gent

From now on:
Graslei 2
Gent

Mia, Peeters
`
	if d.Text != text {
		t.Errorf("text\n%s\nwant\n%s", d.Text, text)
	}
}
