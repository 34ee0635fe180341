// Package sqlite keeps one SQLite file: encrypted or not, written by one
// goroutine, read by several, and never acknowledged before it is safe.
//
// A [DB] has one connection that writes and a few that only read. [DB.Update]
// hands a function to the writer, which runs the functions that are waiting
// one after the other, each in a savepoint of its own, and then commits and
// syncs them together; Update returns when that commit is on stable storage.
// So sixty-four callers share the price of a sync, and none of them can lose
// another's update, find the database locked, or take another's down with an
// error of its own. [DB.View] reads one state of the file that does not change
// meanwhile.
//
// Everything that SQLite asks of the disk passes through this package's own
// VFS (vfs.go). It is the place that knows what an error really was: a full
// disk is told in plain words and heals by itself, while after a failed sync
// nobody knows what the disk holds, so nothing more is written until the file
// has been closed and opened again. It also makes directory entries durable
// and mends what a power cut does to an encrypted write-ahead log. Above the
// encryption stands another one (gather.go), which hands what is appended to the log
// to the cipher in one piece.
//
// Before SQLite sees a file, [Open] proves that the key opens it (prove.go): what
// SQLite can't read it may remove.
//
// Statements go to SQLite by the driver's own interface, without package
// database/sql between: a connection is in one goroutine's hands, keeps its
// statements prepared (stmt.go), and columns are read into the few types that
// stores use (scan.go).
//
// # What a power cut leaves
//
//   - during [Create]: the whole file, or none under its name;
//   - during [DB.Update]: all of the update or nothing of it, and all of it if
//     Update had returned;
//   - during a migration: the schema before it or after it;
//   - during [DB.Backup]: the whole copy, or none under its name.
//
// Package sqlitetest cuts the power at every operation to prove it.
//
// # What this package does not do
//
// Encryption keeps a file secret, not honest: whoever can write to the disk can
// put back an old block or an old file unnoticed. Damage to an encrypted file is
// noticed by [DB.Check]; but within a value of several thousand bytes it is not in a
// file without encryption, nor in an encrypted one that was made with pages of 8 KiB,
// before they were as large as a block of the cipher. Hashes and signatures of what
// is stored are the business of the stores above, with and without encryption.
package sqlite
