package bench_test

import (
	"context"

	"firsthand/internal/gateway"
	"firsthand/internal/gateway/store"
)

// openFile makes a gateway's store in a directory.
func openFile(ctx context.Context, dir string) (gateway.Store, func() error, error) {
	s, err := store.Create(ctx, store.Options{Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}
