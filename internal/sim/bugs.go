package sim

import (
	"firsthand/connector"
	"firsthand/internal/agent"
	"firsthand/internal/gateway"
)

// A Bug is one that is planted between the parts of a run.
type Bug string

func (b Bug) agentStore(r *run, s agent.Store) agent.Store { return s }

func (b Bug) gatewayStore(r *run, s gateway.Store) gateway.Store { return s }

func (b Bug) connector(r *run, c *crm) connector.Connector { return c }
