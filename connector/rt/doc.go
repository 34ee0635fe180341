// Package rt is the connector to Request Tracker 5, by its REST2. What an
// administrator of RT has to make for it, docs/connecting-request-tracker.md says.
//
// # What becomes of what
//
// A relationship that is bound to no record makes an RT user without rights, named
// after it; facts are fields of users ([Config.Mapping]). Messages and requests become
// tickets of one queue, and so does a change that a person decides on: every one that
// isn't proved to be about the customer's own record, and in the mode "propose" all.
// She decides by what she does with the ticket: resolved, the change is in the record
// that the ticket names; rejected, it isn't.
//
// The gateway's records are never found by a claim and never written to by RT's mail,
// for what is in them is only what somebody said of herself. Users with rights in RT
// are no customers: they are neither found, nor read, nor written.
//
// # Idempotency
//
// RT has no transactions over REST2 and no ids for calls. So the request's id is part
// of the call that does it: with fields, as one more value of the user's custom field
// "Firsthand Requests"; with a new ticket, in its custom field "Firsthand Message ID";
// with a message of a ticket that is there, at the end of its subject. They are looked
// for first, under a lock of the relationship. RT writes fields before custom fields:
// where it dies between, the same call comes again, and changes nothing more.
//
// # Stale writes
//
// A user's ETag is its last transaction: it is the record's Version. RT compares
// If-Match only where it is sent, so it always is. What was read last is kept until it
// is written to: every call costs RT 0.2 s for the token's sake, and what is stale is
// refused.
//
// # Changes
//
// RT's transactions have ids that grow, and a query that doesn't promise the order.
// What a field was is found by undoing what came after.
//
// # Merged tickets
//
// RT shows the ticket into which another was merged for both, and finds the other only
// by its effective id. Its custom fields stay, and so does whose it is.
//
// # What RT can't do
//
// It keeps what its fields were in transactions that nothing in REST2 can remove.
// So the connector is no Redactor, and an operator is asked.
package rt
