package bench_test

import (
	"context"

	"firsthand/internal/gateway"
	"firsthand/internal/gateway/pgstore"
	"firsthand/internal/gateway/store"
)

// openStore makes a gateway's store in a directory, or opens its database.
func openStore(ctx context.Context, of setup) (gateway.Store, func() error, error) {
	if of.Store == "postgres" {
		s, err := pgstore.Open(ctx, pgstore.Options{URL: of.URL})
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	s, err := store.Create(ctx, store.Options{Dir: of.Dir})
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}
