package gatewaytest

import (
	"errors"
	"testing"
	"time"

	"firsthand"
	"firsthand/connector"
	"firsthand/fault"
	"firsthand/internal/gateway"
)

func audits(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	var want []string
	for i, rel := range []firsthand.ID{id(1), {}, id(2), {}, id(1)} {
		act := string(rune('a' + i))
		want = append([]string{act}, want...)
		must(t, s.Commit(ctx, gateway.Commit{Audit: []gateway.Audit{{Rel: rel, At: noon, By: "ann", Act: act, Entry: id(3), Note: "n"}}}))
	}
	var last int64
	for i := 0; i < len(want); {
		page, err := s.Audits(ctx, last, 2)
		must(t, err)
		if len(page) == 0 {
			t.Fatalf("no rows after %d", i)
		}
		for _, a := range page {
			rel := firsthand.ID{}
			switch a.Act {
			case "a", "e":
				rel = id(1)
			case "c":
				rel = id(2)
			}
			if a.Act != want[i] || a.Rel != rel || !a.At.Equal(noon) || a.By != "ann" || a.Entry != id(3) || a.Note != "n" {
				t.Errorf("row %d = %+v, want %s", i, a, want[i])
			}
			i, last = i+1, a.N
		}
	}
	if rest, err := s.Audits(ctx, last, 2); err != nil || len(rest) != 0 {
		t.Errorf("beyond the first: %v, %v", rest, err)
	}
	if _, err := s.Relationship(ctx, firsthand.ID{}); !errors.Is(err, fault.NotExist) {
		t.Errorf("an act about no relationship has made one: %v", err)
	}
}

func expected(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	swap := func(from, to string) error {
		return s.Commit(ctx, gateway.Commit{Expect: map[string]string{"a": from}, Settings: map[string]string{"a": to}, Changes: []string{"c" + to}})
	}
	must(t, swap("", "1"))
	if err := swap("", "2"); !errors.Is(err, fault.Conflict) {
		t.Errorf("set already: %v", err)
	}
	if known, err := s.Known(ctx, "c2"); known || err != nil {
		t.Errorf("something of it was kept: %v, %v", known, err)
	}
	must(t, swap("1", "3"))
	if err := swap("1", "4"); !errors.Is(err, fault.Conflict) {
		t.Errorf("another value: %v", err)
	}
	must(t, swap("3", ""))
	must(t, swap("", "5"))
	if v, err := s.Setting(ctx, "a"); v != "5" || err != nil {
		t.Errorf("setting = %q, %v", v, err)
	}
}

func numbers(t *testing.T, f Fixture) {
	ctx, s := t.Context(), f.Open(t)
	now := noon.AddDate(0, 0, 20)
	today := firsthand.DateOf(now)
	record := connector.Ref{System: "CRM", ID: "C-1"}
	must(t, s.Commit(ctx, gateway.Commit{Relationships: []gateway.Relationship{
		{ID: id(1), Opened: noon, Record: record}, {ID: id(2), Opened: noon}, {ID: id(3), Opened: noon, Frozen: "why"}}}))
	seq := int64(1)
	// put adds a delivery that is owed by a day, and then what it has become.
	put := func(rel byte, due firsthand.Date, took time.Duration, change func(*gateway.Delivery)) {
		seq++
		d := gateway.Delivery{Rel: id(rel), Seq: seq, Task: gateway.Deliver, Entry: id(byte(seq)), Status: gateway.Waiting, Next: noon, Due: due, Made: noon, Owed: due}
		must(t, s.Commit(ctx, gateway.Commit{Deliveries: []gateway.Delivery{d}}))
		d.Status, d.Due, d.Owed, d.Made, d.Ended = gateway.Applied, "", "", noon.Add(time.Hour), noon.Add(took) // Made is that of the row
		change(&d)
		must(t, s.Commit(ctx, gateway.Commit{Deliveries: []gateway.Delivery{d}}))
	}
	put(1, firsthand.DateOf(noon), time.Second, func(d *gateway.Delivery) { d.Ref = record })
	put(1, firsthand.DateOf(noon), 2*time.Second, func(d *gateway.Delivery) { d.Ref = record })
	must(t, s.Commit(ctx, gateway.Commit{Audit: []gateway.Audit{{Rel: id(1), At: noon, By: "ann", Act: "apply", Entry: id(byte(seq))}}}))
	put(1, firsthand.DateOf(noon), 3*time.Second, func(d *gateway.Delivery) { d.Ref, d.Reported = record, true })
	put(1, firsthand.DateOf(noon), 48*time.Hour, func(d *gateway.Delivery) { d.Ref.ID = "T-1" }) // a ticket, and late
	put(2, "", 4*time.Second, func(d *gateway.Delivery) { d.Status = gateway.Declined })
	put(2, today, 0, func(d *gateway.Delivery) { d.Status, d.Due, d.Ended = gateway.Stopped, today, time.Time{} })
	put(2, "2026-11-22", 0, func(d *gateway.Delivery) { d.Status, d.Due, d.Ended = gateway.Held, "2026-11-22", time.Time{} })
	put(2, today, 0, func(d *gateway.Delivery) { d.Status, d.Due, d.Ended = gateway.Waiting, today, time.Time{} })
	put(2, "", -time.Hour, func(*gateway.Delivery) {}) // before it counts
	want := gateway.Numbers{Customers: 3, Bound: 1, Failed: 1, Today: 2, Overdue: 1, Ended: 5, Dated: 4, InTime: 3,
		Median: 3 * time.Second, P95: 48 * time.Hour, Facts: 2, ByMachine: 1}
	for range 2 {
		got, err := s.Numbers(ctx, noon, now)
		must(t, err)
		if got != want {
			t.Errorf("numbers = %+v\nwant %+v", got, want)
		}
		if f.Reopen == nil {
			break
		}
		s = f.Reopen(t, s)
	}
	all, n, err := s.Owed(ctx, 2)
	must(t, err)
	if n != 3 || len(all) != 2 || all[0].Due != "2026-11-22" || !all[0].Made.Equal(noon) || !all[0].Ended.IsZero() {
		t.Errorf("owed: %d, %+v", n, all)
	}
	if frozen, err := s.Frozen(ctx, 5); err != nil || len(frozen) != 1 || frozen[0].ID != id(3) {
		t.Errorf("frozen: %v, %v", frozen, err)
	}
	if got, err := f.Open(t).Numbers(ctx, noon, now); err != nil || got != (gateway.Numbers{}) {
		t.Errorf("numbers of nothing: %+v, %v", got, err)
	}
}
