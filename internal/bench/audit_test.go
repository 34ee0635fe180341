package bench_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"testing"
	"time"

	"firsthand"
)

// BenchmarkAudit verifies bundles, as a stranger would: from their text, with all
// signatures, bodies and the whole chain; and beside each, the bare signatures of
// the same entries. All on one processor. -audit says how many entries; they are
// made a few at a time, so that a million needs no more memory than a thousand.
func BenchmarkAudit(b *testing.B) {
	for b.Loop() {
		var audit, bare time.Duration
		entries := 0
		b.StopTimer()
		for n := 0; entries < *auditSize; n++ {
			text, keys, signed := bundleOf(b, n, 1000)
			start := time.Now()
			b.StartTimer()
			bundle, err := firsthand.ReadBundle(bytes.NewReader(text))
			if err == nil {
				_, err = bundle.Verify()
			}
			b.StopTimer()
			audit += time.Since(start)
			if err != nil {
				b.Fatal(err)
			}
			bare += verifyBare(b, keys, signed)
			entries += len(signed)
		}
		b.ReportMetric(float64(audit)/float64(entries), "ns/entry")
		b.ReportMetric(float64(bare)/float64(entries), "ns/bare")
		b.ReportMetric(float64(audit)/float64(bare), "times-bare")
		b.StartTimer()
	}
}

// bundleOf returns the nth bundle, of so many entries beside those that open it,
// and of each entry key and signed text.
func bundleOf(tb testing.TB, n, entries int) (text []byte, keys []firsthand.PublicKey, signed [][]byte) {
	r, err := newRelationship(n, entries, 10, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
	if err != nil {
		tb.Fatal(err)
	}
	bundle := firsthand.Bundle{First: append([]firsthand.Entry{r.open}, r.entries...), Second: []firsthand.Entry{r.second}}
	var out bytes.Buffer
	if err := bundle.Write(&out); err != nil {
		tb.Fatal(err)
	}
	for _, e := range bundle.First {
		keys, signed = append(keys, r.key.Public()), append(signed, e.Signed)
	}
	keys, signed = append(keys, companyKeys().Chain[0].Key), append(signed, r.second.Signed)
	return out.Bytes(), keys, signed
}

// verifyBare verifies signatures and nothing else, and returns how long it took.
func verifyBare(tb testing.TB, keys []firsthand.PublicKey, signed [][]byte) (took time.Duration) {
	inputs, sigs := make([][]byte, len(signed)), make([][]byte, len(signed))
	for i, text := range signed {
		dot := bytes.LastIndexByte(text, '.')
		sig, err := base64.RawURLEncoding.DecodeString(string(text[dot+1:]))
		if err != nil {
			tb.Fatal(err)
		}
		inputs[i], sigs[i] = text[:dot], sig
	}
	start := time.Now()
	for i := range signed {
		if !ed25519.Verify(keys[i][:], inputs[i], sigs[i]) {
			tb.Fatal("a signature is wrong")
		}
	}
	return time.Since(start)
}
