package agent

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"firsthand"
	"firsthand/fault"
	"firsthand/internal/agent/money"
)

// calendarSetting holds the hash of the word that opens her calendar, in hexadecimal.
const calendarSetting = "calendar"

// HasCalendar reports whether there is a link to her calendar.
func (a *Agent) HasCalendar(ctx context.Context) (bool, error) {
	hash, err := a.Store.Setting(ctx, calendarSetting)
	return hash != "", err
}

// OpenCalendar makes a link to her calendar, in place of the one there was, and returns
// its secret word. Only its hash is kept: it can't be shown again.
func (a *Agent) OpenCalendar(ctx context.Context) (word string, err error) {
	secret := make([]byte, 32)
	rand.Read(secret)
	word = base64.RawURLEncoding.EncodeToString(secret)
	return word, a.Store.Commit(ctx, Commit{Settings: map[string]string{calendarSetting: hashOfWord(word)}})
}

// CloseCalendar makes the link lead nowhere. Closed already is no error.
func (a *Agent) CloseCalendar(ctx context.Context) error {
	return a.Store.Commit(ctx, Commit{Settings: map[string]string{calendarSetting: ""}})
}

func hashOfWord(word string) string {
	sum := sha256.Sum256([]byte("firsthand-calendar-v1\x00" + word))
	return hex.EncodeToString(sum[:])
}

// Calendar returns her calendar (RFC 5545) to whoever has the word: days to cancel by,
// ends of trials, and payments. Any other word, or none, is [fault.NotExist].
func (a *Agent) Calendar(ctx context.Context, word string) ([]byte, error) {
	hash, err := a.Store.Setting(ctx, calendarSetting)
	if err != nil {
		return nil, err
	}
	// An empty hash is of no word, and the comparison takes as long.
	if subtle.ConstantTimeCompare([]byte(hash), []byte(hashOfWord(word))) != 1 {
		return nil, fault.Tell(fault.NotExist, "there is no such calendar", "make a new link: firsthand money --calendar new")
	}
	all, err := a.Contracts(ctx)
	if err != nil {
		return nil, err
	}
	return calendarOf(all, a.Now()), nil
}

// calendarOf writes the calendar of contracts.
func calendarOf(all []Contract, now time.Time) []byte {
	today := firsthand.DateOf(now)
	var c ics
	c.line("BEGIN", "VCALENDAR")
	c.line("VERSION", "2.0")
	c.line("PRODID", "-//Firsthand//Dates and money//EN")
	c.line("CALSCALE", "GREGORIAN")
	c.line("METHOD", "PUBLISH")
	c.line("X-WR-CALNAME", "Firsthand: dates and money")
	c.line("REFRESH-INTERVAL;VALUE=DURATION", "PT12H")
	for i := range all {
		k := &all[i]
		if k.IsOver(today) || k.Stopped {
			continue
		}
		who := cmp.Or(k.Company, k.Name)
		guess := ""
		if k.Guessed {
			guess = " (guessed)"
		}
		if k.CancelBy != "" && k.CancelBy >= today && !k.Decided() && k.asks() {
			what := "Last day to cancel: "
			if k.IsTrial(today) {
				what = "Trial ends, last day to cancel: "
			}
			c.event(k, "cancel", k.CancelBy, now, what+k.Name+guess, fmt.Sprintf("%s goes on on %s unless it is cancelled. %s", k.Name, k.Goes, priceText(k)), "-P14D", "-P2D")
		}
		if k.Next != "" && k.Next >= today && k.Price.Minor > 0 && (k.Ended == "" || k.Next <= k.Ended) {
			alarm := []string{}
			if k.Period.Unit == money.Year || k.Period.Unit == money.Month && k.Period.N >= 3 {
				alarm = append(alarm, "-P7D")
			}
			c.event(k, "pay", k.Next, now, fmt.Sprintf("%s: %s%s", who, k.Price, guess), priceText(k), alarm...)
		}
		if k.Ended != "" && k.Ended >= today {
			c.event(k, "end", k.Ended, now, "Ends: "+k.Name, "", "-P1D")
		}
	}
	c.line("END", "VCALENDAR")
	return c.Bytes()
}

func priceText(k *Contract) string {
	if k.Price.IsZero() {
		return ""
	}
	if k.Period.IsZero() {
		return k.Price.String()
	}
	return fmt.Sprintf("%s each %s", k.Price, strings.TrimPrefix(k.Period.String(), "1 "))
}

// ics is a calendar that is being written.
type ics struct{ bytes.Buffer }

// event writes an event of a whole day. Its name stays the same as long as its day
// does, so that a program that fetches it again moves nothing.
func (c *ics) event(k *Contract, kind string, day firsthand.Date, now time.Time, summary, about string, alarms ...string) {
	sum := sha256.Sum256([]byte(kind + "\x00" + k.Ref() + "\x00" + string(day)))
	compact := func(d firsthand.Date) string { return strings.ReplaceAll(string(d), "-", "") }
	c.line("BEGIN", "VEVENT")
	c.line("UID", hex.EncodeToString(sum[:12])+"@firsthand.invalid")
	c.line("DTSTAMP", now.UTC().Format("20060102T150405Z"))
	c.line("DTSTART;VALUE=DATE", compact(day))
	c.line("DTEND;VALUE=DATE", compact(money.Period{N: 1, Unit: money.Day}.After(day, 1)))
	c.text("SUMMARY", summary)
	if about = strings.TrimSpace(about); about != "" {
		c.text("DESCRIPTION", about)
	}
	c.line("TRANSP", "TRANSPARENT")
	for _, before := range alarms {
		c.line("BEGIN", "VALARM")
		c.line("ACTION", "DISPLAY")
		c.text("DESCRIPTION", summary)
		c.line("TRIGGER", before)
		c.line("END", "VALARM")
	}
	c.line("END", "VEVENT")
}

// text writes a property whose value is a text of anybody's.
func (c *ics) text(name, text string) {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\ufffd"))
	c.line(name, strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(clip(clean, 1000)))
}

// line writes a property, folded after 75 bytes and never within a character.
func (c *ics) line(name, value string) {
	s := name + ":" + value
	room := 75
	for len(s) > room {
		n := room
		for !utf8.RuneStart(s[n]) {
			n--
		}
		c.WriteString(s[:n] + "\r\n ")
		s = s[n:]
		room = 74 // the blank counts
	}
	c.WriteString(s + "\r\n")
}
