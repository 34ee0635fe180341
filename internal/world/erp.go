package world

import (
	"context"
	"fmt"

	"firsthand/connector"
	"firsthand/connector/memory"
	"firsthand/connector/tryton"
	"firsthand/internal/systems"
)

// startTryton starts a Tryton.
func startTryton(ctx context.Context, dir, _ string, o *systems.Mailbox) (*system, error) {
	t, err := systems.StartTryton(ctx, dir, "")
	if err != nil {
		return nil, err
	}
	return &system{Page: t.Page, Login: systems.TrytonEmployee, Password: systems.TrytonPassword, halt: t.Stop,
		open: func() (connector.Connector, error) {
			return tryton.Open(tryton.Config{URL: t.URL, Database: systems.TrytonDatabase, User: systems.TrytonService, PasswordFile: t.PasswordFile(),
				Opportunities: true, Mapping: mapping("name", "address", "email", "phone"),
				SMTP: &tryton.SMTP{Address: fmt.Sprintf("127.0.0.1:%d", o.Port), From: "Kruidenbox <klanten@kruidenbox.example>"}})
		},
		adopt: func(ctx context.Context, c memory.Record) (connector.Ref, error) { return adoptParty(ctx, t, c) },
	}, nil
}

// adoptParty makes the party of a customer, unless there is one of that number.
func adoptParty(ctx context.Context, t *systems.Tryton, c memory.Record) (connector.Ref, error) {
	s, err := t.As(ctx, systems.TrytonEmployee)
	if err != nil {
		return connector.Ref{}, err
	}
	find := func(model, field, value string) (id int, err error) {
		var ids []int
		err = s.Call(ctx, &ids, "model."+model+".search", []any{[]any{field, "=", value}}, 0, 1, nil, map[string]any{})
		if len(ids) > 0 {
			id = ids[0]
		}
		return id, err
	}
	id, err := find("party.party", "code", c.Number)
	if err != nil {
		return connector.Ref{}, err
	}
	if id == 0 {
		name, email, phone, home := factsOf(c)
		address := map[string]any{"street": home["street"], "postal_code": home["postal_code"], "city": home["city"]}
		if country, err := find("country.country", "code", home["country"]); err == nil && country > 0 {
			address["country"] = country
		}
		id, err = s.Create(ctx, "party.party", map[string]any{"name": name, "code": c.Number, "addresses": []any{[]any{"create", []any{address}}},
			"contact_mechanisms": []any{[]any{"create", []any{map[string]any{"type": "email", "value": email}, map[string]any{"type": "phone", "value": phone}}}}})
		if err != nil {
			return connector.Ref{}, err
		}
	}
	return connector.Ref{System: "Tryton", ID: fmt.Sprintf("party.party,%d", id)}, nil
}
