package letter

import (
	"fmt"

	"firsthand/fault"
	"firsthand/internal/agent/channel"
)

// A paper is a sheet and where things stand on it, in millimetres from the top left
// corner.
type paper struct {
	size          string // as the library names it
	width, height float64
	left, right   float64 // margins of the text
	bottom        float64 // the text ends so far above the lower edge

	head   box     // her name and address
	back   box     // the line of her address in the window, above the company's; zero: none
	window box     // what can be seen of the address through the window, wherever the sheet slides
	info   box     // date, reference, customer number
	qr     box     // the code of the reference
	text   float64 // where the subject begins
	folds  []float64
	punch  float64 // the mark for a hole punch; 0: none
	next   float64 // where text begins on further pages
}

// A box is a rectangle.
type box struct{ x, y, w, h float64 }

// din is DIN 5008 form B (2020-03): an address field of 85 by 45 mm at 45 mm from the
// top and 20 mm from the left, of which the first 17.7 mm are for the sender and
// notes, and six lines of 4.55 mm are the address's; the block of information
// begins 50 mm from the top and 125 mm from the left; folds at 105 and 210 mm.
var din = paper{
	size: "A4", width: 210, height: 297, left: 25, right: 20, bottom: 25,
	head:   box{25, 16, 95, 25},
	back:   box{25, 45, 80, 5},
	window: box{25, 50, 80, 40},
	info:   box{125, 50, 65, 40},
	qr:     box{170, 16, 20, 20},
	text:   98.5, folds: []float64{105, 210}, punch: 148.5, next: 25,
}

// american is US Letter, folded in three for an envelope no. 10 (9 1/2 by 4 1/8
// inches) with one window of 4 1/2 by 1 1/8 inches, 7/8 from the left and 1/2 from the
// bottom. A third of the sheet is 3 2/3 inches high: within the seams it may slide by
// 0.34 inches up and down and by 0.85 sideways. The address stands where it is seen in
// each case, and nothing else does: from 53 to 91 mm there is only white within 135 mm
// of the left edge.
var american = paper{
	size: "Letter", width: 215.9, height: 279.4, left: 25.4, right: 25.4, bottom: 22,
	head:   box{25.4, 14, 95, 30},
	window: box{25.4, 62.3, 85, 19.4},
	info:   box{141, 52, 52, 36},
	qr:     box{170, 14, 20, 20},
	text:   97, folds: []float64{93.1, 186.3}, next: 25,
}

// paperOf returns the paper of a name.
func paperOf(name string) (paper, error) {
	switch name {
	case channel.A4:
		return din, nil
	case channel.USLetter:
		return american, nil
	}
	return paper{}, fault.Tell(fault.Invalid, fmt.Sprintf("%q is no paper", channel.Clean(name)), "a4 or letter")
}
