// Package tryton is the connector to Tryton 6, by its JSON-RPC. It needs Tryton's
// module party, for wishes sale_opportunity, and a user of its own in the groups Party
// Administration and Sale Opportunity; docs/connecting-tryton.md is for who sets it up.
//
// # What becomes of what
//
// A relationship that is bound to no record makes a party, whose code is the
// relationship's id, which Tryton keeps unique; staff may give it another. Facts are
// its name, its first address, its first contact mechanism of a type ([Config.Mapping]).
// A wish becomes a lead. Messages have no place in Tryton: they are for another system.
// A proposal is written nowhere, not even as a note: nobody could decide on it there,
// and the gateway's desk is where somebody does.
//
// # Idempotency
//
// What was done is noted with what it did, in one call and so in one transaction of
// Tryton's: in a contact mechanism of the party's of type other that is not active and
// so shown to nobody who doesn't ask for it. Its value, which Tryton has an index on,
// is the id of the request; see [note]. It is as well a note for the company of whence
// a value came. When a party is redacted its notes stay, which say nothing of her.
//
// # Stale writes
//
// A record's Version is a digest of when the party and what belongs to it were written
// last. What is written is what was read before, as Tryton checks itself (_timestamp);
// since that counts in seconds on SQLite, one process writes a record at a time.
//
// # Changes
//
// Tryton keeps no history and calls nobody. So it is asked what was written since by
// somebody else, of parties that have a note. Of several edits of one fact the last is
// told, and that a value was deleted can't be seen; see [Tryton.Changes].
package tryton
