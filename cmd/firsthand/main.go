// Command firsthand is a customer's agent: her own server for all her
// relationships with companies, and the commands to use it.
//
// A first session, with a company that has a gateway:
//
//	firsthand init --kit ~/kit.txt          make her file; print the kit, keep it elsewhere
//	firsthand fact address.home street="Korenmarkt 1" city=Gent
//	firsthand meet acme.example             nameless, under a key of its own
//	firsthand terms acme.example            proffer terms; the gateway answers by itself
//	firsthand disclose acme.example address.home --purpose ServiceDelivery
//	firsthand change address.home street="Graslei 2" city=Gent
//	firsthand status acme.example           … applied, in the company's record C-1
//	firsthand log --bundle acme.txt acme.example
//	firsthand verify acme.txt               anyone can, offline
//
// Commands:
//
//	init                                            make your file and the recovery kit
//	unlock                                          open the file of a server that waits for it; change what opens it
//	kit [refill | check]                            refill the book of next keys from the kit, or check that a kit is yours
//	rotate company | --all                          replace your key at a company by the next, which only the kit can make
//	fact [name [value | part=text ...]]             note a fact of yours, or show them; tells nobody
//	rule [never | drop] [fact] [company]            set or show your standing decisions: facts that are never told
//	bring [file]                                    read a file that you have: passwords, contacts, mail, statements of your bank, subscriptions
//	directory [add source | refresh | drop set]     the data sets of what is publicly known of companies, in your file
//	company [company | verb company ...]            the companies that know you: list, show, confirm, group
//	state [fact [value | part=text ...]]            say what companies hold of you from before, many at once
//	map                                             who knows you, what do they hold, and how old it is
//	today [card [later day | seen]]                 what needs you, the oldest duty first
//	money [contract [verb]]                         what contracts cost, by when to cancel them, and a calendar of it
//	mask [verb company]                             e-mail addresses that one company has each: make, pause, retire
//	meet company                                    open a relationship; the company learns nothing of you
//	terms company [code ...]                        proffer terms, take a counter-offer, end an agreement, or list the roster
//	claim company record                            say which of the company's records is yours: a customer number, a login
//	prove company [code]                            prove it with the code that the company sent to the contact it has on record
//	disclose company fact [value | part=text ...]   tell a company one fact, for a purpose
//	decline company ask                             answer a company's ask with no
//	change fact value | part=text ... [and ...]     give new values to every company that holds the facts
//	move [id [pause | resume | retry | cancel]]     how far each company is with a change; hold it, or try again
//	task [entry [done | reopen | remind day]]       what you have to tell companies without a gateway yourself
//	letter [print file | verb ...]                  letters on paper: print them, say when you posted them, and where they go
//	mail [verb ...]                                 your mail account, what goes by it to companies without a gateway, and what comes back
//	document [verb ...]                             files that companies gave you of what they hold, and what you take over from them
//	withdraw company fact                           take a fact back: the company has to erase it
//	message company [text]                          say something; without text it is read from standard input
//	request company right [text]                    claim a right: access, correct, erase, port, object, opt_out
//	rights [right [text]]                           claim a right of one, some or all companies in one move; or list what the laws give
//	pause company                                   nothing but duties until a date
//	leave company                                   end the relationship; what terms and law give goes on
//	reconcile company                               end a fork of your own log: what the company received first stands
//	status [company]                                who holds what, under which terms, and how far everything has come
//	sync [company]                                  send what waits and ask for news now
//	log company                                     print both logs of a relationship, or keep them as a bundle
//	verify [file | company]                         check every signature, of a bundle, a company, or all
//	export file                                     your whole life as one file, readable without this program
//	import file                                     take over a life that was exported
//	backup file                                     make a backup, and restore it to see that it works
//	restore file                                    put a backup into an empty folder
//	rebuild                                         make all that is cached anew from the logs, and say what differed
//	doctor                                          check the file, its entries and signatures, and the book of next keys
//	serve                                           serve your pages; send, receive, and carry out commands
//	link                                            print a new link to the pages of a running server, valid once
//	healthcheck [url]                               ask a running server whether it is ready; for supervisors
//	demo                                            try everything with a made-up life, on this machine alone
//	version                                         print the version
//
// Her file is in --dir, or FIRSTHAND_DIR, or the user's data folder. It is opened
// by a passphrase (asked for, or in the file that FIRSTHAND_PASSPHRASE_FILE
// names) or by a key file (FIRSTHAND_KEY_FILE). While firsthand serve runs,
// commands are carried out by it and ask for nothing.
//
// The pages are served on loopback, and open by a link that serve prints.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"firsthand/internal/cli"
)

// program is the command line. What a command does is in the file of its name or
// its subject.
func program() *cli.Program[*app] {
	return &cli.Program[*app]{
		Name:  "firsthand",
		Short: "one app for all your relationships with companies, on your terms",
		Globals: []cli.Global{
			{Name: "dir", Var: "FIRSTHAND_DIR", Usage: "`folder` of your file"},
			{Name: "key-file", Var: "FIRSTHAND_KEY_FILE", Usage: "key `file` that opens it"},
			{Name: "passphrase-file", Var: "FIRSTHAND_PASSPHRASE_FILE", Usage: "`file` with the passphrase that opens it"},
			{Name: "allow-loopback", Var: "FIRSTHAND_ALLOW_LOOPBACK", Usage: "`1` to reach gateways on this machine, also without TLS; for trials"},
		},
		Commands: []cli.Command[*app]{
			initCmd, unlockCmd, kitCmd, rotateCmd,
			factCmd, ruleCmd,
			bringCmd, directoryCmd, companyCmd, stateCmd, mapCmd, todayCmd, moneyCmd, maskCmd,
			meetCmd, termsCmd, claimCmd, proveCmd,
			discloseCmd, declineCmd, changeCmd, moveCmd, taskCmd, mailCmd, documentCmd, letterCmd, withdrawCmd,
			messageCmd, requestCmd, rightsCmd, pauseCmd, leaveCmd, reconcileCmd,
			statusCmd, syncCmd, logCmd, verifyCmd,
			exportCmd, importCmd, backupCmd, restoreCmd, rebuildCmd, doctorCmd,
			serveCmd(), linkCmd, healthcheckCmd, demoCmd, versionCmd,
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
