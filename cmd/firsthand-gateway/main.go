// Command firsthand-gateway is a company's gateway: it stands in front of the CRM
// or helpdesk that is there already and makes it answer customers properly.
//
// A trial on one machine, with a small CRM that comes with the program and one
// customer in it:
//
//	firsthand-gateway --dir acme init --domain localhost:8420 --name "Acme Ltd" --jurisdiction BE --demo
//	firsthand-gateway --dir acme serve
//
// For real use leave --demo out, and complete gateway.json in the folder: every
// member is described by the type Config of internal/gateway.
//
// Commands:
//
//	init                                    make the folder: configuration, keys, database
//	serve                                   answer customers, carry the outbox, carry out commands, serve the desk
//	check                                   judge gateway.json and the files that it names
//	health                                  ask the running gateway whether it is ready
//	due                                     what the company owes and what waits for somebody, the earliest due first
//	show relationship                       all that the company has of one relationship; the look is audited
//	apply relationship entry [record]       you have done it by hand in the system: it is read back and signed
//	refuse relationship entry reason        it will not be done; the customer reads the reason
//	retry relationship entry                try again what was stopped, once its cause is gone
//	challenge relationship claim [record]   send a code, or another one, to the contact on record
//	code relationship claim record how      print a code that you give to the customer on record yourself
//	say relationship kind json              sign a message, ask, answer, holds, terms.end, pause or close
//	desk what [name]                        who may use the pages for staff
//	backup folder                           make a backup of the database in a new folder, and restore it to see that it works
//	restore [backup folder]                 put a backup into a folder, which gateway.json then names as data
//	move                                    bring the database in the data folder to the PostgreSQL that gateway.json names
//	rotate                                  replace the company's key by the next, in every relationship
//	doctor                                  check the database, and every entry and signature in it, and say how the systems are
//	crm [what ...]                          look into the small CRM of a trial, and act as its staff
//	version                                 print the version
//
// The folder with gateway.json is --dir, or FIRSTHAND_GATEWAY_DIR, or the current
// folder. While firsthand-gateway serve runs, commands are carried out by it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"firsthand/internal/cli"
)

func program() *cli.Program[*app] {
	return &cli.Program[*app]{
		Name:  "firsthand-gateway",
		Short: "a company's side of relationships with its customers",
		Globals: []cli.Global{
			{Name: "dir", Var: "FIRSTHAND_GATEWAY_DIR", Usage: "`folder` of gateway.json"},
		},
		Commands: []cli.Command[*app]{
			initCmd, serveCmd(), checkCmd, healthCmd,
			dueCmd, showCmd, applyCmd, refuseCmd, retryCmd, challengeCmd, codeCmd, sayCmd,
			deskCmd, backupCmd, restoreCmd, moveCmd, rotateCmd, doctorCmd,
			crmCmd, versionCmd,
		},
		Open:   openApp,
		Socket: socketPath,
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt kills
	os.Exit(program().Run(ctx, cli.OS(), os.Args[1:]))
}
