package email_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"firsthand/connector/connectortest"
	"firsthand/internal/agent/channel/mail/mailtest"
	"firsthand/internal/needtest"
)

// TestDovecot is the suite against a real mail host.
func TestDovecot(t *testing.T) {
	if !needtest.Big() {
		t.Skip("starts a real system; see FIRSTHAND_TEST_ALL")
	}
	h := mailtest.Start(t)
	host := imaps(h)
	var n atomic.Int32
	connectortest.Run(t, connectortest.Fixture{New: func(t testing.TB) connectortest.System {
		s := newStand(t, host, fmt.Sprint(" ", n.Add(1)))
		sys := s.system(plant{})
		sys.Restart = func(t testing.TB) {
			h.Kill(mailtest.Reading)
			h.StartReading()
			s.connect(t)
		}
		return sys
	}})
}

// imaps connects to a real mail host.
func imaps(h *mailtest.Host) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		return tls.Dial("tcp", fmt.Sprintf("localhost:%d", h.IMAPS), &tls.Config{RootCAs: h.Roots})
	}
}
