package agent

import (
	"testing"
	"time"

	"firsthand"
	"firsthand/logtest"
)

// She is sent to sign in at the gateway that she has pinned, and nowhere else.
func TestSignInPage(t *testing.T) {
	for _, tt := range []struct{ way, to, want string }{
		{"sign_in", "https://acme.example/sign-in/a/b", "https://acme.example/sign-in/a/b"},
		{"code", "https://acme.example/sign-in/a/b", ""},
		{"sign_in", "https://acme.example.evil.example/sign-in", ""},
		{"sign_in", "https://evil.example/", ""},
		{"sign_in", "http://acme.example/sign-in", ""},
		{"sign_in", "https://acme.example:8443/sign-in", ""},
		{"sign_in", "https://mia@acme.example/sign-in", ""},
		{"sign_in", "javascript:alert(1)//acme.example", ""},
		{"sign_in", "//acme.example/sign-in", ""},
		{"sign_in", "https://%zz", ""},
		{"sign_in", "sign in at our shop", ""},
	} {
		p := logtest.NewPair(t, "sign in")
		claim := p.Write(t, firsthand.First, &firsthand.Claim{Record: "C-1"})
		p.Write(t, firsthand.Second, &firsthand.Challenge{Claim: claim.ID, Way: tt.way, To: tt.to, Until: firsthand.DateOf(time.Now().AddDate(1, 0, 0))})
		state, err := firsthand.Fold(p.Log(firsthand.First), p.Log(firsthand.Second))
		if err != nil {
			t.Fatal(err)
		}
		d := Detail{Relationship: Relationship{Gateway: "https://acme.example/fh"}, State: state}
		if got := d.SignInPage(); got != tt.want {
			t.Errorf("%s to %q: %q, want %q", tt.way, tt.to, got, tt.want)
		}
	}
}
