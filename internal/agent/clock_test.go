package agent

import (
	"testing"
	"time"

	"firsthand"
)

// Until its end the day counts from 1 up to the last, at whatever hour it began; and what
// is due on the day on which it was said is due all the same.
func TestClock(t *testing.T) {
	for _, due := range []firsthand.Date{"2026-03-01", "2026-03-02", "2026-03-31", "2026-04-01"} {
		for hour := range 24 {
			made := time.Date(2026, 3, 1, hour, 30, 0, 0, time.UTC)
			last := 0
			for now := made.Add(-time.Hour); now.Before(due.End()); now = now.Add(time.Hour) {
				day, of := clock(made, due, now)
				if day < 1 || day > of || day < last || day > last+1 {
					t.Fatalf("made %v, due %s: at %v it is day %d of %d, after %d", made, due, now, day, of, last)
				}
				last = day
			}
			if _, of := clock(made, due, made); last != of {
				t.Errorf("made %v, due %s: its last day is %d of %d", made, due, last, of)
			}
			if day, of := clock(made, due, due.End().AddDate(0, 0, 2)); day <= of {
				t.Errorf("made %v, due %s: long after its end it is day %d of %d", made, due, day, of)
			}
		}
	}
	if day, of := clock(time.Now(), "", time.Now()); day != 0 || of != 0 {
		t.Errorf("nothing due: day %d of %d", day, of)
	}
}
