// Package web serves the customer's pages.
//
// A page is a form, a handler and a template, and works without JavaScript. All
// routes stand in one list, in routes.go, with what each demands of who calls it;
// the tests of authorisation are made from that list. A handler fills a struct
// whose name ends in Page, which is all that its template sees. What goes wrong
// becomes a response in one place, [Server.page].
//
// A [House] is her file and what opens it: it is empty, locked or open, and the
// pages follow. What the pages ask of the agent is the interface [Agent], declared
// here; a test gives them another.
//
// What a company or a file said is data. Templates put it only where html/template
// escapes it: as text or into a quoted attribute; never into script, style or an
// address that isn't https.
package web
