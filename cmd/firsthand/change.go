package main

import (
	"context"
	"flag"
	"fmt"

	"firsthand/internal/agent"
	"firsthand/internal/cli"
)

var changeCmd = cli.Command[*app]{
	Name: "change", Args: "fact value | part=text ...", Short: "give a new value to every company that holds the fact",
	Setup: func(fs *flag.FlagSet) run {
		basis := basisFlags(fs)
		return func(ctx context.Context, a *app, env *cli.Env, args []string) error {
			if err := count(args, 2, -1); err != nil {
				return err
			}
			v, err := value(args[1:])
			if err != nil {
				return err
			}
			id, err := a.agent.Begin(ctx, agent.Move{Facts: []agent.NewFact{{Fact: args[0], Value: v}}, Basis: basis()}, "")
			if err != nil {
				return err
			}
			fmt.Fprintf(env.Stdout, "move %d\n", id)
			return nil
		}
	},
}
