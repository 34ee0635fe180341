// Package terms knows the standard agreements that a customer can proffer: their
// codes, their texts by hash, their clauses, and what these cover.
//
// Codes are misread in the wild: two programs that each trust their own reading
// of "SD-BASE" would sign opposite contracts under one name. So an agreement is
// pinned by code, version and the SHA-256 of its text, and nothing is ever
// accepted automatically whose hash this package doesn't know. Meaning comes from
// sets of clauses, compared by [AtMost] and asked by [Agreement.Covers], never
// from a code's spelling: a revised roster needs data and no code. What no
// clause permits is prohibited.
//
// # The roster
//
// roster.json holds the codes of the MyTerms roster (IEEE 7012; kept by Customer
// Commons) with the clauses that the W3C Data Privacy Vocabulary's 7012 extension
// gives them, its slips repaired. Their texts are copyright of others and not
// here, so their hashes are unknown, and a file that tries to carry wording is
// refused. FIRSTHAND-SD-BASE is ours: the clauses of SD-BASE, with a text that
// this package carries. The purposes that a clause covers are our reading: the
// vocabulary's own trees put selling data under providing a service, so nothing
// is inferred from them, and only purposes that the table names are covered.
//
// # What this package does not do
//
// It reads no files and no clock, and does not know what was agreed: that is
// folded from the logs by package firsthand. It doesn't decide what may be told
// to whom: that takes her rules too, and is done by internal/agent/policy.
package terms
