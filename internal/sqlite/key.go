package sqlite

import (
	"fmt"
	"io"
	"log/slog"
)

// A Key encrypts a file. It never prints itself, whatever the verb, and not
// through slog or an encoder either.
type Key [32]byte

const hidden = "sqlite.Key(hidden)"

// String hides the key.
func (Key) String() string { return hidden }

// Format hides the key from every verb of package fmt.
func (Key) Format(s fmt.State, _ rune) { io.WriteString(s, hidden) } // fmt ignores errors too

// MarshalText hides the key from encoders.
func (Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the key from logs.
func (Key) LogValue() slog.Value { return slog.StringValue(hidden) }
