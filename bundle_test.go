package firsthand_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"firsthand"
	"firsthand/fault"
)

func TestBundle(t *testing.T) {
	p := newPlay(t)
	key := firsthand.SignerFromSeed(p.Keys[1])
	document, err := key.Company(firsthand.Company{Domain: "acme.example", Name: "Acme", Gateway: "https://acme.example",
		Chain: []firsthand.ChainKey{{Key: key.Public(), Next: nothing}}, At: p.Now})
	if err != nil {
		t.Fatal(err)
	}
	b := firsthand.Bundle{Company: document}
	b.First, b.Second = p.Entries(t)
	last := b.First[len(b.First)-1].Head()
	b.Receipts = [][]byte{key.Receipt(firsthand.Receipt{Rel: p.Rel, Seq: last.Seq, ID: last.ID, At: p.Now})}
	var text bytes.Buffer
	if err := b.Write(&text); err != nil {
		t.Fatal(err)
	}
	again, err := firsthand.ReadBundle(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	var twice bytes.Buffer
	if err := again.Write(&twice); err != nil || !bytes.Equal(twice.Bytes(), text.Bytes()) {
		t.Errorf("written again it is\n%s, %v", &twice, err)
	}
	r, err := again.Verify()
	if err != nil || r.Claimed != key.Public() || !r.InDocument || r.Document.Name != "Acme" || len(r.Receipts) != 1 || len(r.Forks) != 0 {
		t.Errorf("Verify = %+v, %v", r, err)
	}
	// One that is wrong half-way says what was good before.
	b.Second[3].Body = []byte(`{"kind":"message","text":"we never said that"}`)
	r, err = b.Verify()
	wantRule(t, err, fault.Invalid, "body-commitment")
	if n := r.State.Log(second).Head.Seq; n != 3 || r.Claimed != key.Public() {
		t.Errorf("good up to %d", n)
	}
}

func TestBundleOfBrokenReader(t *testing.T) {
	broken := errors.New("broken")
	p := newPlay(t)
	for _, text := range []string{"", "firsthand-bundle-v1\n", p.Bundle()} {
		_, err := firsthand.ReadBundle(iotest.TimeoutReader(strings.NewReader(text)))
		if text != "" && err != nil && !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("ReadBundle = %v", err)
		}
	}
	if _, err := firsthand.ReadBundle(iotest.ErrReader(broken)); !errors.Is(err, broken) || errors.Is(err, fault.Invalid) {
		t.Errorf("ReadBundle = %v", err)
	}
	_, err := firsthand.ReadBundle(strings.NewReader("firsthand-bundle-v1\nentry " + strings.Repeat("x", 100<<10)))
	wantRule(t, err, fault.Invalid, "bundle-form")
	b := firsthand.Bundle{}
	b.First, b.Second = p.Entries(t)
	if err := b.Write(brokenWriter{}); err == nil {
		t.Error("written to nowhere")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestLines(t *testing.T) {
	p := newPlay(t)
	a, _ := p.Entries(t)
	var text []byte
	size := 0
	for i := range a {
		text = a[i].AppendLine(text)
		size += a[i].Size()
	}
	if size < len(text)-len(a) || size > len(text)+64*len(a) {
		t.Errorf("Size is %d in all, %d bytes were written", size, len(text))
	}
	got, err := firsthand.ParseLines(text)
	if err != nil || len(got) != len(a) || got[3].ID != a[3].ID || !bytes.Equal(got[3].Body, a[3].Body) {
		t.Errorf("ParseLines = %d entries, %v", len(got), err)
	}
	_, err = firsthand.ParseLines(text[:len(text)-1])
	wantRule(t, err, fault.Invalid, "line-form")
	_, err = firsthand.ParseLines(append(text, '\n'))
	wantRule(t, err, fault.Invalid, "jws-header")
	if none, err := firsthand.ParseLines(nil); none != nil || err != nil {
		t.Errorf("ParseLines of nothing = %v, %v", none, err)
	}
}

// One entry is verified without the signatures of the others, and with their hashes.
func TestVerifyEntry(t *testing.T) {
	p := newPlay(t)
	forge := func(e *firsthand.Entry) {
		e.Signed = append(bytes.Clone(e.Signed[:len(e.Signed)-86]), bytes.Repeat([]byte("A"), 86)...)
	}
	for n := range 4 {
		b := new(firsthand.Bundle)
		b.First, b.Second = p.Entries(t)
		id := b.Second[n].ID
		if r, err := b.VerifyEntry(id); err != nil || r.State.Log(second).Head.Seq != int64(len(b.Second)) {
			t.Errorf("VerifyEntry = up to %d, %v", r.State.Log(second).Head.Seq, err)
		}
		forge(&b.Second[(n+1)%4])
		if _, err := b.VerifyEntry(id); err != nil {
			t.Errorf("another signature: %v", err)
		}
		_, err := b.Verify()
		wantRule(t, err, fault.Invalid, "entry-signature")
		b.First, b.Second = p.Entries(t)
		forge(&b.Second[n])
		_, err = b.VerifyEntry(id)
		wantRule(t, err, fault.Invalid, "entry-signature")
		b.First, b.Second = p.Entries(t)
		b.Second[n].Body = []byte(`{"kind":"message","text":"we never said that"}`)
		_, err = b.VerifyEntry(id)
		wantRule(t, err, fault.Invalid, "body-commitment")
		b.First, b.Second = p.Entries(t)
		b.First = append(b.First[:1], b.First[2:]...) // what is missing was seen
		_, err = b.VerifyEntry(id)
		wantRule(t, err, fault.Conflict, "log-seen-unknown")
	}
}

func TestUnpaired(t *testing.T) {
	p := newPlay(t)
	if s, _ := firsthand.Verify(p.Entries(t)); s.Unpaired() {
		t.Error("a paired log is unpaired")
	}
	if r, err := (&firsthand.Bundle{}).Verify(); fault.RuleOf(err) != "bundle-form" || r.State == nil {
		t.Errorf("an empty bundle: %v", err)
	}
}
