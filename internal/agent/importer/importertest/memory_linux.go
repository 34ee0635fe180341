package importertest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
)

// findAnywhere returns in how many places n is in memory that the process can
// write, used or not.
func (n needle) findAnywhere(t testing.TB) (count int) {
	t.Helper()
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		line := lines.Text()
		var from, to uint64
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); err != nil || !strings.HasPrefix(rights, "rw") || strings.Contains(line, "[v") {
			continue
		}
		count += n.search(t, io.NewSectionReader(mem, int64(from), int64(to-from)))
	}
	return count
}
