package sqlite

import "context"

// Plant returns o with a bug planted in it.
func Plant(o Options, bug string) Options {
	switch bug {
	case "synchronous=NORMAL":
		o.testOnlyBugs.synchronous = "NORMAL"
	case "journal DELETE with FULL":
		o.testOnlyBugs.journal = "DELETE"
	case "no repair of a cut-off WAL":
		o.testOnlyBugs.keepTail = true
	case "no sync of the directory":
		o.testOnlyBugs.noDirSync = true
	case "renamed without a sync of the directory":
		o.testOnlyBugs.noPublish = true
	case "failed sync taken for success":
		o.testOnlyBugs.retrySync = true
	case "go on from what a failed sync has left":
		o.testOnlyBugs.noRenew = true
	case "synced before it is written":
		o.testOnlyBugs.lateRelease = true
	case "the rest of a commit is held":
		o.testOnlyBugs.holdRest = true
	case "misspelt pragma":
		o.testOnlyBugs.misspelt = true
	default:
		panic("no such bug: " + bug)
	}
	return o
}

// Waiting returns how many updates wait for the writer.
func (db *DB) Waiting() int { return len(db.updates) }

// Recent is what decides whether a version of SQLite is used.
var Recent = recent

const MaxGroup = maxGroup

// ExecOutside runs a statement on the writing connection, in no transaction.
func ExecOutside(ctx context.Context, db *DB, query string) error {
	return db.alone(ctx, func(c *conn) error { return c.exec(query) })
}
