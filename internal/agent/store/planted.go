package store

// testOnlyBugs are faults that tests plant, one at a time, to see that they are
// noticed. They are all off outside of tests.
var testOnlyBugs struct {
	keyLast    bool // install writes the key only after the database has its name
	markApart  bool // recognise marks relationships and mark in two transactions
	bookStays  bool // recognise leaves the book as it is
	noSettle   bool // the log that a crash left is appended to
	noDrill    bool // Backup gives the file its name unread
	countsOnly bool // the drill compares counts and no heads
	noHash     bool // unpack doesn't compare the database's hash
	noShred    bool // the write-ahead log is not truncated after erasing
	noScrub    bool // copies of erased rows stay in the gaps of pages
	noVerify   bool // entries are not verified when they are read
	plainCopy  bool // Backup's copy is not encrypted
}
