package wire_test

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"firsthand"
	"firsthand/fault"
	"firsthand/wire"
)

// head is the first line of a call of c's.
func (c *customer) head() string {
	f, s := c.state.Log(firsthand.First).Head, c.state.Log(firsthand.Second).Head
	return fmt.Sprintf(`{"rel":"%v","first":{"seq":%d,"id":"%v"},"second":{"seq":%d,"id":"%v"},"wait":0}`, c.rel(), f.Seq, f.ID, s.Seq, s.ID)
}

// lines returns entries as they travel.
func lines(entries ...firsthand.Entry) string {
	var b []byte
	for i := range entries {
		b = entries[i].AppendLine(b)
	}
	return string(b)
}

func TestParseRequest(t *testing.T) {
	c, other := newCustomer(t, "ann"), newCustomer(t, "bob")
	for range 300 {
		c.write(message)
	}
	e, head := c.logs[0], c.head()
	tests := []struct {
		name, body string
		want       string // rule
	}{
		{"nothing brought", head + "\n", ""},
		{"entries", head + "\n" + lines(e[:3]...), ""},
		{"entries from the middle", head + "\n" + lines(e[100:103]...), ""},
		{"256 entries", head + "\n" + lines(e[:256]...), ""},
		{"empty logs", strings.NewReplacer(c.state.Log(firsthand.First).Head.ID.String(), "", `"seq":301`, `"seq":0`).Replace(head) + "\n", ""},
		{"white space in the head", strings.ReplaceAll(head, ",", ", ") + "\n", ""},
		{"empty", "", "call-form"},
		{"no line feed", head, "call-form"},
		{"empty line", "\n", "call-form"},
		{"not JSON", "hello\n", "call-form"},
		{"null", strings.Replace(head, `"wait":0`, `"wait":null`, 1) + "\n", "call-form"},
		{"negative wait", strings.Replace(head, `"wait":0`, `"wait":-1`, 1) + "\n", "call-form"},
		{"wait of 2^53", strings.Replace(head, `"wait":0`, `"wait":9007199254740992`, 1) + "\n", "call-form"},
		{"wait of 2^53-1", strings.Replace(head, `"wait":0`, `"wait":9007199254740991`, 1) + "\n", ""},
		{"wait missing", strings.Replace(head, `,"wait":0`, ``, 1) + "\n", "call-form"},
		{"second missing", strings.Replace(head, `"second":{"seq":0,"id":""},`, ``, 1) + "\n", "call-form"},
		{"rel missing", "{" + head[strings.Index(head, `"first"`):] + "\n", "call-form"},
		{"unknown member", strings.Replace(head, `"wait":0`, `"wait":0,"more":true`, 1) + "\n", "call-form"},
		{"duplicate member", strings.Replace(head, `"wait":0`, `"wait":0,"wait":0`, 1) + "\n", "call-form"},
		{"upper case", strings.Replace(head, `"wait"`, `"Wait"`, 1) + "\n", "call-form"},
		{"id without seq", strings.Replace(head, `"seq":301`, `"seq":0`, 1) + "\n", "call-form"},
		{"seq without id", strings.Replace(head, `{"seq":0,"id":""}`, `{"seq":1,"id":""}`, 1) + "\n", "call-form"},
		{"negative seq", strings.Replace(head, `"seq":301`, `"seq":-1`, 1) + "\n", "call-form"},
		{"head of 4 KiB", head + strings.Repeat(" ", wire.MaxHead-1-len(head)) + "\n", ""},
		{"head above 4 KiB", head + strings.Repeat(" ", wire.MaxHead-len(head)) + "\n", "call-form"},
		{"257 entries", head + "\n" + lines(e[:257]...), "batch-size"},
		{"257 empty lines", head + "\n" + strings.Repeat("\n", 257), "batch-size"},
		{"1 MiB and a byte", head + "\n" + strings.Repeat("x", 1<<20) + "\n", "batch-size"},
		{"entry without end", head + "\n" + strings.TrimSuffix(lines(e[0]), "\n"), "line-form"},
		{"blank line", head + "\n" + lines(e[0]) + "\n", "jws-header"},
		{"garbage", head + "\nhello\n", "jws-header"},
		{"carriage return", head + "\n" + strings.Replace(lines(e[0]), "\n", "\r\n", 1), "body-line"},
		{"another body", head + "\n" + strings.Replace(lines(e[1]), "parcel", "barrel", 1), "body-commitment"},
		{"another relationship's entry", head + "\n" + lines(e[0], other.logs[0][0]), "batch-rel"},
		{"a gap", head + "\n" + lines(e[0], e[2]), "batch-order"},
		{"backwards", head + "\n" + lines(e[1], e[0]), "batch-order"},
		{"twice the same", head + "\n" + lines(e[1], e[1]), "batch-order"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := wire.ParseRequest([]byte(tt.body))
			if fault.RuleOf(err) != tt.want {
				t.Fatalf("err = %v, want rule %q", err, tt.want)
			}
			if err != nil && fault.KindOf(err) != fault.Invalid {
				t.Errorf("kind %v", fault.KindOf(err))
			}
			if err == nil && (r.Wait < 0 || r.Wait > wire.MaxWait) {
				t.Errorf("wait = %v", r.Wait)
			}
		})
	}
}

