package store

import (
	"fmt"
	"strings"
	"time"

	"filippo.io/age"

	"firsthand/fault"
)

// A Kit is her recovery kit: an X25519 identity of age, on paper. It opens her
// file and every backup, and her next keys are derived from its exact text
// (firsthand.NextKey). So it never lies where her file does: it is made, given
// out, and forgotten. The file has only its public half.
type Kit struct {
	hidden
	x *age.X25519Identity
}

// NewKit makes a fresh Kit.
func NewKit() (Kit, error) {
	x, err := age.GenerateX25519Identity()
	return Kit{x: x}, err
}

// ParseKit returns the Kit that text spells: the page that [Kit.Page] made, or
// the last line of it alone, in either case, with spaces and line breaks
// anywhere. It has a checksum, so a slip of the pen is noticed. The error is a
// [fault.Notice], which doesn't repeat the text.
func ParseKit(text string) (Kit, error) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, r := range line {
			switch {
			case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
				b.WriteRune(r)
			case r == '-', r >= '\u2010' && r <= '\u2015', r == '\u2212': // what a word processor makes of it
				b.WriteByte('-')
			case r == ' ', r == '\t', r == '\u00a0':
			default:
				return Kit{}, errKit
			}
		}
	}
	x, err := age.ParseX25519Identity(strings.ToUpper(b.String()))
	if err != nil {
		return Kit{}, errKit
	}
	return Kit{x: x}, nil
}

var errKit = fault.Tell(fault.Invalid, "this is no recovery kit, or a character of it is wrong",
	"it is one line of 74 letters, digits and hyphens that begins with AGE-SECRET-KEY-1")

// Text returns the kit's one exact text: the secret itself, from which next keys
// are derived.
func (k Kit) Text() string { return k.x.String() }

// Recipient returns the kit's public half, age1….
func (k Kit) Recipient() string { return k.x.Recipient().String() }

func (k Kit) identity() (age.Identity, error) {
	if k.x == nil {
		return nil, errKit
	}
	return k.x, nil
}

func (Kit) name() string { return "recovery kit" }

// Page returns the kit as a page to print. It is also an identity file, as the
// age command reads them.
func (k Kit) Page(made time.Time) string {
	return fmt.Sprintf(`# Firsthand: recovery kit, made on %s
#
# Print this page, or write down its last line, and put it where you keep your
# passport. Don't keep it on the machine on which Firsthand runs: whoever has it
# can open your file and all its backups, and sign in your name.
#
# You need it
#   - when you have forgotten your passphrase;
#   - when your machine is lost: a backup then opens on another one;
#   - when somebody has stolen your file and its passphrase: with this page, and
#     only with it, you take your relationships back;
#   - now and then, to make keys for new relationships.
#
# If you lose it, make a new one at once, while you can still open your file.
#
# A backup opens without Firsthand, too. With the program age (from
# https://age-encryption.org), and with this page as the file kit.txt:
#
#   age --decrypt --identity kit.txt BACKUP | tar --extract
#
# Public key: %s
%s
`, made.Format("2 January 2006"), k.Recipient(), k.Text())
}
