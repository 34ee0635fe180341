package wire_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"firsthand/fetch"
	"firsthand/fetch/fetchtest"
	"firsthand/wire"
)

// TestAddresses: neither a domain that somebody names nor the gateway in a
// document leads to where nobody outside may send this machine.
func TestAddresses(t *testing.T) {
	c := newCustomer(t, "ann")
	t.Run("sync", func(t *testing.T) {
		fetchtest.Run(t, func(ctx context.Context, f *fetch.Client, url string) error {
			client := wire.NewClient(f, clock)
			defer client.Close()
			_, err := client.Sync(ctx, url, c.key, c.request())
			return err
		})
	})
	t.Run("discover", func(t *testing.T) {
		fetchtest.Run(t, func(ctx context.Context, f *fetch.Client, url string) error {
			host, ok := strings.CutPrefix(url, "https://")
			if !ok {
				return errors.New("no domain leads there")
			}
			domain, _, _ := strings.Cut(host, "/")
			_, _, err := wire.NewClient(f, clock).Discover(ctx, domain)
			return err
		})
	})
}
