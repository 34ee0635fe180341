package rt_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/connector/rt"
)

// BenchmarkChange is a change of an address in RT until it may be called applied: the
// write, and the look at what RT has made of it. Both are compared with the same by a
// client that does nothing but that: a PUT without a note, and a GET.
func BenchmarkChange(b *testing.B) {
	o := &office{RT: start(b), mode: rt.Write}
	c, err := rt.Open(rt.Config{URL: o.URL, TokenFile: o.TokenFile, Queue: o.Queue}) // without a border
	must(b, err)
	rel := newID()
	request := func(kind firsthand.Kind, street string) connector.Request {
		return connector.Request{ID: newID(), Relationship: rel, Kind: kind, Fact: "address.home", Value: address(street)}
	}
	res, err := c.Deliver(b.Context(), request("disclose", "Kerkstraat 1"))
	must(b, err)
	times := map[string][]time.Duration{}
	timed := func(what string, do func()) {
		begin := time.Now()
		do()
		times[what] = append(times[what], time.Since(begin))
	}
	for n := 0; b.Loop(); n++ {
		rec, err := c.Read(b.Context(), res.Ref) // as the gateway has it from the last change
		must(b, err)
		timed("change", func() {
			r := request("change", []string{"Veldstraat 22", "Stationsstraat 3"}[n%2])
			r.Record = rec.Ref
			_, err := c.Deliver(b.Context(), r)
			must(b, err)
		})
		timed("back", func() {
			_, err := c.Read(b.Context(), res.Ref)
			must(b, err)
		})
		timed("bare", func() {
			o.call(b, http.MethodPut, "/"+res.Ref.ID, fields("address.home", address([]string{"Veldstraat 23", "Stationsstraat 4"}[n%2])), nil)
		})
		timed("bare back", func() { o.call(b, http.MethodGet, "/"+res.Ref.ID, nil, nil) })
	}
	median := func(what string) float64 {
		slices.Sort(times[what])
		return float64(times[what][len(times[what])/2].Microseconds()) / 1000
	}
	b.ReportMetric(median("bare"), "bare-ms")
	b.ReportMetric(median("change"), "change-ms")
	b.ReportMetric(median("change")-median("bare"), "added-ms")
	b.ReportMetric(median("bare")+median("bare back"), "bare+back-ms")
	b.ReportMetric(median("change")+median("back"), "applied-ms")
	b.ReportMetric((median("change")+median("back"))/(median("bare")+median("bare back")), "ratio")
}
