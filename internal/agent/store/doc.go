// Package store keeps a customer's life in one encrypted SQLite file. It
// implements [agent.Store].
//
// One customer is one folder, which only its owner may enter:
//
//	firsthand.db        her life, encrypted (package sqlite), with its write-ahead log
//	firsthand.key       the key of that file, wrapped for each opener (sidecar.go)
//	instance            the instance mark, by which a restored file is known (instance.go)
//	lock                held while a process has the file open
//	tmp-*, *.new        what a crash can leave; Open removes it, or finishes the work
//
// What opens the file is in opener.go, passphrase.go, keyfile.go and kit.go; how a
// backup is made, and restored at once to see that it works, in backup.go.
//
// # What someone can do who can alter these files
//
// To the database: damage it, or put an old one back. Damage shows when it is
// read: the cipher spreads it over whole blocks, and each entry is compared with
// its hash and with the entry before it. That it is old shows by the instance
// mark, unless that was put back too; then it shows as a fork when the company
// is called. To the sidecar: make it useless, for which there is the backup; or
// put back an old one, and then a passphrase that was changed opens the file
// again, since the key within is the same. To the mark: have her file believe
// that it was restored, and ask the companies before it signs. None of them
// reads anything, or adds an opener.
//
// # What this package does not do
//
// It doesn't decide, sign or fold: what is written is the agent's business.
package store
