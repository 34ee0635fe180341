// Package world is a whole small world in one process: a customer, Mia, who has
// just moved; companies with real gateways; and many companies without, of which
// the exports of her programs tell. The command firsthand demo shows it, and tests
// live in it.
//
// Nothing in it is pretended where it can be real. A company of the world is a
// gateway as a company would run it, on its own files, with a small CRM behind it,
// and it is reached over TLS, through package fetch with all its guards. A company
// without one has a mailbox: Mia's mail host takes her mails by SMTP, and lets her read
// the answers by IMAP, both over TLS. What is made up is what lies outside: names under
// .example, the authority that certifies them, the addresses they resolve to, what her
// host thinks of who sends, and the staff who decide what a person has to decide. All
// of it stays on this machine; there is no network in it.
//
// A [World] lives in one folder. [Open] takes up what is there, or makes it anew;
// so to reset it is to remove the folder. It is told the time by the clock that it
// was given, and what waits for a time is done by [World.Settle], or by [World.Run]
// as time passes: tests turn the clock instead of waiting.
package world
