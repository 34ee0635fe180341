package store_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"firsthand/internal/agent/importer"
	"firsthand/internal/agent/importer/bank"
	"firsthand/internal/agent/importer/mail"
	"firsthand/internal/needtest"
)

// rowsFile is a file that is written while it is read.
type rowsFile struct {
	n, rows int
	row     func(n int) string
	rest    string
}

func (f *rowsFile) Read(p []byte) (int, error) {
	if f.rest == "" {
		if f.n > f.rows {
			return 0, io.EOF
		}
		f.rest = f.row(f.n)
		f.n++
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// A large statement, and a large mailbox: brought, kept, looked at, undone.
func BenchmarkBringMoney(b *testing.B) {
	rows := 10_000
	if needtest.All() {
		rows = 100_000
	}
	start := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name string
		of   importer.Format
		row  func(n int) string
	}{
		{"statement", bank.Table{}, func(n int) string {
			if n == 0 {
				return "Buchungstag;Empfänger;Verwendungszweck;Betrag;Währung\n"
			}
			return fmt.Sprintf("%s;Shop %d NV %d;Rechnung %d;-%d,99;EUR\n", start.AddDate(0, 0, n%5800).Format("02.01.2006"), n%700, n, n, n%50)
		}},
		{"mailbox", mail.Format{}, func(n int) string {
			if n == 0 {
				return ""
			}
			return fmt.Sprintf("From - Thu Jan  1 12:00:00 2026\nReceived: from a by b\nReceived: from b by c\nDelivered-To: mia+%d@hers.example\nFrom: =?utf-8?q?Shop_%d?= <news@shop%d.example>\nDate: Thu, 1 Jan 2026 12:00:00 +0100\nSubject: x\nList-Unsubscribe: <https://x.example>\n\nbody\nbody\n\n", n%3, n%2000, n%2000)
		}},
	} {
		b.Run(fmt.Sprint(c.name, " ", rows), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				_, s := newCustomer(b)
				if err := s.Commit(b.Context(), listings()); err != nil {
					b.Fatal(err)
				}
				a := bringer(s)
				a.Formats = []importer.Format{c.of}
				b.StartTimer()
				im, err := a.Bring(b.Context(), c.name, &rowsFile{rows: rows, row: c.row}, nil)
				if n := im.Counts; err != nil || n.Payments+n.Mails != rows {
					b.Fatal(n, err)
				}
				b.ReportMetric(b.Elapsed().Seconds(), "s/read")
				for _, step := range []struct {
					name string
					do   func() error
				}{
					{"keep", func() error { return a.Keep(b.Context(), im.ID) }},
					{"look", func() error { _, err := a.Contracts(b.Context()); return err }},
					{"undo", func() error { return a.Undo(b.Context(), im.ID) }},
				} {
					before := b.Elapsed()
					if err := step.do(); err != nil {
						b.Fatal(step.name, err)
					}
					b.ReportMetric((b.Elapsed() - before).Seconds(), "s/"+step.name)
				}
				b.StopTimer()
				mustClose(b, s)
				b.StartTimer()
			}
			reportPeak(b)
		})
	}
}
