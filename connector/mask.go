package connector

import "strings"

// Mask returns a contact as it may be shown to somebody who has not proved to be
// the person behind it: enough for her to know which of her own is meant, too
// little to write to. Of an e-mail address the first letter and the domain are
// kept, of a telephone number the last two digits, of all else nothing.
func Mask(contact string) string {
	const dots = "•••"
	if at := strings.LastIndexByte(contact, '@'); at >= 0 {
		local, domain := []rune(contact[:at]), contact[at:]
		switch {
		case strings.ContainsAny(domain, " \t\r\n,;<>\""): // no address, but a note about one
			return dots
		case len(local) > 2: // one letter of two is half the address
			return string(local[:1]) + dots + domain
		}
		return dots + domain
	}
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, contact)
	if len(digits) >= 7 && strings.Trim(contact, "+-./ ()0123456789") == "" {
		return dots + digits[len(digits)-2:]
	}
	return dots
}
