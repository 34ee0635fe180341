package agenttest_test

import (
	"testing"

	"firsthand"
	"firsthand/internal/agent"
	"firsthand/internal/agent/agenttest"
	"firsthand/logtest"
)

func TestMemory(t *testing.T) {
	agenttest.Run(t, agenttest.Fixture{Open: func(testing.TB) agent.Store { return agenttest.NewMemory() }})
}

func TestMemoryAsLog(t *testing.T) {
	logtest.Run(t, logtest.Fixture{Side: firsthand.First, Open: func(testing.TB) firsthand.Log { return agenttest.NewMemory() }})
}
