package store

import (
	"context"
	"errors"
	"os"

	"firsthand/internal/gateway"
)

// Scratch returns a store with nothing in it, in a folder of its own that goes with
// it when the returned function is called.
func Scratch(ctx context.Context) (gateway.Store, func() error, error) {
	dir, err := os.MkdirTemp("", "firsthand-scratch-")
	if err != nil {
		return nil, nil, err
	}
	s, err := Create(ctx, Options{Dir: dir})
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, func() error { return errors.Join(s.Close(), os.RemoveAll(dir)) }, nil
}
