// Package rbutton has the three pictures of the r-button: two halves that face each
// other, hers on the left and the company's on the right. A company's site shows it,
// and so does her own app; that is why it lies apart from both.
//
// The states differ in shape and not in colour alone, each picture says in its title
// what it means, and each has colours for light and for dark surroundings. They are
// made to be shown by an img element, and hold neither script nor a link.
package rbutton

import _ "embed"

// A State is how far a customer and a company are.
type State string

const (
	None    State = "none"    // the company can't be met yet: grey, broken, open
	Ready   State = "ready"   // it can, and nothing has happened: lit, open
	Related State = "related" // they have a relationship: lit, closed
)

// States are all there are.
var States = []State{None, Ready, Related}

var (
	//go:embed none.svg
	none []byte
	//go:embed ready.svg
	ready []byte
	//go:embed related.svg
	related []byte
)

// SVG returns the picture of s, nil where there is none. It is not changed.
func (s State) SVG() []byte {
	switch s {
	case None:
		return none
	case Ready:
		return ready
	case Related:
		return related
	}
	return nil
}
