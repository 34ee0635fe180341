package firsthand_test

import (
	"bytes"
	"testing"

	"firsthand"
)

func BenchmarkVerifyEntry(b *testing.B) {
	p := newPair(b)
	p.write(firsthand.First, &firsthand.Message{Text: string(bytes.Repeat([]byte("x"), 300))})
	signed := p.first[len(p.first)-1].Signed
	prior, _ := firsthand.Fold(p.first[:1], p.second)
	b.Run("entry", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			e, err := firsthand.ParseEntry(signed)
			if err != nil {
				b.Fatal(err)
			}
			if err := prior.Check(e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		key, msg, sig := floorVerify(signed)
		for b.Loop() {
			if !verify(key, msg, sig) {
				b.Fatal("bad")
			}
		}
	})
}

func BenchmarkFold(b *testing.B) {
	p := newPair(b)
	for range 499 {
		m := p.write(firsthand.First, &firsthand.Message{Text: "Where is my parcel? It was due on Monday."})
		p.write(firsthand.Second, &firsthand.Message{Thread: m, Text: "It is on its way."})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := firsthand.Fold(p.first, p.second); err != nil {
			b.Fatal(err)
		}
	}
}

// An audit of whole logs, beside the bare signature checks that it can't do
// without.
func BenchmarkAudit(b *testing.B) {
	p := newPair(b)
	for range 499 {
		m := p.write(firsthand.First, &firsthand.Message{Text: "Where is my parcel? It was due on Monday."})
		p.write(firsthand.Second, &firsthand.Message{Thread: m, Text: "It is on its way."})
	}
	b.Run("audit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := firsthand.Verify(p.first, p.second); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		key, msg, sig := floorVerify(p.first[2].Signed)
		for b.Loop() {
			for range 1000 {
				if !verify(key, msg, sig) {
					b.Fatal("bad")
				}
			}
		}
	})
}
