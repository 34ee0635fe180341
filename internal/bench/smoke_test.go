package bench_test

import (
	"bytes"
	"testing"

	"firsthand"
)

// TestHarness runs what the benchmarks consist of, once and small, so that they
// can't rot unnoticed. It measures nothing.
func TestHarness(t *testing.T) {
	for _, store := range []string{"file", "none"} {
		for _, batch := range []int{1, perLog} {
			traffic := newTraffic(t, store, 2, batch, 4)
			took := together(t, 2, 4, func(n int) error { return traffic.callers[n].send(t.Context(), traffic) })
			if len(took) != 4 {
				t.Errorf("%s, batches of %d: %d calls, want 4", store, batch, len(took))
			}
			traffic.server.usage(t)
		}
	}
	text, keys, signed := bundleOf(t, 0, 3)
	bundle, err := firsthand.ReadBundle(bytes.NewReader(text))
	if err == nil {
		_, err = bundle.Verify()
	}
	if err != nil {
		t.Error(err)
	}
	verifyBare(t, keys, signed)
}
