package letter_test

import (
	"bytes"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"firsthand/internal/needtest"
)

var wordAt = regexp.MustCompile(`<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)</word>`)

// wordsIn returns where words that begin with a text stand on the first page: left,
// top, right and bottom in millimetres.
func wordsIn(t *testing.T, pdf []byte, begin string) (all [][4]float64) {
	t.Helper()
	cmd := exec.Command(needtest.Program(t, "pdftotext"), "-bbox", "-l", "1", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range wordAt.FindAllStringSubmatch(string(out), -1) {
		if len(m[5]) < len(begin) || m[5][:len(begin)] != begin {
			continue
		}
		var w [4]float64
		for i := range w {
			points, _ := strconv.ParseFloat(m[i+1], 64)
			w[i] = points * 25.4 / 72
		}
		all = append(all, w)
	}
	if len(all) == 0 {
		t.Errorf("no %q on the page", begin)
	}
	return all
}
