package fault_test

import (
	"fmt"

	"firsthand/fault"
)

// appendEntry finds a problem, and names the rule.
func appendEntry() error {
	return fault.Refuse(fault.Conflict, "entry-prev", "prev is not the head")
}

// send says what it was doing.
func send() error {
	if err := appendEntry(); err != nil {
		return fmt.Errorf("send message: %w", err)
	}
	return nil
}

// The one place at the edge asks for the kind, and chooses.
func Example() {
	err := send()
	switch fault.KindOf(err) {
	case fault.Conflict:
		fmt.Println("decide anew, since", err)
	case fault.Unavailable:
		fmt.Println("try again later")
	}
	fmt.Println("broken:", fault.RuleOf(err))
	// Output:
	// decide anew, since send message: entry-prev: prev is not the head
	// broken: entry-prev
}

// A program that talks to people shows the sentence and the hint.
func ExampleTell() {
	err := fmt.Errorf("open: %w", fault.Tell(fault.NotExist, "There is no file of yours here.", "Run firsthand init first."))
	if hint := fault.HintOf(err); hint != "" {
		fmt.Println("firsthand: hint:", hint)
	}
	// Output: firsthand: hint: Run firsthand init first.
}
