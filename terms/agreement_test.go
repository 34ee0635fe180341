package terms_test

import (
	"fmt"
	"strings"
	"testing"

	"firsthand/terms"
)

// grid is the two chains of service agreements: how far the company may go, and
// whether it owes portability.
func grid() (codes []string, level []int, dp []bool) {
	for n, suffix := range []string{"", "-A", "-AT", "-ATP", "-ATP-S3P"} {
		codes = append(codes, "SD-BASE"+suffix, "SD-BASE"+suffix+"-DP")
		level = append(level, n, n)
		dp = append(dp, false, true)
	}
	return codes, level, dp
}

// The general comparison of clause sets must agree with what the letters of the
// codes say, for each of the 100 pairs.
func TestAtMostOfServiceAgreements(t *testing.T) {
	codes, level, dp := grid()
	n := 0
	for i, x := range codes {
		for j, y := range codes {
			want := level[i] <= level[j] && (dp[i] || !dp[j])
			if got := terms.AtMost(mustLookup(t, x), mustLookup(t, y)); got != want {
				t.Errorf("AtMost(%s, %s) = %v, want %v", x, y, got, want)
			} else if got {
				n++
			}
		}
	}
	if n != 45 {
		t.Errorf("%d pairs compare, want 45", n)
	}
}

func TestAtMost(t *testing.T) {
	tests := []struct {
		x, y string
		want bool
	}{
		{own, "SD-BASE", true},
		{"SD-BASE", own, true},
		{own, "SD-BASE-A", true},
		{own, "SD-BASE-DP", false},
		{"SD-BASE-DP", own, true},
		{"SD-BASE-A-DP", "SD-BASE", false}, // neither way
		{"SD-BASE", "SD-BASE-A-DP", false},
		{"PDC-AI", "PDC-AI", true},
		{"PDC-AI", "PDC-GOOD", false},
		{"TPR", "TPR-IDENTITY-REF", false},
	}
	for _, tt := range tests {
		if got := terms.AtMost(mustLookup(t, tt.x), mustLookup(t, tt.y)); got != tt.want {
			t.Errorf("AtMost(%s, %s) = %v, want %v", tt.x, tt.y, got, tt.want)
		}
	}
	for _, a := range terms.Default().All() {
		for _, code := range []string{"PDC-AI", "PDC-GOOD", "PDC-INTENT", "TPR", "TPR-IDENTITY-REF"} {
			b := mustLookup(t, code)
			if a.Ref() != b.Ref() && (terms.AtMost(a, b) || terms.AtMost(b, a)) {
				t.Errorf("%s compares with %s", a.Ref().Code, code)
			}
		}
		if zero := (terms.Agreement{}); terms.AtMost(a, zero) || terms.AtMost(zero, a) {
			t.Errorf("%s compares with no agreement", a.Ref().Code)
		}
	}
}

// In the service agreements a permission always comes with the lack of a
// prohibition, so each must be looked at by itself.
func TestAtMostLooksAtEachSet(t *testing.T) {
	sets := []struct{ code, permissions, prohibitions, duties string }{
		{"LESS", ``, `"x:NoTrack"`, `"x:Deliver"`},
		{"MAY", `"x:MayTrack"`, `"x:NoTrack"`, `"x:Deliver"`},
		{"FREE", ``, ``, `"x:Deliver"`},
		{"IDLE", ``, `"x:NoTrack"`, ``},
	}
	var rows []string
	for _, s := range sets {
		rows = append(rows, fmt.Sprintf(`{"code": %q, "aliases": [], "version": "", "url": "", "sha256": "",
			"family": "service", "permissions": [%s], "prohibitions": [%s], "duties": [%s]}`, s.code, s.permissions, s.prohibitions, s.duties))
	}
	_, rest, _ := strings.Cut(small, `"agreements": [`)
	r := mustParse(t, strings.Replace(small, rest, strings.Join(rows, ",")+"]}", 1))
	less, _ := r.Lookup("LESS")
	for _, s := range sets[1:] {
		more, _ := r.Lookup(s.code)
		if !terms.AtMost(less, more) || terms.AtMost(more, less) {
			t.Errorf("LESS is not strictly less permissive than %s", s.code)
		}
	}
}

// Clauses of the table, cell by cell, against the letters of each code.
func TestClauses(t *testing.T) {
	codes, level, dp := grid()
	for i, code := range codes {
		a := mustLookup(t, code)
		for n, pair := range [][3]terms.Clause{
			{terms.Analytics, terms.NoAnalytics, "7012:Analytics3PDisallowed"},
			{terms.Tracking, terms.NoTracking, "7012:Tracking3PDisallowed"},
			{terms.Profiling, terms.NoProfiling, "7012:Profiling3PDisallowed"},
			{terms.Sharing, terms.NoSharing, terms.NoSale},
		} {
			may := level[i] > n
			if a.Has(pair[0]) != may || a.Has(pair[1]) == may || !a.Has(pair[2]) {
				t.Errorf("%s: clauses on %s are wrong", code, pair[0])
			}
		}
		if !a.Has(terms.Delivery) || a.Has(terms.Portability) != dp[i] {
			t.Errorf("%s: duties are wrong", code)
		}
	}
}