func TestParseResponse(t *testing.T) {
	w := newWorld(t, newGateway(), nil)
	c, other := newCustomer(t, "ann"), newCustomer(t, "bob")
	w.open(t, c)
	w.open(t, other)
	asked := c.request()
	first := c.state.Log(firsthand.First).Head
	for range 3 {
		w.say(c.rel(), message)
		w.say(other.rel(), message)
	}
	second := w.rels[c.rel()].logs[1]
	strange := w.rels[other.rel()].logs[1]
	head := func(h firsthand.Head, more bool) string {
		return fmt.Sprintf(`{"first":{"seq":1,"id":"%v"},"second":{"seq":%d,"id":"%v"},"receipt":"a.b.c","more":%v}`+"\n", first.ID, h.Seq, h.ID, more)
	}
	whole := head(second[3].Head(), false)
	tests := []struct {
		name, body string
		want       string // rule
	}{
		{"no news", head(second[0].Head(), false), ""},
		{"news", whole + lines(second[1:]...), ""},
		{"some of the news", head(second[3].Head(), true) + lines(second[1:3]...), ""},
		{"an older head", head(firsthand.Head{}, false), ""},
		{"more, but nothing yet", head(second[3].Head(), true), "answer-form"},
		{"no line", "", "answer-form"},
		{"HTML", "<html>\n", "answer-form"},
		{"receipt missing", strings.Replace(whole, `"receipt":"a.b.c",`, ``, 1), "answer-form"},
		{"more missing", strings.Replace(whole, `,"more":false`, ``, 1), "answer-form"},
		{"unknown member", strings.Replace(whole, `{"first"`, `{"link":"x","first"`, 1), "answer-form"},
		{"what she has already", whole + lines(second...), "answer-heads"},
		{"with a gap", whole + lines(second[2:]...), "answer-heads"},
		{"past its head", head(second[2].Head(), false) + lines(second[1:]...), "answer-heads"},
		{"another head than it sends", head(firsthand.Head{Seq: 4, ID: firsthand.ID{1}}, false) + lines(second[1:]...), "answer-heads"},
		{"first's entry that she has", whole + lines(c.logs[0][0]), "answer-heads"},
		{"another relationship's", whole + lines(strange[1:]...), "batch-rel"},
		{"garbage", whole + "hello\n", "jws-header"},
		{"too many", whole + strings.Repeat("\n", 257), "batch-size"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := wire.ParseResponse([]byte(tt.body), &asked); fault.RuleOf(err) != tt.want {
				t.Fatalf("err = %v, want rule %q", err, tt.want)
			}
		})
	}
}

func TestFit(t *testing.T) {
	c := newCustomer(t, "ann")
	long := &firsthand.Message{Text: strings.Repeat("x", firsthand.MaxBody-100)}
	for range 20 {
		c.write(long)
	}
	n := wire.Fit(c.logs[0])
	if size := len(lines(c.logs[0][:n]...)); size > wire.MaxBatchBytes || size+len(lines(c.logs[0][n])) <= wire.MaxBatchBytes {
		t.Errorf("%d entries of %d bytes fit", n, size)
	}
	bare := make([]firsthand.Entry, 300)
	for i := range bare {
		bare[i] = c.logs[0][0].WithoutBody()
	}
	if n := wire.Fit(bare); n != wire.MaxBatch {
		t.Errorf("%d bare entries fit", n)
	}
	if n := wire.Fit(nil); n != 0 {
		t.Errorf("%d of nothing fit", n)
	}
	r := c.request(c.logs[0]...)
	if _, err := wire.AppendRequest(nil, &r); fault.RuleOf(err) != "batch-size" {
		t.Errorf("too big a call: %v", err)
	}
}

func TestWaitIsRoundedUp(t *testing.T) {
	c := newCustomer(t, "ann")
	for wait, want := range map[time.Duration]time.Duration{
		-time.Second: 0, 0: 0, time.Millisecond: time.Second, 20 * time.Second: 20 * time.Second, time.Hour: wire.MaxWait,
	} {
		r := c.request()
		r.Wait = wait
		body, err := wire.AppendRequest(nil, &r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := wire.ParseRequest(body); err != nil || got.Wait != want {
			t.Errorf("wait %v: %v, %v; want %v", wait, got.Wait, err, want)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	c := newCustomer(f, "ann")
	c.write(message)
	c.rotate()
	f.Add([]byte(c.head() + "\n"))
	f.Add([]byte(c.head() + "\n" + lines(c.logs[0]...)))
	f.Add([]byte(c.head() + "\n" + lines(c.logs[0][1].WithoutBody())))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := wire.ParseRequest(bytes.Clone(body))
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || fault.RuleOf(err) == "" {
				t.Fatalf("error without kind or rule: %v", err)
			}
			return
		}
		printed, err := wire.AppendRequest(nil, &r)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := wire.ParseRequest(printed)
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v became %+v, %v", r, again, err)
		}
		if _, lines, _ := bytes.Cut(body, []byte{'\n'}); !bytes.HasSuffix(printed, lines) {
			t.Fatal("the entries were not kept as they came")
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	g := newGateway()
	c := newCustomer(f, "ann")
	if _, err := g.Open(f.Context(), c.request(c.logs[0]...)); err != nil {
		f.Fatal(err)
	}
	g.say(c.rel(), message)
	asked := c.request()
	resp, err := g.Sync(f.Context(), asked)
	if err != nil {
		f.Fatal(err)
	}
	body, err := wire.AppendResponse(nil, &resp)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"first":{"seq":0,"id":""},"second":{"seq":0,"id":""},"receipt":"","more":false}` + "\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := wire.ParseResponse(bytes.Clone(body), &asked)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid || fault.RuleOf(err) == "" {
				t.Fatalf("error without kind or rule: %v", err)
			}
			return
		}
		printed, err := wire.AppendResponse(nil, &r)
		if err != nil {
			t.Fatalf("what was read can't be written: %v", err)
		}
		again, err := wire.ParseResponse(printed, &asked)
		if err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v became %+v, %v", r, again, err)
		}
	})
}
