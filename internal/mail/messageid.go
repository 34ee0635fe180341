package mail

import (
	"encoding/base32"
	"strings"

	"firsthand"
)

// The Message-ID of a mail of ours follows from what it carries: so it is the same
// mail when it is sent again after a crash, and an answer names the entry that it is
// about. It says nothing else: the ID of an entry is a hash with a salt.

var idText = base32.StdEncoding.WithPadding(base32.NoPadding)

// MessageIDOf returns the name of the mail that carries part of what there is to say
// about an entry, from an address at domain.
func MessageIDOf(entry firsthand.ID, part, domain string) MessageID {
	return MessageID(localOf(entry, part) + "@" + domain)
}

func localOf(entry firsthand.ID, part string) string {
	local := strings.ToLower(idText.EncodeToString(entry[:]))
	if part != "" {
		local += "." + part
	}
	return local
}

// Local returns what stands before the @: the same wherever the address moves.
func (m MessageID) Local() string {
	local, _, _ := strings.Cut(string(m), "@")
	return local
}

// Entry returns the entry and the part that the name of a mail of ours was made of,
// and whether it is one.
func (m MessageID) Entry() (entry firsthand.ID, part string, ok bool) {
	local, part, _ := strings.Cut(m.Local(), ".")
	raw, err := idText.DecodeString(strings.ToUpper(local))
	if err != nil || len(raw) != len(entry) || localOf(firsthand.ID(raw), part) != m.Local() {
		return entry, "", false
	}
	return firsthand.ID(raw), part, true
}
