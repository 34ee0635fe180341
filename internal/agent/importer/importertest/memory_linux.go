package importertest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"firsthand/internal/needtest"
)

// findAnywhere returns in how many places n is in memory that the process can
// write, used or not. The race detector has terabytes of it, so with that it doesn't look.
func (n needle) findAnywhere(t testing.TB) (count int) {
	t.Helper()
	if needtest.Race {
		return 0
	}
	var files [3]*os.File
	for i, name := range []string{"maps", "mem", "pagemap"} {
		f, err := os.Open("/proc/self/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	maps, mem, pagemap := files[0], files[1], files[2]
	size := int64(os.Getpagesize())
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		line := lines.Text()
		var from, to int64
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s", &from, &to, &rights); err != nil || !strings.HasPrefix(rights, "rw") || strings.Contains(line, "[v") {
			continue
		}
		// Most of what Go has reserved has no pages, and is zero.
		pages := make([]byte, (to-from)/size*8)
		if _, err := pagemap.ReadAt(pages, from/size*8); err != nil {
			t.Fatal(err)
		}
		exists := func(page int64) bool {
			return page*8 < int64(len(pages)) && binary.NativeEndian.Uint64(pages[page*8:])>>62 != 0 // in memory, or swapped out
		}
		for page := int64(0); page*8 < int64(len(pages)); page++ {
			first := page
			for exists(page) {
				page++
			}
			if page > first {
				count += n.search(t, io.NewSectionReader(mem, from+first*size, (page-first)*size))
			}
		}
	}
	return count
}