func TestCovers(t *testing.T) {
	tests := []struct {
		code, purpose string
		want          terms.Decision
	}{
		{own, "dpv:DeliveryOfGoods", terms.Decision{Covered: true, Clause: terms.Delivery}},
		{own, "DeliveryOfGoods", terms.Decision{Covered: true, Clause: terms.Delivery}},
		{own, "https://w3id.org/dpv#DeliveryOfGoods", terms.Decision{Covered: true, Clause: terms.Delivery}},
		{own, "dpv:PaymentManagement", terms.Decision{Covered: true, Clause: terms.Delivery}},
		{own, "7012:ServiceDelivery", terms.Decision{Covered: true, Clause: terms.Delivery}},
		{own, "ServiceDelivery", terms.Decision{Covered: true, Clause: terms.Delivery}},
		{own, "https://w3id.org/dpv/standards/ieee/7012#ServiceDelivery", terms.Decision{Covered: true, Clause: terms.Delivery}},
		{own, "dpv:ServiceDelivery", terms.Decision{}}, // no such name there
		{own, "https://evil.example/dpv#DeliveryOfGoods", terms.Decision{}},
		{own, "dpv:dpv:DeliveryOfGoods", terms.Decision{}},
		{own, "deliveryofgoods", terms.Decision{}},
		{own, "", terms.Decision{}},

		{own, "dpv:ServiceUsageAnalytics", terms.Decision{Clause: terms.NoAnalytics}},
		{"SD-BASE-A", "dpv:ServiceUsageAnalytics", terms.Decision{Covered: true, Clause: terms.Analytics}},
		{"SD-BASE-ATP-S3P", "dpv:SellDataToThirdParties", terms.Decision{Clause: terms.NoSale}},
		{"SD-BASE", "dpv:TargetedAdvertising", terms.Decision{Clause: terms.NoProfiling}},
		{"SD-BASE-ATP-S3P", "dpv:TargetedAdvertising", terms.Decision{}}, // profiling is no licence to advertise

		// Trees are not followed: selling data stands under this one.
		{"SD-BASE-ATP-S3P", "dpv:ServiceProvision", terms.Decision{}},
		{"SD-BASE-ATP-S3P", "dpv:Marketing", terms.Decision{}},
		{"SD-BASE-ATP-S3P", "dpv:LegalCompliance", terms.Decision{}}, // a basis of its own
		{"PDC-AI", "dpv:RequestedServiceProvision", terms.Decision{}},
	}
	for _, tt := range tests {
		if got := mustLookup(t, tt.code).Covers(tt.purpose); got != tt.want {
			t.Errorf("%s covers %q = %+v, want %+v", tt.code, tt.purpose, got, tt.want)
		}
	}
	if d := (terms.Agreement{}).Covers("dpv:DeliveryOfGoods"); d.Covered {
		t.Error("no agreement covers something")
	}
}

// Whoever accepts up to a limit relies on this: what is at most as permissive
// covers no purpose that the limit doesn't.
func TestCoversNoMoreThanWhatIsMorePermissive(t *testing.T) {
	purposes := strings.Fields("dpv:RequestedServiceProvision dpv:PaymentManagement dpv:ServiceUsageAnalytics " +
		"7012:ServiceAnalytics dpv:SellDataToThirdParties dpv:SellInsightsFromData dpv:TargetedAdvertising " +
		"dpv:PersonalisedAdvertising dpv:ServiceOptimisation dpv:Marketing")
	all := terms.Default().All()
	for _, x := range all {
		for _, y := range all {
			for _, p := range purposes {
				if terms.AtMost(x, y) && x.Covers(p).Covered && !y.Covers(p).Covered {
					t.Errorf("%s is at most %s, but covers %s", x.Ref().Code, y.Ref().Code, p)
				}
			}
		}
	}
}

func ExampleAgreement_Covers() {
	a, _ := terms.Default().Lookup("FIRSTHAND-SD-BASE")
	for _, purpose := range []string{"dpv:DeliveryOfGoods", "dpv:ServiceUsageAnalytics", "dpv:Marketing"} {
		d := a.Covers(purpose)
		fmt.Println(purpose, d.Covered, d.Clause)
	}
	// Output:
	// dpv:DeliveryOfGoods true 7012:ServiceDeliveryRequired
	// dpv:ServiceUsageAnalytics false 7012:AnalyticsDisallowed
	// dpv:Marketing false
}
