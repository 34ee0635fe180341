package connector

import "fmt"

// Name returns what a connector calls its system, as [Ref].System has it: its
// String, "" if it has none.
func Name(c Connector) string {
	if s, ok := c.(fmt.Stringer); ok {
		return s.String()
	}
	return ""
}
