package email_test

import (
	"encoding/binary"
	"iter"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"firsthand"
	"firsthand/connector"
	"firsthand/internal/agent/channel/mail/mailtest"
	"firsthand/internal/mail"
	"firsthand/internal/needtest"
)

// BenchmarkStart is a gateway that starts, hears what people did last, and delivers what
// it had delivered already, with a journal of 100,000 notes. Its floor is a bare IMAP
// client that fetches the same mails; beside it, one that fetches the whole journal.
func BenchmarkStart(b *testing.B) {
	n := 2_000
	if needtest.Big() {
		n = 100_000
	}
	h := mailtest.Start(b)
	s := newStand(b, imaps(h), "")
	s.sums = 0
	c := s.open(b)
	of := func(i int) (id firsthand.ID) {
		binary.BigEndian.PutUint64(id[1:], uint64(i+1))
		id[0] = 1
		return id
	}
	h.Fill(address, "Firsthand journal", c.Notes(n, of))
	h.Fill(address, "Firsthand done", letters(n/2, of))
	s.last = c
	fetchBare(b, s, "Firsthand journal", imap.SearchCriteria{NotFlag: []imap.Flag{imap.FlagFlagged}}) // the host gets to know its files
	fetchBare(b, s, "Firsthand done", imap.SearchCriteria{Flag: []imap.Flag{imap.FlagFlagged}})
	var cursor string
	for c, err := range c.Changes(b.Context(), "") {
		must(b, err)
		cursor = c.Cursor
	}
	known := connector.Request{ID: of(n / 4), Relationship: of(-1), Kind: "change", At: time.Now(), Fact: "email", Value: firsthand.Text("a@b.example")}
	b.Run("connector", func(b *testing.B) {
		for b.Loop() {
			c := s.restart(b)
			for c, err := range c.Changes(b.Context(), cursor) {
				must(b, err)
				b.Errorf("a change: %+v", c)
			}
			res, err := c.Deliver(b.Context(), known)
			must(b, err)
			if res.State != connector.Proposed || res.Ref.ID == "" {
				b.Errorf("%+v", res)
			}
		}
		b.ReportMetric(held(func() any {
			c := s.open(b)
			b.Cleanup(func() { c.Close() })
			for _, err := range c.Changes(b.Context(), cursor) {
				must(b, err)
			}
			return c
		})/float64(n), "B-kept/note")
	})
	for _, bare := range []struct {
		name  string
		which imap.SearchCriteria
	}{{"floor", imap.SearchCriteria{Flag: []imap.Flag{imap.FlagFlagged}}}, {"all", imap.SearchCriteria{}}} {
		b.Run(bare.name, func(b *testing.B) {
			for b.Loop() {
				fetchBare(b, s, "Firsthand journal", bare.which)
			}
		})
	}
}

// fetchBare fetches mails of a folder.
func fetchBare(b *testing.B, s *stand, folder string, which imap.SearchCriteria) {
	conn, err := s.staff.host()
	must(b, err)
	client := imapclient.New(conn, nil)
	defer client.Close()
	must(b, client.Login(address, password).Wait())
	_, err = client.Select(folder, nil).Wait()
	must(b, err)
	found, err := client.UIDSearch(&which, nil).Wait()
	must(b, err)
	for some := range slices.Chunk(found.AllUIDs(), 200) {
		_, err := client.Fetch(imap.UIDSetNum(some...), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}}).Collect()
		must(b, err)
	}
}

// letters are mails that people have put away.
func letters(n int, of func(int) firsthand.ID) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range n {
			if !yield([]byte("Message-ID: <" + string(mail.MessageIDOf(of(i), "", "acme.test")) + ">\r\nX-Firsthand-Request: " + of(i).String() + "\r\nSubject: Change: email\r\n\r\nDone.\r\n")) {
				return
			}
		}
	}
}

// held returns how many bytes of memory what f returns holds.
func held(f func() any) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	x := f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	defer runtime.KeepAlive(x)
	return float64(int64(after.HeapAlloc) - int64(before.HeapAlloc))
}
