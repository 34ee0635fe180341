package desk

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"firsthand/internal/gateway"
)

// A NumbersPage is how well the company answers. Each figure says what it counts.
type NumbersPage struct {
	gateway.Numbers
	Days   int
	Spans  []int
	Kept   int // hundredths of what was owed by a day; -1 if nothing was
	Late   int
	Failed int
}

// spans are over how many days can be counted.
var spans = []int{7, 30, 90}

// showNumbers serves GET /numbers.
func (s *Server) showNumbers(v *visit) error {
	n, err := strconv.Atoi(v.URL.Query().Get("days"))
	if err != nil || !slices.Contains(spans, n) {
		n = 30
	}
	all, err := s.Gateway.Numbers(v.ctx(), v.now.Add(-time.Duration(n)*24*time.Hour))
	if err != nil {
		return err
	}
	p := NumbersPage{Numbers: all, Days: n, Spans: spans, Kept: share(all.InTime, all.Dated), Late: all.Dated - all.InTime, Failed: all.Failed}
	return s.render(v, http.StatusOK, "numbers", p)
}
