// Package look is what the pages of both programs have in common: one style sheet,
// one script that makes forms smoother, icons, the shape of a status, and the
// headers that every response has. It knows neither customers nor companies.
//
// A page of the customer's and a page of a company's desk look alike because they
// are made of the same files, not because somebody keeps two copies alike.
package look
