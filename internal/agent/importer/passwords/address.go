package passwords

import (
	"bytes"
	"strings"

	"firsthand/internal/agent/importer"
)

// addresses puts into f the addresses in a cell, which may be several with commas
// between them. What is secret in one is dropped and counted, and never copied.
func addresses(f *importer.Found, cell []byte, several bool) {
	for len(cell) > 0 {
		n := len(cell)
		if several {
			n = firstAddress(cell)
		}
		addAddress(f, cell[:n])
		cell = bytes.TrimPrefix(cell[n:], []byte{','})
	}
}

// isAddress reports whether a cell looks like an address, which the line of a note will
// hardly do just where addresses are: a URL, or a host.
func isAddress(cell []byte) bool {
	dot := bytes.IndexByte(cell, '.')
	return bytes.Contains(cell, afterScheme) || dot > 0 && dot < len(cell)-1 && !bytes.ContainsAny(cell, " \t\r\n")
}

var afterScheme = []byte("://")

// firstAddress returns the length of the first of the addresses in s. A comma may
// be part of an address, but not of its host; and none begins within another.
func firstAddress(s []byte) int {
	host := 0 // where it begins
	if _, after, ok := bytes.Cut(s, afterScheme); ok && bytes.IndexByte(s, ',') > len(s)-len(after)-1 {
		host = len(s) - len(after)
	}
	inPath := false
	for i, c := range s {
		switch {
		case i < host:
		case c == '/' || c == '?' || c == '#':
			inPath = true
		case c == ',' && (!inPath || beginsWithScheme(s[i+1:])):
			return i
		}
	}
	return len(s)
}

func beginsWithScheme(s []byte) bool {
	for i, c := range s {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return i > 0 && bytes.HasPrefix(s[i:], afterScheme)
		}
	}
	return false
}

// addAddress puts one address into f.
func addAddress(f *importer.Found, s []byte) {
	s = bytes.TrimSpace(s)
	if hasPrefixFold(s, "otpauth") { // otpauth:// and otpauth-migration:// are the secret itself
		f.Secrets.OneTimeCodes++
		return
	}
	if from, to := passwordIn(s); to > from {
		f.Secrets.Passwords++
		f.URLs = append(f.URLs, importer.Clean(s[:from])+importer.Clean(s[to:]))
	} else if len(s) > 0 {
		f.URLs = append(f.URLs, importer.Clean(s))
	}
}

// named returns the title in a cell. Some people write the address there, which may have
// a secret in it that is dropped and counted.
func named(f *importer.Found, s []byte) string {
	if bytes.Contains(s, afterScheme) && !bytes.ContainsAny(bytes.TrimSpace(s), " \t\r\n") {
		was := f.URLs
		f.URLs = nil
		addAddress(f, s)
		title := strings.Join(f.URLs, "")
		f.URLs = was
		return title
	}
	return importer.Clean(s)
}

// passwordIn returns where in an address the password is, with the colon before it,
// as in https://mia:secret@example.org. Since people type addresses by hand, it need
// not be written as it should: what comes after a colon that is no port's, up to an
// @, is taken for one, or to the end of the host if there is none.
func passwordIn(s []byte) (from, to int) {
	host := 0 // where it begins
	if i := bytes.Index(s, afterScheme); i >= 0 {
		host = i + len(afterScheme)
	} else if hasPrefixFold(s, "mailto:") {
		return 0, 0
	}
	end := len(s)
	if i := bytes.IndexAny(s[host:], `/\?#`); i >= 0 {
		end = host + i
	}
	at := bytes.LastIndexByte(s, '@')
	for from = host; from < max(end, at); from++ {
		if s[from] == '[' && from == host { // an IPv6 address has colons
			from += max(0, bytes.IndexByte(s[from:end], ']'))
		}
		if s[from] != ':' {
			continue
		}
		digits := s[from+1:]
		digits = digits[:len(digits)-len(bytes.TrimLeft(digits, "0123456789"))]
		next := from + 1 + len(digits)
		if next == len(s) || next == end {
			continue // a port
		}
		if at > from {
			return from, at
		}
		if host > 0 && from < end {
			return from, end
		}
	}
	return 0, 0
}

func hasPrefixFold(s []byte, prefix string) bool {
	return len(s) >= len(prefix) && bytes.EqualFold(s[:len(prefix)], []byte(prefix))
}
