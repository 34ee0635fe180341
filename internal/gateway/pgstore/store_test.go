package pgstore_test

import (
	"testing"

	"firsthand"
	"firsthand/internal/gateway"
	"firsthand/internal/gateway/gatewaytest"
	"firsthand/internal/gateway/pgstore"
	"firsthand/logtest"
)

func TestStore(t *testing.T) {
	postgres(t)
	gatewaytest.Run(t, gatewaytest.Fixture{
		Open:   func(t testing.TB) gateway.Store { return create(t) },
		Reopen: func(t testing.TB, s gateway.Store) gateway.Store { return reopen(t, s.(*pgstore.Store)) },
	})
}

func TestStoreIsALog(t *testing.T) {
	postgres(t)
	logtest.Run(t, logtest.Fixture{
		Side:   firsthand.Second,
		Open:   func(t testing.TB) firsthand.Log { return create(t) },
		Reopen: func(t testing.TB, l firsthand.Log) firsthand.Log { return reopen(t, l.(*pgstore.Store)) },
	})
}
