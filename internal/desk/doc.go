// Package desk serves the pages for a company's staff: what is owed to customers,
// one request beside the record of the company's system, one relationship, how
// systems are connected, and figures.
//
// They are made as the customer's pages are, with the same look (package look): one
// list of routes with what each demands, from which the tests of authorisation are
// made; a struct for each page; no page that needs a script, except to use a passkey.
// They are an origin of their own, with a listener of its own.
//
// Staff signs in by passkey (package passkey), for which an invitation is good once, or
// at the company's OpenID Connect provider; in a made-up world the invitation is enough. What somebody may do is her role: a reader
// sees, an agent acts, an admin looks after staff and systems, for which she signs in
// afresh. Whatever shows or changes something of a customer is in the gateway's
// audit, by name, before it happens.
//
// Who belongs to staff is one document that the gateway keeps, and that is replaced
// whole by compare and swap. Sessions are in memory: they end with the program, and
// belong to the process that serves the desk.
package desk
