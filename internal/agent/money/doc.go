// Package money is about amounts and days of contracts: what files say of them,
// when the next charge is, by which day one has to cancel, and which of many
// payments are one contract.
//
// It computes, and does nothing else: no files, no clock. Amounts are whole numbers
// of the smallest unit of their currency, and are never added across currencies.
package money
