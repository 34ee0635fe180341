package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"

	"firsthand"
	"firsthand/connector/memory"
	"firsthand/fault"
	"firsthand/internal/cli"
)

// parseConnector reads a connector's own part of the configuration.
func parseConnector(text json.RawMessage, v any) error {
	if err := firsthand.ParseJSON(text, v); err != nil {
		return fmt.Errorf("connector.config: %w", err)
	}
	return nil
}

var crmCmd = cli.Command[*app]{
	Name: "crm", Args: "[what ...]", Short: "look into the small CRM of a trial, and act as its staff",
	Long: `What is records, outbox, tickets or proposals; or
  apply ID [NUMBER]        a proposal, into the record of that number
  refuse ID REASON
  reply TICKET TEXT
  edit NUMBER FACT TEXT`,
	Setup: func(fs *flag.FlagSet) run {
		author := fs.String("author", "Support", "with reply: the employee's `name` or role")
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			m, ok := a.connector.(*memory.CRM)
			if !ok {
				return fault.Tell(fault.Invalid, "this gateway has another system than the small CRM", "look there")
			}
			if len(args) == 0 {
				args = []string{"records"}
			}
			if err := crm(m, env, *author, args[0], args[1:]); err != nil {
				return err
			}
			return a.settle(ctx)
		}
	},
}

func crm(m *memory.CRM, env *cli.Env, author, what string, args []string) error {
	want := map[string][2]int{"records": {0, 0}, "outbox": {0, 0}, "tickets": {0, 0}, "proposals": {0, 0},
		"apply": {1, 2}, "refuse": {2, 2}, "reply": {2, 2}, "edit": {3, 3}}
	if n, ok := want[what]; !ok || len(args) < n[0] || len(args) > n[1] {
		return cli.Usagef("")
	}
	switch what {
	case "reply":
		return m.Reply(args[0], author, args[1])
	case "edit":
		return m.Edit(args[0], args[1], firsthand.Text(args[2]))
	case "apply", "refuse":
		id, err := firsthand.ParseID(args[0])
		switch {
		case err != nil:
			return err
		case what == "refuse":
			return m.Refuse(id, args[1])
		case len(args) == 2:
			return m.ApplyTo(id, args[1])
		}
		return m.Apply(id)
	}
	var rows [][]string
	switch what {
	case "records":
		rows = append(rows, []string{"NUMBER", "CONTACTS", "FACTS"})
		for _, r := range m.Records() {
			var facts []string
			for _, name := range sorted(r.Facts) {
				facts = append(facts, name+": "+r.Facts[name].String())
			}
			rows = append(rows, []string{r.Number, strings.Join(r.Contacts, ", "), strings.Join(facts, "; ")})
		}
	case "outbox":
		rows = append(rows, []string{"TO", "SUBJECT", "TEXT"})
		for _, s := range m.Outbox() {
			rows = append(rows, []string{s.To, s.Subject, s.Text})
		}
	case "tickets":
		rows = append(rows, []string{"TICKET", "FROM", "TEXT"})
		for _, t := range m.Tickets() {
			for _, p := range t.Messages {
				from := "customer"
				if p.Author != "" {
					from = p.Author
				}
				rows = append(rows, []string{t.Number, from, p.Text})
			}
		}
	case "proposals":
		rows = append(rows, []string{"ID", "RECORD", "PROVED", "FACT", "VALUE"})
		for _, p := range m.Proposals() {
			proved := "yes"
			if p.Unproved {
				proved = "no"
			}
			rows = append(rows, []string{p.ID.String(), p.Record.ID, proved, p.Fact, p.Value.String()})
		}
	}
	_, err := fmt.Fprint(env.Stdout, cli.Table(rows...))
	return err
}
