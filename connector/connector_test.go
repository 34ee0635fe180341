package connector_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"firsthand/connector"
	"firsthand/fault"
)

func TestMask(t *testing.T) {
	tests := []struct{ contact, want string }{
		{"mia@example.org", "m•••@example.org"},
		{"émilie@example.org", "é•••@example.org"},
		{"mi@example.org", "•••@example.org"},
		{"m@example.org", "•••@example.org"},
		{"@example.org", "•••@example.org"},
		{`"mia@home"@example.org`, `"•••@example.org`},
		{"mia@example.org, or her son", "•••"},
		{"+32 478 12 34 56", "•••56"},
		{"0478/12.34.56", "•••56"},
		{"123456", "•••"},
		{"Kerkstraat 1234567", "•••"},
		{"mia", "•••"},
		{"", "•••"},
	}
	for _, tt := range tests {
		if got := connector.Mask(tt.contact); got != tt.want {
			t.Errorf("Mask(%q) = %q, want %q", tt.contact, got, tt.want)
		}
	}
}

func TestLater(t *testing.T) {
	cause := fault.Tell(fault.Invalid, "too many calls", "")
	err := fmt.Errorf("deliver: %w", &connector.Later{Wait: time.Minute, Err: cause})
	if got := connector.WaitOf(err); got != time.Minute {
		t.Errorf("WaitOf = %v, want 1m", got)
	}
	if got := fault.KindOf(err); got != fault.Unavailable {
		t.Errorf("kind %v, want unavailable", got)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got := connector.WaitOf(&connector.Later{Wait: -time.Minute, Err: cause}); got != 0 {
		t.Errorf("WaitOf of a time past = %v, want 0", got)
	}
	if got := connector.WaitOf(cause); got != 0 {
		t.Errorf("WaitOf without one = %v, want 0", got)
	}
}
