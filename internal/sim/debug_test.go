package sim

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"firsthand"
)

func TestDebugCaches(t *testing.T) {
	seed, _ := strconv.Atoi(os.Getenv("SEED"))
	r := newRun(Options{Seed: int64(seed)})
	testHook = func() {
		for _, c := range r.customers {
			d := c.devices[0]
			rows, _ := d.store.Relationships(r.ctx)
			show := func() map[firsthand.ID]string {
				m := map[firsthand.ID]string{}
				rows, _ = d.store.Relationships(r.ctx)
				for _, row := range rows {
					m[row.ID] = string(row.Summary)
					for h := range d.store.Holders(r.ctx, "") {
						if h.Rel == row.ID {
							m[row.ID] += fmt.Sprintf("\n   %+v", h)
						}
					}
				}
				return m
			}
			a := show()
			d.agent.Rebuild(r.ctx)
			b := show()
			for id := range a {
				if a[id] != b[id] {
					fmt.Println("DIFF", a[id], "\n---\n", b[id])
				s, _ := firsthand.Load(r.ctx, d.store, id)
				for _, side := range []firsthand.Side{"first", "second"} {
					for _, e := range r.log(d.store, id, side) {
						fmt.Println(side, e.Seq, e.Seen.Seq, string(e.Body))
					}
				}
				fmt.Println(s.Flags)
				}
			}
		}
	}
	res := r.run()
	t.Log(res.Err)
}
