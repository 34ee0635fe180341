package agenttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent"
	"firsthand/internal/agent/channel"
	"firsthand/logtest"
)

// fullMail returns a Mail in which no field is zero but Held, which is the store's.
func fullMail(t testing.TB, rel, entry firsthand.ID) agent.Mail {
	t.Helper()
	m := agent.Mail{Entry: entry, Part: agent.Reminder, Rel: rel, State: agent.MailSending, To: "privacy@a.example", Raw: []byte("Subject: x\r\n\r\n'; --\x00"),
		Made: noon.UTC(), Begun: noon.Add(time.Minute).UTC(), Sent: noon.Add(time.Hour).UTC(), Tries: 3, NextTry: noon.Add(2 * time.Hour).UTC(),
		Failure: "busy", Copy: true, Held: true}
	noZero(t, m)
	m.Held = false
	return m
}

// fullAnswer returns an Answer in which no field is zero but the ID.
func fullAnswer(t testing.TB, rel firsthand.ID, key byte) agent.Answer {
	t.Helper()
	a := agent.Answer{ID: 1, Key: firsthand.ID{key}, Rel: rel, Entry: firsthand.ID{11}, Message: "1@a.example", Kind: agent.FromPerson,
		From: "Ann <ann@a.example>", Subject: "Re: <b>", Said: noon.UTC(), Came: noon.Add(time.Duration(key) * time.Minute).UTC(),
		Proof:    channel.Proof{By: "mx.example", SPF: "pass", DKIM: "pass", DMARC: "fail", ARC: "none", Domain: "a.example"},
		Stranger: true, Text: "dear\n'; --", Cut: "it is long", Mark: "applied", Marked: noon.Add(time.Hour).UTC(),
		Blobs: []firsthand.Blob{{Hash: firsthand.ID{1}, Size: 3, Media: "text/plain", Name: "a.txt"}}}
	noZero(t, a)
	a.ID = 0
	return a
}

// blob keeps data as a blob.
func blob(t testing.TB, s agent.Store, data []byte, name string) firsthand.Blob {
	t.Helper()
	b := must(s.AddBlob(t.Context(), bytes.NewReader(data)))(t)
	b.Media, b.Name = "application/octet-stream", name
	return b
}

func wantBlobs(t testing.TB, s agent.Store, want ...firsthand.Blob) {
	t.Helper()
	got := make(map[firsthand.ID]int64)
	for _, b := range must(s.Blobs(t.Context()))(t) {
		got[b.Hash] = b.Size
	}
	if len(got) != len(want) {
		t.Errorf("%d blobs, want %d", len(got), len(want))
	}
	for _, b := range want {
		if size, ok := got[b.Hash]; !ok || size != b.Size {
			t.Errorf("blob %s: %d bytes, %v; want %d", b.Hash, size, ok, b.Size)
		}
	}
}

func read1(s agent.Store, ctx context.Context, hash firsthand.ID) (string, error) {
	var b bytes.Buffer
	err := s.ReadBlob(ctx, hash, &b)
	return b.String(), err
}

// failing gives some bytes and then an error.
type failing struct{ left int }

func (f *failing) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, io.ErrClosedPipe
	}
	n := min(len(p), f.left)
	f.left -= n
	return n, nil
}

