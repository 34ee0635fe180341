package email

import (
	"fmt"
	"testing"

	"firsthand"
)

// Two notes whose keys agree in their first 64 bits, which somebody can work for, are two:
// in the index, and in the one that is made from its sum.
func TestKeysThatAgreeInHalf(t *testing.T) {
	one := idKey(idOf(delivered, firsthand.ID{1}))
	two := one
	two[len(two)-1] ^= 1
	if len(one) != 16 {
		t.Fatalf("a key has %d bytes", len(one))
	}
	of, rel := firsthand.ID{1}, firsthand.ID{9}
	x := newIndex()
	x.putID(entry{two, 7})
	if x.at(delivered, of) != 0 || x.has(idOf(delivered, of)) {
		t.Fatal("what another has delivered counts for it")
	}
	if !x.put(&note{Kind: delivered, ID: idOf(delivered, of), Of: of, Rel: rel, uid: 8}) {
		t.Fatal("it is not noted, since another's key begins alike")
	}
	thread := threadKey("FH-A")
	other := thread
	other[8] ^= 1
	x.putGroup(entry{thread, 9})
	x.putGroup(entry{other, 10})
	y := newIndex()
	for _, e := range unpack(pack(append(x.named, entry{two, 7}))) {
		y.putID(e)
	}
	for _, e := range unpack(pack([]entry{{thread, 9}, {other, 10}})) {
		y.putGroup(e)
	}
	for name, x := range map[string]*index{"as it was made": &x, "from its sum": &y} {
		if x.at(delivered, of) != 8 || x.ids[two] != 7 {
			t.Errorf("%s: %d and %d, want 8 and 7", name, x.at(delivered, of), x.ids[two])
		}
		if got := fmt.Sprint(x.group(thread), x.group(other)); got != "[9] [10]" {
			t.Errorf("%s: threads %s", name, got)
		}
	}
}

// All of a key is from the hash: no half of it says nothing, or what the other says.
func TestKeysAreWhole(t *testing.T) {
	seen := map[[8]byte]bool{{}: true}
	for n := range 1000 {
		k := keyOf("id", fmt.Sprint(n))
		for _, half := range [][8]byte{[8]byte(k[:8]), [8]byte(k[8:])} {
			if seen[half] {
				t.Fatalf("the key of %d is %x", n, k)
			}
			seen[half] = true
		}
	}
}
