package sim_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"firsthand/internal/sim"
)

func env(name string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

func TestSeeds(t *testing.T) {
	from, n := env("FIRSTHAND_SIM_FROM", 1), env("FIRSTHAND_SIM_SEEDS", 30)
	seen := map[string]int{}
	bad := 0
	for seed := from; seed < from+n; seed++ {
		o := sim.Options{Seed: seed}
		if n == 1 {
			o.Trace = t.Output()
		}
		res := sim.Run(o)
		for k, v := range res.Seen {
			seen[k] += v
		}
		if res.Err != nil {
			msg := res.Err.Error()
			if len(msg) > 600 && n > 1 {
				msg = msg[:600]
			}
			t.Errorf("seed %d: %s", seed, msg)
			bad++
		}
	}
	t.Log(fmt.Sprint(seen), bad)
}
