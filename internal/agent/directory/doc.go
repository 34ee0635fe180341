// Package directory is what is publicly known of companies: names, domains,
// legal entities, privacy contacts, and the pages where an account is changed or
// deleted.
//
// It comes from data sets that other people publish, which she adds at run time;
// none is part of the program, and everything works without. Reading one yields
// [Record] after Record, each what ONE data set says of one company. Nothing is
// merged while reading: [Join] puts together what several sets say of one host,
// and keeps set, date and quality with each statement. Where sets disagree both
// are there, and a person decides.
//
// A host is no company. Schools, parishes and shops share hosts, so two records on
// one host stay two. [Siblings] says which hosts are one company, on evidence
// alone: a set says that they share accounts, one is the other's new name, or they
// belong to the same legal entity.
//
// A data set is as hostile as anything from elsewhere: sizes are limited, links
// that are not plain web addresses are dropped and said, text is text. No lookup
// calls anybody. The package keeps nothing; who calls it stores the records, each
// under all of its Hosts, and asks for [Hosts].
package directory