var mailChecks = []check{
	{"a mail comes back whole", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		a := fullMail(t, firsthand.ID{1}, firsthand.ID{11})
		b := agent.Mail{Entry: firsthand.ID{12}, Rel: firsthand.ID{2}, State: agent.MailFiled, Made: noon.Add(-time.Hour).UTC()}
		commit(t, s, agent.Commit{Mails: []agent.Mail{a, b}})
		wantEqual(t, "a mail", must(s.Mail(ctx, a.Entry, a.Part))(t), a)
		bare := a
		bare.Raw = nil
		wantEqual(t, "mails", must(s.Mails(ctx, agent.MailQuery{}))(t), []agent.Mail{b, bare})
		wantEqual(t, "lost ones", len(must(s.Mails(ctx, agent.MailQuery{Lost: true}))(t)), 0)
		lost := bare
		lost.State = agent.MailUnsure
		commit(t, s, agent.Commit{Mails: []agent.Mail{lost}})
		wantEqual(t, "lost ones", must(s.Mails(ctx, agent.MailQuery{Lost: true}))(t), []agent.Mail{lost})
		commit(t, s, agent.Commit{Mails: []agent.Mail{bare}})
		wantEqual(t, "open ones", must(s.Mails(ctx, agent.MailQuery{Open: true}))(t), []agent.Mail{bare})
		wantEqual(t, "those of 2", must(s.Mails(ctx, agent.MailQuery{Rel: firsthand.ID{2}}))(t), []agent.Mail{b})
		for state, open := range map[string]int{agent.MailWaiting: 1, agent.MailSent: 1, agent.MailFailed: 0, agent.MailUnsure: 0, agent.MailDropped: 0} {
			a.State, a.Raw = state, nil
			commit(t, s, agent.Commit{Mails: []agent.Mail{a}})
			wantEqual(t, "replaced", must(s.Mail(ctx, a.Entry, a.Part))(t), a)
			if got := must(s.Mails(ctx, agent.MailQuery{Open: true}))(t); len(got) != open {
				t.Errorf("%s: %d are open, want %d", state, len(got), open)
			}
		}
		if _, err := s.Mail(ctx, a.Entry, agent.Itself); !errors.Is(err, fault.NotExist) {
			t.Errorf("no mail = %v, want %v", err, fault.NotExist)
		}
		if err := s.Commit(ctx, agent.Commit{Mails: []agent.Mail{{State: agent.MailWaiting}}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("a mail about nothing = %v, want %v", err, fault.Invalid)
		}
	}},
	{"a mail of a paused move is held, and no task", func(t testing.TB, f Fixture) {
		s, ctx := carrying(t, f), t.Context()
		m := fullMail(t, firsthand.ID{2}, firsthand.ID{21})
		m.Part, m.State = agent.Itself, agent.MailWaiting
		commit(t, s, agent.Commit{Mails: []agent.Mail{m}})
		if got := must(s.Mails(ctx, agent.MailQuery{Open: true}))(t); len(got) != 1 || !got[0].Held {
			t.Errorf("mails = %+v, want one that is held", got)
		}
		legs := must(s.Legs(ctx, 1))(t)
		if l := legs[2]; l.Mail != agent.MailWaiting || l.Tries != m.Tries || l.Failure != m.Failure || !l.NextTry.Equal(m.NextTry) {
			t.Errorf("the leg says %+v, which is not of its mail", l)
		}
		if legs[0].Mail != "" || legs[0].Failure == m.Failure {
			t.Errorf("a leg without a mail says %+v", legs[0])
		}
		for state, want := range map[string]int{agent.MailWaiting: 0, agent.MailSending: 0, agent.MailFailed: 1, agent.MailUnsure: 1, agent.MailDropped: 1} {
			m.State = state
			commit(t, s, agent.Commit{Mails: []agent.Mail{m}})
			if tasks := entriesOf(s.Tasks(ctx, agent.TaskQuery{}, today))(t); len(tasks) != want {
				t.Errorf("%s: %d tasks, want %d", state, len(tasks), want)
			}
			if task := must(s.Task(ctx, m.Entry))(t); task.Mail != state {
				t.Errorf("the task's mail is %q, want %s", task.Mail, state)
			}
		}
		resumed := fullMove(t, 1, "k")
		resumed.Paused = false
		commit(t, s, agent.Commit{Moves: []agent.MoveRow{resumed}})
		if got := must(s.Mail(ctx, m.Entry, m.Part))(t); got.Held {
			t.Error("it is held though the move goes on")
		}
	}},
	{"what was sent of an erased entry is erased", func(t testing.TB, f Fixture) {
		p := logtest.NewPair(t, "acme")
		said := p.Say(t, firsthand.First, "to be erased")
		s := met(t, f, p)
		m := fullMail(t, p.Rel(), said.ID)
		commit(t, s, agent.Commit{Mails: []agent.Mail{m}})
		commit(t, s, agent.Commit{Entries: []firsthand.Entry{p.Erase(t, firsthand.First, said)}})
		if got := must(s.Mail(t.Context(), m.Entry, m.Part))(t); got.Raw != nil || got.State != m.State {
			t.Errorf("it is %+v, want it without what was sent", got)
		}
	}},
	{"an answer comes back whole, once", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		a, b := fullAnswer(t, firsthand.ID{1}, 1), fullAnswer(t, firsthand.ID{2}, 2)
		kept := blob(t, s, []byte("abc"), "a.txt")
		a.Blobs, b.Blobs, b.Mark, b.Marked = []firsthand.Blob{kept}, nil, "", time.Time{}
		commit(t, s, agent.Commit{Answers: []agent.Answer{a, b}})
		again := a
		again.Text = "another text"
		commit(t, s, agent.Commit{Answers: []agent.Answer{again}})
		a.ID, b.ID = 1, 2
		wantEqual(t, "answer 1", must(s.Answer(ctx, 1))(t), a)
		page, total, err := s.Answers(ctx, agent.AnswerQuery{})
		wantEqual(t, "answers", fmt.Sprint(page, total, err), fmt.Sprint([]agent.Answer{b, a}, 2, nil))
		page, total, err = s.Answers(ctx, agent.AnswerQuery{Offset: 1, Limit: 1})
		wantEqual(t, "a page", fmt.Sprint(page, total, err), fmt.Sprint([]agent.Answer{a}, 2, nil))
		page, total, err = s.Answers(ctx, agent.AnswerQuery{Open: true})
		wantEqual(t, "open ones", fmt.Sprint(page, total, err), fmt.Sprint([]agent.Answer{b}, 1, nil))
		commit(t, s, agent.Commit{Answers: []agent.Answer{{ID: 1}}})
		page, total, err = s.Answers(ctx, agent.AnswerQuery{Open: true, Limit: 1})
		wantEqual(t, "the open one that waits longest", fmt.Sprint(len(page), page[0].ID, total, err), fmt.Sprint(1, 1, 2, nil))
		b.Mark, b.Marked = "refused", noon.UTC()
		marked := b
		marked.Text = "not heeded"
		commit(t, s, agent.Commit{Answers: []agent.Answer{marked, {ID: 1}, {ID: 99, Mark: "applied"}}})
		a.Mark, a.Marked = "", time.Time{}
		wantEqual(t, "marked", must(s.Answer(ctx, 2))(t), b)
		wantEqual(t, "unmarked", must(s.Answer(ctx, 1))(t), a)
		if _, err := s.Answer(ctx, 3); !errors.Is(err, fault.NotExist) {
			t.Errorf("no answer = %v, want %v", err, fault.NotExist)
		}
		commit(t, s, agent.Commit{DropAnswers: []int64{1, 99}})
		wantBlobs(t, s)
		c := fullAnswer(t, firsthand.ID{1}, 1)
		c.Blobs = nil
		commit(t, s, agent.Commit{Answers: []agent.Answer{c}})
		if page, _, _ := s.Answers(ctx, agent.AnswerQuery{Rel: firsthand.ID{1}}); len(page) != 1 || page[0].ID != 3 {
			t.Errorf("answers = %+v, want one numbered 3", page)
		}
		if err := s.Commit(ctx, agent.Commit{Answers: []agent.Answer{{Kind: agent.FromPerson}}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("an answer without its key = %v, want %v", err, fault.Invalid)
		}
	}},
	{"a blob comes back whole", func(t testing.TB, f Fixture) {
		s, ctx := f.Open(t), t.Context()
		big := bytes.Repeat([]byte("0123456789abcdef"), 100_000) // 1.6 MB: some parts
		none, some, other := blob(t, s, nil, "none"), blob(t, s, big, "big"), blob(t, s, big[1:], "other")
		if again := blob(t, s, big, "again"); again.Hash != some.Hash || again.Size != int64(len(big)) {
			t.Errorf("the same is %+v, want %+v", again, some)
		}
		wantBlobs(t, s, none, some, other)
		for _, b := range []struct {
			firsthand.Blob
			data []byte
		}{{none, nil}, {some, big}, {other, big[1:]}} {
			if got, err := read1(s, ctx, b.Hash); err != nil || got != string(b.data) {
				t.Errorf("%s: %d bytes, %v; want %d", b.Name, len(got), err, len(b.data))
			}
		}
		if got, err := read1(s, ctx, firsthand.ID{9}); !errors.Is(err, fault.NotExist) || got != "" {
			t.Errorf("no blob = %q, %v, want %v", got, err, fault.NotExist)
		}
		if _, err := s.AddBlob(ctx, &failing{1 << 20}); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a reader that fails = %v, want its error", err)
		}
		wantBlobs(t, s, none, some, other)
	}},
	{"an answer names blobs that are there", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		a := fullAnswer(t, firsthand.ID{1}, 1)
		err := s.Commit(t.Context(), agent.Commit{Answers: []agent.Answer{a}, Settings: map[string]string{"language": "nl"}})
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("commit = %v, want %v", err, fault.Unavailable)
		}
		if language := must(s.Setting(t.Context(), "language"))(t); language != "" {
			t.Error("half of it was kept")
		}
		a.Blobs = []firsthand.Blob{blob(t, s, []byte("abc"), "a.txt")}
		commit(t, s, agent.Commit{Answers: []agent.Answer{a}})
	}},
	{"a blob goes with the last that names it", func(t testing.TB, f Fixture) {
		s := f.Open(t)
		shared, own := blob(t, s, []byte("shared"), "s"), blob(t, s, []byte("own"), "o")
		a, b, c := fullAnswer(t, firsthand.ID{1}, 1), fullAnswer(t, firsthand.ID{2}, 2), fullAnswer(t, firsthand.ID{2}, 3)
		a.Blobs, b.Blobs, c.Blobs = []firsthand.Blob{shared, own, own}, []firsthand.Blob{shared}, nil
		commit(t, s, agent.Commit{Answers: []agent.Answer{a, b, c}, Mails: []agent.Mail{fullMail(t, firsthand.ID{2}, firsthand.ID{21})}})
		wantBlobs(t, s, shared, own)
		commit(t, s, agent.Commit{DropAnswers: []int64{1}})
		wantBlobs(t, s, shared)
		if f.Reopen != nil {
			s = f.Reopen(t, s)
			wantBlobs(t, s, shared)
		}
		commit(t, s, agent.Commit{Forget: []firsthand.ID{{2}}})
		wantBlobs(t, s)
		if _, total, err := s.Answers(t.Context(), agent.AnswerQuery{}); total != 0 || err != nil {
			t.Errorf("%d answers, %v", total, err)
		}
		if mails := must(s.Mails(t.Context(), agent.MailQuery{}))(t); len(mails) != 0 {
			t.Errorf("mails = %+v", mails)
		}
	}},
	{"a blob that nothing names ends with the program", func(t testing.TB, f Fixture) {
		if f.Reopen == nil {
			return
		}
		s := f.Open(t)
		named := blob(t, s, []byte("named"), "n")
		blob(t, s, []byte("loose"), "l")
		a := fullAnswer(t, firsthand.ID{1}, 1)
		a.Blobs = []firsthand.Blob{named}
		commit(t, s, agent.Commit{Answers: []agent.Answer{a}})
		wantBlobs(t, f.Reopen(t, s), named)
	}},
}

