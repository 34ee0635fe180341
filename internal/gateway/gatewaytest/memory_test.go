package gatewaytest_test

import (
	"testing"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/logtest"
)

func TestMemory(t *testing.T) {
	gatewaytest.Run(t, gatewaytest.Fixture{Open: func(testing.TB) gateway.Store { return gatewaytest.NewMemory() }})
}

func TestProcess(t *testing.T) {
	gatewaytest.Run(t, gatewaytest.Fixture{Open: func(testing.TB) gateway.Store { return gatewaytest.NewMemory().Process() }})
}

func TestMemoryIsALog(t *testing.T) {
	logtest.Run(t, logtest.Fixture{Side: firsthand.Second, Open: func(testing.TB) firsthand.Log { return gatewaytest.NewMemory() }})
}
