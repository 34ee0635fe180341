package store
import ("testing";"bytes";"os";"time")
func TestTmp(t *testing.T) {
	b,_ := os.ReadFile("/tmp/seed.bin")
	start := time.Now()
	for range 1000 { new(unpacked).read(nowhere{}, bytes.NewReader(b), "db") }
	t.Log(time.Since(start))
}