// mail adds something about mails and answers.
func (w *walk) mail(t testing.TB, c *agent.Commit) {
	if w.chance(2) {
		m := fullMail(t, w.rels[w.rng.IntN(3)], firsthand.ID{byte(1 + w.rng.IntN(9))})
		m.Part = []string{agent.Itself, agent.Reminder}[w.rng.IntN(2)]
		m.State = []string{agent.MailWaiting, agent.MailSending, agent.MailSent, agent.MailFiled}[w.rng.IntN(4)]
		m.Made, m.Failure, m.Tries = w.time(), w.text(), w.rng.IntN(9)
		if m.Raw = nil; w.chance(2) {
			m.Raw = []byte(w.text())
		}
		c.Mails = append(c.Mails, m)
	}
	if w.chance(2) {
		a := fullAnswer(t, w.rels[w.rng.IntN(3)], byte(1+w.rng.IntN(60)))
		a.Came, a.Text, a.Blobs = w.time(), w.text(), nil
		c.Answers = append(c.Answers, a)
	}
	if w.chance(4) {
		c.Answers = append(c.Answers, agent.Answer{ID: 1 + w.rng.Int64N(20), Mark: []string{"", "refused"}[w.rng.IntN(2)], Marked: w.time()})
	}
	if w.chance(6) {
		c.DropAnswers = append(c.DropAnswers, 1+w.rng.Int64N(20))
	}
}
