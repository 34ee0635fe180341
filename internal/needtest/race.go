//go:build race

package needtest

// Race says whether the race detector is on, under which everything takes ten
// times as long: loops then keep their small size.
const Race = true
