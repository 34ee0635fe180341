package systems_test

import (
	"errors"
	"testing"

	"firsthand/internal/needtest"
	"firsthand/internal/systems"
)

// Anna changes an address, and finds it after a restart.
func TestTryton(t *testing.T) {
	if !needtest.All() {
		t.Skip("starts Tryton: runs where FIRSTHAND_TEST_ALL is 1")
	}
	ctx := t.Context()
	tryton, err := systems.StartTryton(ctx, t.TempDir(), "")
	if errors.Is(err, errors.ErrUnsupported) {
		needtest.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { tryton.Stop() }()
	anna, err := tryton.As(ctx, systems.TrytonEmployee)
	if err != nil {
		t.Fatal(err)
	}
	id, err := anna.Create(ctx, "party.party", map[string]any{"name": "Mia Peeters", "addresses": []any{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := anna.Write(ctx, "party.party", id, map[string]any{"name": "Mia Claes"}); err != nil {
		t.Fatal(err)
	}
	tryton.Stop()
	if err := tryton.Start(ctx); err != nil {
		t.Fatal(err)
	}
	var got []struct{ Name string }
	if err := anna.Call(ctx, &got, "model.party.party.read", []int{id}, []string{"name"}, map[string]any{}); err != nil || len(got) != 1 || got[0].Name != "Mia Claes" {
		t.Errorf("after a restart: %+v, %v", got, err)
	}
}
