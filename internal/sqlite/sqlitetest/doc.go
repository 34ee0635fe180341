// Package sqlitetest cuts the power, fills the disk, fails syncs and flips bits
// beneath a database, and checks what is left. It is for tests.
//
// [PowerLoss] runs a workload once on a [Disk], a disk in memory that writes
// down every operation. From this history it makes the states that a power cut
// could have left, at each operation and several at each, and has every one
// opened and verified by the code that flies. [Corruption] damages a database
// that is at rest. A Disk by itself serves tests that want it full, or its syncs
// failing.
//
// # What the model says
//
// It must be neither milder than disks are, nor harsher. A harness too mild
// proves nothing; one too harsh reports faults that don't exist.
//
//   - What was written since a file's last sync is cut into sectors of 512
//     bytes, each of which is lost, landed or torn, whatever became of the
//     others. A torn sector harms no byte outside of what was written to it:
//     the driver tells SQLite to rely on this.
//   - Truncations since then landed or not.
//   - A file is made, removed or renamed for good by a sync of its directory,
//     and by nothing else. Until then each of these may or may not have
//     happened, so a file may be missing whose content is safe. SQLite's own
//     VFS syncs the directory after the first sync of a new journal. The Go
//     driver wants to and, in v0.35.6, doesn't.
//   - A sync that failed makes nothing durable, and what it failed to write is
//     not tried again until it is written again, a page of 4,096 bytes at once.
//   - Shared memory doesn't outlive the cut.
//
// # Files beside the database
//
// A store that keeps ordinary files too, such as wrapped keys, reaches them
// through an interface of its own, which a Disk can implement: see CreateFile,
// ReadHead, RenameFile and the like, and Open for writing. Then they lie on the
// same model, and their order with the database is tested as well. Files that
// are reached through package os are not part of it.
package sqlitetest
