// Package email is the connector for a company whose helpdesk is a mailbox. It speaks
// IMAP with it, and nothing else.
//
// # What becomes of what
//
// What a customer says becomes a mail in a folder of the mailbox, for people to act on:
// her message in a thread of its own, a change as old and new value. It is put there by
// IMAP and not sent. Nobody outside can put a mail into that folder, so nobody outside
// can look like a customer whose record is proved.
//
// A mailbox has no records. So a change is always proposed. Who has written it to where
// the company keeps its customers answers the mail with one word, moves it to the folder
// of what is done, or says so at the gateway's desk; with a reason she refuses it. What
// is applied can't be read back, and is reported.
//
// # Who speaks as the company
//
// An answer is a mail in the thread, to the address that mails in the folder come from,
// which lies among the mails that the mailbox has sent: who can put one there has the
// password. Where people answer from mailboxes of their own, an answer that came in
// counts if its sender is named in the configuration, and the company's own mail host
// says that it is who it says. Neither a subject nor a Message-ID that somebody has
// guessed makes anybody staff.
//
// # The journal
//
// A third folder is the gateway's own: a note, as a mail, of each request that was
// delivered, and of everything people did. A change is noted before it is told, and told
// as it was noted, so that it is the same however often it is told, whatever was deleted
// meanwhile, and whoever numbers mails anew. It has what people answered, and none of
// what customers said. Whoever has the password can alter it; nothing in it is signed.
//
// The Message-ID of a mail follows from the request. One that a crash left without its
// note is found by it, and not made twice. One program at a time should deliver for a
// relationship, as gateways do; several may listen.
package email
