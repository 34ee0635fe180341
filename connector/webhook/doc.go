// Package webhook is the connector to any system that can receive a signed HTTP
// request: a flow in a CRM, a script, a service that a company writes in an
// afternoon. Package receiver, below this one, is such a service, to be copied.
//
// A request is a CloudEvents 1.0 event in its JSON form, POSTed to one URL and
// signed by Standard Webhooks 1.0.0: webhook-id is the event's id, and for a
// delivery that is the id of the customer's entry, the same whenever it is sent
// again; webhook-timestamp is the time of this attempt.
//
//	{"specversion":"1.0","id":"…","source":"firsthand-gateway","type":"firsthand.change",
//	 "time":"2026-11-21T21:47:00Z","subject":"…the relationship…","datacontenttype":"application/json",
//	 "data":{"record":"4711","fact":"email","value":"mia@example.org","purpose":"…"}}
//
// # Proof
//
// A status says that something answered, and no more: a proxy says 200 too. So
// what counts is the answer's body, and only if it is signed by the same scheme,
// in the same headers, its webhook-id being "report_" and the id of the request,
// its timestamp no more than five minutes from ours. Such a report is the system's word,
//
//	{"state":"written","record":"4711","version":"8","value":"mia@example.org"}
//	{"state":"proposed"}
//	{"state":"declined","reason":"we don't deliver there"}
//
// and written, for a fact, with the value that now stands in the record, is what
// becomes of it a Result that is Reported. An answer of 2xx without a signature
// was delivered and is unproved: its Result is Proposed, as if a person had still
// to decide, until Changes, which is signed, says what became of it. An answer
// with a signature that is wrong or old is an error for an operator to look at.
//
// A system that keeps versions of its records names them; a delivery then says
// which one it is about, in the member version, and gets 409 where the record has
// changed since. A delivery with "proposal":true is about a customer's record
// that the sender is not proved to own: it must not be written, and a report that
// it was is an error. Once the sender has proved it, the same delivery comes again
// without proposal, and is done; but where a person has decided by then, nothing
// is done, and the report says what she decided.
//
// # What a system may offer besides
//
// With these types it is asked, at the same URL, under a new random id each
// time; 404 or 501 means that it doesn't offer that. Their answers must be signed.
//
//	firsthand.read     {"record":"4711"}                 → {"record":"4711","version":"8","facts":[{"fact":"email","value":"…"}]}
//	                                                       or {"gone":true}
//	firsthand.changes  {"cursor":"…"}                    → {"changes":[{"cursor":"…","id":"…","at":"…", …}]}; asked again from
//	                                                       the last cursor until there are none
//	firsthand.redact   {"record":"4711","fact":"email"}  → {"state":"written"}; without fact: the whole record
//
// JSON in answers has the form of the whole protocol: no null, no members that
// are not known, numbers integers; what is absent is left out.
//
// # What this package does not do
//
// The URL is the operator's and may lead into her own network, so package fetch,
// which forbids that, is not used; the limits here are our own. No redirect is
// followed, no proxy used, nothing but https spoken save on loopback: a signature
// doesn't hide what it signs. Events carry what she said: thin ones, with ids
// only, would need a door in the gateway at which to fetch the rest. Of the
// sender's duties by Standard Webhooks, retries and what an operator sees of them
// are the gateway's.
package webhook
